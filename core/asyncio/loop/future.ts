import { describe, isError, isInstance } from "../../base/describe.ts";
import {
  addCompletionWaiter,
  type CompletionWaiter,
  listCompletionWaiters,
  removeCompletionWaiter,
} from "../../fiber/joiner.ts";
import { type Operation, WAIT } from "../../fiber/operation.ts";
import { CancelledError, InvalidStateError } from "../errors.ts";
import type { EventLoop } from "./event_loop.ts";
import { FutureWait } from "./future_wait.ts";
import { DoneCallback } from "./done_callback.ts";
import type { Callback } from "./handle.ts";
import { getRunningLoop } from "./running.ts";
import { Unretrieved } from "./unretrieved.ts";

/** Options of a {@linkcode Future}. */
export interface FutureOptions {
  /** The event loop it belongs to; the running one by default. */
  readonly loop?: EventLoop;
}

const PENDING = 0;
const RETURNED = 1;
const FAILED = 2;
const CANCELLED = 3;

/**
 * A result that is not there yet: where callbacks, coroutines and async functions meet.
 *
 * `yield* future` waits for it in a coroutine, `await future` in an async function, and `addDoneCallback` has a
 * function called. Whoever waits goes on through the event loop, never inline, in the order in which they came.
 *
 * An error that nobody asks for is reported to the loop's exception handler when the future is collected as garbage or
 * the loop is closed.
 *
 * @example
 * ```ts
 * import { getRunningLoop, run } from "@asyncoro/asyncoro/asyncio";
 * import { assertEquals } from "@std/assert";
 *
 * const answer = await run(function* () {
 *   const loop = getRunningLoop();
 *   const future = loop.createFuture<number>();
 *   loop.callLater(0.01, () => future.setResult(42));
 *   return yield* future;
 * });
 * assertEquals(answer, 42);
 * ```
 */
export class Future<T = unknown> implements PromiseLike<T> {
  /** @internal The event loop it belongs to. */
  readonly loop: EventLoop;
  #state = PENDING;
  // The result, or the error.
  #outcome: unknown = undefined;
  #firstCompletionWaiter: CompletionWaiter | null = null;
  #unretrieved: Unretrieved | null = null;

  /**
   * Makes a future that is pending.
   *
   * @param options See {@linkcode FutureOptions}.
   * @throws {Error} If no loop is given and none is running.
   */
  constructor({ loop = getRunningLoop() }: FutureOptions = {}) {
    this.loop = loop;
  }

  /** @internal What it is, for messages. */
  get kind(): string {
    return "Future";
  }

  /** The event loop it belongs to. */
  getLoop(): EventLoop {
    return this.loop;
  }

  /** Whether it has a result or an error, or was cancelled. */
  done(): boolean {
    return this.#state !== PENDING;
  }

  /** Whether it was cancelled. */
  cancelled(): boolean {
    return this.#state === CANCELLED;
  }

