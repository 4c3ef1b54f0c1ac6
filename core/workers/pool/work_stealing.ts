/** How tasks are spread over workers: each to the one with the fewest, and back from those that have many. */
import { SENT, type Task } from "./task.ts";
import { DEPTH, type WorkerHandle } from "./worker_handle.ts";

const NONE: readonly Task[] = [];

/** The worker with the fewest tasks; `null` if there is none. */
export function leastLoaded(workers: readonly WorkerHandle[]): WorkerHandle | null {
  let best: WorkerHandle | null = null;
  for (const worker of workers) if (best === null || worker.sent.length < best.sent.length) best = worker;
  return best;
}

/** Whether another worker may run a task that is in the ring of one. */
export function isMovable(task: Task): boolean {
  return task.state === SENT && task.plan.worker === null && task.plan.transfer.length === 0;
}

/**
 * Takes back half of the tasks that the worker with the most has not begun, for `thief`, which has none. `null` is a
 * worker that has yet to be started.
 */
export function stealTasks(workers: readonly WorkerHandle[], thief: WorkerHandle | null): readonly Task[] {
  // The only task of a worker that has yet to start is also worth stealing, but not worth starting another worker.
  const least = thief?.started ? 1 : 2;
  if (!workers.some((worker) => isCrowded(worker, least))) return NONE;
  const victims = workers.filter((worker) => isCrowded(worker, least));
  for (const victim of victims.sort((a, b) => b.sent.length - a.sent.length)) {
    const tasks = victim.recall(Math.max(1, Math.min(DEPTH, victim.sent.length >> 1)), isMovable);
    if (tasks.length > 0) return tasks;
  }
  return NONE;
}

function isCrowded(worker: WorkerHandle, least: number): boolean {
  return worker.sent.length > 1 || (worker.sent.length >= least && !worker.started);
}
