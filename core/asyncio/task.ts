import type { Coro, CoroFunction } from "../coro.ts";
import { context } from "../context.ts";
import { describe } from "../describe.ts";
import { Operation } from "../operation.ts";
import { placed } from "../placement.ts";
import { type Body, type Ending, isGenerator } from "../strand.ts";
import { attend } from "../operations/attend.ts";
import { type Coroutine, isCoroutineFunction } from "./coroutine.ts";
import { CancelledError } from "./errors.ts";
import { Future, type FutureOptions } from "./future.ts";
import { awaitedFuture } from "./future_wait.ts";
import { TaskCoro, WatchedTaskCoro } from "./task_coro.ts";

/** Options of a {@linkcode Task}. */
export interface TaskOptions {
  /** Its name, `Task-1`, `Task-2` and so on by default. */
  readonly name?: string;
  /** Cancels the task when it is aborted. */
  readonly signal?: AbortSignal;
}

// As in CPython, one count for all loops.
let count = 0;

/**
 * A coroutine that runs on an event loop, and the future of its result.
 *
 * It wraps a `Coro`, which `getCoro()` gives: whatever coroutines can do, such as receiving messages, it can. Its
 * result is what its function returns.
 *
 * Cancelling it throws a `CancelledError` in it, at the point where it waits; a future that it waits for is cancelled.
 *
 * @example
 * ```ts
 * import { CancelledError, createTask, run, sleep } from "@asyncoro/asyncoro/asyncio";
 * import { assertEquals } from "@std/assert";
 *
 * const log: string[] = [];
 * await run(function* () {
 *   const task = createTask(function* () {
 *     try {
 *       yield* sleep(3600);
 *     } finally {
 *       log.push("cleaned up");
 *     }
 *   });
 *   yield* sleep(0.01);
 *   task.cancel();
 *   try {
 *     yield* task;
 *   } catch (error) {
 *     if (error instanceof CancelledError) log.push("cancelled");
 *   }
 * });
 * assertEquals(log, ["cleaned up", "cancelled"]);
 * ```
 */
export class Task<T = unknown> extends Future<T> {
  readonly #coro: TaskCoro;
  readonly #number = ++count;
  #name: string | undefined;
  #cancelling = 0;
  // The latest error that `cancel()` asked the coroutine to throw. Whether it was thrown, the coroutine knows.
  #cancellation: CancelledError | null = null;
  #abort: AbortController | null = null;

  /**
   * Makes a task, whose first step is in the next iteration of the event loop.
   *
   * @param coroutine A generator function (called with its `Coro`), a generator object or an operation.
   * @param options The loop, and see {@linkcode TaskOptions}.
   * @throws {TypeError} If `coroutine` is none, or `name` not a string.
   * @throws {Error} If the loop is closed, or none is given and none is running.
   */
  constructor(coroutine: Coroutine<T>, { loop, name, signal }: TaskOptions & FutureOptions = {}) {
    super({ loop });
    if (name !== undefined) this.#name = checkName(name);
    this.loop.mustBeOpen("create a task");
    this.#coro = this.#spawn(coroutine);
    this.#coro.task = this as Task;
    if (signal !== undefined) this.#heed(signal);
  }

  #spawn(coroutine: Coroutine<T>): TaskCoro {
    const { loop } = this;
    const isFunction = isCoroutineFunction(coroutine);
    const scheduler = loop.scheduler;
    const target = coroutine as CoroFunction;
    const create = () => loop.getDebug() ? new WatchedTaskCoro(loop, target) : new TaskCoro(target);
    if (isFunction && this.#name === undefined && context.strand?.loop === scheduler) return create();
    const body = isFunction ? undefined : bodyOf(coroutine);
    const name = this.#name ?? (isFunction ? undefined : this.getName());
    return placed({ scheduler, options: { name, priority: 4, daemon: false, body } }, create);
  }

