import { context } from "./context.ts";
import type { RunLoop } from "./run_loop.ts";

/**
 * Whatever the kernel schedules: it has a slot there, a place among what is ready, and one timer.
 *
 * Being made ready, or the timer's firing, leads to exactly one run, at whose beginning it is not ready any more.
 */
export abstract class Schedulable {
  /** @internal The scheduler's machinery. */
  declare loop: RunLoop;
  /** @internal Its slot in the kernel between `allocateSlot()` and `freeSlot()` of the run loop, else -1. */
  declare slot: number;
  /** @internal Priority level, 0 (first) to 7. */
  declare level: number;

  // Set here and not where they are declared, as in `Operation`.
  /** @internal */
  constructor(loop: RunLoop, level: number) {
    this.loop = loop;
    this.slot = -1;
    this.level = level;
  }

  /** @internal Whether it is ready. */
  get ready(): boolean {
    return this.slot >= 0 && this.loop.queue.isReady(this.slot);
  }

  /** @internal Runs one step. */
  abstract run(): void;
}

/** Calls back once, at a deadline, from the run loop. */
export class Timer extends Schedulable {
  #callback: () => void;

  /**
   * @param loop The run loop that keeps the timer.
   * @param level Priority level at which the callback is queued when the time comes.
   * @param seconds How long from now; zero or less is the next turn.
   * @param callback Must not throw.
   * @param start When the time begins, by the scheduler's clock; now by default.
   */
  constructor(loop: RunLoop, level: number, seconds: number, callback: () => void, start: number = loop.clock.now()) {
    super(loop, level);
    this.#callback = callback;
    loop.allocateSlot(this);
    loop.arm(this, start + seconds);
  }

  /** @internal */
  override run(): void {
    context.fiber = null;
    this.cancel();
    this.#callback();
  }

  /** Forgets the timer; harmless when it has fired. */
  cancel(): void {
    if (this.slot >= 0) this.loop.freeSlot(this);
  }
}
