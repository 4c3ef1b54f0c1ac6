/**
 * The same function for many items: each is a job. Items are taken from their source only as jobs can run, a few more than
 * the servers can begin at once.
 */
import { Fifo } from "../../base/fifo.ts";
import { ClusterWait } from "../cluster_wait.ts";
import type { Dispatcher } from "./dispatcher.ts";
import type { Job, JobEnd } from "./job.ts";

/** How many jobs for each server are under way if that is not limited: two there, and as many that wait. */
const PER_SERVER = 4;

/** The end of the job of one item. */
export interface ItemEnd {
  readonly index: number;
  readonly end: JobEnd;
}

/** What a run is made of. */
export interface JobRunOptions {
  readonly dispatcher: Dispatcher;
  readonly items: Iterable<unknown>;
  /** How many jobs may be under way; `null`: as many as the servers need. */
  readonly concurrency: number | null;
  /** Makes the job of an item. Throws if its arguments cannot be sent. */
  readonly jobFor: (item: unknown, settled: (end: JobEnd) => void) => Job;
  /** Is told how many of how many items are done, as far as these are known. */
  readonly progress: ((done: number, total: number, isOver: boolean) => void) | null;
}

/** See the head of this file. */
export class JobRun {
  readonly #options: JobRunOptions;
  readonly #source: Iterator<unknown>;
  readonly #total: number;
  readonly #running: Map<number, Job> = new Map();
  /** Ends that have not been taken. */
  readonly #ends: Fifo<ItemEnd> = new Fifo();
  readonly #waiting: Fifo<ClusterWait<ItemEnd>> = new Fifo();
  /** Items that were read so that it is known whether they are there, and whose jobs may not run yet. */
  readonly #ahead: Fifo<unknown> = new Fifo();
  /** How many items have jobs. */
  #taken = 0;
  #done = 0;
  #isExhausted = false;
  #isOver = false;
  #isFilling = false;
  /** What the source has thrown. */
  #failure: { readonly error: unknown } | null = null;

  constructor(options: JobRunOptions) {
    this.#options = options;
    this.#source = options.items[Symbol.iterator]();
    const { length, size } = options.items as { length?: unknown; size?: unknown };
    this.#total = typeof length === "number" ? length : typeof size === "number" ? size : NaN;
  }

  /** How far it is: `total` is at the least what was taken, and all if the source tells its length. */
  get progress(): { readonly done: number; readonly total: number } {
    return { done: this.#done, total: Number.isNaN(this.#total) ? this.#taken : this.#total };
  }

  /** Whether there is an item of this index, or an error in its place: reads items until it is known. */
  has(index: number): boolean {
    this.fill();
    while (this.#taken + this.#ahead.length <= index && this.#read());
    return index < this.#taken + this.#ahead.length || this.#failure !== null;
  }

  /** Takes as many items as may be under way. */
  fill(): void {
    // A job whose arguments cannot be sent is settled at once.
    if (this.#isFilling) return;
    this.#isFilling = true;
    const { concurrency, dispatcher } = this.#options;
    const most = concurrency ?? PER_SERVER * Math.max(1, dispatcher.available);
    while (this.#running.size + this.#ends.length < most && this.#takeItem());
    this.#isFilling = false;
    if (this.#isExhausted && this.#ahead.length === 0 && this.#running.size === 0) this.#over();
  }

  /** The next end, in the order in which the jobs end. */
  next(): ClusterWait<ItemEnd> {
    const wait: ClusterWait<ItemEnd> = new ClusterWait<ItemEnd>({
      label: "results",
      waitsFor: "the end of a job",
      begin: () => {
        this.#waiting.push(wait);
        this.fill();
        this.#hand();
      },
      stop: () => void this.#waiting.removeAt(this.#waiting.indexOf(wait)),
      reclaim: (end) => this.#ends.unshift(end),
    });
    return wait;
  }

  /** Ends the jobs that run, and closes the source. */
  stop(): void {
    if (this.#isOver) return;
    for (const job of this.#running.values()) this.#options.dispatcher.cancel(job);
    this.#running.clear();
    if (!this.#isExhausted) {
      this.#isExhausted = true;
      this.#source.return?.();
    }
    this.#over();
  }

  #over(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const { done, total } = this.progress;
    this.#options.progress?.(done, total, true);
  }

  /** Has the job of the next item run. Returns whether there was one. */
  #takeItem(): boolean {
    if (this.#ahead.length === 0 && !this.#read()) return false;
    this.#begin(this.#taken++, this.#ahead.shift());
    return true;
  }

  /** Reads the next item. Returns whether there was one. */
  #read(): boolean {
    if (this.#isExhausted) return false;
    try {
      const { done, value } = this.#source.next();
      this.#isExhausted = done === true;
      if (!done) this.#ahead.push(value);
    } catch (error) {
      this.#isExhausted = true;
      this.#failure = { error };
    }
    return !this.#isExhausted;
  }

  #begin(index: number, item: unknown): void {
    const settled = (end: JobEnd) => {
      this.#running.delete(index);
      this.#done++;
      this.#ends.push({ index, end });
      this.#hand();
      this.fill();
      const { done, total } = this.progress;
      if (!this.#isOver) this.#options.progress?.(done, total, false);
    };
    let job: Job;
    try {
      job = this.#options.jobFor(item, settled);
    } catch (error) {
      return settled({ outcome: { kind: "throw", error }, value: undefined, attempts: 0, server: null, isLost: false });
    }
    this.#running.set(index, job);
    this.#options.dispatcher.add(job);
  }

  /** Gives ends to those that wait for them. */
  #hand(): void {
    while (this.#waiting.length > 0) {
      const end = this.#ends.shift();
      if (end !== undefined) this.#waiting.shift()!.settle(end);
      else if (this.#failure !== null && this.#running.size === 0) {
        this.#waiting.shift()!.settleError(this.#failure.error);
      } else return;
    }
  }
}
