/**
 * The jobs of a store: a computation takes as many of them as its servers can begin at once, keeps their leases, and
 * records how they have ended.
 *
 * How often a job was handed out is counted by the store. So a job that was taken by a client which has crashed since has
 * used up one attempt, as has one that was lost with its server.
 */
import { describe, isError } from "../../base/describe.ts";
import { TimeoutError } from "../../base/errors.ts";
import { type Limit, limitSeconds } from "../../base/limit.ts";
import type { Coro } from "../../coroutine/coro.ts";
import type { Outcome } from "../../coroutine/errors.ts";
import type { Peers } from "../../distributed/peers/peers.ts";
import type { Operation } from "../../fiber/operation.ts";
import { call } from "../../operations/call.ts";
import { sleep } from "../../operations/sleep.ts";
import { withTimeout } from "../../operations/with_timeout.ts";
import { Event } from "../../sync/event.ts";
import type { DeadJob, JobStore, Lease, SettledJob } from "../durable/job_store.ts";
import { JobLostError } from "../errors.ts";
import type { JobTarget } from "../protocol.ts";

/** Jobs that are taken for each server and have not run: one that runs, and the next one. */
const PER_SERVER = 2;
/** Jobs for each server that have run and whose results are being recorded, at the most. */
const RECORDING_PER_SERVER = 32;
/** Seconds before a job that was lost is handed out again. */
const RETRY_SECONDS = 1;
/** Seconds after which the store is used again when it has failed. */
const PAUSE_SECONDS = 1;
/** Seconds for which the numbers of jobs in the store are good enough. */
const COUNT_SECONDS = 5;

/** A job, as it is stored. */
export interface StoredJob {
  readonly name: string;
  readonly target: JobTarget;
  /** The arguments after the coroutine, packed: a client that runs the job passes them on as they are. */
  readonly args: Uint8Array;
  /** How often it may be handed out again. */
  readonly retries: number;
}

/** The end of a job, as it is stored. */
type StoredEnd = { readonly kind: "return"; readonly value: unknown } | {
  readonly kind: "throw";
  readonly error: unknown;
};

/** What the jobs of a store need of the computation. */
export interface DurableHost {
  readonly peers: Peers;
  /** How many servers take jobs. */
  readonly available: number;
  /** Whether the computation is being closed: what runs is to be given back. */
  readonly isClosing: boolean;
  /** Runs a job once, and waits for its end. A loss is thrown as a `JobLostError`. */
  runOnce(job: StoredJob): Operation<Outcome>;
}

/** See the head of this file. */
export class DurableJobs {
  readonly #store: JobStore;
  readonly #queue: string;
  readonly #host: DurableHost;
  readonly #changed: Event = new Event("stored jobs");
  /** The coroutines of the jobs that were taken. */
  readonly #taken: Set<Coro> = new Set();
  /** How many of them have not run. */
  #unrun = 0;
  #taker: Coro | null = null;
  #counts: { readonly waiting: number; readonly dead: number } = { waiting: 0, dead: 0 };
  #countedAt = -Infinity;

  constructor(store: JobStore, queue: string, host: DurableHost) {
    this.#store = store;
    this.#queue = queue;
    this.#host = host;
  }

  // --- for the program --------------------------------------------------------------------------------------------

  /** Stores a job. `packed` are its bytes. */
  *submit(id: string, packed: Uint8Array): Generator<unknown, string, unknown> {
    yield* this.#store.submit(this.#queue, id, packed);
    return id;
  }

  /** Waits for the result of a job. */
  result(id: string, limit: Limit): Operation<unknown> {
    const seconds = limitSeconds(limit, "wait for the result of a job");
    return seconds > 0 ? withTimeout(limit, this.#result(id)) : call(this.#resultNow(id));
  }

  *#result(id: string): Generator<unknown, unknown, unknown> {
    return this.#valueOf(id, yield* this.#store.wait(this.#queue, id));
  }

