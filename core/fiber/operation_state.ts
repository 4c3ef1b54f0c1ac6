/**
 * The constants of operations: their states, and what `next()` of an operation returns.
 *
 * V8 compiles the constants of a module into its code. Those that are imported or exported it looks up at each use, which
 * took a tenth of the time of a message; so the files where it matters keep each of them in a constant of their own. Numbers
 * are kept in a `const enum`, whose members compilers and bundlers replace by their values, and bundles get smaller by it:
 * `tests/fiber/operation_state_test.ts` compares the copies.
 */

/** Made, not yet yielded. */
export const NEW = 0;
/** Part of an operation that was yielded, or of a task: it will begin, or be discarded before it does. */
export const TAKEN_OVER = 1;
/** Its iterator was taken by a `yield*`. */
export const ITERATING = 2;
/** Begun, no outcome yet. */
export const WAITING = 3;
/** Has a value that is not handed over yet. */
export const RESOLVED = 4;
/** Has an error that is not handed over yet. */
export const REJECTED = 5;
/** Being cancelled: its own cleanup has not ended yet. */
export const CANCELLING = 6;
/** Handed over, or cancelled. */
export const SPENT = 7;

/** How many operations may end without a wait in one step before the fiber has to give others a turn. */
export const STEP_BUDGET = 500;

/** The value that a parked operation yields, through all levels of `yield*`, to the run loop. */
export const PARKED: unique symbol = Symbol("parked");

// Shared by all waits, so that a wait allocates nothing but its operation. `yield*` passes this object up as it is.
export const PARKED_RESULT: IteratorYieldResult<unknown> = Object.freeze({ done: false, value: PARKED });

// Mutable and shared: `yield*` reads `value` right after the call, before any other code can run.
export const DONE_RESULT: { done: true; value: unknown } = { done: true, value: undefined };
