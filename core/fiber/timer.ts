import { context } from "./context.ts";
import { type Loop, Schedulable } from "./schedulable.ts";

/** Calls back once, at a deadline, from the run loop. */
export class Timer extends Schedulable {
  #callback: () => void;

  /**
   * @param loop The run loop that keeps the timer.
   * @param level Priority level at which the callback is queued when the time comes.
   * @param seconds How long from now; with zero or less it fires in the next turn.
   * @param callback Must not throw.
   * @param start When the time begins, by the scheduler's clock; now by default.
   */
  constructor(loop: Loop, level: number, seconds: number, callback: () => void, start: number = loop.clock.now()) {
    super(loop, level);
    this.#callback = callback;
    // An abandoned scheduler sets no timers, and its code may not know yet that it is one.
    if (loop.abandoned) return;
    loop.allocateSlot(this);
    loop.arm(this, start + seconds);
  }

  /** @internal */
  override run(): void {
    context.fiber = null;
    this.cancel();
    this.#callback();
  }

  /** Cancels the timer. Has no effect if it has fired. */
  cancel(): void {
    if (this.slot >= 0) this.loop.freeSlot(this);
  }
}
