/** How awaiting something ends, for tests that look at errors. */
import { type Awaitable, CancelledError, type Future, type Task, TimeoutError } from "@asyncoro/asyncoro/asyncio";

/** Waits, and gives the error; what has none fails the test. */
export function* errorOf(awaitable: Awaitable): Generator<unknown, Error, unknown> {
  let value: unknown;
  try {
    value = yield awaitable;
  } catch (error) {
    return error as Error;
  }
  throw new Error(`it did not fail but gave ${value}`);
}

/** An error in a word or two. */
export function textOf(error: unknown): string {
  if (error instanceof CancelledError) return error.message === "" ? "cancelled" : `cancelled: ${error.message}`;
  if (error instanceof TimeoutError) return "time is up";
  if (error instanceof AggregateError) return `group of ${error.errors.map(textOf).join(", ")}`;
  return error instanceof Error ? error.message : `no error: ${error}`;
}

/** How a future or task stands, in a word or two. */
export function stateOf(future: Future | Task): string {
  if (!future.done()) return "pending";
  try {
    return `gave ${future.result()}`;
  } catch (error) {
    return textOf(error);
  }
}

/** Throws an error: for cleanup that fails. */
export function failWith(message: string): never {
  throw new Error(message);
}
