import type { Coro } from "./coro.ts";
import type { Loop } from "../fiber/schedulable.ts";
import { Timer } from "../fiber/timer.ts";

// Shared by the schedulers in which no coroutine has failed; nothing is added to it.
const NONE: Set<Coro> = new Set();

/** Coroutines that failed with an error that nothing handled, until the end of the turn: then the error is reported. */
export class UnhandledFailures {
  readonly #loop: Loop;
  readonly #changed: () => void;
  #coros = NONE;

  /** `changed` is called when `any` may have changed. */
  constructor(loop: Loop, changed: () => void) {
    this.#loop = loop;
    this.#changed = changed;
  }

  /** Whether there are any. */
  get any(): boolean {
    return this.#coros.size > 0;
  }

  /** Adds a coroutine that failed. */
  add(coro: Coro): void {
    if (this.#coros === NONE) this.#coros = new Set();
    this.#coros.add(coro);
    this.#changed();
    // The turn ends when everything that is ready now has run: the timer queues up behind it.
    new Timer(this.#loop, coro.level, 0, () => {
      if (this.#coros.delete(coro)) reportFailure(coro);
      this.#changed();
    });
  }

  /** Reports all now. */
  reportAll(): void {
    for (const coro of this.#coros) reportFailure(coro);
    this.#coros = NONE;
  }
}

/** Reports the failure of a coroutine, unless it was handled meanwhile. */
export function reportFailure(coro: Coro): void {
  if (coro.unhandled && !coro.handledByMonitor()) coro.loop.reportError(coro.last, coro);
  coro.failureSettled();
}
