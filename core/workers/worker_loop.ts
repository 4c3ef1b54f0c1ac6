/**
 * What runs in a worker: takes commands from the ring, runs tasks one after the other, writes answers.
 *
 * The class is sent to the worker as source, so it refers to nothing outside itself but what every thread has and
 * what it is given in its kit; imports here are types only.
 *
 * A task that does not wait runs without a turn of the event loop in between. A worker without work looks at the ring
 * for some microseconds if that has paid lately, as whoever waits for an answer often has the next task ready at once
 * (a round trip takes 5 microseconds then); sleeps as a thread for half a millisecond (20); and then lets its event
 * loop turn, for what tasks may have left there (60 to 160).
 */
import type { CODE, ErrorNote, TargetNote, WORD } from "./protocol.ts";
import type { Ring } from "./ring.ts";
import type { TaskContext, TaskHost } from "./worker_task.ts";

/** What the loop is built from, as the worker has no imports. */
export interface WorkerKit {
  readonly Ring: typeof Ring;
  readonly TaskContext: typeof TaskContext;
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

type Target = (this: TaskContext, ...args: unknown[]) => unknown;

interface Stepper {
  next(): unknown;
  return?(value?: unknown): unknown;
}

/** See the head of this file. */
export class WorkerLoop implements TaskHost {
  readonly control: Int32Array;
  readonly #kit: WorkerKit;
  readonly #port: PortLike;
  readonly #builtins: WorkerBuiltins;
  readonly #commands: Int32Array;
  readonly #input: Ring;
  readonly #output: Ring;
  readonly #notes: Map<number, TargetNote> = new Map();
  readonly #targets: Map<number, Target> = new Map();
  #batch: unknown[] = [];
  #current: TaskContext | null = null;
  #nudged: (() => void) | null = null;
  #watching = false;
  #breath = Date.now();
  // How often it looks for work before it sleeps: 5,000 looks take about 60 microseconds.
  #patience = 100;
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
    for (let i = 0; i < this.#patience; i++) if (input.filled()) return true;
    const start = performance.now();
    const timedOut = Atomics.wait(this.control, this.#kit.WORD.IN_HEAD, input.at, 0.5) === "timed-out";
    // Only who is asked again at once looks again at once: waking a thread costs more than what a small task takes.
    this.#patience = !timedOut && performance.now() - start < 0.1 ? 5000 : 100;
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
        this.#batch = this.#builtins.receiveMessageOnPort(this.#port)!.message as unknown[];
        break;
      case CODE.DEFINE:
        this.#notes.set(input.take(), this.#batch[input.take()] as TargetNote);
        break;
      default: {
        const target = input.take();
        this.#notes.delete(target);
        this.#targets.delete(target);
      }
    }
    input.release();
    return null;
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
    if (!mine) return null;
    const task = this.#current = new TaskContext(id, this, WORD, CODE);
    const call = this.#targets.get(target);
    return call === undefined ? this.#prepare(task, target, mode, args) : this.#call(task, target, call, mode, args);
  }

  #takeArguments(): unknown[] {
    const input = this.#input;
    const count = input.take();
    if (count === this.#kit.CODE.BY_PORT) {
      const index = input.take();
      const args = this.#batch[index] as unknown[];
      this.#batch[index] = undefined;
      return args;
    }
    const args: unknown[] = [];
    for (let i = 0; i < count; i++) args.push(input.takeValue(() => undefined));
    return args;
  }

