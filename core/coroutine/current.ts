import { coroOf } from "./coro_of.ts";
import { context } from "../fiber/context.ts";
import type { Coro } from "./coro.ts";

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
