/**
 * The workers of a pool, and who does what: the queue, the choice of a worker, cancellation, faults, the end.
 *
 * - A task goes to a worker that has nothing to do, else a new one is started while there may be more, else it is put
 *   into the ring of the one with the fewest, so that a worker finds its next task there without asking. It can be had
 *   back from there until it begins: by a worker that runs out of work, for a more urgent task, or if it is cancelled.
 * - Every task settles exactly once: `#settle` is the one place where an owner is told, and it tells once. A task that
 *   its owner gave up is settled silently. What a worker had begun when it ended is failed; what it had not goes back.
 * - Nobody else keeps tasks: each is blocked, queued, in the ring of a worker, or settled.
 */
import { WorkerError } from "../errors.ts";
import { holdTimer, hop, type HostTimer, startTimer, stopTimer } from "../host.ts";
import { withinContext } from "../host_context.ts";
import { printError } from "../report.ts";
import type { Hold, Scheduler } from "../scheduler.ts";
import { toWorkerError } from "./carried_error.ts";
import type { WorkerHost } from "./host_worker.ts";
import type { ErrorNote } from "./protocol.ts";
import { BLOCKED, NEW, QUEUED, SENT, SETTLED, type Task, TaskQueue } from "./task.ts";
import { DEPTH, Thread, type ThreadEvents } from "./thread.ts";

/** How a crew is made up; all checked. */
export interface CrewPlan {
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

/** What a crew has done. */
export interface CrewCounts {
  submitted: number;
  completed: number;
  failed: number;
  cancelled: number;
  started: number;
  crashed: number;
  replaced: number;
}

// A worker that cannot even begin is tried again this often before what waits is failed.
const MAX_FALSE_STARTS = 3;

// While there are tasks, it is looked this often whether a wake-up was lost.
const CHECK_SECONDS = 0.1;

/** See the head of this file. */
export class Crew implements ThreadEvents {
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
  threads: Thread[] = [];
  readonly #plan: CrewPlan;
  readonly #host: WorkerHost;
  #submitted = 0;
  readonly #shares = new Map<Scheduler, Share>();
  #holders = 0;
  #holding = false;
  #checkingHold = false;
  #flushing = false;
  #falseStarts = 0;
  #sweeper: HostTimer | null = null;
  #checker: HostTimer | null = null;
  #joins: (() => void)[] = [];
  // Those that were told to end and have not ended.
  #leaving: Promise<void>[] = [];

  constructor(plan: CrewPlan, host: WorkerHost) {
    this.#plan = plan;
    this.#host = host;
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
    this.#holdFor(task.scheduler, 1);
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
      this.#settle(task, false, new WorkerError("The worker that kept what this task works on has ended"));
    } else {
      task.state = QUEUED;
      thread.own.push(task);
    }
  }

