import { describe } from "../base/describe.ts";
import { isWaitable, Operation, WAIT } from "../fiber/operation.ts";
import { type Body, isGenerator, isThenable } from "../fiber/fiber.ts";
import { Call } from "./call.ts";
import { takeOver } from "./parts.ts";
import { Until } from "./until.ts";

/** The operation that waits for something that is no generator: it itself, or one for a promise or a future. */
export function operationFor(
  item: unknown,
  kinds = "an operation, a generator object, a coroutine or a promise",
): Operation<unknown> {
  if (item instanceof Operation) return item;
  if (isWaitable(item)) return item[WAIT]();
  if (isThenable(item)) return new Until(item);
  throw new TypeError(`Cannot wait for ${describe(item)}: give ${kinds}`);
}

/** The operation that waits for what is left of what a callback gave, be it a generator; `null` if nothing is. */
export function unfinished(made: unknown): Operation<unknown> | null {
  if (isGenerator(made)) return new Call(made);
  return made instanceof Operation || isThenable(made) ? operationFor(made) : null;
}

/** A generator that does nothing but wait for an operation, for where a frame is needed. */
export function* asBody(operation: Operation<unknown>): Body {
  return yield operation;
}

/** The same with `yield*`, for an operation that has more to do when it is woken, and that begins now. */
export function delegate(operation: Operation<unknown>): Body {
  takeOver(operation);
  return delegating(operation);
}

function* delegating(operation: Operation<unknown>): Body {
  return yield* operation;
}