  /**
   * The result.
   *
   * @throws The error it has, if it has one.
   * @throws {CancelledError} If it was cancelled.
   * @throws {InvalidStateError} If it is not done yet.
   */
  result(): T {
    if (this.#state === RETURNED) return this.#outcome as T;
    if (this.#state === PENDING) throw this.#tooEarly("result");
    this.markRetrieved();
    throw this.#outcome;
  }

  /**
   * The error, or `null` if it has a result.
   *
   * @throws {CancelledError} If it was cancelled.
   * @throws {InvalidStateError} If it is not done yet.
   */
  exception(): unknown {
    if (this.#state === RETURNED) return null;
    if (this.#state === PENDING) throw this.#tooEarly("exception");
    this.markRetrieved();
    if (this.#state === CANCELLED) throw this.#outcome;
    return this.#outcome;
  }

  /**
   * Gives it its result.
   *
   * @param value The result.
   * @throws {InvalidStateError} If it is done.
   */
  setResult(value: T): void {
    this.#mustBePending("set the result of");
    this.succeed(value);
  }

  /**
   * Gives it an error in place of a result.
   *
   * @param error The error.
   * @throws {TypeError} If `error` is not an error.
   * @throws {InvalidStateError} If it is done.
   */
  setException(error: Error): void {
    this.#mustBePending("set the exception of");
    if (!isError(error)) {
      throw new TypeError(
        `Cannot set the exception of ${this} as 'error' must be an Error: current value is ${describe(error)}`,
      );
    }
    if (isInstance(error, CancelledError)) {
      throw new TypeError(`Cannot set the exception of ${this} to a CancelledError: call cancel() instead`);
    }
    this.fail(error);
  }

  /**
   * Cancels it: whoever waits for it gets a `CancelledError`.
   *
   * @param message What the error says.
   * @returns `false` if it is done already.
   */
  cancel(message?: string): boolean {
    if (this.done()) return false;
    this.finishCancelled(new CancelledError(message));
    return true;
  }

  /**
   * Has a function called when it is done, through the event loop; soon, if it is done already.
   *
   * @param callback Called with this future. What it throws goes to the loop's exception handler.
   * @throws {TypeError} If `callback` is not a function.
   */
  addDoneCallback(callback: (future: this) => unknown): void {
    if (typeof callback !== "function") {
      throw new TypeError(
        `Cannot add a callback to ${this} as 'callback' must be a function: current value is ${describe(callback)}`,
      );
    }
    const done = new DoneCallback(this as Future, callback as Callback);
    if (this.done()) done.resolve();
    else this.join(done);
  }

  /**
   * Takes a callback back, as often as it was added.
   *
   * @param callback The function.
   * @returns How often it was there.
   */
  removeDoneCallback(callback: (future: this) => unknown): number {
    const found = listCompletionWaiters(this.#firstCompletionWaiter)
      .filter((completionWaiter) =>
        completionWaiter instanceof DoneCallback && completionWaiter.calls(callback as Callback)
      );
    for (const completionWaiter of found) this.unjoin(completionWaiter);
    return found.length;
  }

  /**
   * For `await`, in async functions.
   *
   * @param onResult Called with the result.
   * @param onError Called with the error, be it a `CancelledError`.
   */
  then<R = T, E = never>(
    onResult?: ((value: T) => R | PromiseLike<R>) | null,
    onError?: ((error: unknown) => E | PromiseLike<E>) | null,
  ): Promise<R | E> {
    return new Promise<T>((resolve, reject) => {
      const completionWaiter = new PromiseWaiter(this as Future, resolve as (value: unknown) => void, reject);
      if (!this.answer(completionWaiter)) this.join(completionWaiter);
    }).then(onResult, onError);
  }

  /**
   * For `await`, in async functions: what it ends with an error for is handled.
   *
   * @param onError Called with the error, be it a `CancelledError`.
   */
  catch<E = never>(onError?: ((error: unknown) => E | PromiseLike<E>) | null): Promise<T | E> {
    return this.then(null, onError);
  }

  /**
   * For async functions: calls back when it is done, in whatever way.
   *
   * @param onDone Called without arguments.
   */
  finally(onDone?: (() => void) | null): Promise<T> {
    return this.then().finally(onDone);
  }

  /** For `yield*`, in coroutines. */
  [Symbol.iterator](): Iterator<unknown, T, unknown> {
    return (new FutureWait(this as Future) as Operation<unknown> as Operation<T>)[Symbol.iterator]();
  }

  /** @internal For plain `yield`. */
  [WAIT](): Operation<unknown> {
    return new FutureWait(this as Future);
  }

  /** How it reads in messages. */
  toString(): string {
    return `a ${this.stateName} future`;
  }

  /** @internal How `console.log` shows it. */
  [Symbol.for("Deno.customInspect")](): string {
    return `${this.kind} (${this.stateName})`;
  }

  /** @internal The same for Node.js. */
  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return `${this.kind} (${this.stateName})`;
  }

  /** @internal In a word. */
  get stateName(): string {
    return ["pending", "finished", "failed", "cancelled"][this.#state];
  }

  // --- for those who wait -------------------------------------------------------------------------------------

  /** @internal Settles `completionWaiter` if it is done, and answers whether it is. */
  answer(completionWaiter: { give(value: unknown): unknown; fail(error: unknown): unknown }): boolean {
    if (this.#state === PENDING) return false;
    if (this.#state === RETURNED) completionWaiter.give(this.#outcome);
    else completionWaiter.fail(this.#outcome);
    return true;
  }

  /** @internal Adds somebody who waits. */
  join(completionWaiter: CompletionWaiter): void {
    this.#firstCompletionWaiter = addCompletionWaiter(this.#firstCompletionWaiter, completionWaiter);
  }

  /** @internal Takes that back. */
  unjoin(completionWaiter: CompletionWaiter): void {
    this.#firstCompletionWaiter = removeCompletionWaiter(this.#firstCompletionWaiter, completionWaiter);
  }

  /** @internal Whether it ended with an error, which may be `null` as well; whoever looks has asked for it. */
  failed(): boolean {
    if (this.#state !== FAILED) return false;
    this.markRetrieved();
    return true;
  }

  /** @internal Somebody asked for the error. */
  markRetrieved(): void {
    this.#unretrieved?.retrieved();
    this.#unretrieved = null;
  }

  // --- for those who settle -----------------------------------------------------------------------------------

  /** @internal It has a result. */
  succeed(value: unknown): void {
    this.#state = RETURNED;
    this.#outcome = value;
    for (let completionWaiter = this.#nextJoiner(); completionWaiter !== null; completionWaiter = this.#nextJoiner()) {
      completionWaiter.resolve(value);
    }
  }

  /** @internal It has an error, which may be anything that can be thrown. */
  fail(error: unknown): void {
    this.#state = FAILED;
    this.#unretrieved = new Unretrieved(this as Future, this.loop, error);
    this.#reject(error);
  }

  /** @internal It was cancelled. */
  finishCancelled(error: CancelledError): void {
    this.#state = CANCELLED;
    this.#reject(error);
  }

  #reject(error: unknown): void {
    this.#outcome = error;
    for (let completionWaiter = this.#nextJoiner(); completionWaiter !== null; completionWaiter = this.#nextJoiner()) {
      completionWaiter.reject(error);
    }
  }

  #nextJoiner(): CompletionWaiter | null {
    const completionWaiter = this.#firstCompletionWaiter;
    if (completionWaiter !== null) this.unjoin(completionWaiter);
    return completionWaiter;
  }

  #mustBePending(action: string): void {
    if (this.#state === PENDING) return;
    throw new InvalidStateError(`Cannot ${action} a future that is done: it is ${this.stateName}`);
  }

  #tooEarly(what: string): InvalidStateError {
    return new InvalidStateError(`Cannot give the ${what} of ${this}: wait for it with 'yield*' first`);
  }
}

/** An async function that waits. */
class PromiseWaiter implements CompletionWaiter {
  nextJoiner: CompletionWaiter | null = null;
  prevJoiner: CompletionWaiter | null = null;
  readonly #future: Future;
  readonly give: (value: unknown) => void;
  readonly #reject: (error: unknown) => void;

  constructor(future: Future, resolve: (value: unknown) => void, reject: (error: unknown) => void) {
    this.#future = future;
    this.give = resolve;
    this.#reject = reject;
  }

  resolve(value: unknown): void {
    this.give(value);
  }

  reject(error: unknown): void {
    this.fail(error);
  }

  fail(error: unknown): void {
    this.#future.markRetrieved();
    this.#reject(error);
  }
}
