import type { Awaitable } from "../loop/coroutine.ts";
import { ensureFuture } from "../loop/ensure_future.ts";
import type { Future } from "../loop/future.ts";

/**
 * Protects an awaitable from the cancellation of the task that awaits it: a cancellation ends the wait, and the awaitable
 * goes on. If the awaitable itself is cancelled, so is the returned future.
 *
 * @param awaitable The awaitable; of a coroutine, a task is made.
 * @returns A future of its result.
 * @throws {TypeError} If `awaitable` cannot be awaited.
 *
 * @example
 * ```ts
 * import { createTask, run, shield, sleep, TimeoutError, waitFor } from "@asyncoro/asyncoro/asyncio";
 * import { assertEquals } from "@std/assert";
 *
 * await run(function* () {
 *   const saving = createTask(sleep(0.05, "saved"));
 *   try {
 *     yield* waitFor(shield(saving), 0.01);
 *   } catch (error) {
 *     if (!(error instanceof TimeoutError)) throw error;
 *   }
 *   assertEquals(yield* saving, "saved");
 * });
 * ```
 */
export function shield<T>(awaitable: Awaitable<T>): Future<T> {
  const inner = ensureFuture(awaitable);
  if (inner.done()) return inner;
  const outer = inner.loop.createFuture<T>();
  const passOn = () => {
    if (outer.done()) {
      // No task awaits its outcome any more.
      inner.markRetrieved();
    } else if (inner.cancelled()) {
      outer.cancel();
    } else if (inner.failed()) {
      outer.fail(inner.exception());
    } else {
      outer.setResult(inner.result());
    }
  };
  inner.addDoneCallback(passOn);
  outer.addDoneCallback(() => inner.done() || inner.removeDoneCallback(passOn));
  return outer;
}
