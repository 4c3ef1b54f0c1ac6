/**
 * Failures that nothing has handled, and when they are reported.
 *
 * What is ready when a coroutine fails may still handle the failure, for example by `finish()`. So the report comes after
 * all of that has run, at every priority level. What becomes ready later does not delay it.
 */
import type { Coro } from "./coro.ts";
import { Timer } from "../fiber/timer.ts";
import { LEVELS } from "../kernel/ready_queue.ts";

/** See the head of this file. */
export class UnhandledFailures {
  readonly #coros: Set<Coro> = new Set();

  /** Whether there are failures that may still be reported. */
  get any(): boolean {
    return this.#coros.size > 0;
  }

  /** Adds a coroutine that failed. */
  add(coro: Coro): void {
    this.#coros.add(coro);
    const { loop } = coro;
    loop.aliveChanged();
    let levelsLeft = 0;
    const levelDone = (): void => {
      if (--levelsLeft > 0) return;
      if (this.#coros.delete(coro)) reportFailure(coro);
      loop.aliveChanged();
    };
    // A timer that is due queues up behind everything that is ready at its level.
    for (let level = 0; level < LEVELS; level++) {
      if (level !== coro.level && !loop.queue.anyReady(level)) continue;
      new Timer(loop, level, 0, levelDone);
      levelsLeft++;
    }
  }

  /** Reports all now. */
  reportAll(): void {
    for (const coro of this.#coros) reportFailure(coro);
    this.#coros.clear();
  }
}

/** Reports the failure of a coroutine, unless it was handled meanwhile. */
export function reportFailure(coro: Coro): void {
  if (coro.unhandled && !coro.handledByMonitor()) coro.loop.reportError(coro.last, coro);
  coro.failureSettled();
}
