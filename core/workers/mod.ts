/**
 * Worker pools: blocking and parallel work off the scheduler, and database cursors that work in a worker.
 *
 * Importing this does nothing; making a pool where there are no workers is an `UnsupportedError`.
 *
 * @example
 * ```ts
 * import { run } from "@asyncoro/asyncoro";
 * import { WorkerPool } from "@asyncoro/asyncoro/workers";
 * import { assertEquals } from "@std/assert";
 *
 * await using pool = new WorkerPool();
 * const squares = await run(function* () {
 *   return yield* pool.map([1, 2, 3], (n: number) => n * n);
 * });
 * assertEquals(squares, [1, 4, 9]);
 * ```
 *
 * @module
 */
export { DatabaseError, WorkerError, type WorkerErrorInit } from "../errors.ts";
export { AsyncDBCursor, type Row } from "./async_db_cursor.ts";
export type { DatabaseOptions } from "./database_connection.ts";
export type { TransactionMode } from "./database_transaction.ts";
export type { WorkerPermissions } from "./host_worker.ts";
export { type ResultAction, ResultStream } from "./result_stream.ts";
export type { SqlParameters, SqlValue } from "./sql_parameters.ts";
export type { ProgressListener, TaskOptions } from "./task_options.ts";
export type { ModuleTarget, TaskFunction } from "./targets.ts";
export { type MapOptions, WorkerMap } from "./worker_map.ts";
export {
  type TaskResult,
  WorkerPool,
  WorkerPool as AsyncThreadPool,
  type WorkerPoolOptions,
  type WorkerPoolStats,
} from "./worker_pool.ts";
export type { WorkerTask } from "./worker_task.ts";
