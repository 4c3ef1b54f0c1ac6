import { describe, isError, isInstance } from "../../base/describe.ts";
import {
  addCompletionWaiter,
  type CompletionWaiter,
  listCompletionWaiters,
  removeCompletionWaiter,
} from "../../fiber/completion_waiter.ts";
import { type Operation, WAIT } from "../../fiber/operation.ts";
import { CancelledError, checkMessage, InvalidStateError } from "../errors.ts";
import type { EventLoop } from "./event_loop.ts";
import type { AwaitedFuture } from "./awaited_future.ts";
import { DoneCallback } from "./done_callback.ts";
import { FutureWait } from "./future_wait.ts";
import { PromiseWaiter } from "./promise_waiter.ts";
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
 * A result that is not available yet, for callbacks, coroutines and async functions.
 *
 * `yield* future` waits for it in a coroutine, `await future` in an async function, and `addDoneCallback` registers a
 * function to be called. All of them go on through the event loop, never inline, in the order in which they came.
 *
 * An error that is never retrieved goes to the loop's exception handler when the future is garbage-collected or the
 * loop is closed.
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
export class Future<T = unknown> implements PromiseLike<T>, AwaitedFuture {
  /** @internal The event loop it belongs to. */
  readonly loop: EventLoop;
  #state = PENDING;
  // The result, or the error.
  #outcome: unknown = undefined;
  #firstWaiter: CompletionWaiter | null = null;
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

  /** @internal The name of its kind, for messages. */
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
   * @throws Its error, if it has one.
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
   * Sets its result.
   *
   * @param value The result.
   * @throws {InvalidStateError} If it is done.
   */
  setResult(value: T): void {
    this.#mustBePending("set the result of");
    this.succeed(value);
  }

  /**
   * Sets an error in place of a result.
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
   * Cancels it: a `CancelledError` is thrown in everything that waits for it.
   *
   * @param message The message of the error.
   * @returns `false` if it is done already.
   */
  cancel(message?: string): boolean {
    if (this.done()) return false;
    this.finishCancelled(new CancelledError(checkMessage(message)));
    return true;
  }

  /**
   * Has a function called through the event loop when it is done: in the next iteration, if it is done already.
   *
   * @param callback Called with this future. An error that it throws goes to the loop's exception handler.
   * @throws {TypeError} If `callback` is not a function.
   */
  addDoneCallback(callback: (future: this) => unknown): void {
    if (typeof callback !== "function") {
      throw new TypeError(
        `Cannot add a callback to ${this} as 'callback' must be a function: current value is ${describe(callback)}`,
      );
    }
    const done = new DoneCallback(this.loop, callback, this);
    if (this.done()) done.resolve();
    else this.addWaiter(done);
  }

  /**
   * Removes a callback, as many times as it was added.
   *
   * @param callback The function.
   * @returns How many times it had been added.
   */
  removeDoneCallback(callback: (future: this) => unknown): number {
    const found = listCompletionWaiters(this.#firstWaiter)
      .filter((waiter) => waiter instanceof DoneCallback && waiter.calls(callback));
    for (const waiter of found) this.removeWaiter(waiter);
    return found.length;
  }

  /**
   * Like `Promise.prototype.then`: makes `await future` work in async functions.
   *
   * @param onResult Called with the result.
   * @param onError Called with the error, including a `CancelledError`.
   */
  then<R = T, E = never>(
    onResult?: ((value: T) => R | PromiseLike<R>) | null,
    onError?: ((error: unknown) => E | PromiseLike<E>) | null,
  ): Promise<R | E> {
    return new Promise<T>((resolve, reject) => {
      const waiter = new PromiseWaiter<T>(this, resolve, reject);
      if (!this.settleIfDone(waiter)) this.addWaiter(waiter);
    }).then(onResult, onError);
  }

  /**
   * Like `Promise.prototype.catch`.
   *
   * @param onError Called with the error, including a `CancelledError`.
   */
  catch<E = never>(onError?: ((error: unknown) => E | PromiseLike<E>) | null): Promise<T | E> {
    return this.then(null, onError);
  }

  /**
   * Like `Promise.prototype.finally`.
   *
   * @param onDone Called without arguments when it is done, with a result or an error.
   */
  finally(onDone?: (() => void) | null): Promise<T> {
    return this.then().finally(onDone);
  }

  /** For `yield*`, in coroutines. */
  [Symbol.iterator](): Iterator<unknown, T, unknown> {
    return new FutureWait<T>(this)[Symbol.iterator]();
  }

  /** @internal For plain `yield`. */
  [WAIT](): Operation<T> {
    return new FutureWait<T>(this);
  }

  /** Text for messages. */
  toString(): string {
    return `a ${this.stateName} future`;
  }

  /** @internal Text for `console.log` in Deno and Node.js. */
  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return `${this.kind} (${this.stateName})`;
  }

