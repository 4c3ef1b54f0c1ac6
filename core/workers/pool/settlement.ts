/**
 * Counts the tasks of a pool, and settles each exactly once: `settle` is the only place that gives an owner the outcome
 * of its task, and it does so once. A task that its owner cancelled is settled without a call.
 */
import { type HostTimer, stopTimer } from "../../host/timers.ts";
import type { KeepAlive } from "./keep_alive.ts";
import { SETTLED, type Task } from "./task.ts";

/** How often each event has occurred in a pool. */
export interface PoolCounts {
  submitted: number;
  completed: number;
  failed: number;
  cancelled: number;
  started: number;
  crashed: number;
  replaced: number;
}

/** See the head of this file. */
export class Settlement {
  readonly counts: PoolCounts = {
    submitted: 0,
    completed: 0,
    failed: 0,
    cancelled: 0,
    started: 0,
    crashed: 0,
    replaced: 0,
  };
  /** Tasks that are not settled. */
  pending = 0;
  readonly #alive: KeepAlive;
  #joins: (() => void)[] = [];

  /** Unsettled tasks are counted in `alive`. */
  constructor(alive: KeepAlive) {
    this.#alive = alive;
  }

  /** A task was submitted. */
  add(task: Task): void {
    task.order = ++this.counts.submitted;
    // A word, never 0.
    task.id = (task.order % 0x7fffffff) + 1;
    this.pending++;
    if (task.keepsAlive) this.#alive.change(task.loop, 1);
  }

  /** Gives its owner the outcome of a task, if it has none yet. */
  settle(task: Task, ok: boolean, value: unknown): void {
    if (task.grace !== null) stopTimer(task.grace as HostTimer);
    task.grace = null;
    if (task.state === SETTLED) return;
    if (ok) this.counts.completed++;
    else this.counts.failed++;
    task.state = SETTLED;
    task.owner.settled(ok, value);
    this.#remove(task);
  }

  /** Its owner has cancelled a task. */
  cancel(task: Task): void {
    this.counts.cancelled++;
    this.#remove(task);
  }

  #remove(task: Task): void {
    task.state = SETTLED;
    task.args = [];
    if (task.keepsAlive) this.#alive.change(task.loop, -1);
    if (--this.pending === 0) { for (const resolve of this.#joins.splice(0)) resolve(); }
  }

  /** Resolves when every task has settled. */
  join(): Promise<void> {
    return this.pending === 0 ? Promise.resolve() : new Promise((resolve) => this.#joins.push(resolve));
  }
}
