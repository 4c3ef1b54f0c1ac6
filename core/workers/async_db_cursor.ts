import { describe } from "../describe.ts";
import { WorkerError } from "../errors.ts";
import { Fifo } from "../fifo.ts";
import { type ItemAction, Items } from "../io/items.ts";
import type { Operation } from "../operation.ts";
import { call } from "../operations/call.ts";
import { DatabaseConnection, type DatabaseOptions } from "./database_connection.ts";
import type { Executed } from "./database_task.ts";
import { WorkerPool } from "./worker_pool.ts";

/** A row: an object by column names, or an array with the option `rows: "array"`. */
// deno-lint-ignore no-explicit-any -- what a column holds is the database's affair
export type Row = any;

/** What SQLite stores. */
export type SqlValue = null | number | bigint | string | Uint8Array;

/** Values for the parameters of a statement: in order for `?`, or by name for `:name`, `@name` and `$name`. */
export type SqlParameters = readonly SqlValue[] | Readonly<Record<string, SqlValue>>;

/** What the cursor does when a transaction begins. */
export type TransactionMode = "deferred" | "immediate" | "exclusive";

const FETCH = 256;

/**
 * A cursor of an SQLite database, which works in a worker: however long a query takes, coroutines go on.
 *
 * Its connection lives in one worker of a pool and is opened at the first use. Statements of one connection run one
 * after the other. Cursors made with {@linkcode cursor} share the connection, and so its transactions; a coroutine in
 * a {@linkcode transaction} has the connection to itself. Cursors made with `new` have connections of their own.
 *
 * When a coroutine is terminated or times out in a query, SQLite goes on with it; if it takes longer than the grace of
 * the pool, the worker is replaced and the connection is lost, as it is when the worker crashes.
 *
 * @example
 * ```ts
 * import { AsyncDBCursor, run } from "@asyncoro/asyncoro";
 * import { assertEquals } from "@std/assert";
 *
 * const names = await run(function* () {
 *   const cursor = new AsyncDBCursor(":memory:");
 *   try {
 *     yield* cursor.execute("CREATE TABLE people (name TEXT, age INTEGER)");
 *     yield* cursor.executemany("INSERT INTO people VALUES (?, ?)", [["Ada", 36], ["Alan", 41]]);
 *     yield* cursor.execute("SELECT name FROM people WHERE age > ? ORDER BY age", [30]);
 *     return (yield* cursor.fetchall()).map((row) => row.name);
 *   } finally {
 *     yield* cursor.close();
 *   }
 * });
 * assertEquals(names, ["Ada", "Alan"]);
 * ```
 */
export class AsyncDBCursor {
  readonly #connection: DatabaseConnection;
  readonly #id: number;
  #rows: Fifo<Row> = new Fifo();
  #more = false;
  #columns: readonly string[] | null = null;
  #rowcount = -1;
  #lastrowid: number | bigint | null = null;
  #closed = false;

  /**
   * Makes a cursor with a connection in a worker of `pool`.
   *
   * @param pool Whose worker it is.
   * @param database The path or `file:` URL of the database, or `":memory:"`.
   * @param options See {@linkcode DatabaseOptions}.
   * @throws {TypeError} If an argument is of the wrong type.
   */
  constructor(pool: WorkerPool, database: string | URL, options?: DatabaseOptions);
  /**
   * Makes a cursor with a connection in a worker of its own, which ends with it.
   *
   * @param database The path or `file:` URL of the database, or `":memory:"`.
   * @param options See {@linkcode DatabaseOptions}.
   * @throws {TypeError} If an argument is of the wrong type.
   * @throws {UnsupportedError} If the runtime has no workers.
   */
  constructor(database: string | URL, options?: DatabaseOptions);
  /** @internal Makes a cursor on a connection that there is. */
  constructor(connection: DatabaseConnection);
  constructor(
    first: WorkerPool | DatabaseConnection | string | URL,
    second?: string | URL | DatabaseOptions,
    third?: DatabaseOptions,
  ) {
    this.#connection = first instanceof DatabaseConnection ? first : connect(first, second, third);
    this.#id = this.#connection.enter();
  }

  /** The names of the columns of the rows that the last statement gives; `null` if it gives none. */
  get description(): readonly string[] | null {
    return this.#columns;
  }

  /** How many rows the last statement changed; -1 if it reads. */
  get rowcount(): number {
    return this.#rowcount;
  }

  /** The id of the row that was inserted last by this cursor, or `null`. */
  get lastrowid(): number | bigint | null {
    return this.#lastrowid;
  }