  /** A task that is more urgent than what a worker has not begun goes first. */
  #recallFor(task: Task, thread: Thread): void {
    const last = thread.sent.at(-1);
    if (last === undefined || last.priority <= task.priority) return;
    this.#putBack(thread.recall(Infinity, (other) => other.priority > task.priority && isMovable(other)));
  }

  #putBack(tasks: readonly Task[]): void {
    for (const task of tasks) {
      task.state = QUEUED;
      this.queue.add(task);
    }
  }

  /** The owner of a task does not want it any more. */
  cancel(task: Task): void {
    const { state, thread } = task;
    if (state === NEW || state === SETTLED) return;
    this.counts.cancelled++;
    if (state === BLOCKED) this.blocked.remove(task);
    else if (state === QUEUED) this.#leaveQueue(task);
    else if (!thread!.revoke(task)) {
      thread!.cancel(task);
      const timer = startTimer(() => this.#graceOver(task), this.#plan.graceSeconds, false);
      task.grace = timer;
    }
    this.#conclude(task);
    this.#flushSoon();
  }

  #leaveQueue(task: Task): void {
    const own = task.plan.thread?.own;
    if (own === undefined) this.queue.remove(task);
    else own.splice(own.indexOf(task), 1);
  }

  #graceOver(task: Task): void {
    task.grace = null;
    const { thread } = task;
    if (thread === null || thread.dead || !thread.sent.includes(task)) return;
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
    this.#holdFor(task.scheduler, -1);
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
    for (const thread of this.threads) if (thread.sent.length === 0) this.#steal(thread);
  }

  #place(task: Task): boolean {
    let best: Thread | null = null;
    for (const thread of this.threads) if (best === null || thread.sent.length < best.sent.length) best = thread;
    if ((best === null || best.sent.length > 0) && this.threads.length < this.#plan.size) best = this.#start();
    if (best === null || !best.offer(task)) return false;
    this.queue.remove(task);
    return true;
  }

  /** Lets blocked tasks into the queue, as far as there is room. */
  #admit(): void {
    while (this.blocked.length > 0 && this.queue.length < this.#plan.queueLimit) {
      const task = this.blocked.head!;
      this.blocked.remove(task);
      this.#enqueue(task);
    }
  }

  /** A worker that has nothing to do gets half of what the one with the most has not begun. */
  #steal(thief: Thread): void {
    let victim: Thread | null = null;
    for (const thread of this.threads) {
      if (thread.sent.length > 1 && (victim === null || thread.sent.length > victim.sent.length)) victim = thread;
    }
    if (victim === null) return;
    const most = Math.min(DEPTH, victim.sent.length >> 1);
    const stolen = victim.recall(most, isMovable);
    for (const task of stolen) {
      task.state = QUEUED;
      if (!thief.offer(task)) this.queue.add(task);
    }
  }

  #start(): Thread | null {
    const name = `${this.#plan.name}-${++this.counts.started}`;
    const thread = withinContext(undefined, () => new Thread(this.#host, name, this));
    this.threads.push(thread);
    if (this.#holding) thread.hold(true);
    if (this.#plan.idleSeconds < Infinity) this.#sweepLater();
    return thread;
  }

  /** The worker with the fewest tenants, for one who keeps something in it. */
  settleIn(): Thread {
    if (this.closed) throw terminated(this.#plan.name);
    let best: Thread | null = null;
    for (const thread of this.threads) if (best === null || thread.tenants < best.tenants) best = thread;
    if ((best === null || best.tenants > 0) && this.threads.length < this.#plan.size) best = this.#start();
    best!.tenants++;
    return best!;
  }

  // --- what threads tell --------------------------------------------------------------------------------------

  finished(task: Task, ok: boolean, value: unknown): void {
    this.#falseStarts = 0;
    this.#settle(task, ok, ok || value instanceof Error ? value : toWorkerError(value as ErrorNote));
  }

  answered(thread: Thread): void {
    this.flush();
    if (thread.sent.length === 0 && this.#plan.idleSeconds < Infinity) this.#sweepLater();
  }

  died(thread: Thread, error: unknown, code: number): void {
    this.counts.crashed++;
    const idle = thread.sent.length === 0;
    if (!thread.started) this.#falseStarts++;
    const reason = crashError(error, code);
    this.#remove(thread, reason);
    if (this.#falseStarts >= MAX_FALSE_STARTS) this.#giveUp(reason);
    // Somebody has to hear of it.
    else if (idle && error !== undefined) printError(`A worker of pool '${this.#plan.name}' failed`, reason);
  }

  #giveUp(reason: WorkerError): void {
    this.#falseStarts = 0;
    const error = new WorkerError("Cannot run tasks as no worker can be started", { cause: reason });
    while (this.queue.head !== null || this.blocked.head !== null) {
      const from = this.queue.head !== null ? this.queue : this.blocked;
      const task = from.head!;
      from.remove(task);
      this.#settle(task, false, error);
    }
  }

  /** Ends a worker. What it had begun fails with `reason`, the rest goes to others. */
  #remove(thread: Thread, reason: WorkerError): void {
    const back = thread.recall(Infinity, () => true);
    const begun = thread.sent.splice(0);
    const own = thread.own.splice(0);
    this.threads = this.threads.filter((other) => other !== thread);
    this.#track(thread.stop());
    for (const task of begun) this.#settle(task, false, reason);
    for (const task of own) this.#settle(task, false, reason);
    for (const task of back) {
      if (isMovable(task)) this.#putBack([task]);
      else this.#settle(task, false, reason);
    }
    this.#flushSoon();
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

  /** Counts the tasks of a scheduler, which keep the process alive as long as others than daemons live in it. */
  #holdFor(scheduler: Scheduler | null, change: number): void {
    if (scheduler === null) return this.#hold(change);
    let share = this.#shares.get(scheduler);
    if (share === undefined) {
      share = new Share((alive) => this.#hold(alive ? 1 : -1));
      this.#shares.set(scheduler, share);
      scheduler.addHold(share);
    }
    share.tasks += change;
    if (share.tasks > 0) return;
    this.#shares.delete(scheduler);
    scheduler.removeHold(share);
    share.hold(false);
  }

  /** Tasks keep the process alive; idle workers do not. */
  #hold(change: number): void {
    this.#holders += change;
    if (this.#holders > 0 === this.#holding) return;
    if (this.#holders > 0) return this.#holdAll(true);
    // The next task may come at once: letting go is put off until the host had a turn.
    if (this.#checkingHold) return;
    this.#checkingHold = true;
    hop(() => {
      this.#checkingHold = false;
      if (this.#holders === 0) this.#holdAll(false);
    });
  }

  #holdAll(alive: boolean): void {
    if (this.#holding === alive) return;
    this.#holding = alive;
    for (const thread of this.threads) thread.hold(alive);
  }

  #sweepLater(): void {
    if (this.#sweeper !== null || this.closed) return;
    this.#sweeper = startTimer(() => this.#sweep(), this.#plan.idleSeconds, false);
    // Where idle workers keep the process alive anyway, it must not end before they do.
    if (this.threads.some((thread) => !thread.unreferenced)) holdTimer(this.#sweeper, true);
  }

  /** Ends workers that have been idle for long. */
  #sweep(): void {
    this.#sweeper = null;
    const { keep, idleSeconds } = this.#plan;
    const now = performance.now();
    for (const thread of [...this.threads]) {
      if (this.threads.length <= keep) return;
      if (thread.sent.length > 0 || thread.tenants > 0 || now - thread.idleSince < idleSeconds * 1000) continue;
      this.#remove(thread, new WorkerError("The worker was idle"));
    }
    if (this.threads.length > keep) this.#sweepLater();
  }

  /** Fails every task and ends every worker. */
  async terminate(): Promise<void> {
    if (!this.closed) {
      this.closed = true;
      if (this.#sweeper !== null) stopTimer(this.#sweeper);
      if (this.#checker !== null) stopTimer(this.#checker);
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

  #dismiss(thread: Thread, reason: WorkerError): void {
    const tasks = [...thread.sent.splice(0), ...thread.own.splice(0)];
    this.threads = this.threads.filter((other) => other !== thread);
    this.#track(thread.stop());
    for (const task of tasks) this.#settle(task, false, reason);
  }
}

/** The tasks that coroutines of one scheduler wait for. */
class Share implements Hold {
  tasks = 0;
  #alive = false;
  readonly #apply: (alive: boolean) => void;

  constructor(apply: (alive: boolean) => void) {
    this.#apply = apply;
  }

  hold(alive: boolean): void {
    if (this.#alive === alive) return;
    this.#alive = alive;
    this.#apply(alive);
  }
}

/** Whether another worker may run a task that one has in its ring. */
function isMovable(task: Task): boolean {
  return task.state === SENT && task.plan.thread === null && task.plan.transfer.length === 0;
}

function terminated(name: string): WorkerError {
  return new WorkerError(`Cannot run a task as pool '${name}' has been terminated: make a new one`);
}

function crashError(error: unknown, code: number): WorkerError {
  if (typeof error === "object" && error !== null && "hasCause" in error) return toWorkerError(error as ErrorNote);
  if (error instanceof Error) {
    const { name, message, stack } = error;
    return new WorkerError(`The worker ended while the task ran: ${message}`, { name, stack, cause: error, code });
  }
  return new WorkerError(`The worker ended with code ${code} while the task ran`, { code });
}
