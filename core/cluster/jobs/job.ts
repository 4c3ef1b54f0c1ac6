/** One job: what to run, and how often it may be lost. It is settled once. */
import type { Coro } from "../../coroutine/coro.ts";
import type { Outcome } from "../../coroutine/errors.ts";
import type { QueueLinks } from "../../fiber/wait_queue.ts";
import type { Location } from "../../distributed/location.ts";
import type { JobTarget } from "../protocol.ts";

/** How a job has ended. */
export interface JobEnd {
  readonly outcome: Outcome;
  /** What it has returned, or the last value of one that was terminated. */
  readonly value: unknown;
  /** How often it was run. */
  readonly attempts: number;
  /** Where it was run last. */
  readonly server: Location | null;
  /** Whether it was lost, so that its outcome is not that of its function. */
  readonly isLost: boolean;
}

/** What waits for a job. */
export interface JobListener {
  /** Its coroutine was created. It is not run again after that. */
  created?(coro: Coro): void;
  /** It has ended. */
  settled(end: JobEnd): void;
}

/** What a job is made of. */
export interface JobOptions {
  /** How it is called here. */
  readonly name: string;
  readonly target: JobTarget;
  /** Its arguments, packed. */
  readonly args: Uint8Array;
  /** The node or server where it has to run. */
  readonly where: Location | null;
  /** Whether no other such job may run at its server meanwhile. */
  readonly exclusive: boolean;
  /** How often it may be run again. */
  readonly retries: number;
  /** Seconds that it may be run; then it is lost. */
  readonly attemptTimeout: number;
  /** Whether its coroutine is given to the caller, so that it is not run again once it was created. */
  readonly isHandle: boolean;
  /** Whether it may be sent to a server before the one that runs there has ended. */
  readonly mayWait: boolean;
}

/** See the head of this file. */
export class Job implements QueueLinks {
  nextWaiter: QueueLinks | null = null;
  prevWaiter: QueueLinks | null = null;
  readonly options: JobOptions;
  /** Its place in the order of all jobs. */
  readonly order: number;
  /** How often it was run, or may have been. */
  attempts = 0;
  /** Where it was run last. */
  server: Location | null = null;
  /** Whether it has ended, or nobody waits for it any more. */
  isSettled = false;
  /** Whether its coroutine was given to the caller. */
  isGiven = false;
  readonly #listener: JobListener;

  constructor(options: JobOptions, order: number, listener: JobListener) {
    this.options = options;
    this.order = order;
    this.#listener = listener;
  }

  /** Whether it may be lost once more. */
  get hasRetries(): boolean {
    return !this.isGiven && this.attempts <= this.options.retries;
  }

  /** Its coroutine was created. */
  created(coro: Coro): void {
    if (!this.options.isHandle) return;
    this.isGiven = true;
    this.#listener.created?.(coro);
  }

  /** It has ended. It must not have been settled. */
  settle(outcome: Outcome, value: unknown, isLost: boolean): void {
    this.isSettled = true;
    const { attempts, server } = this;
    this.#listener.settled({ outcome, value, attempts, server, isLost });
  }
}
