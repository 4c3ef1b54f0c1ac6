import { describe } from "../../base/describe.ts";
import type { Operation } from "../../fiber/operation.ts";
import { call } from "../../operations/call.ts";
import { type Limit, limitSeconds, limitSignal } from "../../base/limit.ts";
import { mustBeObject } from "../../base/options.ts";
import { type Abortable, listenToAbort, stopListening } from "../../fiber/abort_listeners.ts";
import { isAwaitable } from "../loop/coroutine.ts";
import { Future } from "../loop/future.ts";
import type { TimerHandle } from "../loop/handle.ts";

/** For {@linkcode wait}: wait until the first is done. */
export const FIRST_COMPLETED = "FIRST_COMPLETED";
/** For {@linkcode wait}: wait until the first has failed, or all are done. */
export const FIRST_EXCEPTION = "FIRST_EXCEPTION";
/** For {@linkcode wait}: wait until all are done. */
export const ALL_COMPLETED = "ALL_COMPLETED";

/** The condition that ends {@linkcode wait}. */
export type ReturnWhen = typeof FIRST_COMPLETED | typeof FIRST_EXCEPTION | typeof ALL_COMPLETED;

/** Options of {@linkcode wait}. */
export interface WaitOptions {
  /**
   * Seconds to wait at most, a duration or an `AbortSignal`, see {@linkcode Limit}; no limit by default. A timeout is not
   * an error; when the signal is aborted, its reason is thrown.
   */
  readonly timeout?: Limit;
  /** The condition that ends the wait: `ALL_COMPLETED` by default. */
  readonly returnWhen?: ReturnWhen;
}

/**
 * Waits for several futures or tasks. It never cancels them, not even on timeout.
 *
 * @param futures Futures and tasks; make tasks of coroutines first.
 * @param options See {@linkcode WaitOptions}.
 * @returns Two sets: the futures that are done, and those that are not.
 * @throws {TypeError} If one of them is not a future or task, or an option is invalid.
 * @throws {RangeError} If there is none.
 *
 * @example
 * ```ts
 * import { createTask, FIRST_COMPLETED, run, sleep, wait } from "@asyncoro/asyncoro/asyncio";
 * import { assertEquals } from "@std/assert";
 *
 * await run(function* () {
 *   const quick = createTask(sleep(0.01, "quick"));
 *   const slow = createTask(sleep(10));
 *   const [done, pending] = yield* wait([quick, slow], { returnWhen: FIRST_COMPLETED });
 *   assertEquals([...done], [quick]);
 *   for (const task of pending) task.cancel();
 * });
 * ```
 */
export function wait<F extends Future>(
  futures: Iterable<F>,
  options: WaitOptions = {},
): Operation<[done: Set<F>, pending: Set<F>]> {
  const { timeout, returnWhen = ALL_COMPLETED } = mustBeObject(options, "wait for futures");
  const seconds = limitSeconds(timeout, "wait for futures");
  if (![FIRST_COMPLETED, FIRST_EXCEPTION, ALL_COMPLETED].includes(returnWhen)) {
    throw new TypeError(
      `Cannot wait for futures as 'returnWhen' must be FIRST_COMPLETED, FIRST_EXCEPTION or ALL_COMPLETED: ` +
        `current value is ${describe(returnWhen)}`,
    );
  }
  return call(waitFor(checked(futures), seconds, limitSignal(timeout), returnWhen));
}

function checked<F extends Future>(futures: Iterable<F>): Set<F> {
  if (isAwaitable(futures) || typeof futures !== "object" || futures === null || !(Symbol.iterator in futures)) {
    throw new TypeError(
      `Cannot wait for futures as it takes several, in a list: current value is ${describe(futures)}`,
    );
  }
  const set = new Set(futures);
  for (const each of set) {
    if (each instanceof Future) continue;
    const hint = isAwaitable(each) ? ", make a task of it with createTask() or ensureFuture()" : "";
    throw new TypeError(
      `Cannot wait for futures as each must be a future or a task: current value is ${describe(each)}${hint}`,
    );
  }
  if (set.size === 0) throw new RangeError("Cannot wait for futures as there is none: give at least one");
  return set;
}

function* waitFor<F extends Future>(
  futures: Set<F>,
  seconds: number,
  signal: AbortSignal | null,
  returnWhen: ReturnWhen,
): Generator<unknown, [Set<F>, Set<F>], unknown> {
  if (signal?.aborted) throw signal.reason;
  const { loop } = futures.values().next().value!;
  const waiter = loop.createFuture<void>();
  const enough = () => waiter.done() || waiter.setResult();
  const timer: TimerHandle | null = seconds < Infinity ? loop.callLater(seconds, enough) : null;
  let left = futures.size;
  const onDone = (future: Future) => {
    left--;
    const failed = returnWhen === FIRST_EXCEPTION && future.failed();
    if (left === 0 || returnWhen === FIRST_COMPLETED || failed) enough();
  };
  let aborted = false;
  const abortion: Abortable = {
    aborted() {
      aborted = !waiter.done();
      enough();
    },
  };
  for (const future of futures) future.addDoneCallback(onDone);
  if (signal !== null) listenToAbort(signal, abortion);
  try {
    yield* waiter;
    if (aborted) throw signal!.reason;
  } finally {
    if (signal !== null) stopListening(signal, abortion);
    timer?.cancel();
    for (const future of futures) future.removeDoneCallback(onDone);
  }
  // Set.prototype.difference is not in Node.js 20.
  const [done, pending] = [true, false].map((wanted) => [...futures].filter((future) => future.done() === wanted));
  return [new Set(done), new Set(pending)];
}
