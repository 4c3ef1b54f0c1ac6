/**
 * Runs the tasks of a pool in its workers: takes and cancels tasks, and handles faults and the end of the pool.
 *
 * - A task goes to an idle worker. If there is none, a new worker is started as long as there may be more. Otherwise
 *   the task is put into the ring of the worker with the fewest tasks, and that worker runs it later without asking the
 *   pool. Until a task has begun it can be taken back: for a worker that is idle or was just started, for a more urgent
 *   task, or if it is cancelled. So while a task waits, as many workers exist or are being started as may be.
 * - Every task settles exactly once; see `settlement.ts`. If a worker ends, the task that it had begun fails, and those
 *   that it had not begun run elsewhere.
 * - Each task is in exactly one place: blocked, queued, among the pinned tasks of the only worker that may run it, in the
 *   ring of a worker, or settled.
 */
import { printError } from "../../base/error_report.ts";
import { withinContext } from "../../host/async_context.ts";
import { startTimer } from "../../host/timers.ts";
import { WorkerError } from "../errors.ts";
import { Distribution } from "./distribution.ts";
import type { WorkerHost } from "./host_worker.ts";
import { IdleSweep, type SweptPool } from "./idle_sweep.ts";
import { KeepAlive } from "./keep_alive.ts";
import { explainMissing } from "./missing_name.ts";
import { crashError, startError, terminatedError } from "./pool_errors.ts";
import { type PoolCounts, Settlement } from "./settlement.ts";
import { MAX_FALSE_STARTS } from "./start_backoff.ts";
import { NEW, SENT, SETTLED, type Task, type TaskWorker } from "./task.ts";
import type { TaskQueue } from "./task_queue.ts";
import { Watchdog } from "./watchdog.ts";
import { isMovable } from "./work_stealing.ts";
import type { WorkerHandle } from "./worker_handle.ts";
import { WorkerSet, type WorkerSetOwner } from "./worker_set.ts";

/** The settings of a dispatcher; all checked. */
export interface DispatcherPlan {
  readonly name: string;
  /** Workers at the most. */
  readonly size: number;
  /** Workers that stay though they are idle. */
  readonly keep: number;
  /** Seconds after which other idle workers end. */
  readonly idleSeconds: number;
  /** Tasks in the queue at the most. */
  readonly queueLimit: number;
  /** Seconds that a cancelled task has to stop by itself. */
  readonly graceSeconds: number;
}

/** See the head of this file. */
export class Dispatcher implements WorkerSetOwner, SweptPool {
  closed = false;
  readonly #plan: DispatcherPlan;
  readonly #workers: WorkerSet;
  readonly #alive: KeepAlive = new KeepAlive((alive) => this.#workers.keepAlive(alive));
  readonly #tasks: Settlement = new Settlement(this.#alive);
  readonly #distribution: Distribution;
  readonly #sweep: IdleSweep;
  readonly #watchdog: Watchdog = new Watchdog(() => this.#checkWorkers());
  #flushing = false;

  constructor(plan: DispatcherPlan, host: WorkerHost) {
    this.#plan = plan;
    this.#workers = new WorkerSet(this, host, plan.size);
    this.#distribution = new Distribution(this.#workers, this.#tasks, plan.queueLimit);
    this.#sweep = new IdleSweep(this, plan.keep, plan.idleSeconds);
  }

  get workers(): readonly WorkerHandle[] {
    return this.#workers.list;
  }

  get queue(): TaskQueue {
    return this.#distribution.queue;
  }

  /** Tasks that wait for room in the queue. */
  get blocked(): TaskQueue {
    return this.#distribution.blocked;
  }

  get counts(): PoolCounts {
    return this.#tasks.counts;
  }

  /** Tasks that are not settled. */
  get pending(): number {
    return this.#tasks.pending;
  }

  // --- tasks --------------------------------------------------------------------------------------------------

  /** Takes a task, which runs as soon as a worker can. Throws if an object in its arguments cannot be moved. */
  submit(task: Task): void {
    if (this.closed) throw terminatedError(this.#plan.name);
    task.takeTransfers();
    this.#tasks.add(task);
    this.#distribution.add(task);
    this.#flushSoon();
  }

  /** The owner of a task no longer wants its result. */
  cancel(task: Task): void {
    const { state, worker } = task;
    if (state === NEW || state === SETTLED) return;
    if (state !== SENT) this.#distribution.remove(task);
    else if (!worker!.revoke(task)) this.#stopTask(task);
    this.#tasks.cancel(task);
    this.#flushSoon();
  }

  /** Asks a task that has begun to stop, and replaces its worker after the grace if it does not. */
  #stopTask(task: Task): void {
    task.worker!.cancel(task);
    task.grace = startTimer(() => this.#graceOver(task), this.#plan.graceSeconds, false);
  }

  #graceOver(task: Task): void {
    task.grace = null;
    const { worker } = task;
    if (worker === null || worker.stopped || !worker.sent.includes(task)) return;
    // After this the worker begins no other task, so its responses show for certain whether this one still runs.
    const recalled = worker.recall(Infinity, () => true);
    worker.drain();
    this.#distribution.putBack(recalled);
    if (worker.stopped || !worker.sent.includes(task)) return this.#flushSoon();
    this.counts.replaced++;
    this.#endWorker(worker, new WorkerError("The worker was ended as a task in it did not stop when it was cancelled"));
  }

  /** Resolves when every task has settled. */
  join(): Promise<void> {
    return this.#tasks.join();
  }

  // --- sending -------------------------------------------------------------------------------------------------

