/**
 * The main loop of a worker: takes commands from the ring, has tasks run one after the other, writes responses.
 *
 * The class is sent to the worker as source, so it refers only to itself, its kit and JavaScript's own globals; imports
 * here are types only.
 *
 * Tasks that do not wait run without an iteration of the event loop in between. A worker without work first spins on the ring
 * for some microseconds, if the last task came soon after a result (a round trip takes 5 microseconds then). Next it
 * blocks its thread for half a millisecond (20 microseconds). Then it returns to its event loop, for timers and
 * promises that tasks may have left there (60 to 160 microseconds).
 */
import type { Bytes, BytesTools } from "./bytes.ts";
import type { describeError } from "./describe_error.ts";
import type { seal, unseal } from "./envelope.ts";
import type { CODE, TargetNote, WORD } from "./protocol.ts";
import type { Ring } from "./ring.ts";
import type { RunnerHost, TaskRunner } from "./task_runner.ts";
import type { TaskContext, TaskHost } from "./worker_task.ts";

/** The parts of the loop, as the worker has no imports. */
export interface WorkerKit {
  readonly Ring: typeof Ring;
  readonly TaskContext: typeof TaskContext;
  readonly TaskRunner: typeof TaskRunner;
  readonly describeError: typeof describeError;
  readonly bytes: BytesTools;
  readonly seal: typeof seal;
  readonly unseal: typeof unseal;
  readonly WORD: typeof WORD;
  readonly CODE: typeof CODE;
  readonly controlWords: number;
  readonly ringWords: number;
}

/** The first message to a worker. */
export interface WorkerStart {
  readonly memory: SharedArrayBuffer;
  readonly port: PortLike;
}

/** The parts of a message port that are used. */
export interface PortLike {
  postMessage(message: unknown, transfer?: Transferable[]): void;
  close(): void;
}

