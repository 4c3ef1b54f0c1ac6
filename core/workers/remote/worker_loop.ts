/**
 * What runs in a worker: takes commands from the ring, has tasks run one after the other, writes answers.
 *
 * The class is sent to the worker as source, so it refers to nothing outside itself but what every thread has and
 * what it is given in its kit; imports here are types only.
 *
 * A task that does not wait runs without a turn of the event loop in between. A worker without work looks at the ring
 * for some microseconds if that has paid lately, as whoever waits for an answer often has the next task ready at once
 * (a round trip takes 5 microseconds then); sleeps as a thread for half a millisecond (20); and then lets its event
 * loop turn, for what tasks may have left there (60 to 160).
 */
import type { describeError } from "./describe_error.ts";
import type { seal, unseal } from "./envelope.ts";
import type { CODE, TargetNote, WORD } from "./protocol.ts";
import type { Ring } from "./ring.ts";
import type { RunnerHost, TaskRunner } from "./task_runner.ts";
import type { TaskContext, TaskHost } from "./worker_task.ts";

/** What the loop is built from, as the worker has no imports. */
export interface WorkerKit {
  readonly Ring: typeof Ring;
  readonly TaskContext: typeof TaskContext;
  readonly TaskRunner: typeof TaskRunner;
  readonly describeError: typeof describeError;
  readonly seal: typeof seal;
  readonly unseal: typeof unseal;
  readonly WORD: typeof WORD;
  readonly CODE: typeof CODE;
  readonly controlWords: number;
  readonly ringWords: number;
}

/** What a worker gets first. */
export interface WorkerStart {
  readonly memory: SharedArrayBuffer;
  readonly port: PortLike;
}

/** What is used of a message port. */
export interface PortLike {
  postMessage(message: unknown, transfer?: Transferable[]): void;
  close(): void;
}

/** What is used of `node:worker_threads` and `node:vm`. */
export interface WorkerBuiltins {
  receiveMessageOnPort(port: PortLike): { message: unknown } | undefined;
  exit(code: number): never;
  /** Something that runs `call` and ends it, with an error, if it takes longer. */
  limiter(): (milliseconds: number, call: () => unknown) => unknown;
}

/** See the head of this file. */
export class WorkerLoop implements TaskHost, RunnerHost {
  readonly control: Int32Array;
  readonly #kit: WorkerKit;
  readonly #port: PortLike;
  readonly #builtins: WorkerBuiltins;
  readonly #commands: Int32Array;
  readonly #input: Ring;
  readonly #output: Ring;
  readonly #runner: TaskRunner;
  // The port message that was fetched last; `null` if it could not be read, for the reason that stands beside it.
  #batch: unknown[] | null = null;
  #unread: unknown;
  #posted = 0;
  #current: TaskContext | null = null;
  #nudged: (() => void) | null = null;
  #watching = false;
  #breath = Date.now();
  // How often it looks for work before it sleeps: 5,000 looks take about 60 microseconds.
  #spinLimit = 100;
  #limit: ((milliseconds: number, call: () => unknown) => unknown) | null = null;

  constructor(kit: WorkerKit, { memory, port }: WorkerStart, builtins: WorkerBuiltins) {
    const { WORD, ringWords } = kit;
    this.#kit = kit;
    this.#port = port;
    this.#builtins = builtins;
    this.control = new Int32Array(memory, 0, kit.controlWords);
    this.#commands = new Int32Array(memory, kit.controlWords * 4, ringWords);
    const answers = new Int32Array(memory, (kit.controlWords + ringWords) * 4, ringWords);
    this.#input = new kit.Ring(this.control, this.#commands, WORD.IN_HEAD, WORD.IN_TAIL);
    this.#output = new kit.Ring(this.control, answers, WORD.OUT_HEAD, WORD.OUT_TAIL);
    this.#runner = new kit.TaskRunner(this, WORD, kit.CODE);
  }

