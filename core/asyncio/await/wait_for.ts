import { isInstance } from "../../base/describe.ts";
import { TimeoutError } from "../../base/errors.ts";
import { current } from "../../coroutine/current.ts";
import type { Operation } from "../../fiber/operation.ts";
import { Call } from "../../operations/call.ts";
import { type Timeout, toSeconds } from "../../base/duration.ts";
import { type Awaitable, isCoroutineFunction, operationOf } from "../loop/coroutine.ts";
import { ensureFuture, mustBeAwaitable } from "../loop/ensure_future.ts";
import { CancelledError } from "../errors.ts";
import { Future } from "../loop/future.ts";
import { timeout as limit } from "./timeout.ts";

/**
 * Waits for something with a limit. What is not done in time is cancelled; `shield()` prevents that.
 *
 * It ends when what was cancelled has ended, which may take longer; if that ends with a result all the same, it is given.
 *
 * @param awaitable What can be awaited.
 * @param timeout Seconds, or a duration; no limit with `null`. With zero or less only what is done already is given,
 * and a coroutine is not begun.
 * @throws {TimeoutError} At the yield, if it is not done in time.
 * @throws {TypeError} If `awaitable` cannot be awaited or `timeout` is no time.
 *
 * @example
 * ```ts
 * import { run, sleep, TimeoutError, waitFor } from "@asyncoro/asyncoro/asyncio";
 * import { assertEquals } from "@std/assert";
 *
 * const answer = await run(function* () {
 *   try {
 *     return yield* waitFor(sleep(10, "in time"), 0.01);
 *   } catch (error) {
 *     if (error instanceof TimeoutError) return "too late";
 *     throw error;
 *   }
 * });
 * assertEquals(answer, "too late");
 * ```
 */
export function waitFor<T>(awaitable: Awaitable<T>, timeout: Timeout): Operation<T> {
  mustBeAwaitable(awaitable);
  const seconds = toSeconds(timeout, "wait with a limit");
  const work = operationOf(awaitable) as Operation<T> | null;
  // A future may be done already; of a promise, nothing is known at once.
  const awaited = awaitable instanceof Future ? awaitable : work ?? awaitable;
  const body = seconds > 0 ? limited(work ?? awaitable, seconds) : atOnce(awaited);
  return new Call(body, work) as Operation<unknown> as Operation<T>;
}

function* limited<T>(awaitable: Awaitable<T>, seconds: number): Generator<unknown, T, unknown> {
  return yield* limit<T>(seconds, isCoroutineFunction(awaitable) ? awaitable(current()) : awaitable);
}

function* atOnce<T>(awaitable: Awaitable<T>): Generator<unknown, T, unknown> {
  const future = ensureFuture(awaitable);
  if (future.done()) return future.result();
  yield* cancelled(future);
  try {
    return future.result();
  } catch (error) {
    if (isInstance(error, CancelledError)) {
      throw new TimeoutError("Time was up at once: it was not done", { cause: error });
    }
    throw error;
  }
}

/** Cancels and waits for the end, in a way that can be cancelled itself. */
function* cancelled(future: Future): Generator<unknown, void, unknown> {
  const waiter = future.loop.createFuture<void>();
  const onDone = () => waiter.done() || waiter.setResult();
  future.addDoneCallback(onDone);
  try {
    future.cancel();
    yield* waiter;
  } finally {
    future.removeDoneCallback(onDone);
  }
}
