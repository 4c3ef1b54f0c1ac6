import { describe } from "../../base/describe.ts";
import { type Timeout, toSeconds } from "../../base/duration.ts";
import { ClosedError } from "../../base/errors.ts";
import type { Dispatcher } from "../pool/dispatcher.ts";
import type { WorkerHandle } from "../pool/worker_handle.ts";
import { DecisiveTask, LastingTask } from "../tasks/lasting_task.ts";
import { type TaskCall, TaskOperation } from "../tasks/task_operation.ts";
import type { WorkerPool } from "../worker_pool.ts";
import type { ConnectionSettings, DatabaseAction, DatabaseResults } from "./database_actions.ts";
import { databaseTask } from "./database_task.ts";
import { sqliteError } from "./sqlite_error.ts";
import { DatabaseTurns } from "./turns.ts";

/** How a database is opened. */
export interface DatabaseOptions {
  /** Whether it is only read. */
  readonly readOnly?: boolean;
  /** Seconds, or a duration, to wait for a lock that another connection holds; by default it does not wait. */
  readonly busyTimeout?: Timeout;
  /** The form of a row: an object by column names, which is the default, or an array. */
  readonly rows?: "object" | "array";
  /** Whether integers are read as `bigint`; without it, reading one beyond 2^53 is an error. */
  readonly bigints?: boolean;
}

const MAX_MILLISECONDS = 0x7fff_ffff;

let connections = 0;

function ignore(): void {}

/** A connection to a database in one worker, shared by one or more cursors. */
export class DatabaseConnection {
  /** The order in which coroutines use it. */
  readonly turns: DatabaseTurns = new DatabaseTurns();
  /** The form of its rows. */
  readonly rows: "object" | "array";
  /** Whether integers are read as `bigint`. */
  readonly bigints: boolean;
  readonly #pool: WorkerPool;
  // Whether the pool ends with the connection.
  readonly #ownsPool: boolean;
  readonly #id = ++connections;
  readonly #settings: ConnectionSettings;
  #worker: WorkerHandle | null = null;
  #open = false;
  #closed = false;
  #lastCursor = 0;
  #openCursors = 0;
  #lastTransaction = 0;

  constructor(pool: WorkerPool, ownsPool: boolean, path: string, options: DatabaseOptions) {
    this.#pool = pool;
    this.#ownsPool = ownsPool;
    const { readOnly = false, busyTimeout = 0, rows = "object", bigints = false } = options;
    if (rows !== "object" && rows !== "array") {
      throw new TypeError(
        `Cannot open a database as 'rows' is "object" or "array": current value is ${describe(rows)}`,
      );
    }
    this.rows = rows;
    this.bigints = bigints;
    const milliseconds = Math.ceil(toSeconds(busyTimeout, "open a database", "busyTimeout") * 1000);
    this.#settings = { path, readOnly, busyTimeout: Math.max(0, Math.min(MAX_MILLISECONDS, milliseconds)), bigints };
  }

  /** Adds a cursor. Returns its number. */
  addCursor(): number {
    this.#openCursors++;
    return ++this.#lastCursor;
  }

  /** A number for a transaction. */
  newTransaction(): number {
    return ++this.#lastTransaction;
  }

  /** Runs an action in the worker. The caller has exclusive use. If the wait is cut short, the action is cancelled. */
  *request<A extends DatabaseAction>(
    action: A,
    cursor: number,
    ...args: unknown[]
  ): Generator<unknown, DatabaseResults[A]> {
    yield* this.#ensureOpen();
    return yield* resultOf(this.#task(TaskOperation<DatabaseResults[A]>, action, cursor, args));
  }

  /** The same for an action that is not cancelled if the wait is cut short. */
  *requestUncancelled<A extends DatabaseAction>(
    action: A,
    cursor: number,
    ...args: unknown[]
  ): Generator<unknown, DatabaseResults[A]> {
    yield* this.#ensureOpen();
    return yield* resultOf(this.#task(LastingTask<DatabaseResults[A]>, action, cursor, args));
  }

  /** The task of an action whose wait is not cut short once it has begun. The connection is open. */
  decisiveTask<A extends DatabaseAction>(
    action: A,
    cursor: number,
    ...args: unknown[]
  ): DecisiveTask<DatabaseResults[A]> {
    this.#mustNotBeClosed();
    return this.#task(DecisiveTask<DatabaseResults[A]>, action, cursor, args);
  }

  /** Runs an action without a coroutine that waits. Resolves when it is done, also if it fails. */
  runDetached(action: DatabaseAction, cursor: number, ...args: unknown[]): Promise<void> {
    if (!this.alive) return Promise.resolve();
    // When a process ends, SQLite rolls back what is not committed.
    const keepsAlive = action !== "rollback";
    const done = this.#pool.runIn(this.#worker!, databaseTask, [action, this.#id, cursor, ...args], keepsAlive);
    // If it fails, the connection is lost, and its next use throws the error.
    return done.then(ignore, ignore);
  }

  *#ensureOpen(): Generator<unknown, void> {
    this.#mustNotBeClosed();
    if (this.#open) return;
    if (this.#worker === null || this.#worker.stopped) this.#worker = this.#pool.pin();
    yield* resultOf(this.#task(TaskOperation<void>, "open", 0, [this.#settings]));
    this.#open = true;
  }

  #mustNotBeClosed(): void {
    if (this.#closed) throw new ClosedError("Cannot use a database as its connection is closed");
  }

  #task<T extends TaskOperation<unknown>>(
    Kind: new (dispatcher: Dispatcher, call: TaskCall) => T,
    action: DatabaseAction,
    cursor: number,
    args: readonly unknown[],
  ): T {
    return this.#pool.taskIn(this.#worker!, databaseTask, [action, this.#id, cursor, ...args], Kind);
  }

  /** Whether the worker may have the connection. If opening it was cut short, only the worker knows. */
  get alive(): boolean {
    return this.#worker !== null && !this.#worker.stopped;
  }

  /** Removes a cursor, and closes the connection if it was the last one. The caller has exclusive use. */
  *removeCursor(cursor: number): Generator<unknown, void> {
    const last = --this.#openCursors === 0;
    try {
      if (this.alive) yield* resultOf(this.#task(LastingTask<void>, last ? "close" : "drop", cursor, []));
    } finally {
      if (last) this.#end();
    }
  }

  /** The same without waiting for it, and without exclusive use. */
  removeCursorDetached(cursor: number): void {
    const last = --this.#openCursors === 0;
    if (!last) this.runDetached("drop", cursor);
    else if (this.#ownsPool || !this.alive) this.#end();
    else this.runDetached("close", cursor).then(() => this.#end());
  }

  #end(): void {
    this.#closed = true;
    this.#open = false;
    if (this.#worker !== null) this.#worker.pinCount--;
    this.#worker = null;
    if (this.#ownsPool) this.#pool.terminate();
  }
}

/** Waits for a task of a database. Its errors are SQLite's. */
export function* resultOf<T>(task: TaskOperation<T>): Generator<unknown, T> {
  try {
    return yield* task;
  } catch (error) {
    throw sqliteError(error);
  }
}
