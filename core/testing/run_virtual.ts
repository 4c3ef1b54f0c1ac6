import type { CoroFunction } from "../coroutine/coro.ts";
import { Scheduler } from "../coroutine/scheduler.ts";
import { VirtualClock } from "./virtual_clock.ts";

/**
 * Runs a coroutine in virtual time, on a scheduler of its own, and waits for its result.
 *
 * When it has ended, coroutines on the same scheduler that still run are terminated.
 *
 * @param target A generator function.
 * @param args Its arguments after the coroutine.
 * @returns A promise of its result; rejected with the error that ended it, unchanged.
 *
 * @example
 * ```ts
 * import { runVirtual } from "@asyncoro/asyncoro/testing";
 * import { assertEquals } from "@std/assert";
 *
 * const answer = await runVirtual(function* (coro) {
 *   yield* coro.sleep({ days: 365 });
 *   return "a year later";
 * });
 * assertEquals(answer, "a year later");
 * ```
 */
// deno-lint-ignore no-explicit-any -- as in CoroFunction
export async function runVirtual<A extends readonly any[], R>(target: CoroFunction<A, R>, ...args: A): Promise<R> {
  const scheduler = new Scheduler({ name: "virtual", clock: new VirtualClock() });
  try {
    return await scheduler.spawn(target, ...args).value();
  } finally {
    await scheduler.terminate();
  }
}
