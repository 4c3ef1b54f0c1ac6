/**
 * When a worker may be started: at once, unless the last ones ended before they began to work. Then it is tried again
 * after a while that doubles, as whatever keeps workers from starting may pass, and trying costs a thread each time.
 */
import { type HostTimer, setTimerRef, startTimer, stopTimer } from "../../host/timers.ts";

/** Failures in a row after which it is called impossible. */
export const MAX_FALSE_STARTS = 3;

const FIRST_PAUSE_SECONDS = 0.01;
const LONGEST_PAUSE_SECONDS = 5;

/** See the head of this file. */
export class WorkerStarts {
  /** Failures since the last worker that began to work. */
  failures = 0;
  /** Why the last one failed. */
  reason: unknown;
  readonly #again: () => void;
  #pause: HostTimer | null = null;

  /** `again` is called after a pause. */
  constructor(again: () => void) {
    this.#again = again;
  }

  /** Whether one may be started now. */
  get allowed(): boolean {
    return this.#pause === null;
  }

  /** One could not be started. `alive`: whether the process is to be there after the pause. */
  failed(reason: unknown, alive: boolean): void {
    this.failures++;
    this.reason = reason;
    if (this.#pause !== null) return;
    const seconds = Math.min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2 ** (this.failures - 1));
    this.#pause = startTimer(() => this.#resume(), seconds, alive);
  }

  #resume(): void {
    this.#pause = null;
    this.#again();
  }

  /** Says whether the pause keeps the process alive. */
  hold(alive: boolean): void {
    if (this.#pause !== null) setTimerRef(this.#pause, alive);
  }

  /** Forgets what failed. */
  reset(): void {
    this.failures = 0;
    if (this.#pause !== null) stopTimer(this.#pause);
    this.#pause = null;
  }
}