  /** @internal Its state, in a word. */
  get stateName(): string {
    return ["pending", "finished", "failed", "cancelled"][this.#state];
  }

  // --- for waiters --------------------------------------------------------------------------------------------

  /** @internal Settles a waiter if it is done, and returns whether it is. */
  settleIfDone(waiter: { give(value: unknown): unknown; fail(error: unknown): unknown }): boolean {
    if (this.#state === PENDING) return false;
    if (this.#state === RETURNED) waiter.give(this.#outcome);
    else waiter.fail(this.#outcome);
    return true;
  }

  /** @internal Adds a waiter. */
  addWaiter(waiter: CompletionWaiter): void {
    this.#firstWaiter = addCompletionWaiter(this.#firstWaiter, waiter);
  }

  /** @internal Removes a waiter. */
  removeWaiter(waiter: CompletionWaiter): void {
    this.#firstWaiter = removeCompletionWaiter(this.#firstWaiter, waiter);
  }

  /** @internal Whether it ended with an error, which may be `null`. The error counts as retrieved. */
  failed(): boolean {
    if (this.#state !== FAILED) return false;
    this.markRetrieved();
    return true;
  }

  /** @internal Whether it failed or was cancelled. An error counts as retrieved. */
  endedWithoutResult(): boolean {
    return this.#state === CANCELLED || this.failed();
  }

  /** @internal The error was retrieved. */
  markRetrieved(): void {
    this.#unretrieved?.retrieved();
    this.#unretrieved = null;
  }

  // --- settling -----------------------------------------------------------------------------------------------

  /** @internal It has a result. */
  succeed(value: unknown): void {
    this.#state = RETURNED;
    this.#outcome = value;
    for (let waiter = this.#shiftWaiter(); waiter !== null; waiter = this.#shiftWaiter()) waiter.resolve(value);
  }

  /** @internal It has an error, which may be anything that can be thrown. */
  fail(error: unknown): void {
    this.#state = FAILED;
    this.#unretrieved = new Unretrieved(this, this.loop, error);
    this.#reject(error);
  }

  /** @internal It was cancelled. */
  finishCancelled(error: CancelledError): void {
    this.#state = CANCELLED;
    this.#reject(error);
  }

  #reject(error: unknown): void {
    this.#outcome = error;
    for (let waiter = this.#shiftWaiter(); waiter !== null; waiter = this.#shiftWaiter()) waiter.reject(error);
  }

  #shiftWaiter(): CompletionWaiter | null {
    const waiter = this.#firstWaiter;
    if (waiter !== null) this.removeWaiter(waiter);
    return waiter;
  }

  #mustBePending(action: string): void {
    if (this.#state === PENDING) return;
    throw new InvalidStateError(`Cannot ${action} a future that is done: it is ${this.stateName}`);
  }

  #tooEarly(what: string): InvalidStateError {
    return new InvalidStateError(`Cannot give the ${what} of ${this}: wait for it with 'yield*' first`);
  }
}
