/**
 * A store of jobs in memory, for tests: the simplest one that keeps what `JobStore` promises. It takes the time of the
 * scheduler, and lives as long as the test: give it to a new Computation, and that sees the jobs of the former one.
 */
import { call, current, Event, type Operation } from "@asyncoro/asyncoro";
import type { DeadJob, JobState, JobStore, Lease, SettledJob } from "../../core/cluster/durable/job_store.ts";

/** A job, settled or not. */
interface Entry {
  readonly job: Uint8Array;
  settled: SettledJob | null;
  attempts: number;
  /** The lease that was given last. */
  lease: Lease | null;
  /** When it may be taken, or taken again. */
  due: number;
}

/** See the head of this file. */
export class MemoryJobs implements JobStore {
  readonly leaseSeconds: number;
  readonly #queues = new Map<string, Map<string, Entry>>();
  readonly #leased = new WeakMap<Lease, Entry>();
  /** Wakes all that wait, to look again. */
  readonly #changed = new Event();
  /** How often a lease was prolonged. */
  prolonged = 0;

  constructor(leaseSeconds = 30) {
    this.leaseSeconds = leaseSeconds;
  }

  /** How often each job of a queue was handed out, by id. */
  attempts(queue: string): Record<string, number> {
    return Object.fromEntries([...this.#jobs(queue)].map(([id, { attempts }]) => [id, attempts]));
  }

  submit(queue: string, id: string, job: Uint8Array): Operation<boolean> {
    return this.#act(() => {
      const jobs = this.#jobs(queue);
      if (jobs.has(id)) return false;
      jobs.set(id, { job: job.slice(), settled: null, attempts: 0, lease: null, due: 0 });
      return true;
    });
  }

  take(queue: string, n: number): Operation<Lease[]> {
    return call(this.#take(queue, n));
  }

  working(lease: Lease): Operation<void> {
    return this.#act(() => {
      this.prolonged++;
      this.#prolong(lease, this.leaseSeconds);
    });
  }

  done(lease: Lease, result: Uint8Array): Operation<boolean> {
    return this.#act(() => this.#settle(lease, { kind: "done", result: result.slice() }));
  }

  retry(lease: Lease, delay: number): Operation<void> {
    return this.#act(() => this.#prolong(lease, delay));
  }

  bury(lease: Lease, reason: string): Operation<boolean> {
    return this.#act(() => this.#settle(lease, { kind: "dead", reason }));
  }

  result(queue: string, id: string): Operation<JobState> {
    return this.#act(() => this.#state(queue, id));
  }

  wait(queue: string, id: string): Operation<SettledJob> {
    return call(this.#wait(queue, id));
  }

  pending(queue: string): Operation<number> {
    return this.#act(() => [...this.#jobs(queue).values()].filter(({ settled }) => settled === null).length);
  }

  dead(queue: string): Operation<DeadJob[]> {
    return this.#act(() =>
      [...this.#jobs(queue)].flatMap(([id, { settled }]) =>
        settled?.kind === "dead" ? [{ id, reason: settled.reason }] : []
      )
    );
  }

  revive(queue: string, id: string): Operation<boolean> {
    return this.#act(() => {
      const entry = this.#jobs(queue).get(id);
      if (entry?.settled?.kind !== "dead") return false;
      this.#jobs(queue).set(id, { job: entry.job, settled: null, attempts: 0, lease: null, due: 0 });
      return true;
    });
  }

  *#take(queue: string, n: number): Generator<unknown, Lease[], unknown> {
    for (;;) {
      const now = current().scheduler.now();
      const waiting = [...this.#jobs(queue)].filter(([, { settled }]) => settled === null);
      const due = waiting.filter(([, entry]) => entry.due <= now).slice(0, n);
      if (due.length > 0) return due.map(([id, entry]) => this.#lease(queue, id, entry, now));
      yield* this.#changed.wait(Math.min(...waiting.map(([, entry]) => entry.due)) - now);
    }
  }

  #lease(queue: string, id: string, entry: Entry, now: number): Lease {
    entry.due = now + this.leaseSeconds;
    entry.lease = { queue, id, job: entry.job.slice(), attempt: ++entry.attempts };
    this.#leased.set(entry.lease, entry);
    return entry.lease;
  }

  *#wait(queue: string, id: string): Generator<unknown, SettledJob, unknown> {
    for (;;) {
      const state = this.#state(queue, id);
      if (state.kind === "done" || state.kind === "dead") return state;
      yield* this.#changed.wait();
    }
  }

  #state(queue: string, id: string): JobState {
    const entry = this.#jobs(queue).get(id);
    return entry === undefined ? { kind: "unknown" } : entry.settled ?? { kind: "pending" };
  }

  #settle(lease: Lease, settled: SettledJob): boolean {
    const entry = this.#leased.get(lease)!;
    if (entry.settled !== null) return false;
    entry.settled = settled;
    return true;
  }

  /** A lease that has ended, as the job was handed out again, prolongs nothing. */
  #prolong(lease: Lease, seconds: number): void {
    const entry = this.#leased.get(lease)!;
    if (entry.lease === lease) entry.due = current().scheduler.now() + seconds;
  }

  #jobs(queue: string): Map<string, Entry> {
    let jobs = this.#queues.get(queue);
    if (jobs === undefined) this.#queues.set(queue, jobs = new Map());
    return jobs;
  }

  #act<T>(act: () => T): Operation<T> {
    const changed = this.#changed;
    return call((function* (): Generator<unknown, T, unknown> {
      const result = act();
      changed.set();
      changed.clear();
      return result;
    })());
  }
}
