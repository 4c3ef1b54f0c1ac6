import { describe } from "../base/describe.ts";
import { type Body, isGenerator, isThenable } from "../base/generator.ts";
import { isWaitable, Operation, WAIT } from "../fiber/operation.ts";
import { PromiseWait } from "../fiber/promise_wait.ts";
import { Call } from "./call.ts";
import { Finish } from "./finish.ts";
import { isJoinable } from "./joinable.ts";
import { takeOver } from "./taken_over.ts";

/**
 * The operation that waits for an item which is not a generator: the item itself if it is an operation, or a new one for
 * a coroutine, a future or a promise.
 */
export function operationFor<T>(
  item: Operation<T> | PromiseLike<T> | { finish(): Operation<T> },
  kinds?: string,
): Operation<T>;
export function operationFor(item: unknown, kinds?: string): Operation<unknown>;
export function operationFor(
  item: unknown,
  kinds = "an operation, a generator object, a coroutine or a promise",
): Operation<unknown> {
  if (item instanceof Operation) return item;
  if (isJoinable(item)) return new Finish(item, Infinity);
  if (isWaitable(item)) return item[WAIT]();
  if (isThenable(item)) return new PromiseWait(item);
  throw new TypeError(`Cannot wait for ${describe(item)}: give ${kinds}`);
}

/** The operation that waits for the rest of what a callback returned; `null` if there is nothing to wait for. */
export function operationForResult(result: unknown): Operation<unknown> | null {
  if (isGenerator(result)) return new Call(result);
  return result instanceof Operation || isThenable(result) ? operationFor(result) : null;
}

/** A generator that only waits for an operation, for where a frame is needed. */
export function* asBody<T>(operation: Operation<T>): Generator<unknown, T, unknown> {
  return (yield operation) as T;
}

/** The same with `yield*`, for an operation that has more to do when it is woken. It is taken over at once. */
export function delegate(operation: Operation<unknown>): Body {
  takeOver(operation);
  return delegating(operation);
}

function* delegating(operation: Operation<unknown>): Body {
  return yield* operation;
}
