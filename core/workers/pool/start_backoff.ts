/**
 * When a worker may be started: at once, unless the last ones ended before they were ready. Then the next attempt comes
 * after a pause that doubles each time: the cause may pass, and each attempt costs a thread.
 */
import { type HostTimer, setTimerRef, startTimer, stopTimer } from "../../host/timers.ts";

/** Failures in a row after which tasks that have no worker are failed. */
export const MAX_FALSE_STARTS = 3;

const FIRST_PAUSE_SECONDS = 0.01;
const LONGEST_PAUSE_SECONDS = 5;

/** See the head of this file. */
export class StartBackoff {
  /** Failures since the last worker that was ready. */
  failures = 0;
  /** The error of the last failure. */
  reason: unknown;
  readonly #retry: () => void;
  #pause: HostTimer | null = null;

  /** `retry` is called after a pause. */
  constructor(retry: () => void) {
    this.#retry = retry;
  }

  /** Whether a worker may be started now. */
  get allowed(): boolean {
    return this.#pause === null;
  }

  /** A start has failed. `alive`: whether the pause keeps the process alive. */
  failed(reason: unknown, alive: boolean): void {
    this.failures++;
    this.reason = reason;
    if (this.#pause !== null) return;
    const seconds = Math.min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2 ** (this.failures - 1));
    this.#pause = startTimer(() => this.#resume(), seconds, alive);
  }

  #resume(): void {
    this.#pause = null;
    this.#retry();
  }

  /** Sets whether the pause keeps the process alive. */
  keepAlive(alive: boolean): void {
    if (this.#pause !== null) setTimerRef(this.#pause, alive);
  }

  /** Forgets the failures and ends the pause. */
  reset(): void {
    this.failures = 0;
    if (this.#pause !== null) stopTimer(this.#pause);
    this.#pause = null;
  }
}
