import { runningCoro } from "../../coroutine/coro_of.ts";
import type { EventLoop } from "./event_loop.ts";
import { getRunningLoop } from "./running.ts";
import type { Task } from "./task.ts";
import { TaskCoro } from "./task_coro.ts";

/**
 * The task that runs, or `null` in a callback or in a coroutine that is no task.
 *
 * @param loop The event loop; the running one by default.
 * @throws {Error} If no loop is given and none is running.
 */
export function currentTask(loop: EventLoop = getRunningLoop()): Task | null {
  const coro = runningCoro();
  return coro instanceof TaskCoro && coro.scheduler === loop.scheduler ? coro.task : null;
}

/**
 * The tasks of an event loop that are not done.
 *
 * @param loop The event loop; the running one by default.
 * @throws {Error} If no loop is given and none is running.
 */
export function allTasks(loop: EventLoop = getRunningLoop()): Set<Task> {
  const tasks = new Set<Task>();
  for (const coro of loop.scheduler.coros()) if (coro instanceof TaskCoro && coro.task !== null) tasks.add(coro.task);
  return tasks;
}
