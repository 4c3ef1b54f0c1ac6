import { DatabaseError, WorkerError } from "../errors.ts";
import { describe } from "../../base/describe.ts";
import { unsupported } from "../../host/capability.ts";
import type { Dispatcher } from "../pool/dispatcher.ts";
import { type ConnectionNote, type DatabaseAction, databaseTask } from "./database_task.ts";
import { DatabaseTurns } from "./turns.ts";
import { DecisiveTask, LastingTask } from "../tasks/lasting_task.ts";
import { type TaskCall, TaskOperation } from "../tasks/task_operation.ts";
import type { WorkerHandle } from "../pool/worker_handle.ts";
import type { WorkerPool } from "../worker_pool.ts";

/** How a database is opened. */
export interface DatabaseOptions {
  /** Whether it is only read. */
  readonly readOnly?: boolean;
  /** Seconds to wait for a lock that another connection holds; none by default. */
  readonly busyTimeout?: number;
  /** What a row is: an object by column names, which is the default, or an array. */
  readonly rows?: "object" | "array";
  /** Whether integers come as `bigint`; without it, reading one beyond 2^53 is an error. */
  readonly bigints?: boolean;
}

// By the number of the result code: https://sqlite.org/rescode.html
const CODES = /* @__PURE__ */ (
  "OK ERROR INTERNAL PERM ABORT BUSY LOCKED NOMEM READONLY INTERRUPT IOERR CORRUPT NOTFOUND FULL CANTOPEN PROTOCOL " +
  "EMPTY SCHEMA TOOBIG CONSTRAINT MISMATCH MISUSE NOLFS AUTH FORMAT RANGE NOTADB NOTICE WARNING"
).split(" ");

// Deno does not tell the code of a failure to open.
const UNTOLD: readonly [RegExp, number][] = [[/unable to open/, 14], [/not a database/, 26], [/is locked/, 5]];

const MAX_MILLISECONDS = 2 ** 31 - 1;

let made = 0;

function ignore(): void {}

/** A connection to a database, kept in one worker, that one or more cursors share. */
export class DatabaseConnection {
  /** Whose turn it is to use it. */
  readonly turns: DatabaseTurns = new DatabaseTurns();
  /** What its rows are. */
  readonly rows: "object" | "array";
  /** Whether integers come as `bigint`. */
  readonly bigints: boolean;
  readonly #pool: WorkerPool;
  readonly #owned: boolean;
  readonly #id = ++made;
  readonly #note: ConnectionNote;
  #thread: WorkerHandle | null = null;
  #open = false;
  #closed = false;
  #cursors = 0;
  #users = 0;
  #transactions = 0;

  constructor(pool: WorkerPool, owned: boolean, path: string, options: DatabaseOptions) {
    this.#pool = pool;
    this.#owned = owned;
    const { readOnly = false, busyTimeout = 0, rows = "object", bigints = false } = options;
    if (rows !== "object" && rows !== "array") {
      throw new TypeError(
        `Cannot open a database as 'rows' is "object" or "array": current value is ${describe(rows)}`,
      );
    }
    this.rows = rows;
    this.bigints = bigints;
    const timeout = Math.min(MAX_MILLISECONDS, Math.ceil(busyTimeout * 1000));
    this.#note = { path, options: { readOnly, timeout }, bigints };
  }

  /** A number for a cursor. */
  enter(): number {
    this.#users++;
    return ++this.#cursors;
  }

  /** A number for a transaction. */
  newTransaction(): number {
    return ++this.#transactions;
  }

  /** Does something in the worker, at the caller's turn. If its wait is given up, it is cancelled. */
  *ask(action: DatabaseAction, cursor: number, ...args: unknown[]): Generator<unknown, unknown> {
    yield* this.#beOpen();
    return yield* told(this.#task(TaskOperation, action, cursor, args));
  }

  /** The same for what must be done: if its wait is given up, it goes on. */
  *insist(action: DatabaseAction, cursor: number, ...args: unknown[]): Generator<unknown, unknown> {
    yield* this.#beOpen();
    return yield* told(this.#task(LastingTask, action, cursor, args));
  }

  /** The same for what has an outcome that must be known. The connection is open. */
  decide(action: DatabaseAction, cursor: number, ...args: unknown[]): DecisiveTask {
    this.#mustBeUsable();
    return this.#task(DecisiveTask, action, cursor, args);
  }

  /** The same for what nobody waits for. */
  submit(action: DatabaseAction, cursor: number, ...args: unknown[]): Promise<void> {
    if (!this.alive) return Promise.resolve();
    // A process that ends undoes what is not committed.
    const holds = action !== "rollback";
    const done = this.#pool.runIn(this.#thread!, databaseTask, [action, this.#id, cursor, ...args], holds);
    // If it fails, the connection is lost, of which its next use tells.
    return done.then(ignore, ignore);
  }

  *#beOpen(): Generator<unknown, void> {
    this.#mustBeUsable();
    if (this.#open) return;
    if (this.#thread === null || this.#thread.dead) this.#thread = this.#pool.pin();
    yield* told(this.#task(TaskOperation, "open", 0, [this.#note]));
    this.#open = true;
  }

  #mustBeUsable(): void {
    if (this.#closed) throw new WorkerError("Cannot use a database as its connection is closed");
  }

  #task<T extends TaskOperation>(
    Kind: new (dispatcher: Dispatcher, call: TaskCall) => T,
    action: DatabaseAction,
    cursor: number,
    args: readonly unknown[],
  ): T {
    return this.#pool.taskIn(this.#thread!, databaseTask, [action, this.#id, cursor, ...args], Kind);
  }

  /** Whether there may be something in the worker; who gave up opening it does not know. */
  get alive(): boolean {
    return this.#thread !== null && !this.#thread.dead;
  }

  /** A cursor is closed; with the last one, so is the connection. It has to be the caller's turn. */
  *leave(cursor: number): Generator<unknown, void> {
    const last = --this.#users === 0;
    try {
      if (this.alive) yield* told(this.#task(LastingTask, last ? "close" : "drop", cursor, []));
    } finally {
      if (last) this.#end();
    }
  }

  /** The same without waiting: for `using`. */
  leaveSoon(cursor: number): void {
    const last = --this.#users === 0;
    if (!last) this.submit("drop", cursor);
    else if (this.#owned || !this.alive) this.#end();
    else this.submit("close", cursor).then(() => this.#end());
  }

  #end(): void {
    this.#closed = true;
    this.#open = false;
    if (this.#thread !== null) this.#thread.pinnedCount--;
    this.#thread = null;
    if (this.#owned) this.#pool.terminate();
  }
}

/** Waits for a task; its error is that of a database. */
export function* told(task: TaskOperation): Generator<unknown, unknown> {
  try {
    return yield* task;
  } catch (error) {
    throw databaseError(error);
  }
}

/** SQLite's errors with its code, that of a missing capability by its class; others as they are. */
function databaseError(error: unknown): unknown {
  if (error instanceof WorkerError && error.name === "UnsupportedError") {
    return unsupported("open a database", error.message);
  }
  if (!(error instanceof WorkerError) || error.code !== "ERR_SQLITE_ERROR") return error;
  const { errcode: told } = error.data;
  const errcode = typeof told === "number" ? told : codeOf(error.message);
  const code = `SQLITE_${CODES[errcode & 0xff] ?? "ERROR"}`;
  return new DatabaseError(error.message, code, errcode, { stack: error.stack, data: error.data });
}

function codeOf(message: string): number {
  return UNTOLD.find(([pattern]) => pattern.test(message))?.[1] ?? 1;
}
