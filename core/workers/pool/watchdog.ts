/**
 * Looks from time to time whether a wake-up between the pool and a worker was lost, as long as there are tasks.
 *
 * Seen once, in a benchmark on Deno 2.9.6: responses were in the ring, the worker had reset POOL_WAITS and notified,
 * and the main thread went on sleeping for minutes. Whether Deno or V8 lost the wake-up is not known. With the watchdog
 * it costs a tenth of a second instead of a hang.
 */
import { type HostTimer, startTimer, stopTimer } from "../../host/timers.ts";

const CHECK_SECONDS = 0.1;

/** See the head of this file. */
export class Watchdog {
  readonly #check: () => boolean;
  #timer: HostTimer | null = null;

  /** `check` looks for lost wake-ups; it returns whether there are tasks left. */
  constructor(check: () => boolean) {
    this.#check = check;
  }

  /** Watches from now on. */
  start(): void {
    this.#timer ??= startTimer(this.#fire, CHECK_SECONDS, false);
  }

  readonly #fire = (): void => {
    this.#timer = null;
    if (this.#check()) this.start();
  };

  /** Watches no more. */
  stop(): void {
    if (this.#timer !== null) stopTimer(this.#timer);
    this.#timer = null;
  }
}