  /** Sends, in one microtask, all tasks that are submitted before it. */
  #flushSoon(): void {
    if (this.#flushing) return;
    this.#flushing = true;
    // The timers and waits that follow serve all tasks: they must not keep the context of this caller.
    queueMicrotask(() => withinContext(undefined, () => this.flush()));
  }

  /** Sends all tasks that workers can take. */
  flush(): void {
    this.#flushing = false;
    if (this.closed) return;
    this.#distribution.distribute();
    for (const worker of this.workers) worker.flush();
    if (this.pending > 0) this.#watchdog.start();
  }

  /** Looks whether a wake-up was lost. Returns whether there are tasks left. */
  #checkWorkers(): boolean {
    if (this.closed || this.pending === 0) return false;
    for (const worker of [...this.workers]) worker.checkUp();
    return true;
  }

  // --- workers ------------------------------------------------------------------------------------------------

  /** Pins a caller's state to a worker: the one with the fewest pins. */
  pin(): WorkerHandle {
    if (this.closed) throw terminatedError(this.#plan.name);
    return this.#workers.pin();
  }

  starting(): string {
    return `${this.#plan.name}-${++this.counts.started}`;
  }

  started(worker: WorkerHandle): void {
    if (this.#alive.active) worker.keepAlive(true);
    this.#sweep.schedule();
  }

  startFailed(error: unknown): void {
    this.counts.crashed++;
    this.#falseStart(startError(error));
  }

  /**
   * A worker has ended before it was ready. If there is no other, the tasks that wait are failed after some attempts.
   */
  #falseStart(reason: WorkerError): void {
    const { backoff } = this.#workers;
    backoff.failed(reason, this.#alive.active);
    if (backoff.failures < MAX_FALSE_STARTS) return;
    if (this.workers.length === 0) this.#failWaiting(reason);
    // The other workers go on; the report says why there are no more.
    else if (backoff.failures === MAX_FALSE_STARTS) this.#report(reason);
  }

  #failWaiting(reason: WorkerError): void {
    this.#workers.backoff.reset();
    this.#distribution.failAll(new WorkerError("Cannot run tasks as no worker can be started", { cause: reason }));
  }

  #report(reason: WorkerError): void {
    printError(`A worker of pool '${this.#plan.name}' failed`, reason);
  }

  finished(task: Task, ok: boolean, value: unknown): void {
    if (!ok) explainMissing(value as WorkerError, task.target);
    this.#tasks.settle(task, ok, value);
  }

  outputUnreadable(task: Task, error: WorkerError): void {
    if (task.state === SETTLED) return;
    this.#tasks.settle(task, false, error);
    this.#stopTask(task);
  }

  notBegun(task: Task, error: WorkerError): void {
    if (task.state === SETTLED || task.alone) return this.#tasks.settle(task, false, error);
    task.alone = true;
    this.#distribution.putBack([task]);
    this.#flushSoon();
  }

  responded(worker: WorkerHandle): void {
    this.#workers.noteReady(worker);
    this.flush();
    if (worker.sent.length === 0) this.#sweep.schedule();
  }

  ended(worker: WorkerHandle, error: unknown, code: number): void {
    this.counts.crashed++;
    this.#workers.noteReady(worker);
    const recalled = worker.recall(Infinity, () => true);
    const reason = crashError(error, code, stageOf(worker));
    const anyFailed = this.#endWorker(worker, reason, recalled);
    if (!worker.started) this.#falseStart(reason);
    // If no task fails with the error, it would be lost.
    else if (!anyFailed && error !== undefined) this.#report(reason);
  }

  dropIdle(worker: WorkerHandle): void {
    this.#endWorker(worker, new WorkerError("The worker was idle"));
  }

  /** Ends a worker. The task that it had begun fails, the rest goes to others. Returns whether any task failed. */
  #endWorker(worker: TaskWorker, reason: WorkerError, recalled = worker.recall(Infinity, () => true)): boolean {
    const movable = recalled.filter(isMovable);
    const lost = [
      ...worker.sent.splice(0),
      ...recalled.filter((task) => !isMovable(task)),
      ...worker.pinnedTasks.splice(0),
    ];
    this.#workers.remove(worker);
    const { failed } = this.counts;
    this.#distribution.putBack(movable);
    for (const task of lost) this.#tasks.settle(task, false, reason);
    this.#flushSoon();
    return this.counts.failed > failed;
  }

  /** The pool has dropped a target. */
  forget(target: number): void {
    for (const worker of this.workers) worker.forget(target);
  }

  /** Fails every task and ends every worker. Resolves when they have ended. */
  async terminate(): Promise<void> {
    if (!this.closed) this.#close();
    await this.#workers.allStopped();
  }

  #close(): void {
    this.closed = true;
    this.#sweep.stop();
    this.#watchdog.stop();
    this.#workers.backoff.reset();
    // Results that are there count.
    for (const worker of this.workers) worker.drain();
    const reason = terminatedError(this.#plan.name);
    for (const worker of [...this.workers]) {
      const tasks = [...worker.sent.splice(0), ...worker.pinnedTasks.splice(0)];
      this.#workers.remove(worker);
      for (const task of tasks) this.#tasks.settle(task, false, reason);
    }
    this.#distribution.failAll(reason);
  }
}

/** When a worker has ended, for the message. The tasks that it had not begun were taken back. */
function stageOf(worker: WorkerHandle): string {
  if (!worker.started) return "before it was ready";
  return worker.sent.length > 0 ? "while the task ran" : "while no task ran";
}
