import { describe } from "../base/describe.ts";
import { type Limit, limitSeconds } from "../base/limit.ts";
import type { Operation } from "../fiber/operation.ts";
import { PromiseWait } from "../fiber/promise_wait.ts";
import { limited } from "./limited.ts";

/**
 * Waits for a promise: its value comes back, its rejection is thrown.
 *
 * A promise reports its outcome in a later microtask, even if it is settled already: with a timeout of zero or less the
 * wait always times out. A rejection of the promise is handled from the yield on: it is not an uncaught error when the
 * wait is over, nor when it never began because a race was decided before.
 *
 * @param promise A promise or thenable, of any origin.
 * @param limit Seconds to wait at most, a duration or an `AbortSignal`, see {@linkcode Limit}; no limit by default. When
 * the signal is aborted, its reason is thrown at the yield.
 * @throws {TimeoutError} At the yield, if the promise is not settled in time. The promise itself goes on.
 * @throws {TypeError} If `promise` is not thenable or `limit` is not a valid limit.
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
 */
export function until<T>(promise: PromiseLike<T>, limit?: Limit): Operation<T> {
  if (typeof (promise as { then?: unknown } | null)?.then !== "function") {
    throw new TypeError(
      `Cannot wait as until() takes a promise: current value is ${describe(promise)}`,
    );
  }
  return limited(new PromiseWait(promise, limitSeconds(limit, "wait for a promise")), limit);
}
