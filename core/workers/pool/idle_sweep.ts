/** Ends workers that have been idle for long. */
import { type HostTimer, setTimerRef, startTimer, stopTimer } from "../../host/timers.ts";
import type { WorkerHandle } from "./worker_handle.ts";

/** The pool whose idle workers are ended. */
export interface SweptPool {
  readonly workers: readonly WorkerHandle[];
  readonly closed: boolean;
  /** Ends a worker that has been idle for long. */
  dropIdle(worker: WorkerHandle): void;
}

/** See the head of this file. */
export class IdleSweep {
  readonly #pool: SweptPool;
  readonly #keep: number;
  readonly #seconds: number;
  #timer: HostTimer | null = null;

  /** `keep` workers stay though they have been idle for `seconds`, which may be `Infinity`. */
  constructor(pool: SweptPool, keep: number, seconds: number) {
    this.#pool = pool;
    this.#keep = keep;
    this.#seconds = seconds;
  }

  /** A worker may have become idle. */
  schedule(): void {
    if (this.#seconds === Infinity || this.#timer !== null || this.#pool.closed) return;
    this.#timer = startTimer(() => this.#sweep(), this.#seconds, false);
    // If idle workers keep the process alive, so must the timer that ends them.
    if (this.#pool.workers.some((worker) => !worker.unreferenced)) setTimerRef(this.#timer, true);
  }

  #sweep(): void {
    this.#timer = null;
    const before = performance.now() - this.#seconds * 1000;
    for (const worker of [...this.#pool.workers]) {
      if (this.#pool.workers.length <= this.#keep) return;
      const used = worker.sent.length > 0 || worker.pinnedTasks.length > 0 || worker.pinCount > 0;
      if (!used && worker.idleSince <= before) this.#pool.dropIdle(worker);
    }
    if (this.#pool.workers.length > this.#keep) this.schedule();
  }

  /** Ends no more workers. */
  stop(): void {
    if (this.#timer !== null) stopTimer(this.#timer);
    this.#timer = null;
  }
}
