/** Where tasks wait, and which worker gets which task; see the head of `dispatcher.ts`. */
import type { WorkerError } from "../errors.ts";
import { pinnedWorkerError } from "./pool_errors.ts";
import type { Settlement } from "./settlement.ts";
import { BLOCKED, QUEUED, type Task } from "./task.ts";
import { TaskQueue } from "./task_queue.ts";
import { isMovable, leastLoaded, stealTasks } from "./work_stealing.ts";
import type { WorkerHandle } from "./worker_handle.ts";
import type { WorkerSet } from "./worker_set.ts";

/** See the head of this file. */
export class Distribution {
  readonly queue: TaskQueue = new TaskQueue();
  /** Tasks that wait for room in the queue. */
  readonly blocked: TaskQueue = new TaskQueue();
  readonly #workers: WorkerSet;
  readonly #tasks: Settlement;
  readonly #queueLimit: number;

  /** At most `queueLimit` tasks are queued. */
  constructor(workers: WorkerSet, tasks: Settlement, queueLimit: number) {
    this.#workers = workers;
    this.#tasks = tasks;
    this.#queueLimit = queueLimit;
  }

  /** Adds a task to those that wait. */
  add(task: Task): void {
    if (task.plan.worker === null && this.queue.length >= this.#queueLimit) {
      task.state = BLOCKED;
      this.blocked.add(task);
    } else {
      this.#enqueue(task);
    }
  }

  #enqueue(task: Task): void {
    const { worker } = task.plan;
    if (worker === null) {
      task.state = QUEUED;
      this.queue.add(task);
      for (const other of this.#workers.list) this.#recallFor(task, other);
    } else if (worker.stopped) {
      this.#tasks.settle(task, false, pinnedWorkerError());
    } else {
      task.state = QUEUED;
      worker.pinnedTasks.push(task);
    }
  }

  /** Takes back the tasks of a worker that have not begun and are less urgent than `task`. */
  #recallFor(task: Task, worker: WorkerHandle): void {
    const last = worker.sent.at(-1);
    if (last === undefined || last.priority <= task.priority) return;
    this.putBack(worker.recall(Infinity, (other) => other.priority > task.priority && isMovable(other)));
  }

  /** Tasks that workers had and have not begun wait again, each at its old place. */
  putBack(tasks: readonly Task[]): void {
    for (const task of tasks) {
      const { worker } = task.plan;
      task.state = QUEUED;
      if (worker === null) this.queue.add(task);
      else if (worker.stopped) this.#tasks.settle(task, false, pinnedWorkerError());
      else {
        const next = worker.pinnedTasks.findIndex((other) => other.order > task.order);
        worker.pinnedTasks.splice(next < 0 ? worker.pinnedTasks.length : next, 0, task);
      }
    }
  }

  /** Removes a task that waits. */
  remove(task: Task): void {
    if (task.state === BLOCKED) return this.blocked.remove(task);
    const pinned = task.plan.worker?.pinnedTasks;
    if (pinned === undefined) this.queue.remove(task);
    else pinned.splice(pinned.indexOf(task), 1);
  }

  /** Fails all tasks that wait for any worker. */
  failAll(error: WorkerError): void {
    for (;;) {
      const task = this.queue.shift() ?? this.blocked.shift();
      if (task === null) return;
      this.#tasks.settle(task, false, error);
    }
  }

  /** Gives workers all tasks that they can take. */
  distribute(): void {
    for (const worker of this.#workers.list) {
      while (worker.pinnedTasks.length > 0 && worker.offer(worker.pinnedTasks[0])) worker.pinnedTasks.shift();
    }
    const { queue } = this;
    this.#admit();
    for (let task = queue.head; task !== null; task = queue.head) {
      if (!this.#place(task)) break;
      this.#admit();
    }
    for (const worker of this.#workers.list) {
      if (worker.sent.length === 0) this.#give(stealTasks(this.#workers.list, worker), worker);
    }
    if (!this.#workers.full) this.#spread();
  }

  /** Moves blocked tasks into the queue, as far as there is room. */
  #admit(): void {
    while (this.blocked.length > 0 && this.queue.length < this.#queueLimit) this.#enqueue(this.blocked.shift()!);
  }

  /** Gives the first task of the queue to a worker. Returns whether one has room. */
  #place(task: Task): boolean {
    let best = leastLoaded(this.#workers.list);
    if (best === null || best.sent.length > 0) best = this.#workers.start() ?? best;
    if (best === null || !best.offer(task)) return false;
    this.queue.remove(task);
    return true;
  }

  /** Starts workers for the tasks that wait behind others in a ring. */
  #spread(): void {
    while (this.#workers.mayStart) {
      const tasks = stealTasks(this.#workers.list, null);
      if (tasks.length === 0) return;
      const worker = this.#workers.start();
      if (worker === null) return this.putBack(tasks);
      this.#give(tasks, worker);
    }
  }

  #give(tasks: readonly Task[], worker: WorkerHandle): void {
    for (const task of tasks) {
      task.state = QUEUED;
      if (!worker.offer(task)) this.queue.add(task);
    }
  }
}
