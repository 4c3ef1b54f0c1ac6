import type { CoroFunction } from "../coroutine/coro.ts";
import { Scheduler } from "../coroutine/scheduler.ts";

/**
 * Runs a coroutine from async code, on a scheduler of its own, and waits for its result.
 *
 * An edge runtime answers many requests in one isolate, and what the host gave to one of them, its timers too, is not
 * for another. So every call is apart: coroutines created inside run on the same scheduler, which ends with the first.
 * Those that still run then are terminated, so that their `finally` blocks run, for up to five seconds; the promise is
 * settled after that, and nothing is left.
 *
 * @param target A generator function.
 * @param args Its arguments after the coroutine.
 * @returns A promise of its result; rejected with the very error that ended it. A coroutine that was terminated has the
 * last value that one of its yields evaluated to.
 * @throws {TypeError} If `target` is not a generator function.
 *
 * @example
 * ```ts
 * import { Coro, run } from "@asyncoro/asyncoro/edge";
 * import { assertEquals } from "@std/assert";
 *
 * const log: string[] = [];
 * await run(function* (coro) {
 *   new Coro(function* (child) {
 *     try {
 *       yield* child.sleep(60);
 *     } finally {
 *       log.push("cleaned up");
 *     }
 *   });
 *   yield* coro.sleep(0.01);
 * });
 * assertEquals(log, ["cleaned up"]);
 * ```
 */
// deno-lint-ignore no-explicit-any -- as in CoroFunction
export async function run<A extends readonly any[], R>(target: CoroFunction<A, R>, ...args: A): Promise<R> {
  const scheduler = new Scheduler({ name: "run" });
  try {
    return await scheduler.spawn(target, ...args).value();
  } finally {
    await scheduler.terminate();
  }
}
