/**
 * The workers of a pool, and who does what: the queue, the choice of a worker, cancellation, faults, the end.
 *
 * - A task goes to a worker that has nothing to do, else a new one is started while there may be more, else it is put
 *   into the ring of the one with the fewest, so that a worker finds its next task there without asking. It can be had
 *   back from there until it begins: by a worker that runs out of work or is started, for a more urgent task, or if it
 *   is cancelled. So while a task waits, as many workers as may be are there or are being started.
 * - Every task settles exactly once: `#settle` is the one place where an owner is told, and it tells once. A task that
 *   its owner gave up is settled silently. What a worker had begun when it ended is failed; what it had not runs
 *   elsewhere.
 * - Nobody else keeps tasks: each is blocked, queued, in the ring of a worker, or settled.
 */
import { WorkerError } from "../errors.ts";
import { type HostTimer, startTimer, stopTimer } from "../../host/timers.ts";
import { withinContext } from "../../host/async_context.ts";
import { printError } from "../../base/error_report.ts";
import type { WorkerHost } from "./host_worker.ts";
import { IdleSweep, type SweptDispatcher, TaskHold } from "./idle.ts";
import { explainMissing } from "./missing_name.ts";
import { BLOCKED, NEW, QUEUED, SENT, SETTLED, type Task, TaskQueue } from "./task.ts";
import { DEPTH, type WorkerEvents, WorkerHandle } from "./worker_handle.ts";
import { MAX_FALSE_STARTS, WorkerStarts } from "./worker_starts.ts";

/** How a dispatcher is made up; all checked. */
export interface DispatcherPlan {
  readonly name: string;
  /** Workers at the most. */
  readonly size: number;
  /** Workers that stay though they are idle. */
  readonly keep: number;
  /** Seconds after which others end. */
  readonly idleSeconds: number;
  /** Tasks in the queue at the most. */
  readonly queueLimit: number;
  /** Seconds that a cancelled task has to stop by itself. */
  readonly graceSeconds: number;
}

/** What a dispatcher has done. */
export interface CrewCounts {
  submitted: number;
  completed: number;
  failed: number;
  cancelled: number;
  started: number;
  crashed: number;
  replaced: number;
}

// What has no tasks to give.
const NONE: readonly Task[] = [];

// While there are tasks, it is looked this often whether a wake-up was lost.
const CHECK_SECONDS = 0.1;

/** See the head of this file. */
export class Dispatcher implements WorkerEvents, SweptDispatcher {
  readonly counts: CrewCounts = {
    submitted: 0,
    completed: 0,
    failed: 0,
    cancelled: 0,
    started: 0,
    crashed: 0,
    replaced: 0,
  };
  readonly queue: TaskQueue = new TaskQueue();
  readonly blocked: TaskQueue = new TaskQueue();
  /** Tasks that are not settled. */
  pending = 0;
  closed = false;
  threads: WorkerHandle[] = [];
  readonly #plan: DispatcherPlan;
  readonly #host: WorkerHost;
  readonly #starts: WorkerStarts = new WorkerStarts(() => this.flush());
  readonly #hold: TaskHold = new TaskHold((alive) => this.#keepAlive(alive));
  readonly #sweep: IdleSweep;
  // The worker that was started last.
  #newest: WorkerHandle | null = null;
  #submitted = 0;
  #flushing = false;
  #checker: HostTimer | null = null;
  #joins: (() => void)[] = [];
  // Those that were told to end and have not ended.
  #leaving: Promise<void>[] = [];

  constructor(plan: DispatcherPlan, host: WorkerHost) {
    this.#plan = plan;
    this.#host = host;
    this.#sweep = new IdleSweep(this, plan.keep, plan.idleSeconds);
  }

  // --- tasks --------------------------------------------------------------------------------------------------

  /** Takes a task. It runs as soon as a worker can. Throws if what is to be moved cannot be. */
  submit(task: Task): void {
    if (this.closed) throw terminated(this.#plan.name);
    task.takeTransfers();
    task.order = ++this.#submitted;
    // A word, never 0.
    task.id = (task.order % 0x7fffffff) + 1;
    this.counts.submitted++;
    this.pending++;
    if (task.holds) this.#hold.change(task.scheduler, 1);
    if (task.plan.thread === null && this.queue.length >= this.#plan.queueLimit) {
      task.state = BLOCKED;
      this.blocked.add(task);
    } else {
      this.#enqueue(task);
    }
    this.#flushSoon();
  }

  #enqueue(task: Task): void {
    const { thread } = task.plan;
    if (thread === null) {
      task.state = QUEUED;
      this.queue.add(task);
      for (const other of this.threads) this.#recallFor(task, other);
    } else if (thread.dead) {
      this.#settle(task, false, keeperEnded());
    } else {
      task.state = QUEUED;
      thread.own.push(task);
    }
  }

