import { Coro, type CoroFunction } from "../../coroutine/coro.ts";
import { describe } from "../../base/describe.ts";
import { Operation } from "../../fiber/operation.ts";
import { operationFor } from "../../operations/as_body.ts";
import { isGenerator, isGeneratorFunction, isThenable } from "../../base/generator.ts";

/**
 * A coroutine in the sense of asyncio: a generator object, a generator function (called with its `Coro`), or an
 * operation, such as `sleep()`, `lock.acquire()` and `queue.get()` return.
 */
// deno-lint-ignore no-explicit-any -- a generator that uses plain `yield` is sent `any`
export type Coroutine<T = unknown> = Generator<unknown, T, any> | CoroFunction<[], T> | Operation<T>;

/** Anything that can be awaited: a coroutine, a future or task, a promise, or a `Coro` (for its end). */
export type Awaitable<T = unknown> = Coroutine<T> | PromiseLike<T> | Coro<T>;

/** The type of value that awaiting `W` gives. */
// deno-lint-ignore no-explicit-any -- matches generators and functions of every kind
export type AwaitedValue<W> = W extends Operation<infer T> ? T : W extends Generator<any, infer T, any> ? T
  // deno-lint-ignore no-explicit-any -- as above
: W extends (...args: any) => Generator<any, infer T, any> ? T
: W extends Coro<infer T> ? T
: W extends PromiseLike<infer T> ? T
: never;

/**
 * Whether a value is a coroutine function: a generator function.
 *
 * @param value Any value.
 */
export function isCoroutineFunction(value: unknown): value is CoroFunction {
  return isGeneratorFunction(value);
}

/**
 * Whether a value is a coroutine: a generator object or an operation.
 *
 * @param value Any value.
 */
export function isCoroutine(value: unknown): value is Generator | Operation<unknown> {
  return isGenerator(value) || value instanceof Operation;
}

/** @internal The operation that awaits a value; `null` for a generator or a generator function, which is run instead. */
export function operationOf(awaitable: unknown): Operation<unknown> | null {
  return isGenerator(awaitable) || isGeneratorFunction(awaitable) ? null : operationFor(awaitable);
}

/** @internal Whether a value can be awaited. */
export function isAwaitable(value: unknown): value is Awaitable {
  return isCoroutine(value) || isCoroutineFunction(value) || isThenable(value) || value instanceof Coro;
}

/**
 * Makes a coroutine function of a function, like asyncio's former decorator of this name.
 *
 * A generator function is a coroutine function already and is returned as it is. For any other function, the coroutine
 * function calls it and, if it returns something that can be awaited (the promise of an async function, a future, a
 * generator object, an operation), awaits that.
 *
 * @param fn The function. The `Coro` that a coroutine function is called with is not passed on to it.
 * @returns A coroutine function.
 * @throws {TypeError} If `fn` is not a function.
 *
 * @example
 * ```ts
 * import { coroutine, run } from "@asyncoro/asyncoro/asyncio";
 * import { assertEquals } from "@std/assert";
 *
 * const read = coroutine(async (text: string) => await new Response(text).text());
 * assertEquals(await run(function* (coro) {
 *   return yield* read(coro, "hello");
 * }), "hello");
 * ```
 */
// deno-lint-ignore no-explicit-any -- any function will do
export function coroutine<A extends any[], R>(
  fn: (...args: A) => R,
): CoroFunction<A, [AwaitedValue<R>] extends [never] ? R : AwaitedValue<R>> {
  if (typeof fn !== "function") {
    throw new TypeError(`Cannot make a coroutine function as it takes a function: current value is ${describe(fn)}`);
  }
  if (isCoroutineFunction(fn)) return fn as CoroFunction;
  return function* (_coro: Coro, ...args: A) {
    const result: unknown = fn(...args);
    return isCoroutine(result) || isThenable(result) ? yield result : result;
  };
}
