/**
 * Asynchronous, concurrent programming with coroutines: Python's asyncoro, rebuilt for Deno.
 *
 * Coroutines are generator functions. They are scheduled by a small kernel in WebAssembly, talk by messages, wait
 * with timeouts that lose nothing, and are terminated with their `finally` blocks run.
 *
 * @example
 * ```ts
 * import { Coro, run } from "@asyncoro/asyncoro";
 * import { assertEquals } from "@std/assert";
 *
 * const total = await run(function* (coro) {
 *   for (let i = 1; i <= 3; i++) {
 *     new Coro(function* (child) {
 *       yield* child.sleep(0.01 * i);
 *       coro.send(i);
 *     });
 *   }
 *   let sum = 0;
 *   for (let i = 0; i < 3; i++) sum += yield* coro.receive<number>();
 *   return sum;
 * });
 * assertEquals(total, 6);
 * ```
 *
 * @module
 */
// Bundlers keep this order. With what builds on the rest at the end, similar code is close together and compresses better.
export { main, type MainOptions, mainWith } from "./core/coroutine/main.ts";
export { run } from "./core/coroutine/run.ts";
export { runWith } from "./core/coroutine/run_with.ts";
export * from "./core/mod.ts";
export * from "./core/workers/mod.ts";
export * from "./core/io/mod.ts";