  async run(): Promise<never> {
    const input = this.#input;
    Atomics.store(this.control, this.#kit.WORD.READY, 1);
    for (;;) {
      while (input.filled()) {
        const pending = this.#obey();
        if (pending !== null) await pending;
        // What tasks left in the event loop gets a turn now and then.
        if (Date.now() - this.#breath > 15) await this.#breathe();
      }
      if (this.#linger()) continue;
      const wait = Atomics.waitAsync(this.control, this.#kit.WORD.IN_HEAD, input.at);
      if (wait.async) await Promise.race([wait.value, new Promise<void>((resolve) => this.#nudged = resolve)]);
      this.#breath = Date.now();
    }
  }

  /** The pool sees that there is work which this does not see: its wake-up was lost. */
  nudge(): void {
    this.#nudged?.();
  }

  /** Waits as a thread, for a short time. Answers whether there is work. */
  #linger(): boolean {
    const input = this.#input;
    for (let i = 0; i < this.#spinLimit; i++) if (input.filled()) return true;
    const start = performance.now();
    const timedOut = Atomics.wait(this.control, this.#kit.WORD.IN_HEAD, input.at, 0.5) === "timed-out";
    // Only who is asked again at once looks again at once: waking a thread costs more than what a small task takes.
    this.#spinLimit = !timedOut && performance.now() - start < 0.1 ? 5000 : 100;
    return !timedOut;
  }

  async #breathe(): Promise<void> {
    // A timer would take Deno two milliseconds.
    const { setImmediate } = globalThis as { setImmediate?: (callback: () => void) => void };
    await new Promise<void>((resolve) => (setImmediate ?? setTimeout)(resolve));
    this.#breath = Date.now();
  }

  /** Carries a command out. Answers a promise if that takes turns of the event loop. */
  #obey(): Promise<void> | null {
    const { CODE } = this.#kit;
    const input = this.#input;
    switch (input.take()) {
      case CODE.RUN:
        return this.#obeyRun();
      case CODE.FETCH:
        this.#fetch();
        break;
      case CODE.DEFINE: {
        const target = input.take();
        const index = input.take();
        if (this.#batch !== null) this.#runner.define(target, this.#batch[index] as TargetNote);
        break;
      }
      default:
        this.#runner.forget(input.take());
    }
    input.release();
    return null;
  }

  #fetch(): void {
    try {
      const { message } = this.#builtins.receiveMessageOnPort(this.#port)!;
      this.#batch = this.#kit.unseal(message).get(0) as unknown[];
    } catch (error) {
      this.#batch = null;
      this.#unread = error;
    }
  }

  #obeyRun(): Promise<void> | null {
    const { CODE, TaskContext, WORD } = this.#kit;
    const input = this.#input;
    const index = input.index();
    input.take();
    const id = input.take();
    const target = input.take();
    const mode = input.take();
    const args = this.#takeArguments();
    const mine = Atomics.compareExchange(this.#commands, index, CODE.READY, CODE.TAKEN) === CODE.READY;
    input.release();
    if (!mine) {
      // Whoever waits for room is told by every answer, and there is none here.
      Atomics.notify(this.control, WORD.IN_TAIL);
      return null;
    }
    if (args === null || !this.#runner.knows(target)) {
      this.sendError(CODE.UNREAD, id, this.#unread);
      return null;
    }
    this.#current = new TaskContext(id, this, WORD, CODE);
    return this.#runner.run(this.#current, target, mode, args);
  }

  /** The arguments of a task; `null` if they could not be read. */
  #takeArguments(): unknown[] | null {
    const input = this.#input;
    const count = input.take();
    if (count === this.#kit.CODE.BY_PORT) {
      const index = input.take();
      if (this.#batch === null) return null;
      const args = this.#batch[index] as unknown[];
      this.#batch[index] = undefined;
      return args;
    }
    const args: unknown[] = [];
    for (let i = 0; i < count; i++) args.push(input.takeValue(() => undefined));
    return args;
  }

  /** Runs `call`, and ends it with an error if it takes longer. */
  limited(milliseconds: number, call: () => unknown): unknown {
    this.#limit ??= this.#builtins.limiter();
    try {
      return this.#limit(milliseconds, call);
    } catch (error) {
      // It may have been ended in the middle of an answer.
      this.#output.rewind();
      throw error;
    }
  }

  /** Writes an answer. Throws, with nothing written, if the value cannot be cloned. */
  send(task: TaskContext, code: number, value: unknown): void {
    const size = task.moving.length === 0 ? this.#kit.Ring.sizeOf(value) : 0;
    const number = size === 0 ? this.#post(value, task.moving.splice(0)) : 0;
    this.#reserve(size + 4);
    const output = this.#output;
    output.put(code);
    output.put(task.id);
    if (size === 0) output.putRef(number);
    else output.putValue(value);
    this.#publish();
  }

  /** Sends something by port. Returns the number under which it is to be announced. */
  #post(value: unknown, transfer: Transferable[]): number {
    this.#posted = (this.#posted + 1) | 0;
    this.#port.postMessage(this.#kit.seal(this.#posted, value, transfer), transfer);
    return this.#posted;
  }

  #publish(): void {
    const { WORD } = this.#kit;
    this.#output.publish();
    if (Atomics.exchange(this.control, WORD.POOL_WAITS, 0) === 1) Atomics.notify(this.control, WORD.OUT_HEAD);
  }

  /** Waits until there is room for an answer. */
  #reserve(words: number): void {
    const { WORD } = this.#kit;
    for (;;) {
      const tail = Atomics.load(this.control, WORD.OUT_TAIL);
      if (this.#output.hasRoom(words)) return;
      Atomics.wait(this.control, WORD.OUT_TAIL, tail, 20);
    }
  }

  /** Answers with an error. */
  sendError(code: number, id: number, error: unknown): void {
    const number = this.#postError(error);
    this.#reserve(3);
    this.#output.put(code);
    this.#output.put(id);
    this.#output.put(number);
    this.#publish();
  }

  #postError(error: unknown): number {
    const notes = this.#kit.describeError(error);
    try {
      return this.#post(notes, []);
    } catch {
      // What the error has is too deep or too large to be sent.
      return this.#post([{ ...notes[0], cause: null, fields: [] }], []);
    }
  }

  /** Something was thrown outside any task's call: what runs is not to be trusted any more. */
  crashed(error: unknown): never {
    this.sendError(this.#kit.CODE.CRASH, 0, error);
    return this.#builtins.exit(1);
  }

  watchCancel(): void {
    if (this.#watching) return;
    this.#watching = true;
    const { WORD } = this.#kit;
    const wait = Atomics.waitAsync(this.control, WORD.CANCEL, Atomics.load(this.control, WORD.CANCEL));
    const look = () => {
      this.#watching = false;
      const task = this.#current;
      if (task !== null && !task.ended && !task.abortIfCancelled()) this.watchCancel();
    };
    if (wait.async) wait.value.then(look);
    else look();
  }
}