  /** A task that is more urgent than what a worker has not begun goes first. */
  #recallFor(task: Task, thread: WorkerHandle): void {
    const last = thread.sent.at(-1);
    if (last === undefined || last.priority <= task.priority) return;
    this.#putBack(thread.recall(Infinity, (other) => other.priority > task.priority && isMovable(other)));
  }

  #putBack(tasks: readonly Task[]): void {
    for (const task of tasks) {
      const { thread } = task.plan;
      task.state = QUEUED;
      if (thread === null) this.queue.add(task);
      else if (thread.dead) this.#settle(task, false, keeperEnded());
      else {
        const next = thread.own.findIndex((other) => other.order > task.order);
        thread.own.splice(next < 0 ? thread.own.length : next, 0, task);
      }
    }
  }

  /** The owner of a task does not want it any more. */
  cancel(task: Task): void {
    const { state, thread } = task;
    if (state === NEW || state === SETTLED) return;
    this.counts.cancelled++;
    if (state === BLOCKED) this.blocked.remove(task);
    else if (state === QUEUED) this.#leaveQueue(task);
    else if (!thread!.revoke(task)) this.#stop(task);
    this.#conclude(task);
    this.#flushSoon();
  }

  #leaveQueue(task: Task): void {
    const own = task.plan.thread?.own;
    if (own === undefined) this.queue.remove(task);
    else own.splice(own.indexOf(task), 1);
  }

  /** Asks what runs in a worker to stop. */
  #stop(task: Task): void {
    task.thread!.cancel(task);
    task.grace = startTimer(() => this.#graceOver(task), this.#plan.graceSeconds, false);
  }

  #graceOver(task: Task): void {
    task.grace = null;
    const { thread } = task;
    if (thread === null || thread.dead || !thread.sent.includes(task)) return;
    // From here on the worker begins no other task, so its answers tell for certain whether this one still runs.
    const back = thread.recall(Infinity, () => true);
    thread.drain();
    this.#putBack(back);
    if (thread.dead || !thread.sent.includes(task)) return this.#flushSoon();
    this.counts.replaced++;
    this.#remove(thread, new WorkerError("The worker was ended as a task in it did not stop when it was cancelled"));
  }

  /** The one place where the owner of a task is told. */
  #settle(task: Task, ok: boolean, value: unknown): void {
    if (task.grace !== null) stopTimer(task.grace as HostTimer);
    task.grace = null;
    if (task.state === SETTLED) return;
    if (ok) this.counts.completed++;
    else this.counts.failed++;
    task.state = SETTLED;
    task.owner.settled(ok, value);
    this.#conclude(task);
  }

  #conclude(task: Task): void {
    task.state = SETTLED;
    task.args = [];
    if (task.holds) this.#hold.change(task.scheduler, -1);
    if (--this.pending === 0) { for (const resolve of this.#joins.splice(0)) resolve(); }
  }

  /** Resolves when every task has settled. */
  join(): Promise<void> {
    return this.pending === 0 ? Promise.resolve() : new Promise((resolve) => this.#joins.push(resolve));
  }

  // --- who does what ------------------------------------------------------------------------------------------

  /** What a turn of coroutines submits goes out together. */
  #flushSoon(): void {
    if (this.#flushing) return;
    this.#flushing = true;
    // What follows, timers and waits for answers, is for all tasks: it must not keep the context of this one's caller.
    queueMicrotask(() => withinContext(undefined, () => this.flush()));
  }

  /** Gives out what can be given out. */
  flush(): void {
    this.#flushing = false;
    if (this.closed) return;
    this.#giveOut();
    for (const thread of this.threads) thread.flush();
    if (this.#checker === null && this.pending > 0) this.#checker = startTimer(this.#checkUp, CHECK_SECONDS, false);
  }

  readonly #checkUp = (): void => {
    this.#checker = null;
    if (this.closed || this.pending === 0) return;
    for (const thread of [...this.threads]) thread.checkUp();
    this.#checker ??= startTimer(this.#checkUp, CHECK_SECONDS, false);
  };

  #giveOut(): void {
    for (const thread of this.threads) {
      while (thread.own.length > 0 && thread.offer(thread.own[0])) thread.own.shift();
    }
    const { queue } = this;
    this.#admit();
    for (let task = queue.head; task !== null; task = queue.head) {
      if (!this.#place(task)) break;
      this.#admit();
    }
    for (const thread of this.threads) if (thread.sent.length === 0) this.#hand(this.#recallHalf(thread), thread);
    if (this.threads.length < this.#plan.size) this.#spread();
  }

  #place(task: Task): boolean {
    let best: WorkerHandle | null = null;
    for (const thread of this.threads) if (best === null || thread.sent.length < best.sent.length) best = thread;
    if (best === null || best.sent.length > 0) best = this.#start() ?? best;
    if (best === null || !best.offer(task)) return false;
    this.queue.remove(task);
    return true;
  }

  /** Starts workers for what stands behind other tasks. */
  #spread(): void {
    while (this.#mayStart()) {
      const tasks = this.#recallHalf(null);
      if (tasks.length === 0) return;
      const thread = this.#start();
      if (thread === null) return this.#putBack(tasks);
      this.#hand(tasks, thread);
    }
  }

  /** Lets blocked tasks into the queue, as far as there is room. */
  #admit(): void {
    while (this.blocked.length > 0 && this.queue.length < this.#plan.queueLimit) {
      const task = this.blocked.head!;
      this.blocked.remove(task);
      this.#enqueue(task);
    }
  }

  /** Half of what the worker with the most has not begun, for one that has nothing to do; `null` is a new one. */
  #recallHalf(thief: WorkerHandle | null): readonly Task[] {
    // One task waits as well if its worker has yet to start; but that is no reason for another start.
    const least = thief?.started ? 1 : 2;
    if (!this.threads.some((thread) => isCrowded(thread, least))) return NONE;
    const victims = this.threads.filter((thread) => isCrowded(thread, least));
    for (const victim of victims.sort((a, b) => b.sent.length - a.sent.length)) {
      const tasks = victim.recall(Math.max(1, Math.min(DEPTH, victim.sent.length >> 1)), isMovable);
      if (tasks.length > 0) return tasks;
    }
    return NONE;
  }

  #hand(tasks: readonly Task[], thread: WorkerHandle): void {
    for (const task of tasks) {
      task.state = QUEUED;
      if (!thread.offer(task)) this.queue.add(task);
    }
  }

  #mayStart(): boolean {
    return this.threads.length < this.#plan.size && this.#starts.allowed;
  }

  /** Starts a worker, if there may be one more and it can be made. */
  #start(): WorkerHandle | null {
    if (!this.#mayStart()) return null;
    const name = `${this.#plan.name}-${++this.counts.started}`;
    let thread: WorkerHandle;
    try {
      thread = withinContext(undefined, () => new WorkerHandle(this.#host, name, this));
    } catch (error) {
      this.counts.crashed++;
      this.#startFailed(crashError(error, 1));
      return null;
    }
    this.threads.push(thread);
    this.#newest = thread;
    if (this.#hold.holding) thread.hold(true);
    this.#sweep.later();
    return thread;
  }

  /** A worker has ended before it began to work. What waits is failed if none is left. */
  #startFailed(reason: WorkerError): void {
    this.#starts.failed(reason, this.#hold.holding);
    if (this.#starts.failures < MAX_FALSE_STARTS) return;
    if (this.threads.length === 0) this.#giveUp(reason);
    // The others go on; somebody has to hear why they stay alone.
    else if (this.#starts.failures === MAX_FALSE_STARTS) this.#report(reason);
  }

  #giveUp(reason: WorkerError): void {
    this.#starts.reset();
    const error = new WorkerError("Cannot run tasks as no worker can be started", { cause: reason });
    while (this.queue.head !== null || this.blocked.head !== null) {
      const from = this.queue.head !== null ? this.queue : this.blocked;
      const task = from.head!;
      from.remove(task);
      this.#settle(task, false, error);
    }
  }

  #report(reason: WorkerError): void {
    printError(`A worker of pool '${this.#plan.name}' failed`, reason);
  }

  /** The worker with the fewest pinnedCount, for one who keeps something in it. */
  pin(): WorkerHandle {
    if (this.closed) throw terminated(this.#plan.name);
    let best: WorkerHandle | null = null;
    for (const thread of this.threads) if (best === null || thread.pinnedCount < best.pinnedCount) best = thread;
    if (best === null || best.pinnedCount > 0) best = this.#start() ?? best;
    if (best === null) throw new WorkerError("No worker can be started", { cause: this.#starts.reason });
    best.pinnedCount++;
    return best;
  }

  // --- what threads tell --------------------------------------------------------------------------------------

  finished(task: Task, ok: boolean, value: unknown): void {
    if (!ok) explainMissing(value as WorkerError, task.target);
    this.#settle(task, ok, value);
  }

  garbled(task: Task, error: WorkerError): void {
    if (task.state === SETTLED) return;
    this.#settle(task, false, error);
    this.#stop(task);
  }

  unread(task: Task, error: WorkerError): void {
    if (task.state === SETTLED || task.alone) return this.#settle(task, false, error);
    task.alone = true;
    this.#putBack([task]);
    this.#flushSoon();
  }

  answered(thread: WorkerHandle): void {
    this.#noteStart(thread);
    this.flush();
    if (thread.sent.length === 0) this.#sweep.later();
  }

  /** Workers can be started again, if this one was. */
  #noteStart(thread: WorkerHandle): void {
    if (this.#starts.failures > 0 && thread === this.#newest && thread.started) this.#starts.reset();
  }

  died(thread: WorkerHandle, error: unknown, code: number): void {
    this.counts.crashed++;
    this.#noteStart(thread);
    const reason = crashError(error, code);
    const heard = this.#remove(thread, reason);
    if (!thread.started) this.#startFailed(reason);
    // Somebody has to hear of it.
    else if (!heard && error !== undefined) this.#report(reason);
  }

  dropIdle(thread: WorkerHandle): void {
    this.#remove(thread, new WorkerError("The worker was idle"));
  }

  /** Ends a worker. What it had begun fails with `reason`, the rest goes to others. Returns whether any failed. */
  #remove(thread: WorkerHandle, reason: WorkerError): boolean {
    const back = thread.recall(Infinity, () => true);
    const lost = [...thread.sent.splice(0), ...back.filter((task) => !isMovable(task)), ...thread.own.splice(0)];
    this.threads = this.threads.filter((other) => other !== thread);
    this.#track(thread.stop());
    const { failed } = this.counts;
    this.#putBack(back.filter(isMovable));
    for (const task of lost) this.#settle(task, false, reason);
    this.#flushSoon();
    return this.counts.failed > failed;
  }

  #track(leaving: Promise<void>): void {
    this.#leaving.push(leaving);
    leaving.finally(() => this.#leaving = this.#leaving.filter((other) => other !== leaving));
  }

  /** The pool knows a target no more. */
  forget(target: number): void {
    for (const thread of this.threads) thread.forget(target);
  }

  // --- staying alive, and the end -----------------------------------------------------------------------------

  #keepAlive(alive: boolean): void {
    for (const thread of this.threads) thread.hold(alive);
    this.#starts.hold(alive);
  }

  /** Fails every task and ends every worker. */
  async terminate(): Promise<void> {
    if (!this.closed) {
      this.closed = true;
      this.#sweep.stop();
      if (this.#checker !== null) stopTimer(this.#checker);
      this.#starts.reset();
      for (const thread of this.threads) {
        // Results that are there count.
        thread.drain();
      }
      const reason = terminated(this.#plan.name);
      for (const thread of [...this.threads]) this.#dismiss(thread, reason);
      for (const queue of [this.queue, this.blocked]) {
        for (let task = queue.head; task !== null; task = queue.head) {
          queue.remove(task);
          this.#settle(task, false, reason);
        }
      }
    }
    await Promise.all(this.#leaving);
  }

  #dismiss(thread: WorkerHandle, reason: WorkerError): void {
    const tasks = [...thread.sent.splice(0), ...thread.own.splice(0)];
    this.threads = this.threads.filter((other) => other !== thread);
    this.#track(thread.stop());
    for (const task of tasks) this.#settle(task, false, reason);
  }
}

/** Whether another worker may run a task that one has in its ring. */
function isMovable(task: Task): boolean {
  return task.state === SENT && task.plan.thread === null && task.plan.transfer.length === 0;
}

function isCrowded(thread: WorkerHandle, least: number): boolean {
  return thread.sent.length > 1 || (thread.sent.length >= least && !thread.started);
}

function terminated(name: string): WorkerError {
  return new WorkerError(`Cannot run a task as pool '${name}' has been terminated: make a new one`);
}

function keeperEnded(): WorkerError {
  return new WorkerError("The worker that kept what this task works on has ended");
}

function crashError(error: unknown, code: number): WorkerError {
  if (error instanceof WorkerError) return error;
  if (error instanceof Error) {
    const { name, message, stack } = error;
    return new WorkerError(`The worker ended while the task ran: ${message}`, { name, stack, cause: error, code });
  }
  return new WorkerError(`The worker ended with code ${code} while the task ran`, { code });
}
