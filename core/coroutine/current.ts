import { coroOf } from "./coro_of.ts";
import { context } from "../fiber/context.ts";
import type { Coro } from "./coro.ts";
import type { Operation } from "../fiber/operation.ts";
import { Sleep } from "../operations/sleep.ts";
import { type Limit, limitSeconds } from "../base/limit.ts";
import { limited } from "../operations/limited.ts";

/**
 * Returns the coroutine that is running.
 *
 * @throws {Error} Outside a coroutine; `Scheduler.curCoro()` returns `null` there.
 *
 * @example
 * ```ts
 * import { current, run } from "@asyncoro/asyncoro";
 * import { assertEquals } from "@std/assert";
 *
 * await run(function* (coro) {
 *   assertEquals(current(), coro);
 * });
 * ```
 */
export function current(): Coro {
  const fiber = context.fiber;
  if (fiber !== null) return coroOf(fiber);
  throw new Error("Cannot tell the current coroutine as none is running: current() works inside coroutines only");
}

/**
 * Suspends the coroutine that yields it, like {@linkcode Coro.sleep} of that coroutine.
 *
 * @param limit Seconds, a duration or an `AbortSignal`, see {@linkcode Limit}; zero or less does not suspend, and without
 * a limit it sleeps for ever. When the signal is aborted, its reason is thrown at the yield.
 * @throws {TypeError} If `limit` is not a valid limit.
 *
 * @example
 * ```ts
 * import { run, sleep } from "@asyncoro/asyncoro";
 *
 * await run(function* () {
 *   yield* sleep({ milliseconds: 10 });
 * });
 * ```
 */
export function sleep(limit: Limit): Operation<void> {
  return limited(new Sleep<void>(limitSeconds(limit, "sleep"), undefined), limit);
}
