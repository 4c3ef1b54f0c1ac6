/**
 * Which server gets which job.
 *
 * An exclusive job waits in one queue until a server that it may run at runs no other one; a server that becomes free
 * takes the first job that may run there. If several are free, the least loaded one gets it. Jobs that are not exclusive
 * go to the least loaded server at once.
 *
 * While the jobs of a server are short, it is sent a second job before the first has ended, so that it has something to
 * do while the result travels. If its server is lost, nobody knows whether that job had begun: so only a job that may be
 * lost once more is sent in advance. When another server has nothing to do, the job is asked back.
 *
 * A job that is lost is run again as often as it may be. Each time counts, so a job is never begun more often than that.
 * A job is settled once: an attempt that was superseded changes nothing any more.
 */
import type { Coro } from "../../coroutine/coro.ts";
import type { CoroLoop } from "../../coroutine/coro_loop.ts";
import type { Location } from "../../distributed/location.ts";
import { JobLostError, NoServerError } from "../errors.ts";
import { GIVEN_BACK } from "../protocol.ts";
import { Attempt, type AttemptEnd, type AttemptOwner, type JobServer } from "./attempt.ts";
import { Counts } from "./counts.ts";
import { Job, type JobListener, type JobOptions } from "./job.ts";
import { JobQueue } from "./job_queue.ts";

/** Seconds in which a server must have ended a job that is not wanted any more; then it is replaced. */
const CANCEL_SECONDS = 10;

/** What the dispatcher needs of what knows the servers. */
export interface DispatcherHost {
  readonly loop: CoroLoop;
  /** Whether the coroutines of all jobs are wanted. */
  readonly wantsCoros: boolean;
  /** The coroutine of a job was created. */
  coroCreated(attempt: Attempt, coro: Coro): void;
  /** An attempt has ended. */
  attemptEnded(attempt: Attempt, end: AttemptEnd): void;
  /** Whether there is a place where a job may run, now or later. */
  isPlace(where: Location): boolean;
  /** Has a server killed and another one started in its place. */
  replace(server: JobServer): void;
}

/** See the head of this file. */
export class Dispatcher implements AttemptOwner {
  readonly counts: Counts;
  /** Called when a job has ended. */
  onSettled: (() => void) | null = null;
  readonly #host: DispatcherHost;
  /** The servers that are ready. */
  readonly #servers: Set<JobServer> = new Set();
  readonly #exclusive: JobQueue = new JobQueue();
  readonly #shared: JobQueue = new JobQueue();
  /** The jobs that run, each with the attempt that counts. */
  readonly #running: Map<Job, Attempt> = new Map();
  #jobs = 0;
  #attempts = 0;

  constructor(host: DispatcherHost) {
    this.#host = host;
    this.counts = new Counts(() => host.loop.now());
  }

  get wantsCoros(): boolean {
    return this.#host.wantsCoros;
  }

