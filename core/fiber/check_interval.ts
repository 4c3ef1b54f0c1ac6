/**
 * How many steps may pass between two readings of the clock.
 *
 * The clock costs as much as a switch or two. The interval adapts, so that readings stay about `CHECK_SECONDS` apart when
 * steps are long. Its bound is what may run unseen when steps suddenly become long.
 */
const MAX_STEPS = 256;
const CHECK_SECONDS = 100e-6;

/** See the head of this file. */
export class CheckInterval {
  /** Steps until the next reading. */
  steps = 1;

  /** So many steps took so many seconds. */
  adapt(seconds: number, steps: number): void {
    if (seconds > 2 * CHECK_SECONDS) {
      this.steps = Math.max(1, Math.floor((this.steps * CHECK_SECONDS) / seconds));
    } else if (seconds < CHECK_SECONDS && steps >= this.steps) {
      this.steps = Math.min(MAX_STEPS, this.steps << 1);
    }
  }
}
