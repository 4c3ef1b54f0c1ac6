import { describe } from "../describe.ts";
import { Operation } from "../operation.ts";
import { type Body, isThenable } from "../strand.ts";

/** A generator that does nothing but wait for an operation or promise, for where a frame is needed. */
export function attend(item: unknown, kinds = "an operation, a generator object, a coroutine or a promise"): Body {
  if (item instanceof Operation || isThenable(item)) return wait(item);
  throw new TypeError(`Cannot wait for ${describe(item)}: give ${kinds}`);
}

function* wait(item: unknown): Body {
  return yield item;
}
