import { describe } from "../describe.ts";
import { Operation } from "../operation.ts";
import { type Body, isGenerator, isThenable } from "../strand.ts";

/** A generator that does nothing but wait for an operation or promise, for where a frame is needed. */
export function attend(item: unknown, kinds = "an operation, a generator object, a coroutine or a promise"): Body {
  if (item instanceof Operation || isThenable(item)) return wait(item);
  throw new TypeError(`Cannot wait for ${describe(item)}: give ${kinds}`);
}

/** What is left to wait for of what a callback gave: a generator, an operation or a promise; `null` if nothing is. */
export function unfinished(made: unknown): Body | null {
  if (isGenerator(made)) return made;
  return made instanceof Operation || isThenable(made) ? wait(made) : null;
}

function* wait(item: unknown): Body {
  return yield item;
}

/** The same with `yield*`, for an operation that has more to do when it is woken. */
export function* delegate(operation: Operation<unknown>): Body {
  return yield* operation;
}
