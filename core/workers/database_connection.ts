import { DatabaseError, WorkerError } from "../errors.ts";
import { describe } from "../describe.ts";
import { RLock } from "../sync/rlock.ts";
import { type ConnectionNote, databaseTask } from "./database_task.ts";
import { unsupported } from "../unsupported.ts";
import type { Thread } from "./thread.ts";
import type { WorkerPool } from "./worker_pool.ts";

/** How a database is opened. */
export interface DatabaseOptions {
  /** Whether it is only read. */
  readonly readOnly?: boolean;
  /** Seconds to wait for a lock that another connection holds; none by default. */
  readonly busyTimeout?: number;
  /** What a row is: an object by column names, which is the default, or an array. */
  readonly rows?: "object" | "array";
  /** Whether integers come as `bigint`; without it those beyond 2^53 are an error. */
  readonly bigints?: boolean;
}

// By the number of the result code: https://sqlite.org/rescode.html
const CODES = /* @__PURE__ */ (
  "OK ERROR INTERNAL PERM ABORT BUSY LOCKED NOMEM READONLY INTERRUPT IOERR CORRUPT NOTFOUND FULL CANTOPEN PROTOCOL " +
  "EMPTY SCHEMA TOOBIG CONSTRAINT MISMATCH MISUSE NOLFS AUTH FORMAT RANGE NOTADB NOTICE WARNING"
).split(" ");

// Deno does not tell the code of a failure to open.
const UNTOLD: readonly [RegExp, number][] = [[/unable to open/, 14], [/not a database/, 26], [/is locked/, 5]];

let made = 0;

/** A connection to a database, kept in one worker, that one or more cursors share. */
export class DatabaseConnection {
  /** Held by the coroutine that uses the connection; over several statements while in a transaction. */
  readonly lock: RLock = new RLock("database");
  /** How many transactions are open within each other. */
  depth = 0;
  readonly #pool: WorkerPool;
  readonly #owned: boolean;
  readonly #id = ++made;
  readonly #note: ConnectionNote;
  #thread: Thread | null = null;
  #open = false;
  #closed = false;
  #cursors = 0;
  #users = 0;

  constructor(pool: WorkerPool, owned: boolean, path: string, options: DatabaseOptions) {
    this.#pool = pool;
    this.#owned = owned;
    const { readOnly = false, busyTimeout = 0, rows = "object", bigints = false } = options;
    if (rows !== "object" && rows !== "array") {
      throw new TypeError(
        `Cannot open a database as 'rows' is "object" or "array": current value is ${describe(rows)}`,
      );
    }
    const timeout = Math.ceil(busyTimeout * 1000);
    this.#note = { path, options: { readOnly, timeout }, arrays: rows === "array", bigints };
  }

  /** A number for a cursor. */
  enter(): number {
    this.#users++;
    return ++this.#cursors;
  }

  /** Does something in the worker. The caller holds the lock. */
  *ask(action: Parameters<typeof databaseTask>[0], cursor: number, ...args: unknown[]): Generator<unknown, unknown> {
    if (this.#closed) throw new WorkerError("Cannot use a database as its connection is closed");
    if (!this.#open) yield* this.#begin();
    return yield* this.#task(action, cursor, args);
  }

  *#begin(): Generator<unknown, void> {
    this.#thread ??= this.#pool.settleIn();
    yield* this.#task("open", 0, [this.#note]);
    this.#open = true;
  }

  *#task(action: string, cursor: number, args: unknown[]): Generator<unknown, unknown> {
    try {
      return yield* this.#pool.taskIn(this.#thread!, databaseTask, [action, this.#id, cursor, ...args]);
    } catch (error) {
      throw databaseError(error);
    }
  }

  /** Whether there is anything to close. */
  get #alive(): boolean {
    return this.#open && this.#thread !== null && !this.#thread.dead;
  }

  /** A cursor is closed; with the last one, so is the connection. The caller holds the lock. */
  *leave(cursor: number): Generator<unknown, void> {
    if (--this.#users > 0) {
      if (this.#alive) yield* this.ask("drop", cursor);
      return;
    }
    try {
      if (this.#alive) yield* this.ask("close", cursor);
    } finally {
      this.#end();
    }
  }

  /** The same without waiting: for `using`. */
  leaveSoon(cursor: number): void {
    const last = --this.#users === 0;
    const thread = this.#thread;
    const ignore = () => {};
    const end = () => last && this.#end();
    if (!this.#alive || (last && this.#owned)) return void end();
    const done = this.#pool.runIn(thread!, databaseTask, [last ? "close" : "drop", this.#id, cursor]);
    done.catch(ignore).finally(end);
  }

  #end(): void {
    this.#closed = true;
    this.#open = false;
    if (this.#thread !== null) this.#thread.tenants--;
    this.#thread = null;
    if (this.#owned) this.#pool.terminate();
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
