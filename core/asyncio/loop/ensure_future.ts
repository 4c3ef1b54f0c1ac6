import { Coro } from "../../coroutine/coro.ts";
import { describe } from "../../base/describe.ts";
import { UNLINKED } from "../../fiber/completion_waiter.ts";
import { Reaction } from "../../fiber/reaction.ts";
import { isThenable } from "../../base/generator.ts";
import { type Awaitable, type Coroutine, isAwaitable, isCoroutine, isCoroutineFunction } from "./coroutine.ts";
import type { EventLoop } from "./event_loop.ts";
import { Future, type FutureOptions } from "./future.ts";
import { getRunningLoop } from "./running.ts";

/**
 * Whether a value is a future or a task.
 *
 * @param value Any value.
 */
export function isFuture(value: unknown): value is Future {
  return value instanceof Future;
}

/**
 * Makes a future of anything that can be awaited: a task of a coroutine, a future of a promise. A future or task is
 * returned as it is.
 *
 * @param awaitable Anything that can be awaited.
 * @param options The event loop; the running one by default.
 * @throws {TypeError} If `awaitable` cannot be awaited.
 * @throws {RangeError} If it is a future of another loop.
 * @throws {Error} If no loop is given and none is running.
 */
export function ensureFuture<T>(awaitable: Awaitable<T>, options: FutureOptions = {}): Future<T> {
  if (awaitable instanceof Future) {
    if (options.loop === undefined || options.loop === awaitable.loop) return awaitable as Future<T>;
    throw new RangeError(`Cannot use ${awaitable} as it belongs to another event loop`);
  }
  const loop = options.loop ?? getRunningLoop();
  if (awaitable instanceof Coro) return loop.createTask(awaitable.finish());
  if (isCoroutine(awaitable) || isCoroutineFunction(awaitable)) return loop.createTask(awaitable as Coroutine<T>);
  if (isThenable(awaitable)) return futureOf(awaitable as PromiseLike<T>, loop);
  throw cannotAwait(awaitable);
}

/** @internal Throws if a value cannot be awaited. */
export function mustBeAwaitable(value: unknown): void {
  if (!isAwaitable(value)) throw cannotAwait(value);
}

function cannotAwait(value: unknown): TypeError {
  return new TypeError(
    `Cannot await ${describe(value)}: give a coroutine (a generator function or object, or an operation), ` +
      "a future or a promise",
  );
}

/**
 * Makes a future of a promise. Cancelling it has no effect on the promise.
 *
 * @param promise A promise; a future is returned as it is.
 * @param options The event loop; the running one by default.
 * @throws {TypeError} If `promise` is not a promise.
 * @throws {Error} If no loop is given and none is running.
 *
 * @example
 * ```ts
 * import { run, wrapFuture } from "@asyncoro/asyncoro/asyncio";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(await run(function* () {
 *   return yield* wrapFuture(new Response("hello").text());
 * }), "hello");
 * ```
 */
export function wrapFuture<T>(promise: PromiseLike<T>, options: FutureOptions = {}): Future<T> {
  if (promise instanceof Future) return ensureFuture(promise, options);
  if (isThenable(promise)) return futureOf(promise, options.loop ?? getRunningLoop());
  throw new TypeError(`Cannot make a future as it takes a promise: current value is ${describe(promise)}`);
}

function futureOf<T>(promise: PromiseLike<T>, loop: EventLoop): Future<T> {
  const future = loop.createFuture<T>();
  const runLoop = loop.scheduler.loop;
  const settling = {
    ...UNLINKED,
    resolve: (value: unknown) => future.succeed(value),
    reject: (error: unknown) => future.fail(error),
  };
  const reaction = Reaction.join(promise, settling);
  runLoop.hostOperations++;
  const stop = (): void => {
    // A cancelled future no longer waits for the promise.
    reaction.leave(settling);
    runLoop.hostOperations--;
    // There may be nothing else to wait for.
    runLoop.driver.update();
  };
  future.addWaiter({ ...UNLINKED, resolve: stop, reject: stop });
  return future;
}
