import { context } from "../../fiber/context.ts";
import type { EventLoop } from "./event_loop.ts";
import { getRunningLoop } from "./running.ts";
import { Task } from "./task.ts";
import { TaskCoro } from "./task_coro.ts";

/**
 * The task that runs, or `null` in a callback or in a coroutine that is not a task.
 *
 * @param loop The event loop; the running one by default.
 * @throws {Error} If no loop is given and none is running.
 */
export function currentTask(loop: EventLoop = getRunningLoop()): Task | null {
  const coro = context.fiber?.owner;
  if (!(coro instanceof TaskCoro) || coro.scheduler !== loop.scheduler) return null;
  return coro.task instanceof Task ? coro.task : null;
}

/**
 * The tasks of an event loop that are not done.
 *
 * @param loop The event loop; the running one by default.
 * @throws {Error} If no loop is given and none is running.
 */
export function allTasks(loop: EventLoop = getRunningLoop()): Set<Task> {
  const tasks = new Set<Task>();
  for (const coro of loop.scheduler.coros()) {
    if (coro instanceof TaskCoro && coro.task instanceof Task) tasks.add(coro.task);
  }
  return tasks;
}
