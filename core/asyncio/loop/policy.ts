import { EventLoop } from "./event_loop.ts";
import type { EventLoopOptions } from "./loop_scheduler.ts";
import { runningLoop } from "./running.ts";

let current: EventLoop | null = null;

/**
 * Makes an event loop. It stands still until it is run.
 *
 * @param options See {@linkcode EventLoopOptions}.
 */
export function newEventLoop(options?: EventLoopOptions): EventLoop {
  return new EventLoop(options);
}

/**
 * The event loop that runs now or, in code outside a loop, the one that was set; one is made and set if there is none
 * or it is closed.
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
 * Sets the event loop that `getEventLoop()` gives in code outside a loop.
 *
 * @param loop The loop; `null` lets one be made when it is asked for.
 * @throws {TypeError} If `loop` is neither.
 */
export function setEventLoop(loop: EventLoop | null): void {
  if (loop !== null && !(loop instanceof EventLoop)) {
    throw new TypeError("Cannot set the event loop as 'loop' must be an EventLoop or null");
  }
  current = loop;
}