  /** Another cursor on the same connection. */
  cursor(): AsyncDBCursor {
    this.#mustBeOpen();
    return new AsyncDBCursor(this.#connection);
  }

  /**
   * Executes one statement. Rows of an earlier one are dropped.
   *
   * @param sql The statement.
   * @param parameters Values for its parameters.
   * @returns The cursor itself.
   * @throws {DatabaseError} At the yield, if SQLite refuses.
   * @throws {WorkerError} If the cursor is closed; at the yield, if the connection is lost.
   */
  execute(sql: string, parameters: SqlParameters = []): Operation<AsyncDBCursor> {
    this.#mustBeOpen();
    checkSql(sql);
    const values = valuesOf(parameters);
    return call(this.#exclusively(() => this.#execute("execute", sql, values)));
  }

  /**
   * Executes one statement, once for each list of values.
   *
   * @param sql The statement; it gives no rows.
   * @param lists Values for its parameters, for each time.
   * @returns The cursor itself; its `rowcount` is the sum.
   * @throws {DatabaseError} At the yield, if SQLite refuses; what was done before that stays, unless in a transaction.
   * @throws {WorkerError} If the cursor is closed; at the yield, if the connection is lost.
   */
  executemany(sql: string, lists: Iterable<SqlParameters>): Operation<AsyncDBCursor> {
    this.#mustBeOpen();
    checkSql(sql);
    const values = Array.from(lists, valuesOf);
    return call(this.#exclusively(() => this.#execute("many", sql, values)));
  }

  /**
   * Executes any number of statements, without parameters and without their rows.
   *
   * @param sql The statements.
   * @throws {DatabaseError} At the yield, if SQLite refuses.
   * @throws {WorkerError} If the cursor is closed; at the yield, if the connection is lost.
   */
  executescript(sql: string): Operation<AsyncDBCursor> {
    this.#mustBeOpen();
    checkSql(sql);
    return call(this.#exclusively(() => this.#script(sql)));
  }

  /** Waits for the next row; `null` if there is none. */
  fetchone(): Operation<Row | null> {
    this.#mustBeOpen();
    return call(this.#one());
  }

  /**
   * Waits for the next rows.
   *
   * @param count How many at the most.
   * @returns Fewer at the end, and then none.
   * @throws {RangeError} If `count` is not a whole number from 1.
   */
  fetchmany(count = 1): Operation<Row[]> {
    this.#mustBeOpen();
    if (!Number.isSafeInteger(count) || count < 1) {
      throw new RangeError(`Cannot fetch rows as 'count' must be a whole number from 1: current value is ${count}`);
    }
    return call(this.#many(count));
  }

  /** Waits for all rows that are left. */
  fetchall(): Operation<Row[]> {
    this.#mustBeOpen();
    return call(this.#many(Infinity));
  }

  /** The operations that wait for the next row, without an end of its own: leave the loop when one gives `null`. */
  [Symbol.iterator](): Generator<Operation<Row | null>, void, unknown> {
    return this.#items()[Symbol.iterator]();
  }

  /** The rows, for async code. */
  [Symbol.asyncIterator](): AsyncGenerator<Row, void, unknown> {
    return this.#items()[Symbol.asyncIterator]();
  }

  /**
   * Waits for each row and does something with it, one after the other.
   *
   * @param action See {@linkcode ItemAction}.
   * @returns How many rows there were.
   */
  forEach(action: ItemAction<Row>): Operation<number> {
    return this.#items().forEach(action);
  }

  /**
   * Runs `body` in a transaction: commits when it returns, rolls back when it fails or is cut short. Until then no
   * other coroutine can use the connection. One within another is a savepoint.
   *
   * @param body A generator function; it is called with the cursor.
   * @param mode How it begins; `"deferred"` by default.
   * @returns What `body` returns.
   */
  transaction<T>(
    // deno-lint-ignore no-explicit-any -- a generator that uses `yield operation` is sent `any`
    body: (cursor: AsyncDBCursor) => Generator<unknown, T, any>,
    mode: TransactionMode = "deferred",
  ): Operation<
    T
  > {
    this.#mustBeOpen();
    if (!["deferred", "immediate", "exclusive"].includes(mode)) {
      throw new TypeError(`Cannot begin a transaction as there is no such mode: current value is ${describe(mode)}`);
    }
    return call(this.#exclusively(() => this.#transaction(body, mode)));
  }

  /** Closes the cursor, and with the last one its connection. Closing twice is closing once. */
  close(): Operation<void> {
    const closed = this.#closed;
    this.#closed = true;
    return call(this.#close(closed));
  }

  /** Closes it without waiting for that. */
  [Symbol.dispose](): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#connection.leaveSoon(this.#id);
  }

  *#close(closed: boolean): Generator<unknown, void> {
    if (!closed) yield* this.#exclusively(() => this.#connection.leave(this.#id));
  }

  *#exclusively<T>(work: () => Generator<unknown, T>): Generator<unknown, T> {
    const { lock } = this.#connection;
    yield* lock.acquire();
    try {
      return yield* work();
    } finally {
      lock.release();
    }
  }

  *#execute(action: "execute" | "many", sql: string, values: unknown): Generator<unknown, AsyncDBCursor> {
    this.#rows = new Fifo();
    this.#more = false;
    const result = (yield* this.#connection.ask(action, this.#id, sql, values)) as Executed;
    for (const row of result.rows) this.#rows.push(row);
    this.#more = !result.done;
    this.#columns = result.columns;
    this.#rowcount = result.changes;
    if (result.lastRowId !== null) this.#lastrowid = result.lastRowId;
    return this;
  }

  *#script(sql: string): Generator<unknown, AsyncDBCursor> {
    yield* this.#connection.ask("script", this.#id, sql);
    return this;
  }

  *#one(): Generator<unknown, Row | null> {
    if (this.#rows.length === 0 && this.#more) yield* this.#exclusively(() => this.#fetch(FETCH));
    return this.#rows.shift() ?? null;
  }

  *#many(count: number): Generator<unknown, Row[]> {
    const rows: Row[] = [];
    for (;;) {
      while (rows.length < count && this.#rows.length > 0) rows.push(this.#rows.shift());
      if (rows.length === count || !this.#more) return rows;
      yield* this.#exclusively(() => this.#fetch(Math.max(FETCH, Math.min(4096, count - rows.length))));
    }
  }

  *#fetch(count: number): Generator<unknown, void> {
    if (!this.#more) return;
    const { rows, done } = (yield* this.#connection.ask("fetch", this.#id, count)) as { rows: Row[]; done: boolean };
    for (const row of rows) this.#rows.push(row);
    this.#more = !done;
  }

  // deno-lint-ignore no-explicit-any -- as in transaction()
  *#transaction<T>(body: (cursor: AsyncDBCursor) => Generator<unknown, T, any>, mode: string): Generator<unknown, T> {
    const connection = this.#connection;
    const depth = connection.depth;
    const point = `asyncoro_${depth}`;
    yield* connection.ask("script", this.#id, depth === 0 ? `BEGIN ${mode}` : `SAVEPOINT ${point}`);
    connection.depth++;
    let committed = false;
    try {
      const result = yield* call(body(this));
      yield* connection.ask("script", this.#id, depth === 0 ? "COMMIT" : `RELEASE ${point}`);
      committed = true;
      return result;
    } finally {
      connection.depth--;
      if (!committed) yield* this.#rollBack(depth === 0 ? "ROLLBACK" : `ROLLBACK TO ${point}; RELEASE ${point}`);
    }
  }

  *#rollBack(sql: string): Generator<unknown, void> {
    try {
      yield* this.#connection.ask("script", this.#id, sql);
    } catch {
      // SQLite has rolled back by itself, or the connection is lost; what failed before says why.
    }
  }

  #items(): Items<Row> {
    return new Items(() => this.fetchone());
  }

  #mustBeOpen(): void {
    if (this.#closed) throw new WorkerError("Cannot use a database cursor as it is closed");
  }
}

function connect(first: unknown, second: unknown, third: unknown): DatabaseConnection {
  const shared = first instanceof WorkerPool;
  const database = shared ? second : first;
  const options = ((shared ? third : second) ?? {}) as DatabaseOptions;
  if (typeof database !== "string" && !(database instanceof URL)) {
    throw new TypeError(
      `Cannot open a database as a path, a file: URL or ":memory:" is needed: current value is ${describe(database)}`,
    );
  }
  const pool = shared ? first : new WorkerPool(1, { name: "database" });
  return new DatabaseConnection(pool, !shared, String(database), options);
}

function checkSql(sql: unknown): void {
  if (typeof sql === "string") return;
  throw new TypeError(`Cannot execute as 'sql' must be a string: current value is ${describe(sql)}`);
}

/** The arguments for a statement of `node:sqlite`. */
function valuesOf(parameters: SqlParameters): unknown[] {
  if (Array.isArray(parameters)) return parameters;
  if (typeof parameters === "object" && parameters !== null) return [parameters];
  throw new TypeError(
    `Cannot execute as 'parameters' must be an array or an object: current value is ${describe(parameters)}`,
  );
}