  /** How many servers take jobs. */
  get available(): number {
    let count = 0;
    for (const server of this.#servers) if (server.isAvailable) count++;
    return count;
  }

  /** The exclusive jobs that have not been settled. */
  get pendingExclusive(): number {
    let count = this.#exclusive.length;
    for (const { isExclusive } of this.#running.values()) if (isExclusive) count++;
    return count;
  }

  // --- jobs -------------------------------------------------------------------------------------------------------

  /** Makes a job, which waits for {@linkcode Dispatcher.add}. */
  job(options: JobOptions, listener: JobListener): Job {
    return new Job(options, ++this.#jobs, listener);
  }

  /** Has a job run. */
  add(job: Job): void {
    this.counts.waiting++;
    this.#place(job, false);
  }

  /** Nobody waits for a job any more: it ends if it runs. */
  cancel(job: Job): void {
    if (job.isSettled) return;
    job.isSettled = true;
    const queue = this.#queueOf(job);
    if (queue.has(job)) {
      queue.remove(job);
      this.counts.waiting--;
      return;
    }
    const attempt = this.#running.get(job);
    if (attempt !== undefined) this.#abandon(attempt);
  }

  /** Settles all jobs that wait, and ends all that run. */
  cancelAll(message: string): void {
    for (const job of [...this.#exclusive.drain(null), ...this.#shared.drain(null)]) {
      this.#settleWaiting(job, new JobLostError(`Job ${job.options.name} was not run: ${message}`, job.attempts));
    }
    for (const attempt of [...this.#running.values()]) this.#endJob(attempt, message);
  }

  /** Ends the jobs that are not exclusive. */
  cancelShared(message: string): void {
    for (const job of this.#shared.drain(null)) {
      this.#settleWaiting(job, new JobLostError(`Job ${job.options.name} was not run: ${message}`, job.attempts));
    }
    for (const attempt of [...this.#running.values()]) if (!attempt.isExclusive) this.#endJob(attempt, message);
  }

  #endJob(attempt: Attempt, message: string): void {
    const { job } = attempt;
    this.#abandon(attempt);
    const error = new JobLostError(`Job ${job.options.name} was terminated: ${message}`, job.attempts);
    this.#settle(job, { kind: "throw", error }, undefined, attempt.server, true);
  }

  /** An attempt is not wanted any more. Its server must end it, so that the next one can begin. */
  #abandon(attempt: Attempt): void {
    this.#supersede(attempt);
    attempt.server.tell({ kind: "cancel", job: attempt.id });
    attempt.setTimer(CANCEL_SECONDS, () => this.#host.replace(attempt.server));
  }

  /** A job goes on without this attempt, or not at all. */
  #supersede(attempt: Attempt): void {
    attempt.isSuperseded = true;
    this.#running.delete(attempt.job);
    this.counts.running--;
  }

  // --- servers ----------------------------------------------------------------------------------------------------

  /** A server is ready. */
  serverReady(server: JobServer): void {
    this.#servers.add(server);
    this.serverChanged(server);
  }

  /** A server may take jobs again. */
  serverChanged(server: JobServer): void {
    if (!server.isAvailable) return;
    for (let job = this.#shared.take(server.ids, anyJob); job !== null; job = this.#shared.take(server.ids, anyJob)) {
      this.#start(job, server);
    }
    this.#fill(server);
  }

  /** A server is lost or has been ended: no more jobs go there. Those that were there end by themselves. */
  serverEnded(server: JobServer): void {
    if (server.running === 0) this.#servers.delete(server);
    this.placeEnded(server.location);
  }

  /** No job will run at a place any more. */
  placeEnded(where: Location): void {
    for (const queue of [this.#exclusive, this.#shared]) {
      for (const job of queue.drain(where)) this.#settleWaiting(job, this.#noServer(job));
    }
  }

  /** The least loaded of the servers that take a job. */
  #choose({ options: { where, exclusive } }: Job): JobServer | null {
    let best: JobServer | null = null;
    for (const server of this.#servers) {
      if (where !== null && !server.ids.includes(where.id)) continue;
      if (!server.isAvailable || (exclusive && server.exclusive.length > 0)) continue;
      if (best === null || server.load < best.load) best = server;
    }
    return best;
  }

  // --- the way of a job ---------------------------------------------------------------------------------------------

  /** Sends a job to a server, or lets it wait: behind all others, or if it comes back, before them. */
  #place(job: Job, comesBack: boolean): void {
    const { where } = job.options;
    const server = this.#choose(job);
    if (server !== null) return this.#start(job, server);
    if (where !== null && !this.#host.isPlace(where)) return this.#settleWaiting(job, this.#noServer(job));
    const queue = this.#queueOf(job);
    if (comesBack) queue.unshift(job);
    else queue.push(job);
    if (job.options.mayWait) { for (const each of this.#servers) this.#fill(each); }
  }

  #queueOf(job: Job): JobQueue {
    return job.options.exclusive ? this.#exclusive : this.#shared;
  }

  /** A server takes exclusive jobs. */
  #fill(server: JobServer): void {
    while (server.isAvailable && server.exclusive.length < 2) {
      const [first] = server.exclusive;
      const accepts = first === undefined ? anyJob : this.#mayWait(server, first);
      const job = this.#exclusive.take(server.ids, accepts);
      if (job === null) break;
      this.#start(job, server);
    }
    if (server.isAvailable && server.exclusive.length === 0) this.#askBack(server);
  }

  /** Which jobs may wait at a server, behind this one. Those at the end of a run are left to servers that become free. */
  #mayWait(server: JobServer, first: Attempt): (job: Job) => boolean {
    const { length } = this.#exclusive;
    if (first.isSuperseded || !server.hasShortJobs || length < this.#servers.size) return noJob;
    return ({ attempts, options: { mayWait, retries } }) => mayWait && attempts < retries;
  }

  /** A server has nothing to do: asks for a job that waits elsewhere, behind the one that has run longest. */
  #askBack(server: JobServer): void {
    let slowest: Attempt | null = null;
    for (const other of this.#servers) {
      const [first, second] = other.exclusive;
      if (second === undefined || second.isAskedBack || second.isSuperseded) continue;
      const { where } = second.job.options;
      if (where !== null && !server.ids.includes(where.id)) continue;
      if (slowest === null || first.startedAt < slowest.server.exclusive[0].startedAt) slowest = second;
    }
    if (slowest === null) return;
    slowest.isAskedBack = true;
    slowest.server.tell({ kind: "give back", job: slowest.id });
  }

  #start(job: Job, server: JobServer): void {
    const attempt = new Attempt(++this.#attempts, job, server, this);
    job.attempts++;
    job.server = server.location;
    this.counts.waiting--;
    this.counts.running++;
    this.#running.set(job, attempt);
    server.add(attempt);
    if (server.exclusive[0] === attempt) this.#comesFirst(attempt);
    attempt.begin();
  }

  /** An exclusive job is the one that runs at its server. */
  #comesFirst(attempt: Attempt): void {
    attempt.startedAt = this.#host.loop.now();
    if (!attempt.isSuperseded) attempt.setTimer(attempt.job.options.attemptTimeout, () => this.#late(attempt));
  }

  /** An attempt has taken too long. */
  #late(attempt: Attempt): void {
    const { server, job } = attempt;
    this.#supersede(attempt);
    // First, so that the job is not sent there again.
    this.#host.replace(server);
    this.#lost(job, server, `took longer than ${job.options.attemptTimeout} s at ${server.location}`);
  }

  created(attempt: Attempt, coro: Coro): void {
    if (!attempt.isSuperseded) attempt.job.created(coro);
    this.#host.coroCreated(attempt, coro);
  }

  ended(attempt: Attempt, end: AttemptEnd, value: unknown): void {
    const { server, job } = attempt;
    const wasFirst = server.exclusive[0] === attempt;
    server.remove(attempt);
    if (end.kind === "not begun" && end.isClosing) server.isEnding = true;
    this.#host.attemptEnded(attempt, end);
    if (wasFirst) {
      if (end.kind === "return" || end.kind === "throw") server.took(this.#host.loop.now() - attempt.startedAt);
      if (server.exclusive.length > 0) this.#comesFirst(server.exclusive[0]);
    }
    if (!attempt.isSuperseded) {
      this.#running.delete(job);
      this.counts.running--;
      this.#settleAttempt(job, server, end, value);
    }
    if (server.state === "ended" && server.running === 0) this.#servers.delete(server);
    this.serverChanged(server);
  }

  #settleAttempt(job: Job, server: JobServer, end: AttemptEnd, value: unknown): void {
    if (end.kind === "not begun" || value === GIVEN_BACK) {
      job.attempts--;
      this.counts.waiting++;
      return this.#place(job, true);
    }
    // The coroutine that manages the node may not know yet: the job must not go there again.
    if (end.kind === "lost" && end.error.reason !== "gone") server.isEnding = true;
    if (end.kind === "lost") return this.#lost(job, server, `was lost with its server ${server.location}`, end);
    server.done++;
    this.#settle(job, end, value, server, false);
  }

  /** An attempt was lost. */
  #lost(job: Job, server: JobServer, what: string, end: AttemptEnd | null = null): void {
    if (job.hasRetries) {
      this.counts.retried++;
      this.counts.waiting++;
      return this.#place(job, true);
    }
    if (job.isGiven && end?.kind === "lost") return this.#settle(job, end, undefined, server, true);
    const error = new JobLostError(`Job ${job.options.name} ${what}, attempt ${job.attempts}`, job.attempts);
    this.#settle(job, { kind: "throw", error }, undefined, server, true);
  }

  #settleWaiting(job: Job, error: Error): void {
    this.counts.waiting--;
    this.#settle(job, { kind: "throw", error }, undefined, null, error instanceof JobLostError);
  }

  #settle(
    job: Job,
    outcome: Exclude<AttemptEnd, { kind: "not begun" }>,
    value: unknown,
    server: JobServer | null,
    isLost: boolean,
  ): void {
    if (job.isSettled) return;
    if (outcome.kind === "throw" || outcome.kind === "lost") {
      this.counts.jobFailed(job.options.name, server?.location.name ?? "", outcome.error, isLost);
    } else {
      this.counts.jobDone();
    }
    job.settle(outcome, value, isLost);
    this.onSettled?.();
  }

  #noServer({ attempts, options: { name, where } }: Job): Error {
    const what = `no server is at ${where}, or will be`;
    return attempts > 0
      ? new JobLostError(`Job ${name} was lost, and ${what}`, attempts)
      : new NoServerError(`Cannot run job ${name} as ${what}: see servers() and nodes()`);
  }
}

function anyJob(): boolean {
  return true;
}

function noJob(): boolean {
  return false;
}