  *#resultNow(id: string): Generator<unknown, unknown, unknown> {
    const state = yield* this.#store.result(this.#queue, id);
    if (state.kind === "done" || state.kind === "dead") return this.#valueOf(id, state);
    throw new TimeoutError(`Job '${id}' has no result yet: it is ${state.kind}`);
  }

  #valueOf(id: string, state: SettledJob): unknown {
    if (state.kind === "dead") throw new JobLostError(`Job '${id}' is dead: ${state.reason}`, attemptsIn(state.reason));
    const end = this.#host.peers.unpack(state.result) as StoredEnd;
    if (end.kind === "throw") throw end.error;
    return end.value;
  }

  /** The jobs that are not run any more. */
  dead(): Operation<DeadJob[]> {
    return this.#store.dead(this.#queue);
  }

  /** Has a dead job run again. */
  rerun(id: string): Operation<boolean> {
    return this.#store.revive(this.#queue, id);
  }

  /** How many jobs the store has, as it was some seconds ago. */
  get counts(): { readonly waiting: number; readonly dead: number } {
    const { loop } = this.#host.peers;
    if (loop.now() - this.#countedAt > COUNT_SECONDS) {
      this.#countedAt = loop.now();
      this.#spawn(() => this.#count());
    }
    return this.#counts;
  }

  *#count(): Generator<unknown, void, unknown> {
    const waiting = yield* this.#store.pending(this.#queue);
    this.#counts = { waiting, dead: (yield* this.#store.dead(this.#queue)).length };
  }

  // --- taking jobs ------------------------------------------------------------------------------------------------

  /** Begins to take jobs. */
  begin(): void {
    this.#taker ??= this.#spawn(() => this.#take());
  }

  /** A server takes jobs now, or has one less to do. */
  changed(): void {
    this.#changed.set();
  }

  /** Takes no more jobs. */
  stopTaking(): void {
    this.#taker?.terminate();
  }

  /** Waits for so many seconds until the jobs that were taken are settled or given back. */
  *end(seconds: number): Generator<unknown, void, unknown> {
    for (const coro of [...this.#taken]) {
      try {
        yield* coro.finish(seconds);
      } catch {
        // It was reported, or its lease ends by itself.
      }
      coro.terminate();
    }
  }

  #spawn(body: () => Generator<unknown, void, unknown>): Coro {
    return this.#host.peers.loop.scheduler.spawnWith({ daemon: true }, function* stored_jobs() {
      yield* body();
    });
  }

  *#take(): Generator<unknown, void, unknown> {
    for (;;) {
      const { available } = this.#host;
      const isRecording = this.#taken.size - this.#unrun >= RECORDING_PER_SERVER * available;
      const room = isRecording ? 0 : PER_SERVER * available - this.#unrun;
      if (room <= 0) {
        this.#changed.clear();
        yield* this.#changed.wait();
        continue;
      }
      try {
        for (const lease of yield* this.#store.take(this.#queue, room)) this.#begin(lease);
      } catch (error) {
        this.#host.peers.report(error);
        yield* sleep(PAUSE_SECONDS);
      }
    }
  }

  #begin(lease: Lease): void {
    let hasRun = false;
    this.#unrun++;
    // The next job is taken while the result of this one is recorded.
    const ran = (): void => {
      if (!hasRun) this.#unrun--;
      hasRun = true;
      this.changed();
    };
    const coro = this.#spawn(() => this.#run(lease, ran));
    this.#taken.add(coro);
    coro.addEndListener({
      onEnd: () => {
        ran();
        this.#taken.delete(coro);
        this.changed();
      },
    });
  }

  *#run(lease: Lease, ran: () => void): Generator<unknown, void, unknown> {
    const keeper = this.#spawn(() => this.#keep(lease));
    try {
      const job = this.#host.peers.unpack(lease.job) as StoredJob;
      if (lease.attempt > job.retries + 1) {
        return void (yield* this.#store.bury(lease, reasonOf(lease.attempt - 1, null)));
      }
      yield* this.#settle(lease, job, ran);
    } catch (error) {
      // The lease ends by itself, and the job is handed out again.
      this.#host.peers.report(error);
    } finally {
      keeper.terminate();
    }
  }

  /** Prolongs a lease, again and again. */
  *#keep(lease: Lease): Generator<unknown, void, unknown> {
    for (;;) {
      yield* sleep(this.#store.leaseSeconds / 3);
      try {
        yield* this.#store.working(lease);
      } catch (error) {
        this.#host.peers.report(error);
      }
    }
  }

  *#settle(lease: Lease, job: StoredJob, ran: () => void): Generator<unknown, void, unknown> {
    try {
      const outcome = yield* this.#host.runOnce(job);
      ran();
      yield* this.#done(lease, outcome);
    } catch (error) {
      if (!(error instanceof JobLostError)) throw error;
      if (this.#host.isClosing) yield* this.#store.retry(lease, 0);
      else if (lease.attempt <= job.retries) yield* this.#store.retry(lease, RETRY_SECONDS);
      else yield* this.#store.bury(lease, reasonOf(lease.attempt, error));
    }
  }

  *#done(lease: Lease, outcome: Outcome): Generator<unknown, void, unknown> {
    const { peers } = this.#host;
    const end: StoredEnd = outcome.kind === "throw" || outcome.kind === "lost"
      ? { kind: "throw", error: outcome.error }
      : { kind: "return", value: outcome.kind === "return" ? outcome.value : undefined };
    try {
      yield* this.#store.done(lease, peers.pack(end, "result"));
    } catch (error) {
      if (!isError(error) || error.name !== "MessageTooLargeError") throw error;
      yield* this.#store.done(lease, peers.pack({ kind: "throw", error }));
    }
  }
}

/** Why a job is not run any more. It begins with the number of attempts, which is read again. */
function reasonOf(attempts: number, error: Error | null): string {
  return `${attempts} ${attempts === 1 ? "attempt" : "attempts"}: ${error?.message ?? "it was lost each time"}`;
}

function attemptsIn(reason: string): number {
  return Number.parseInt(reason) || 1;
}

/** Checks the id of a job; makes one if it is left out. */
export function checkJobId(id: unknown): string {
  if (id === undefined) return crypto.randomUUID();
  if (typeof id === "string" && id !== "") return id;
  throw new TypeError(
    `Cannot submit a job as 'id' must be a string that is not empty: current value is ${describe(id)}`,
  );
}
