/**
 * Tools for testing programs that use coroutines: virtual time, and networks of peers that are simulated in it.
 *
 * Seeded scheduling is an option: `runVirtualWith({ shuffle: seed }, target)`, or `new Scheduler({ shuffle: seed })`.
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
export type { Engine, Link } from "../distributed/engine.ts";
export { runVirtual, type RunVirtualOptions, runVirtualWith } from "./run_virtual.ts";
export { type SimulatedEngineOptions, SimulatedNetwork, type SimulatedNetworkOptions } from "./simulated_network.ts";
export { VirtualClock } from "./virtual_clock.ts";
