import { context } from "./context.ts";
import type { RunLoop } from "./run_loop.ts";

/** Neither ready nor with a timer: it runs, waits for another, or has no slot. */
export const IDLE = 0;
/** Its timer is set. */
export const TIMED = 1;
/** Submitted and not run since. */
export const READY = 2;
/** Its timer fired and it was not run since. */
export const DUE = 3;

/**
 * Whatever the kernel schedules: it has a slot there, a place in the ready queues and one timer.
 *
 * Between `enter()` and `leave()` of the run loop, `slot` and `generation` are its address in the kernel.
 */
export abstract class Schedulable {
  /** @internal The scheduler's machinery. */
  declare loop: RunLoop;
  /** @internal Address in the kernel, -1 when it has none. */
  declare slot: number;
  /** @internal Tells this tenant of the slot from earlier and later ones. */
  declare generation: number;
  /** @internal Priority level, 0 (first) to 7. */
  declare level: number;
  /**
   * @internal
   * One of the above. Being submitted, or the timer's firing, leads to exactly one run, at whose beginning the entity is
   * idle again.
   */
  declare phase: number;

  // Set here and not where they are declared, as in `Operation`.
  /** @internal */
  constructor(loop: RunLoop, level: number) {
    this.loop = loop;
    this.slot = -1;
    this.generation = 0;
    this.level = level;
    this.phase = IDLE;
  }

  /** @internal Whether it is ready. */
  get queued(): boolean {
    return this.phase >= READY;
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
    loop.enter(this);
    loop.arm(this, start + seconds);
  }

  /** @internal */
  override run(): void {
    context.fiber = null;
    this.phase = IDLE;
    this.cancel();
    this.#callback();
  }

  /** Forgets the timer; harmless when it has fired. */
  cancel(): void {
    if (this.slot >= 0) this.loop.leave(this);
  }
}
