/**
 * How coroutines inherit the values of `Local`s: a hook, so that a program without `Local` pays one comparison for each
 * new coroutine and need not contain the code of `Local`.
 */
import type { Owner } from "../fiber/owner.ts";

/** The values that a coroutine starts with. Opaque here; `null` if all are the initial ones. */
export type InheritedValues = object | null;

/** What `Local` does when a coroutine is created. */
export interface LocalInheritance {
  /** The values of the code that runs now. */
  current(): InheritedValues;
  /** Sets the values that a new coroutine starts with. */
  give(coro: Owner, values: InheritedValues): void;
}

/** `null` until a `Local` is given a value. */
export const locals: { inheritance: LocalInheritance | null } = { inheritance: null };
