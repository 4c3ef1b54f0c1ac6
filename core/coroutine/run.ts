import { Coro, type CoroFunction } from "./coro.ts";

/**
 * Runs a coroutine from async code and waits for its result.
 *
 * @param target A generator function.
 * @param args Its arguments after the coroutine.
 * @returns A promise of its result; rejected with the error that ended it. See {@linkcode Coro.value}.
 * @throws {TypeError} If `target` is not a generator function.
 *
 * @example
 * ```ts
 * import { run } from "@asyncoro/asyncoro";
 * import { assertEquals } from "@std/assert";
 *
 * const sum = await run(function* (coro, a: number, b: number) {
 *   yield* coro.sleep(0.01);
 *   return a + b;
 * }, 2, 3);
 * assertEquals(sum, 5);
 * ```
 */
// deno-lint-ignore no-explicit-any -- as in CoroFunction
export function run<A extends readonly any[], R>(target: CoroFunction<A, R>, ...args: A): Promise<R> {
  return new Coro<R, A>(target, ...args).value();
}
