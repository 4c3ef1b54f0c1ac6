/**
 * Runs tasks in a worker: makes functions of targets, calls them, and iterates over generators.
 *
 * The class is sent to the worker as source, so it refers only to itself, its arguments and JavaScript's own globals;
 * imports here are types only.
 */
import type { CODE, TargetNote, WORD } from "./protocol.ts";
import type { TaskContext } from "./worker_task.ts";

/** The loop that has tasks run. */
export interface RunnerHost {
  readonly control: Int32Array;
  /** Writes a response. Throws, with nothing written, if the value cannot be cloned. */
  send(task: TaskContext, code: number, value: unknown): void;
  /** Writes a response with an error. */
  sendError(code: number, id: number, error: unknown): void;
  /** Runs `call`, and ends it with an error if it takes longer. */
  limited(milliseconds: number, call: () => unknown): unknown;
}

type Target = (this: TaskContext, ...args: unknown[]) => unknown;

interface Stepper {
  next(): unknown;
  return?(value?: unknown): unknown;
}

/** See the head of this file. */
export class TaskRunner {
  readonly #host: RunnerHost;
  readonly #words: typeof WORD;
  readonly #codes: typeof CODE;
  readonly #notes: Map<number, TargetNote> = new Map();
  readonly #targets: Map<number, Target> = new Map();

  constructor(host: RunnerHost, words: typeof WORD, codes: typeof CODE) {
    this.#host = host;
    this.#words = words;
    this.#codes = codes;
  }

  /** Defines a target. */
  define(target: number, note: TargetNote): void {
    this.#notes.set(target, note);
  }

  /** Forgets a target. */
  forget(target: number): void {
    this.#notes.delete(target);
    this.#targets.delete(target);
  }

  /** Whether a target is defined. */
  knows(target: number): boolean {
    return this.#notes.has(target);
  }

  /** Runs a task. Returns a promise if that takes iterations of the event loop. */
  run(task: TaskContext, target: number, mode: number, args: unknown[]): Promise<void> | null {
    const call = this.#targets.get(target);
    return call === undefined ? this.#prepare(task, target, mode, args) : this.#call(task, call, mode, args);
  }

  /** Makes the function of a target that has not been run here before. */
  #prepare(task: TaskContext, target: number, mode: number, args: unknown[]): Promise<void> | null {
    const note = this.#notes.get(target)!;
    if ("module" in note) return this.#load(task, target, note, mode, args);
    let call: Target;
    try {
      call = this.#compile(note);
    } catch (error) {
      return this.#fail(task, error);
    }
    this.#targets.set(target, call);
    return this.#call(task, call, mode, args);
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
      this.#fail(task, error);
      return;
    }
    this.#targets.set(target, call as Target);
    const pending = this.#call(task, call as Target, mode, args);
    if (pending !== null) await pending;
  }

  #call(task: TaskContext, call: Target, mode: number, args: unknown[]): Promise<void> | null {
    const limit = mode >> 1;
    try {
      const value = limit > 0 ? this.#host.limited(limit, () => call.apply(task, args)) : call.apply(task, args);
      if (typeof value === "object" && value !== null) return this.#settle(task, value, mode);
      return this.#finish(task, value);
    } catch (error) {
      return this.#fail(task, error);
    }
  }

  #settle(task: TaskContext, value: object, mode: number): Promise<void> | null {
    const tag = Object.prototype.toString.call(value);
    if (tag === "[object Generator]") return this.#steps(task, value as Stepper, mode);
    if (tag === "[object AsyncGenerator]") return this.#asyncSteps(task, value as Stepper, mode);
    if (typeof (value as { then?: unknown }).then === "function") return this.#awaited(task, value);
    return this.#finish(task, value);
  }

  async #awaited(task: TaskContext, promise: unknown): Promise<void> {
    try {
      this.#finish(task, await promise);
    } catch (error) {
      this.#fail(task, error);
    }
  }

  /** Sends the items of a generator. */
  #steps(task: TaskContext, generator: Stepper, mode: number): null {
    const stream = (mode & this.#codes.STREAM) !== 0;
    const limit = mode >> 1;
    const next = () => generator.next();
    let ended = false;
    try {
      for (let sent = 0; !task.cancelled; sent++) {
        ended = true;
        const step = (limit > 0 ? this.#host.limited(limit, next) : generator.next()) as IteratorResult<unknown>;
        if (step.done) return this.#finish(task, step.value);
        ended = false;
        this.#host.send(task, stream ? this.#codes.ITEM : this.#codes.PROGRESS, step.value);
        for (let ahead = this.#ahead(sent, stream); ahead !== null; ahead = this.#ahead(sent, stream)) {
          if (task.cancelled) break;
          Atomics.wait(this.#host.control, this.#words.ITEMS_TAKEN, ahead, 50);
        }
      }
      ended = true;
      generator.return!();
      return this.#finish(task, undefined);
    } catch (error) {
      if (!ended) this.#close(generator);
      return this.#fail(task, error);
    }
  }

  async #asyncSteps(task: TaskContext, generator: Stepper, mode: number): Promise<void> {
    const stream = (mode & this.#codes.STREAM) !== 0;
    let ended = false;
    try {
      for (let sent = 0; !task.cancelled; sent++) {
        ended = true;
        const step = await generator.next() as IteratorResult<unknown>;
        if (step.done) return void this.#finish(task, step.value);
        ended = false;
        this.#host.send(task, stream ? this.#codes.ITEM : this.#codes.PROGRESS, step.value);
        for (let ahead = this.#ahead(sent, stream); ahead !== null; ahead = this.#ahead(sent, stream)) {
          if (task.cancelled) break;
          const wait = Atomics.waitAsync(this.#host.control, this.#words.ITEMS_TAKEN, ahead, 50);
          if (wait.async) await wait.value;
        }
      }
      ended = true;
      await generator.return!();
      this.#finish(task, undefined);
    } catch (error) {
      if (!ended) await this.#close(generator);
      this.#fail(task, error);
    }
  }

  /** Lets a generator clean up after an item could not be sent. As in a loop, errors of the cleanup are dropped. */
  #close(generator: Stepper): unknown {
    try {
      return Promise.resolve(generator.return!()).catch(() => {});
    } catch {
      return null;
    }
  }

  /** How many items the reader has taken, if the generator is too far ahead of it. */
  #ahead(sent: number, stream: boolean): number | null {
    if (!stream) return null;
    const taken = Atomics.load(this.#host.control, this.#words.ITEMS_TAKEN);
    return sent + 1 - taken >= this.#codes.AHEAD ? taken : null;
  }

  #finish(task: TaskContext, value: unknown): null {
    this.#host.send(task, this.#codes.DONE, value);
    task.ended = true;
    return null;
  }

  #fail(task: TaskContext, error: unknown): null {
    this.#host.sendError(this.#codes.FAIL, task.id, error);
    task.ended = true;
    return null;
  }
}
