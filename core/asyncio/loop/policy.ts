import { describe } from "../../base/describe.ts";
import { EventLoop } from "./event_loop.ts";
import type { EventLoopOptions } from "./iteration_loop.ts";
import { runningLoop } from "./running.ts";

let current: EventLoop | null = null;

/**
 * Makes an event loop, which does not run yet.
 *
 * @param options See {@linkcode EventLoopOptions}.
 */
export function newEventLoop(options?: EventLoopOptions): EventLoop {
  return new EventLoop(options);
}

/**
 * The event loop that runs now or, in code outside a loop, the current loop: the one that was set. If there is none, or
 * it is closed, a new loop is made and set.
 *
 * @example
 * ```ts
 * import { getEventLoop, sleep } from "@asyncoro/asyncoro/asyncio";
 *
 * const loop = getEventLoop();
 * const task = loop.createTask(sleep(0.01));
 * await loop.runUntilComplete(task);
 * loop.close();
 * ```
 */
export function getEventLoop(): EventLoop {
  const running = runningLoop();
  if (running !== null) return running;
  if (current === null || current.isClosed()) current = newEventLoop();
  return current;
}

/**
 * Sets the event loop that `getEventLoop()` returns in code outside a loop.
 *
 * @param loop The loop; with `null`, `getEventLoop()` makes a new one.
 * @throws {TypeError} If `loop` is neither a loop nor `null`.
 */
export function setEventLoop(loop: EventLoop | null): void {
  if (loop !== null && !(loop instanceof EventLoop)) {
    throw new TypeError(
      `Cannot set the event loop as 'loop' must be an EventLoop or null: current value is ${describe(loop)}`,
    );
  }
  current = loop;
}
