/** How many jobs are in which state, and what has failed of late. */
import { Fifo } from "../../base/fifo.ts";
import type { FailureSnapshot } from "../page/snapshot.ts";

/** How many failures are remembered. */
const FAILURES = 50;
/** Over how many seconds the rate is taken. */
const RATE_SECONDS = 10;

/** See the head of this file. */
export class Counts {
  waiting = 0;
  running = 0;
  done = 0;
  failed = 0;
  lost = 0;
  retried = 0;
  readonly #now: () => number;
  readonly #start: number;
  readonly #failures: Fifo<FailureSnapshot> = new Fifo();
  /** How many jobs have ended in each of the last seconds, by the second. */
  readonly #ended: { second: number; count: number }[] = [];

  /** `now` returns the time in seconds. */
  constructor(now: () => number) {
    this.#now = now;
    this.#start = now();
  }

  /** Seconds since the start. */
  get age(): number {
    return this.#now() - this.#start;
  }

  /** A job has ended: it has returned, or was terminated. */
  jobDone(): void {
    this.done++;
    this.#jobEnded();
  }

  /** A job has failed, or was lost for good. */
  jobFailed(job: string, server: string, error: unknown, isLost: boolean): void {
    if (isLost) this.lost++;
    else this.failed++;
    this.#jobEnded();
    const { name = "Error", message = String(error) } = (error ?? {}) as { name?: string; message?: string };
    this.#failures.unshift({ at: this.age, job, server, error: `${name}: ${message}` });
    if (this.#failures.length > FAILURES) this.#failures.removeAt(FAILURES);
  }

  /** The last failures, newest first. */
  get failures(): readonly FailureSnapshot[] {
    return [...this.#failures];
  }

  /** How many jobs have ended a second, of late. */
  get rate(): number {
    const second = Math.floor(this.age);
    this.#forgetBefore(second - RATE_SECONDS);
    let sum = 0;
    for (const { count } of this.#ended) sum += count;
    return sum / Math.min(Math.max(this.age, 1), RATE_SECONDS);
  }

  #jobEnded(): void {
    const second = Math.floor(this.age);
    const last = this.#ended.at(-1);
    if (last?.second === second) return void last.count++;
    this.#forgetBefore(second - RATE_SECONDS);
    this.#ended.push({ second, count: 1 });
  }

  #forgetBefore(second: number): void {
    while (this.#ended.length > 0 && this.#ended[0].second <= second) this.#ended.shift();
  }
}
