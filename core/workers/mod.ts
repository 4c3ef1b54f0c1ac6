/**
 * Worker pools, for blocking and parallel work outside the scheduler, and database cursors that work in a worker.
 *
 * Importing this has no effect. Creating a pool where there are no workers throws an `UnsupportedError`.
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
export { DatabaseError, WorkerError, type WorkerErrorInit } from "./errors.ts";
export { AsyncDBCursor, type Row } from "./database/cursor.ts";
export type { DatabaseOptions } from "./database/connection.ts";
export type { TransactionMode } from "./database/transaction.ts";
export type { WorkerPermissions } from "./pool/host_worker.ts";
export { type ResultAction, ResultStream } from "./tasks/result_stream.ts";
export type { SqlParameters, SqlValue } from "./database/sql_parameters.ts";
export type { ProgressListener, TaskOptions } from "./tasks/task_options.ts";
export type { ModuleTarget, TaskFunction } from "./pool/targets.ts";
export { type MapOptions, WorkerMap } from "./tasks/worker_map.ts";
export type { WorkerPoolOptions } from "./pool/pool_options.ts";
export { type TaskResult, WorkerPool, WorkerPool as AsyncThreadPool, type WorkerPoolStats } from "./worker_pool.ts";
export type { WorkerTask } from "./remote/worker_task.ts";
