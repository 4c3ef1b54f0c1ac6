import { describe } from "../base/describe.ts";
import { isThenable } from "../base/generator.ts";
import { type Limit, limitSeconds, limitSignal } from "../base/limit.ts";
import type { WaitingFiber } from "../fiber/context.ts";
import type { Operation } from "../fiber/operation.ts";
import { PromiseWait, timeoutError } from "../fiber/promise_wait.ts";
import { limited } from "./limited.ts";

/** Calls a function at the yield and waits for its promise. A wait that is cut short aborts the function's signal. */
class CallWait<T> extends PromiseWait<T> {
  readonly #start: (signal: AbortSignal) => PromiseLike<T>;
  #controller: AbortController | null = null;
  readonly #limitSignal: AbortSignal | null;
  #late: Error | undefined = undefined;

  /** `limitSignal` may end the wait; that is not done here. */
  constructor(start: (signal: AbortSignal) => PromiseLike<T>, seconds: number, limitSignal: AbortSignal | null) {
    super(null, seconds);
    this.#start = start;
    this.#limitSignal = limitSignal;
  }

  override begin(fiber: WaitingFiber): boolean {
    // It could not succeed, so it does not begin.
    if (this.limit <= 0) return this.fail(timeoutError());
    try {
      this.promise = this.#promise();
    } catch (error) {
      return this.fail(error);
    }
    return super.begin(fiber);
  }

  #promise(): PromiseLike<T> {
    const promise = this.#start((this.#controller = new AbortController()).signal);
    if (isThenable(promise)) return promise;
    throw new TypeError(
      `Cannot wait as the function given to until() must return a promise: current value is ${describe(promise)}`,
    );
  }

  override expire(): void {
    this.#late = timeoutError();
    super.expire();
  }

  override detach(): void {
    super.detach();
    // Without a reason it is the host's AbortError.
    this.#controller!.abort(this.#limitSignal?.aborted ? this.#limitSignal.reason : this.#late);
  }

  // The promise is fulfilled, and nobody gets its value: what it holds, such as the body of a response, is not needed.
  override reclaim(): void {
    this.#controller!.abort();
  }
}

/**
 * Waits for a promise: its value comes back, its rejection is thrown.
 *
 * A promise reports its outcome in a later microtask, even if it is settled already: with a timeout of zero or less the
 * wait always times out. A rejection of the promise is handled from the yield on: it is not an uncaught error when the
 * wait is over, nor when it never began because a race was decided before.
 *
 * @param promise A promise or thenable, of any origin; or a function that returns one.
 * @param limit Seconds to wait at most, a duration or an `AbortSignal`, see {@linkcode Limit}; no limit by default. With
 * zero or less a function is not called. When the signal is aborted, its reason is thrown at the yield.
 * @throws {TimeoutError} At the yield, if the promise is not settled in time. The promise itself goes on.
 * @throws {TypeError} If `promise` is neither thenable nor a function, or `limit` is not a valid limit; at the yield if
 * the function returns no promise.
 *
 * @example
 * ```ts
 * import { run, until } from "@asyncoro/asyncoro";
 * import { assertEquals } from "@std/assert";
 *
 * const text = await run(function* () {
 *   return yield* until(new Response("hello").text(), 5);
 * });
 * assertEquals(text, "hello");
 * ```
 *
 * @example A request that ends with its wait
 * ```ts
 * import { until } from "@asyncoro/asyncoro";
 *
 * function* load(url: string) {
 *   const response = yield* until((signal) => fetch(url, { signal }), 5);
 *   return yield* until(response.text());
 * }
 * ```
 */
export function until<T>(
  promise: PromiseLike<T> | ((signal: AbortSignal) => PromiseLike<T>),
  limit?: Limit,
): Operation<T> {
  const seconds = limitSeconds(limit, "wait for a promise");
  if (isThenable(promise)) return limited(new PromiseWait(promise as PromiseLike<T>, seconds), limit);
  if (typeof promise === "function") return limited(new CallWait(promise, seconds, limitSignal(limit)), limit);
  throw new TypeError(
    `Cannot wait as until() takes a promise or a function that returns one: current value is ${describe(promise)}`,
  );
}
