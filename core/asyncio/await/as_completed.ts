import { describe } from "../../base/describe.ts";
import { TimeoutError } from "../../base/errors.ts";
import type { Operation } from "../../fiber/operation.ts";
import { call } from "../../operations/call.ts";
import { type Limit, limitSeconds, limitSignal } from "../../base/limit.ts";
import { listenToAbort, stopListening } from "../../fiber/abort_listeners.ts";
import { type Awaitable, type AwaitedValue, isAwaitable } from "../loop/coroutine.ts";
import { ensureFuture, mustBeAwaitable } from "../loop/ensure_future.ts";
import type { EventLoop } from "../loop/event_loop.ts";
import type { Future } from "../loop/future.ts";
import type { Handle } from "../loop/handle.ts";
import { getEventLoop } from "../loop/policy.ts";
import { Queue } from "../queues/queue.ts";

/** Options of {@linkcode asCompleted}. */
export interface AsCompletedOptions {
  /**
   * The time in which all must be done, in seconds or as a duration, or an `AbortSignal`, see {@linkcode Limit}; no limit by
   * default. When the signal is aborted, its reason is thrown for each that is not done.
   */
  readonly timeout?: Limit;
}

/**
 * Several awaitables in the order in which they are done. {@linkcode asCompleted} returns it.
 *
 * In a coroutine, iterate with `for`: each item is an operation that evaluates to the next result. In an async function,
 * iterate with `for await`: the items are the futures themselves.
 */
export class Completions<T> {
  // The futures that are done and were not consumed yet; `null` for each that was not done in time.
  readonly #done = new Queue<Future<T> | null>();
  readonly #todo: Set<Future<T>>;
  #timer: Handle | null = null;
  #left: number;
  readonly #signal: AbortSignal | null;
  // Whether the signal ended the wait, and not the deadline.
  #aborted = false;

  readonly #loop: EventLoop;

  /** @internal */
  constructor(loop: EventLoop, futures: Set<Future<T>>, seconds: number, signal: AbortSignal | null) {
    this.#loop = loop;
    this.#todo = futures;
    this.#left = futures.size;
    this.#signal = signal;
    if (futures.size > 0 && seconds < Infinity) this.#timer = loop.callLater(seconds, this.#timeUp);
    for (const future of futures) future.addDoneCallback(this.#onDone);
    if (signal !== null && futures.size > 0) listenToAbort(signal, this);
  }

  /** @internal The items of `count` awaitables whose signal was aborted before: none of them begins. */
  static aborted<T>(loop: EventLoop, count: number, signal: AbortSignal): Completions<T> {
    const completions = new Completions<T>(loop, new Set(), Infinity, signal);
    completions.#aborted = true;
    completions.#left = count;
    for (let i = 0; i < count; i++) completions.#done.putNowait(null);
    return completions;
  }

  readonly #onDone = (future: Future<T>): void => {
    if (!this.#todo.delete(future)) return;
    this.#done.putNowait(future);
    if (this.#todo.size === 0) this.#stopWaiting();
  };

  /** @internal The signal was aborted. */
  aborted(): void {
    this.#aborted = true;
    this.#timeUp();
  }

  #stopWaiting(): void {
    this.#timer?.cancel();
    if (this.#signal !== null) stopListening(this.#signal, this);
  }

  readonly #timeUp = (): void => {
    for (const future of this.#todo) {
      future.removeDoneCallback(this.#onDone);
      this.#done.putNowait(null);
    }
    this.#todo.clear();
    this.#stopWaiting();
  };

  /** One operation for each: it evaluates to the result of the next that is done, or throws its error. */
  *[Symbol.iterator](): Generator<Operation<T>, void, unknown> {
    while (this.#left > 0) {
      this.#left--;
      yield call(this.#nextResult());
    }
  }

  *#nextResult(): Generator<unknown, T, unknown> {
    return (yield* this.#next()).result();
  }

  /** The next future that is done. */
  *#next(): Generator<unknown, Future<T>, unknown> {
    const future = yield* this.#done.get();
    if (future !== null) return future;
    if (this.#aborted) throw this.#signal!.reason;
    throw new TimeoutError("Time is up: not all were done within the limit");
  }

  /** For `for await` in async functions: the futures, each when it is done. */
  [Symbol.asyncIterator](): AsyncIterator<Future<T>, void, unknown> {
    return { next: () => this.#nextFuture() };
  }

  async #nextFuture(): Promise<IteratorResult<Future<T>, void>> {
    if (this.#left === 0) return { done: true, value: undefined };
    this.#left--;
    const [future] = await this.#loop.createTask(this.#boxed());
    return { done: false, value: future };
  }

  // In an array, as a promise of a future would become a promise of its result.
  *#boxed(): Generator<unknown, [Future<T>], unknown> {
    return [yield* this.#next()];
  }
}

/**
 * Runs several awaitables at once and provides each when it is done, the fastest first.
 *
 * @param awaitables The awaitables; of coroutines, tasks are made. One that occurs twice is awaited once.
 * @param options See {@linkcode AsCompletedOptions}.
 * @throws {TypeError} If one cannot be awaited, or `timeout` is not a valid limit.
 * @throws {TimeoutError} At the yield, for each that is not done in time. It goes on.
 *
 * @example
 * ```ts
 * import { asCompleted, run, sleep } from "@asyncoro/asyncoro/asyncio";
 * import { assertEquals } from "@std/assert";
 *
 * const results: string[] = [];
 * await run(function* () {
 *   for (const next of asCompleted([sleep(0.03, "slow"), sleep(0.01, "quick")])) results.push(yield* next);
 * });
 * assertEquals(results, ["quick", "slow"]);
 * ```
 */
export function asCompleted<W extends Awaitable>(
  awaitables: Iterable<W>,
  options: AsCompletedOptions = {},
): Completions<AwaitedValue<W>> {
  const seconds = limitSeconds(options.timeout, "wait for several");
  if (isAwaitable(awaitables) || typeof awaitables !== "object" || !(Symbol.iterator in (awaitables ?? {}))) {
    throw new TypeError(`Cannot wait for several as it takes a list: current value is ${describe(awaitables)}`);
  }
  const distinct = new Set(awaitables);
  for (const each of distinct) mustBeAwaitable(each);
  const loop = getEventLoop();
  const signal = limitSignal(options.timeout);
  if (signal?.aborted) return Completions.aborted(loop, distinct.size, signal);
  const futures = [...distinct].map((each) => ensureFuture(each, { loop }) as Future<AwaitedValue<W>>);
  return new Completions(loop, new Set(futures), seconds, signal);
}
