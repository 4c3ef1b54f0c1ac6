import { context } from "../fiber/context.ts";
import type { Coro } from "./coro.ts";
import type { Operation } from "../fiber/operation.ts";
import { Sleep } from "../operations/sleep.ts";
import { type Timeout, toSeconds } from "../base/duration.ts";

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
  if (fiber !== null) return fiber.owner;
  throw new Error("Cannot tell the current coroutine as none is running: current() works inside coroutines only");
}

/**
 * Suspends the coroutine that yields it, like {@linkcode Coro.sleep} of that coroutine.
 *
 * @param timeout Seconds, or a duration; zero or less does not suspend, and without a limit it sleeps for ever.
 * @throws {TypeError} If `timeout` is not a valid duration.
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
export function sleep(timeout: Timeout): Operation<void> {
  return new Sleep<void>(toSeconds(timeout, "sleep"), undefined);
}