  #heed(signal: AbortSignal): void {
    const abort = (): void => void this.cancel(reasonOf(signal));
    if (signal.aborted) return abort();
    signal.addEventListener("abort", abort, { once: true });
    this.join({ ...UNLINKED, resolve: stop, reject: stop });
    function stop(): void {
      signal.removeEventListener("abort", abort);
    }
  }

  /** @internal */
  override get kind(): string {
    return "Task";
  }

  /** Its name. */
  getName(): string {
    return this.#name ?? `Task-${this.#number}`;
  }

  /**
   * Gives it another name.
   *
   * @param name The name.
   * @throws {TypeError} If `name` is not a string.
   */
  setName(name: string): void {
    this.#name = checkName(name);
  }

  /** The coroutine that it wraps. */
  getCoro(): Coro<T> {
    return this.#coro as Coro as Coro<T>;
  }

  /** Always fails: a task's result is its coroutine's. */
  override setResult(_value: T): never {
    throw new Error(`Cannot set the result of ${this}: it is what its coroutine returns`);
  }

  /** Always fails: a task's error is its coroutine's. */
  override setException(_error: Error): never {
    throw new Error(`Cannot set the exception of ${this}: it is what its coroutine throws, or call cancel()`);
  }

  /** How it reads in messages. */
  override toString(): string {
    return `task '${this.getName()}'`;
  }

  // --- cancellation -------------------------------------------------------------------------------------------

  /**
   * Asks it to end: a `CancelledError` is thrown in it at its next step, and a future that it waits for is cancelled.
   * It may clean up, and even go on.
   *
   * @param message What the error says.
   * @returns `false` if it is done already.
   */
  override cancel(message?: string): boolean {
    if (this.done()) return false;
    this.#cancelling++;
    this.#abort?.abort(new CancelledError(message));
    const coro = this.#coro;
    if (awaitedFuture(coro)?.cancel(message)) return true;
    if (this.#cancellation !== null && coro.isToThrow(this.#cancellation)) {
      // One is on its way; of several, it says what the latest says.
      this.#cancellation.message = message ?? "";
      return true;
    }
    this.#cancellation = new CancelledError(message);
    coro.throwAtStep(this.#cancellation);
    return true;
  }

  /** How many cancellations were asked for and not taken back with `uncancel()`. */
  cancelling(): number {
    return this.#cancelling;
  }

  /**
   * Takes one request to cancel it back, for whoever has caught the `CancelledError` and goes on.
   *
   * @returns How many are left. If none is, an error that was not thrown yet is not thrown.
   */
  uncancel(): number {
    if (this.#cancelling > 0 && --this.#cancelling === 0) this.#coro.withdrawThrow(this.#cancellation);
    return this.#cancelling;
  }

  /** A signal that is aborted when the task is asked to end, for whatever it uses that takes one. */
  get signal(): AbortSignal {
    this.#abort ??= new AbortController();
    if (this.#cancelling > 0 || this.cancelled()) this.#abort.abort(new CancelledError());
    return this.#abort.signal;
  }

  /** @internal It cancelled itself and waits for a future now: that is what is cancelled. */
  handCancellationTo(future: Future): void {
    const cancellation = this.#cancellation;
    if (cancellation === null || !this.#coro.isToThrow(cancellation)) return;
    if (future.cancel(cancellation.message)) this.#coro.withdrawThrow(cancellation);
  }

  /** @internal Its coroutine has ended. */
  coroEnded(kind: Ending, value: unknown, untold: readonly unknown[]): void {
    if (value instanceof CancelledError && kind === "throw") return this.finishCancelled(value);
    if (kind === "throw") return this.fail(value);
    if (kind === "terminate") return this.finishCancelled(new CancelledError(`${this} was terminated`));
    // Asked to end in its last step.
    if (this.#cancellation !== null && untold.includes(this.#cancellation)) {
      return this.finishCancelled(this.#cancellation);
    }
    this.succeed(value);
  }
}

const UNLINKED = { nextJoiner: null, prevJoiner: null };

function bodyOf(coroutine: unknown): Body {
  if (isGenerator(coroutine)) return coroutine;
  if (coroutine instanceof Operation) return attend(coroutine);
  throw new TypeError(
    `Cannot create a task as it needs a generator function, a generator object or an operation: ` +
      `current value is ${describe(coroutine)}${hint(coroutine)}`,
  );
}

function hint(value: unknown): string {
  if (value instanceof Future) return ", which runs already and can be awaited as it is";
  if (typeof value === "function") return ", write function* and await promises with yield*";
  return typeof (value as { then?: unknown } | null)?.then === "function"
    ? ", ensureFuture() makes a future of a promise"
    : "";
}

function checkName(name: unknown): string {
  if (typeof name === "string") return name;
  throw new TypeError(`Cannot name a task as 'name' must be a string: current value is ${describe(name)}`);
}

function reasonOf(signal: AbortSignal): string {
  return signal.reason instanceof Error ? signal.reason.message : String(signal.reason);
}
