import { callbackContext } from "../../coroutine/callback_loop.ts";
import { runningCoro } from "../../coroutine/coro_of.ts";
import type { EventLoop } from "./event_loop.ts";
import { IterationLoop } from "./iteration_loop.ts";

/** The event loop whose coroutine or callback runs now; `null` if there is none. */
export function runningLoop(): EventLoop | null {
  const loop = runningCoro()?.loop ?? callbackContext.loop;
  return loop instanceof IterationLoop ? loop.eventLoop : null;
}

/**
 * The event loop whose coroutine or callback runs now.
 *
 * @throws {Error} In code outside an event loop, which includes code after an `await`.
 *
 * @example
 * ```ts
 * import { getRunningLoop, run } from "@asyncoro/asyncoro/asyncio";
 *
 * await run(function* () {
 *   getRunningLoop().callSoon(console.log, "called back");
 * });
 * ```
 */
export function getRunningLoop(): EventLoop {
  return runningLoop() ?? noLoop("tell the running event loop");
}

/** Throws the error for an action that needs a running loop. */
export function noLoop(action: string): never {
  throw new Error(
    `Cannot ${action} as no event loop runs here: call it inside a coroutine or callback of one, such as 'run(main)'`,
  );
}
