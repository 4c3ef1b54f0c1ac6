/** A store of jobs in memory, for tests: it outlives the clients that use it, and keeps virtual time. */
import { sleep } from "@asyncoro/asyncoro";
import type { DeadJob, JobState, JobStore, Lease, SettledJob } from "@asyncoro/asyncoro/cluster";
import type { Operation } from "@asyncoro/asyncoro";
import { call } from "../../core/operations/call.ts";
import { Immediate } from "../../core/operations/immediate.ts";

/** Virtual seconds between two looks of what waits. */
const LOOK_SECONDS = 0.1;

interface Entry {
  readonly job: Uint8Array;
  state: SettledJob | null;
  attempt: number;
  /** Until when it is not handed out. */
  until: number;
}

/** See the head of this file. */
export class MemoryStore implements JobStore {
  readonly leaseSeconds = 6;
  /** The jobs by queue and id. */
  readonly jobs: Map<string, Entry> = new Map();
  /** How often each job was prolonged. */
  prolonged = 0;
  readonly #now: () => number;

  /** `now` returns the virtual time. */
  constructor(now: () => number) {
    this.#now = now;
  }

  submit(queue: string, id: string, job: Uint8Array): Operation<boolean> {
    return new Immediate("submit", () => {
      const key = `${queue} ${id}`;
      if (this.jobs.has(key)) return false;
      this.jobs.set(key, { job, state: null, attempt: 0, until: 0 });
      return true;
    });
  }

  take(queue: string, n: number): Operation<Lease[]> {
    return call(this.#take(queue, n));
  }

  *#take(queue: string, n: number): Generator<unknown, Lease[], unknown> {
    for (;;) {
      const leases: Lease[] = [];
      for (const [key, entry] of this.jobs) {
        if (leases.length === n) break;
        if (!key.startsWith(`${queue} `) || entry.state !== null || entry.until > this.#now()) continue;
        entry.until = this.#now() + this.leaseSeconds;
        leases.push({ queue, id: key.slice(queue.length + 1), job: entry.job, attempt: ++entry.attempt });
      }
      if (leases.length > 0) return leases;
      yield* sleep(LOOK_SECONDS);
    }
  }

  working(lease: Lease): Operation<void> {
    return new Immediate("working", () => {
      this.prolonged++;
      const entry = this.#entry(lease);
      if (entry.attempt === lease.attempt) entry.until = this.#now() + this.leaseSeconds;
    });
  }

  done(lease: Lease, result: Uint8Array): Operation<boolean> {
    return new Immediate("done", () => this.#settle(lease, { kind: "done", result }));
  }

  retry(lease: Lease, delay: number): Operation<void> {
    return new Immediate("retry", () => void (this.#entry(lease).until = this.#now() + delay));
  }

  bury(lease: Lease, reason: string): Operation<boolean> {
    return new Immediate("bury", () => this.#settle(lease, { kind: "dead", reason }));
  }

  result(queue: string, id: string): Operation<JobState> {
    return new Immediate<JobState>("result", () => this.#state(queue, id));
  }

  wait(queue: string, id: string): Operation<SettledJob> {
    return call(this.#wait(queue, id));
  }

  *#wait(queue: string, id: string): Generator<unknown, SettledJob, unknown> {
    for (;;) {
      const state = this.#state(queue, id);
      if (state.kind === "done" || state.kind === "dead") return state;
      yield* sleep(LOOK_SECONDS);
    }
  }

  pending(queue: string): Operation<number> {
    return new Immediate("pending", () => this.#of(queue).filter(([, { state }]) => state === null).length);
  }

  dead(queue: string): Operation<DeadJob[]> {
    return new Immediate(
      "dead",
      () =>
        this.#of(queue).flatMap(([key, { state }]) =>
          state?.kind === "dead" ? [{ id: key.slice(queue.length + 1), reason: state.reason }] : []
        ),
    );
  }

  revive(queue: string, id: string): Operation<boolean> {
    return new Immediate("revive", () => {
      const entry = this.jobs.get(`${queue} ${id}`);
      if (entry?.state?.kind !== "dead") return false;
      Object.assign(entry, { state: null, attempt: 0, until: 0 });
      return true;
    });
  }

  #of(queue: string): [string, Entry][] {
    return [...this.jobs].filter(([key]) => key.startsWith(`${queue} `));
  }

  #entry({ queue, id }: Lease): Entry {
    return this.jobs.get(`${queue} ${id}`)!;
  }

  #state(queue: string, id: string): JobState {
    const entry = this.jobs.get(`${queue} ${id}`);
    return entry === undefined ? { kind: "unknown" } : entry.state ?? { kind: "pending" };
  }

  #settle(lease: Lease, state: SettledJob): boolean {
    const entry = this.#entry(lease);
    if (entry.state !== null) return false;
    entry.state = state;
    return true;
  }
}
