import type { Coroutine } from "./coroutine.ts";
import { noLoop, runningLoop } from "./running.ts";
import type { Task, TaskOptions } from "./task.ts";

/**
 * Makes a task of a coroutine on the running event loop; its first step is in the next iteration.
 *
 * @param coroutine A generator function (called with its `Coro`), a generator object or an operation.
 * @param options See {@linkcode TaskOptions}.
 * @throws {TypeError} If `coroutine` is not a coroutine.
 * @throws {Error} If no loop is running.
 *
 * @example
 * ```ts
 * import { createTask, run, sleep } from "@asyncoro/asyncoro/asyncio";
 * import { assertEquals } from "@std/assert";
 *
 * function* double(n: number) {
 *   yield* sleep(0.01);
 *   return 2 * n;
 * }
 *
 * const sum = await run(function* () {
 *   const tasks = [createTask(double(1)), createTask(double(2))];
 *   let sum = 0;
 *   for (const task of tasks) sum += yield* task;
 *   return sum;
 * });
 * assertEquals(sum, 6);
 * ```
 */
export function createTask<T>(coroutine: Coroutine<T>, options?: TaskOptions): Task<T> {
  return (runningLoop() ?? noLoop("create a task")).createTask(coroutine, options);
}
