/** What `race` and `all` take, and the type of what waiting for it gives. */
import type { Coro } from "./coro.ts";
import { isGenerator } from "../base/generator.ts";
import type { Operation } from "../fiber/operation.ts";
import { operationFor } from "../operations/as_body.ts";

/** What `race` and `all` take: an operation, a generator object, a coroutine or a promise. */
// deno-lint-ignore no-explicit-any -- a generator that uses `yield operation` is sent `any`
export type Waitable<T> = Operation<T> | Generator<unknown, T, any> | Coro<T> | PromiseLike<T>;

/** The type of value that waiting for `W` gives. */
// deno-lint-ignore no-explicit-any -- matches generators of every kind
export type Waited<W> = W extends Operation<infer T> ? T : W extends Generator<any, infer T, any> ? T
: W extends Coro<infer T> ? T
: W extends PromiseLike<infer T> ? T
: never;

/** The operation that waits for an item; `null` for a generator, which runs on its branch as it is. */
export function operationOf(item: unknown): Operation<unknown> | null {
  return isGenerator(item) ? null : operationFor(item);
}

/** The items of a call that takes them one by one or as an array. */
export function listItems(args: unknown[]): unknown[] {
  return args.length === 1 && Array.isArray(args[0]) ? [...args[0]] : args;
}

/** Whether a value is a plain object, whose values are named items. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  if (typeof value !== "object" || value === null) return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
