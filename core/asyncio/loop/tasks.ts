import { describe } from "../../base/describe.ts";
import { runningCoro } from "../../coroutine/coro_of.ts";
import type { EventLoop } from "./event_loop.ts";
import { IterationLoop } from "./iteration_loop.ts";
import { getRunningLoop } from "./running.ts";
import { Task } from "./task.ts";
import { TaskCoro } from "./task_coro.ts";

/**
 * The task that runs, or `null` in a callback or in a coroutine that is not a task.
 *
 * @param loop The event loop; the running one by default.
 * @throws {TypeError} If `loop` is not an event loop.
 * @throws {Error} If no loop is given and none is running.
 */
export function currentTask(loop: EventLoop = getRunningLoop()): Task | null {
  const { scheduler } = mustBeLoop(loop, "tell the current task");
  const coro = runningCoro();
  if (!(coro instanceof TaskCoro) || coro.scheduler !== scheduler) return null;
  return coro.task instanceof Task ? coro.task : null;
}

/**
 * The tasks of an event loop that are not done.
 *
 * @param loop The event loop; the running one by default.
 * @throws {TypeError} If `loop` is not an event loop.
 * @throws {Error} If no loop is given and none is running.
 */
export function allTasks(loop: EventLoop = getRunningLoop()): Set<Task> {
  const tasks = new Set<Task>();
  for (const coro of mustBeLoop(loop, "list tasks").scheduler.coros()) {
    if (coro instanceof TaskCoro && coro.task instanceof Task) tasks.add(coro.task);
  }
  return tasks;
}

function mustBeLoop(loop: EventLoop, action: string): EventLoop {
  // Without the class, whose file imports this one.
  const inner = (loop as EventLoop | null)?.scheduler?.loop;
  if (inner instanceof IterationLoop && inner.eventLoop === loop) return loop;
  throw new TypeError(`Cannot ${action} as 'loop' must be an EventLoop: current value is ${describe(loop)}`);
}
