import type { Clock } from "../host/clock.ts";

/**
 * The time of an object that coroutines of several schedulers share, each with a clock of its own.
 *
 * It is the time of the clock that is in use; when another clock comes into use it goes on from where it was, so that it
 * never jumps. With one clock it is exactly the time of that clock.
 */
export class SharedClock {
  #clock: Clock | null = null;
  #ahead = 0;

  /** The time now, in seconds, by `clock`, which is in use from now on. */
  now(clock: Clock): number {
    if (clock !== this.#clock) {
      if (this.#clock !== null) this.#ahead += this.#clock.now() - clock.now();
      this.#clock = clock;
    }
    return clock.now() + this.#ahead;
  }

  /** The clock in use; `null` if none was used yet. */
  get clock(): Clock | null {
    return this.#clock;
  }

  /** A time of this clock as a time of the clock in use. */
  local(time: number): number {
    return time - this.#ahead;
  }
}
