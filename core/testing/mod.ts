/**
 * Tools for testing programs that use coroutines: virtual time.
 *
 * Seeded scheduling is an option of the scheduler: `new Scheduler({ shuffle: seed })`.
 *
 * @example
 * ```ts
 * import { runVirtual } from "@asyncoro/asyncoro/testing";
 * import { assertEquals } from "@std/assert";
 *
 * await runVirtual(function* (coro) {
 *   assertEquals(yield* coro.sleep({ hours: 1 }, "an hour later"), "an hour later");
 * });
 * ```
 *
 * @module
 */
export { runVirtual } from "./run_virtual.ts";
export { VirtualClock } from "./virtual_clock.ts";
