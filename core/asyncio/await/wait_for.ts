import { isInstance } from "../../base/describe.ts";
import { TimeoutError } from "../../base/errors.ts";
import { current } from "../../coroutine/current.ts";
import type { Operation } from "../../fiber/operation.ts";
import { Call } from "../../operations/call.ts";
import { type Limit, limitSeconds, limitSignal } from "../../base/limit.ts";
import { type Awaitable, isCoroutineFunction, operationOf } from "../loop/coroutine.ts";
import { ensureFuture, mustBeAwaitable } from "../loop/ensure_future.ts";
import { CancelledError } from "../errors.ts";
import { Future } from "../loop/future.ts";
import { withinLimit } from "./timeout.ts";

/**
 * Waits for an awaitable with a time limit, and cancels it if it is not done in time; `shield()` prevents that.
 *
 * It ends when the awaitable has ended, which may be after the deadline. If a cancelled awaitable ends with a result, it
 * returns the result.
 *
 * @param awaitable Anything that can be awaited.
 * @param limit Seconds, a duration or an `AbortSignal`, see {@linkcode Limit}; none with `null`. With zero or less, it
 * returns the result only if the awaitable is done already, and a coroutine does not begin. When the signal is aborted,
 * the awaitable is cancelled and the reason of the signal thrown.
 * @throws {TimeoutError} At the yield, if it is not done in time.
 * @throws {TypeError} If `awaitable` cannot be awaited or `limit` is not a valid limit.
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
export function waitFor<T>(awaitable: Awaitable<T>, limit: Limit): Operation<T>;
export function waitFor(awaitable: Awaitable, limit: Limit): Operation<unknown> {
  mustBeAwaitable(awaitable);
  const seconds = limitSeconds(limit, "wait with a limit");
  const signal = limitSignal(limit);
  const work = operationOf(awaitable);
  // A future may be done already; a promise does not show whether it is settled.
  const awaited = awaitable instanceof Future ? awaitable : work ?? awaitable;
  const body = seconds > 0 ? limited(work ?? awaitable, seconds, signal) : atOnce(awaited, signal);
  return new Call(body, work);
}

function* limited<T>(
  awaitable: Awaitable<T>,
  seconds: number,
  signal: AbortSignal | null,
): Generator<unknown, T, unknown> {
  const block = isCoroutineFunction(awaitable) ? awaitable(current()) : awaitable;
  return (yield* withinLimit(seconds, signal, block)) as T;
}

function* atOnce<T>(awaitable: Awaitable<T>, signal: AbortSignal | null): Generator<unknown, T, unknown> {
  if (signal?.aborted) throw signal.reason;
  const future = ensureFuture(awaitable);
  if (future.done()) return future.result();
  yield* cancelAndWait(future);
  try {
    return future.result();
  } catch (error) {
    if (isInstance(error, CancelledError)) {
      throw new TimeoutError("Time was up at once: it was not done", { cause: error });
    }
    throw error;
  }
}

/** Cancels a future and waits until it is done. The wait itself can be cancelled. */
function* cancelAndWait(future: Future): Generator<unknown, void, unknown> {
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
