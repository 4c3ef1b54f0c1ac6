/** What becomes of something that is waited for, and other things that tests of locks and queues say often. */
import { sleep } from "@asyncoro/asyncoro/asyncio";

/** What a task ended with: its result, or the name of its error. */
export function* outcomeOf<T>(awaited: Iterable<unknown, T, unknown>): Generator<unknown, T | string, unknown> {
  try {
    return yield* awaited;
  } catch (error) {
    return (error as Error).name;
  }
}

/** The error that a task ended with, if it did. */
export function* errorOf(awaited: Iterable<unknown, unknown, unknown>): Generator<unknown, Error | null, unknown> {
  try {
    yield* awaited;
    return null;
  } catch (error) {
    return error as Error;
  }
}

/** Lets the others have as many turns. */
export function* turns(count = 1): Generator<unknown, void, unknown> {
  for (let i = 0; i < count; i++) yield* sleep(0);
}