  /** Makes the function of a target that has not been run here before. */
  #prepare(task: TaskContext, target: number, mode: number, args: unknown[]): Promise<void> | null {
    const note = this.#notes.get(target)!;
    if ("module" in note) return this.#load(task, target, note, mode, args);
    try {
      const call = this.#compile(note);
      this.#targets.set(target, call);
      return this.#call(task, target, call, mode, args);
    } catch (error) {
      this.#fail(task, error, target);
      return null;
    }
  }

  #compile({ source, method, name }: { source: string; method: boolean; name: string }): Target {
    // Indirect, so that the function sees the global scope and nothing of this one.
    const evaluate = globalThis.eval;
    const value = evaluate(method ? `({${source}})` : `(${source})`);
    return method ? value[name] ?? Object.values(value)[0] : value;
  }

  async #load(
    task: TaskContext,
    target: number,
    note: { readonly module: string; readonly name: string },
    mode: number,
    args: unknown[],
  ): Promise<void> {
    let call: unknown;
    try {
      const module = await import(note.module);
      call = module[note.name];
      if (typeof call !== "function") {
        const names = Object.keys(module).filter((name) => typeof module[name] === "function");
        throw new TypeError(
          `Cannot run a task as module ${note.module} exports no function '${note.name}': ` +
            `it exports ${names.length === 0 ? "none" : names.join(", ")}`,
        );
      }
    } catch (error) {
      return this.#fail(task, error, target);
    }
    this.#targets.set(target, call as Target);
    const pending = this.#call(task, target, call as Target, mode, args);
    if (pending !== null) await pending;
  }

  #call(task: TaskContext, target: number, call: Target, mode: number, args: unknown[]): Promise<void> | null {
    let value: unknown;
    const limit = mode >> 1;
    try {
      value = limit > 0 ? this.#limited(limit, () => call.apply(task, args)) : call.apply(task, args);
      if (typeof value !== "object" || value === null) {
        this.#finish(task, value);
        return null;
      }
    } catch (error) {
      this.#fail(task, error, target);
      return null;
    }
    const tag = Object.prototype.toString.call(value);
    if (tag === "[object Generator]") return this.#steps(task, target, value as Stepper, mode);
    if (tag === "[object AsyncGenerator]") return this.#asyncSteps(task, target, value as Stepper, mode);
    if (typeof (value as { then?: unknown }).then === "function") return this.#awaited(task, target, value);
    this.#finishSafely(task, target, value);
    return null;
  }

  #limited(limit: number, call: () => unknown): unknown {
    this.#limit ??= this.#builtins.limiter();
    return this.#limit(limit, call);
  }

  async #awaited(task: TaskContext, target: number, promise: unknown): Promise<void> {
    try {
      this.#finish(task, await promise);
    } catch (error) {
      this.#fail(task, error, target);
    }
  }

  #finishSafely(task: TaskContext, target: number, value: unknown): void {
    try {
      this.#finish(task, value);
    } catch (error) {
      this.#fail(task, error, target);
    }
  }

  /** Goes through what a generator yields. */
  #steps(task: TaskContext, target: number, generator: Stepper, mode: number): null {
    const { CODE, WORD } = this.#kit;
    const stream = (mode & CODE.STREAM) !== 0;
    const limit = mode >> 1;
    const next = () => generator.next();
    try {
      for (let sent = 0;; sent++) {
        if (task.cancelled) {
          generator.return!();
          return this.#ended(task);
        }
        const step = (limit > 0 ? this.#limited(limit, next) : generator.next()) as IteratorResult<unknown>;
        if (step.done) {
          this.#finish(task, step.value);
          return null;
        }
        this.send(task, stream ? CODE.ITEM : CODE.PROGRESS, step.value);
        for (let ahead = this.#ahead(sent, stream); ahead !== null; ahead = this.#ahead(sent, stream)) {
          if (task.cancelled) break;
          Atomics.wait(this.control, WORD.TAKEN, ahead, 50);
        }
      }
    } catch (error) {
      this.#fail(task, error, target);
    }
    return null;
  }

  async #asyncSteps(task: TaskContext, target: number, generator: Stepper, mode: number): Promise<void> {
    const { CODE, WORD } = this.#kit;
    const stream = (mode & CODE.STREAM) !== 0;
    try {
      for (let sent = 0;; sent++) {
        if (task.cancelled) {
          await generator.return!();
          this.#ended(task);
          return;
        }
        const step = await generator.next() as IteratorResult<unknown>;
        if (step.done) return this.#finish(task, step.value);
        this.send(task, stream ? CODE.ITEM : CODE.PROGRESS, step.value);
        for (let ahead = this.#ahead(sent, stream); ahead !== null; ahead = this.#ahead(sent, stream)) {
          if (task.cancelled) break;
          const wait = Atomics.waitAsync(this.control, WORD.TAKEN, ahead, 50);
          if (wait.async) await wait.value;
        }
      }
    } catch (error) {
      this.#fail(task, error, target);
    }
  }

  /** How many items the reader has taken, if the generator is too far ahead of it. */
  #ahead(sent: number, stream: boolean): number | null {
    if (!stream) return null;
    const taken = Atomics.load(this.control, this.#kit.WORD.TAKEN);
    return sent + 1 - taken >= this.#kit.CODE.AHEAD ? taken : null;
  }

  #ended(task: TaskContext): null {
    this.#finish(task, undefined);
    return null;
  }

  #finish(task: TaskContext, value: unknown): void {
    this.send(task, this.#kit.CODE.DONE, value);
    task.ended = true;
    this.#current = null;
  }

  /** Writes an answer. Throws, with nothing written, if the value cannot be cloned. */
  send(task: TaskContext, code: number, value: unknown): void {
    const size = task.moving.length === 0 ? this.#kit.Ring.sizeOf(value) : 0;
    if (size === 0) this.#port.postMessage(value, task.moving.splice(0));
    this.#reserve(size + 4);
    const output = this.#output;
    output.put(code);
    output.put(task.id);
    if (size === 0) output.putRef(0);
    else output.putValue(value);
    this.#publish();
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

  #fail(task: TaskContext, error: unknown, target: number): void {
    let told = error;
    try {
      told = this.#explained(error, target);
    } catch {
      // It is frozen, or cannot be read: it goes as it is.
    }
    this.#tellError(this.#kit.CODE.FAIL, task.id, told);
    task.ended = true;
    this.#current = null;
  }

  #tellError(code: number, id: number, error: unknown): void {
    this.#port.postMessage(this.#noteOf(error));
    this.#reserve(2);
    this.#output.put(code);
    this.#output.put(id);
    this.#publish();
  }

  /** Something was thrown outside any task's call: what runs is not to be trusted any more. */
  crashed(error: unknown): never {
    this.#tellError(this.#kit.CODE.CRASH, 0, error);
    return this.#builtins.exit(1);
  }

  /** A function that is sent as source and reaches for a variable around it: says what to do. */
  #explained(error: unknown, target: number): unknown {
    const note = this.#notes.get(target);
    if (note === undefined || "module" in note || !(error instanceof ReferenceError)) return error;
    const missing = /^(\S+) is not defined$/.exec(error.message)?.[1];
    if (missing === undefined || !note.source.includes(missing)) return error;
    const name = note.name === "" ? "the function" : `'${note.name}'`;
    error.message = `Cannot run ${name} in a worker as it uses '${missing}', which is outside it: only its source is ` +
      `sent, so pass '${missing}' as an argument, import() it inside, or put it in a module and use { module, name }`;
    return error;
  }

  /** Whatever was thrown: looking at it may throw as well. */
  #noteOf(error: unknown): ErrorNote {
    try {
      return this.#describe(error);
    } catch {
      const message = "A task threw something that cannot be read";
      return { name: "WorkerError", message, stack: undefined, cause: undefined, hasCause: false, data: {} };
    }
  }

  #describe(error: unknown): ErrorNote {
    if (!(error instanceof Error) && !(error instanceof DOMException)) {
      const cause = this.#cloned(error);
      const message = `A task threw something that is no error: ${this.#words(error)}`;
      return { name: "WorkerError", message, stack: undefined, cause, hasCause: true, data: {} };
    }
    const data: Record<string, unknown> = {};
    for (const key of Object.keys(error)) data[key] = this.#cloned((error as unknown as Record<string, unknown>)[key]);
    if (error instanceof DOMException) data.code = error.code;
    const { name, message } = error;
    const stack = typeof error.stack === "string" ? error.stack : undefined;
    const hasCause = "cause" in error;
    const cause = hasCause ? this.#cloned(error.cause) : undefined;
    return { name: String(name), message: String(message), stack, cause, hasCause, data };
  }

  #cloned(value: unknown): unknown {
    try {
      return structuredClone(value);
    } catch {
      return this.#words(value);
    }
  }

  #words(value: unknown): string {
    try {
      return String(value);
    } catch {
      return "something without a name";
    }
  }

  watchCancel(): void {
    if (this.#watching) return;
    this.#watching = true;
    const { WORD } = this.#kit;
    const wait = Atomics.waitAsync(this.control, WORD.CANCEL, Atomics.load(this.control, WORD.CANCEL));
    const look = () => {
      this.#watching = false;
      if (this.#current?.abortIfCancelled() === false) this.watchCancel();
    };
    if (wait.async) wait.value.then(look);
    else look();
  }
}