/** The parts of `node:worker_threads` and `node:vm` that are used. */
export interface WorkerBuiltins {
  receiveMessageOnPort(port: PortLike): { message: unknown } | undefined;
  exit(code: number): never;
  /** Creates a function that runs `call`, and ends it with an error if it takes longer. */
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
  // The port message that was fetched last; `null` if it could not be read, and why.
  #batch: unknown[] | null = null;
  #readFailure: unknown;
  #posted = 0;
  #current: TaskContext | null = null;
  #wake: (() => void) | null = null;
  #watching = false;
  #lastTurn = Date.now();
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
    const responses = new Int32Array(memory, (kit.controlWords + ringWords) * 4, ringWords);
    this.#input = new kit.Ring(this.control, this.#commands, WORD.IN_HEAD, WORD.IN_TAIL);
    this.#output = new kit.Ring(this.control, responses, WORD.OUT_HEAD, WORD.OUT_TAIL);
    this.#runner = new kit.TaskRunner(this, WORD, kit.CODE);
  }

  async run(): Promise<never> {
    const input = this.#input;
    Atomics.store(this.control, this.#kit.WORD.STARTED, 1);
    for (;;) {
      while (input.filled()) {
        const pending = this.#execute();
        if (pending !== null) await pending;
        // Serves timers and promises that tasks left in the event loop now and then.
        if (Date.now() - this.#lastTurn > 15) await this.#yieldToHost();
      }
      if (this.#waitBlocking()) continue;
      const wait = Atomics.waitAsync(this.control, this.#kit.WORD.IN_HEAD, input.at);
      if (wait.async) await Promise.race([wait.value, new Promise<void>((resolve) => this.#wake = resolve)]);
      this.#lastTurn = Date.now();
    }
  }

  /** Whether a task has begun and not ended. */
  get busy(): boolean {
    return this.#current !== null && !this.#current.ended;
  }

  /** The pool has seen that this does not read its commands: the wake-up was lost. */
  wake(): void {
    this.#wake?.();
  }

  /** Spins, and then blocks the thread for a short time. Returns whether there is work. */
  #waitBlocking(): boolean {
    const input = this.#input;
    for (let i = 0; i < this.#spinLimit; i++) if (input.filled()) return true;
    const start = performance.now();
    const timedOut = Atomics.wait(this.control, this.#kit.WORD.IN_HEAD, input.at, 0.5) === "timed-out";
    // Spin longer only if the next task came at once: waking a thread costs more than a small task.
    this.#spinLimit = !timedOut && performance.now() - start < 0.1 ? 5000 : 100;
    return !timedOut;
  }

  async #yieldToHost(): Promise<void> {
    // A timer takes two milliseconds in Deno.
    const { setImmediate } = globalThis as { setImmediate?: (callback: () => void) => void };
    await new Promise<void>((resolve) => (setImmediate ?? setTimeout)(resolve));
    this.#lastTurn = Date.now();
  }

  /** Executes a command. Returns a promise if that takes iterations of the event loop. */
  #execute(): Promise<void> | null {
    const { CODE } = this.#kit;
    const input = this.#input;
    switch (input.take()) {
      case CODE.RUN:
        return this.#runTask();
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
      this.#readFailure = error;
    }
  }

  #runTask(): Promise<void> | null {
    const { CODE, TaskContext, WORD } = this.#kit;
    const input = this.#input;
    const index = input.index();
    input.take();
    const id = input.take();
    const target = input.take();
    const mode = input.take();
    const args = this.#takeArguments();
    const claimed = Atomics.compareExchange(this.#commands, index, CODE.OFFERED, CODE.CLAIMED) === CODE.OFFERED;
    input.release();
    if (!claimed) {
      // The pool learns from responses that there is room, and there is no response to a revoked task.
      Atomics.notify(this.control, WORD.IN_TAIL);
      return null;
    }
    if (args === null || !this.#runner.knows(target)) {
      this.sendError(CODE.UNREAD, id, this.#readFailure);
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
      // It may have been ended while it wrote a response.
      this.#output.rewind();
      throw error;
    }
  }

  /** Writes a response. Throws, with nothing written, if the value cannot be cloned. */
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

  /** Sends a value by port. Returns its number, for the ring. */
  #post(value: unknown, transfer: Transferable[]): number {
    if (transfer.length === 0 && this.#kit.bytes.bufferOf(value) !== null) {
      const { copy, buffer } = this.#kit.bytes.copy(value as Bytes);
      return this.#post(copy, [buffer]);
    }
    this.#posted = (this.#posted + 1) | 0;
    this.#port.postMessage(this.#kit.seal(this.#posted, value, transfer), transfer);
    return this.#posted;
  }

  #publish(): void {
    const { WORD } = this.#kit;
    this.#output.publish();
    if (Atomics.exchange(this.control, WORD.POOL_WAITS, 0) === 1) Atomics.notify(this.control, WORD.OUT_HEAD);
  }

  /** Waits until there is room for a response. */
  #reserve(words: number): void {
    const { WORD } = this.#kit;
    for (;;) {
      const tail = Atomics.load(this.control, WORD.OUT_TAIL);
      if (this.#output.hasRoom(words)) return;
      Atomics.wait(this.control, WORD.OUT_TAIL, tail, 20);
    }
  }

  /** Writes a response with an error. */
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
      // The properties of the error are too deep or too large to be sent.
      return this.#post([{ ...notes[0], cause: null, fields: [] }], []);
    }
  }

  /** An error was thrown outside the call of a task: the state of the worker is unknown, so it ends. */
  crashed(error: unknown): never {
    this.sendError(this.#kit.CODE.CRASH, 0, error);
    return this.#builtins.exit(1);
  }

  /** Aborts the signal of the running task when the task is asked to stop. */
  watchCancel(): void {
    if (this.#watching) return;
    this.#watching = true;
    const { WORD } = this.#kit;
    const wait = Atomics.waitAsync(this.control, WORD.CANCEL, Atomics.load(this.control, WORD.CANCEL));
    const look = () => {
      this.#watching = false;
      if (this.busy && !this.#current!.abortIfCancelled()) this.watchCancel();
    };
    if (wait.async) wait.value.then(look);
    else look();
  }
}
