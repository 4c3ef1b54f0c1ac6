import type { Operation } from "../../fiber/operation.ts";
import { call } from "../../operations/call.ts";
import type { ModuleTarget, TaskFunction } from "../../workers/pool/targets.ts";
import type { TaskResult } from "../../workers/worker_pool.ts";
import { getRunningLoop } from "../loop/running.ts";

/**
 * Runs a function in a worker of the running loop's own executor, while the loop goes on.
 *
 * @param target A self-contained function, whose source is sent, or `{ module, name }`.
 * @param args Its arguments, which are copied.
 * @returns Its result.
 * @throws {WorkerError} At the yield, if it fails.
 * @throws {UnsupportedError} At the yield, if the runtime has no workers.
 *
 * @example
 * ```ts
 * import { run, toThread } from "@asyncoro/asyncoro/asyncio";
 * import { assertEquals } from "@std/assert";
 *
 * const sum = await run(function* () {
 *   return yield* toThread((n: number) => {
 *     let sum = 0;
 *     for (let i = 1; i <= n; i++) sum += i;
 *     return sum;
 *   }, 1000);
 * });
 * assertEquals(sum, 500500);
 * ```
 */
// deno-lint-ignore no-explicit-any -- inferred from the function
export function toThread<A extends readonly any[], R>(
  target: TaskFunction<A, R>,
  ...args: A
): Operation<TaskResult<R>>;
/** The same with a function of a module. */
export function toThread<R = unknown>(target: ModuleTarget, ...args: unknown[]): Operation<R>;
export function toThread(target: unknown, ...args: unknown[]): Operation<unknown> {
  return call(inThread(target as ModuleTarget, args));
}

function* inThread(target: ModuleTarget, args: unknown[]): Generator<unknown, unknown, unknown> {
  return yield* getRunningLoop().runInExecutor(null, target, ...args);
}
