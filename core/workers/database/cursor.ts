import { describe } from "../../base/describe.ts";
import { ClosedError } from "../../base/errors.ts";
import type { Operation } from "../../fiber/operation.ts";
import { type ItemAction, Items } from "../../coroutine/items.ts";
import { call } from "../../operations/call.ts";
import { DatabaseError } from "../errors.ts";
import { WorkerPool } from "../worker_pool.ts";
import { DatabaseConnection, type DatabaseOptions } from "./connection.ts";
import type { Executed } from "./database_actions.ts";
import { Fetch, objectShape, ResultRows, type RowShape } from "./result_rows.ts";
import { bindParameters, checkSql, misuse, type SqlParameters } from "./sql_parameters.ts";
import { isChange, type SqlStatement, sqlStatement } from "./sql_statement.ts";
import { transaction, type TransactionMode } from "./transaction.ts";

/** A row: an object by column names, or an array with the option `rows: "array"`. */
// deno-lint-ignore no-explicit-any -- the columns of a row are known to the database only
export type Row = any;

// Rows that are requested at once, at the least.
const FETCH = 256;

const NONE: ResultRows<never> = /* @__PURE__ */ new ResultRows<never>(0, () => undefined as never);

/**
 * A cursor of an SQLite database, which works in a worker, so that coroutines go on while a query runs.
 *
 * Its connection is in one worker of a pool and is opened at the first use. Statements of one connection run one
 * after the other. Cursors made with {@linkcode cursor} share the connection, and so its transactions; while a
 * {@linkcode transaction} is open, only its body uses the connection. Cursors made with `new` have connections of
 * their own.
 *
 * Executing a statement reads all its rows, so no lock is held after it. The rows stay in the memory of the worker
 * until they are fetched, another statement is executed or the cursor is closed: for larger results use `LIMIT`. A
 * fetch that is cut short loses no row.
 *
 * When a coroutine is terminated or times out in a query, SQLite goes on with it; if it takes longer than the grace of
 * the pool, the worker is replaced and the connection is lost, as it is when the worker crashes. A statement that is
 * cut short may be executed or not, and `executemany` in part; a transaction that is cut short is rolled back.
 *
 * Numbers are stored as SQLite's REAL where a column has no type of its own, bigints as INTEGER, and `NaN` as NULL. An
 * integer beyond 2^53 is read as a bigint with the option `bigints`, and is an error without. Text that another
 * program wrote ends at its first NUL character, and bytes in it that are not UTF-8 are replaced.
 *
 * @typeParam R The type of its rows, which is not checked.
 *
 * @example
 * ```ts
 * import { AsyncDBCursor, run } from "@asyncoro/asyncoro";
 * import { assertEquals } from "@std/assert";
 *
 * const names = await run(function* () {
 *   const cursor = new AsyncDBCursor<{ name: string }>(":memory:");
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
export class AsyncDBCursor<R = Row> {
  readonly #connection: DatabaseConnection;
  readonly #id: number;
  #rows: ResultRows<R> = NONE;
  #columns: readonly string[] | null = null;
  #rowcount = -1;
  #lastrowid: number | bigint | null = null;
  // `close()` was called, and: it no longer takes part in the connection.
  #closed = false;
  #removed = false;

  /**
   * Makes a cursor with a connection in a worker of `pool`.
   *
   * @param pool The pool.
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
  /** @internal Makes a cursor on an existing connection. */
  constructor(connection: DatabaseConnection);
  constructor(
    first: WorkerPool | DatabaseConnection | string | URL,
    second?: string | URL | DatabaseOptions,
    third?: DatabaseOptions,
  ) {
    this.#connection = first instanceof DatabaseConnection ? first : connect(first, second, third);
    this.#id = this.#connection.addCursor();
  }

  /** The names of the columns of the last statement's rows; `null` if it has no rows. */
  get description(): readonly string[] | null {
    return this.#columns;
  }

  /** How many rows the last statement changed; -1 if it is not a change. */
  get rowcount(): number {
    return this.#rowcount;
  }

  /**
   * The id of the row that this cursor inserted last; `null` if it inserted none.
   *
   * @throws {DatabaseError} If it is beyond 2^53, without the option `bigints`. The row is inserted even so.
   */
  get lastrowid(): number | bigint | null {
    const id = this.#lastrowid;
    if (typeof id !== "bigint" || this.#connection.bigints) return id;
    const message = "Cannot give the id of the last row as a number as it is beyond 2^53: use the option 'bigints'";
    throw new DatabaseError(`${message}, current value is ${id}`, "SQLITE_MISMATCH", 20);
  }

  /**
   * Makes another cursor on the same connection.
   *
   * @throws {ClosedError} If the cursor is closed.
   */
  cursor<T = R>(): AsyncDBCursor<T> {
    this.#mustBeOpen();
    return new AsyncDBCursor<T>(this.#connection);
  }

  /**
   * Executes one statement. Rows of an earlier one are dropped. A text without a statement (comments only) does
   * nothing.
   *
   * @param sql The statement.
   * @param parameters Values for its parameters: an array in their order, or an object with their names.
   * @returns The cursor itself.
   * @throws {TypeError} If `sql` is not a string, or `parameters` neither an array nor an object.
   * @throws {DatabaseError} If there are not as many values as parameters, one is missing or cannot be stored by
   * SQLite, or a text contains NUL or half of a surrogate pair; at the yield, if SQLite fails, if there are several
   * statements, or if an integer is beyond 2^53 (nothing is changed then).
   * @throws {ClosedError} If the cursor is closed.
   * @throws {WorkerError} At the yield, if the connection is lost.
   */
  execute(sql: string, parameters: SqlParameters = []): Operation<AsyncDBCursor<R>> {
    this.#mustBeOpen();
    checkSql(sql);
    const statement = sqlStatement(sql);
    const values = bindParameters(statement, parameters);
    return this.#atTurn(() => this.#execute(sql, statement, values));
  }

  /**
   * Executes one statement once for each list of values.
   *
   * @param sql The statement: `INSERT`, `REPLACE`, `UPDATE` or `DELETE`. Its rows are dropped.
   * @param lists Values for its parameters, one list for each execution.
   * @returns The cursor itself; its `rowcount` is the sum.
   * @throws {TypeError} As for `execute`.
   * @throws {DatabaseError} As for `execute`, and if it is another statement. If SQLite fails, earlier changes stay,
   * unless in a transaction.
   * @throws {ClosedError} If the cursor is closed.
   * @throws {WorkerError} At the yield, if the connection is lost.
   */
  executemany(sql: string, lists: Iterable<SqlParameters>): Operation<AsyncDBCursor<R>> {
    this.#mustBeOpen();
    checkSql(sql);
    const statement = sqlStatement(sql);
    if (!isChange(statement)) {
      throw misuse(
        `Cannot execute a statement many times that is not INSERT, REPLACE, UPDATE or DELETE: ` +
          `use execute(), current value is ${describe(sql)}`,
      );
    }
    const values = Array.from(lists, (parameters) => bindParameters(statement, parameters));
    return this.#atTurn(() => this.#change("many", sql, statement.verb, values));
  }

  /**
   * Executes any number of statements, without parameters. Their rows are dropped.
   *
   * @param sql The statements.
   * @throws {TypeError} If `sql` is not a string.
   * @throws {DatabaseError} If `sql` contains NUL or half of a surrogate pair; at the yield, if SQLite fails: earlier
   * changes stay, unless in a transaction.
   * @throws {ClosedError} If the cursor is closed.
   * @throws {WorkerError} At the yield, if the connection is lost.
   */
  executescript(sql: string): Operation<AsyncDBCursor<R>> {
    this.#mustBeOpen();
    checkSql(sql);
    return this.#atTurn(() => this.#script(sql));
  }

  /**
   * Waits for the next row.
   *
   * @returns `null` if there is none.
   * @throws {ClosedError} If the cursor is closed.
   */
  fetchone(): Operation<R | null> {
    return this.#fetch(1, ([row = null]) => row as R | null);
  }

  /**
   * Waits for the next rows.
   *
   * @param count How many at the most.
   * @returns Fewer at the end, and then none.
   * @throws {RangeError} If `count` is not a positive integer.
   * @throws {ClosedError} If the cursor is closed.
   */
  fetchmany(count = 1): Operation<R[]> {
    if (!Number.isSafeInteger(count) || count < 1) {
      throw new RangeError(`Cannot fetch rows as 'count' must be a positive integer: current value is ${count}`);
    }
    return this.#fetch(count, (rows) => rows);
  }

  /**
   * Waits for all remaining rows.
   *
   * @throws {ClosedError} If the cursor is closed.
   */
  fetchall(): Operation<R[]> {
    return this.#fetch(Infinity, (rows) => rows);
  }

  /** Operations that each wait for the next row. They do not end: leave the loop when a row is `null`. */
  [Symbol.iterator](): Generator<Operation<R | null>, void, unknown> {
    return this.#items()[Symbol.iterator]();
  }

  /** The rows, for async code. */
  [Symbol.asyncIterator](): AsyncGenerator<R, void, unknown> {
    return this.#items()[Symbol.asyncIterator]();
  }

  /**
   * Waits for each row and calls `action` with it, one after the other.
   *
   * @param action See {@linkcode ItemAction}.
   * @returns How many rows there were.
   * @throws {ClosedError} At the yield, if the cursor is closed.
   */
  forEach(action: ItemAction<R>): Operation<number> {
    return this.#items().forEach(action);
  }

  /**
   * Runs `body` in a transaction: commits when it returns, rolls back when it fails or is cut short. Until then no
   * other coroutine uses the connection. A transaction within another is a savepoint.
   *
   * Once the commit has begun, it is not cut short: the transaction returns its value even if the coroutine is
   * terminated meanwhile, its time runs out or an error is thrown into it; that takes effect at the next wait. If the
   * commit fails, the transaction is rolled back and the error is thrown. The result is not known if the transaction is
   * a branch of a `race` that another branch wins meanwhile, or that is cut short itself.
   *
   * @param body A generator function; it is called with the cursor. Its statements are in the transaction, and so are
   * those of branches of `race` and `all` in it, but not those of other coroutines.
   * @param mode How it begins; `"deferred"` by default.
   * @returns The return value of `body`.
   * @throws {TypeError} If there is no such mode.
   * @throws {DatabaseError} At the yield, if it cannot begin or cannot be committed, or if `body` goes on after SQLite
   * has rolled it back. None of its changes stays then.
   * @throws {ClosedError} If the cursor is closed; at the yield, if `body` closes the last cursor of the connection.
   * @throws {WorkerError} At the yield, if the connection is lost.
   */
  transaction<T>(
    // deno-lint-ignore no-explicit-any -- a generator that uses `yield operation` is sent `any`
    body: (cursor: AsyncDBCursor<R>) => Generator<unknown, T, any>,
    mode: TransactionMode = "deferred",
  ): Operation<T> {
    this.#mustBeOpen();
    if (!["deferred", "immediate", "exclusive"].includes(mode)) {
      throw new TypeError(`Cannot begin a transaction as there is no such mode: current value is ${describe(mode)}`);
    }
    const connection = this.#connection;
    const work = () => callBody(() => body(this));
    return this.#atTurn(() => transaction(connection, this.#id, work, mode));
  }

  /** Closes the cursor, and with the last cursor its connection. Closing it again has no effect. */
  close(): Operation<void> {
    return call(this.#close());
  }

  /** The same as {@linkcode AsyncDBCursor.close}, without waiting for it. */
  [Symbol.dispose](): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#removeDetached();
  }

  *#close(): Generator<unknown, void> {
    if (this.#closed) return;
    this.#closed = true;
    try {
      yield* this.#connection.turns.take(() => {
        this.#removed = true;
        return this.#connection.removeCursor(this.#id);
      });
    } finally {
      // The wait for exclusive use was cut short; the cursor is closed even so.
      if (!this.#removed) this.#removeDetached();
    }
  }

  #removeDetached(): void {
    this.#removed = true;
    this.#connection.removeCursorDetached(this.#id);
  }

  /** Does something when the coroutine that yields the operation has exclusive use. */
  #atTurn<T>(work: () => Generator<unknown, T>): Operation<T> {
    this.#mustBeOpen();
    return call(this.#takeTurn(work));
  }

  #takeTurn<T>(work: () => Generator<unknown, T>): Generator<unknown, T> {
    return this.#connection.turns.take(() => {
      // It may have been closed since the operation was made.
      if (this.#removed) throw closedCursor();
      return work();
    });
  }

  *#execute(sql: string, { verb, empty }: SqlStatement, values: unknown): Generator<unknown, AsyncDBCursor<R>> {
    // SQLite returns no statement for an empty text, and Deno crashes then.
    if (!empty) return yield* this.#change("execute", sql, verb, values);
    this.#forget();
    return this;
  }

  *#change(
    action: "execute" | "many",
    sql: string,
    verb: string,
    values: unknown,
  ): Generator<unknown, AsyncDBCursor<R>> {
    this.#forget();
    const result = yield* this.#connection.request(action, this.#id, sql, verb, values);
    this.#columns = result.columns;
    this.#rowcount = result.changes;
    if (result.lastRowId !== null) this.#lastrowid = result.lastRowId;
    if (result.columns !== null) this.#rows = this.#newRows(result.columns, result);
    return this;
  }

  #newRows(columns: readonly string[], { total, rows }: Executed): ResultRows<R> {
    const shape = this.#connection.rows === "array" ? (values: unknown) => values : objectShape(columns);
    const result = new ResultRows<R>(total, shape as RowShape<R>);
    result.add(rows);
    return result;
  }

  *#script(sql: string): Generator<unknown, AsyncDBCursor<R>> {
    this.#forget();
    yield* this.#connection.request("script", this.#id, sql);
    return this;
  }

  /** Drops the result of the last statement. */
  #forget(): void {
    this.#rows = NONE;
    this.#columns = null;
    this.#rowcount = -1;
  }

  /** Waits until `count` rows have arrived, or all that are left, and takes them. `convert` makes the value of them. */
  #fetch<T>(count: number, convert: (rows: R[]) => T): Operation<T> {
    this.#mustBeOpen();
    let source: ResultRows<R> = NONE;
    let taken: R[] = [];
    const take = function* (this: AsyncDBCursor<R>): Generator<unknown, T, unknown> {
      if (this.#removed) throw closedCursor();
      while (!this.#rows.has(count)) yield* this.#takeTurn(() => this.#load(count));
      source = this.#rows;
      taken = source.take(count);
      return convert(taken);
    };
    return new Fetch(take.call(this), () => source.putBack(taken));
  }

  /** Fetches more rows. Another coroutine may have done so before, or have executed another statement. */
  *#load(count: number): Generator<unknown, void> {
    const rows = this.#rows;
    if (rows.has(count)) return;
    const wanted = Math.max(FETCH, count - rows.length);
    rows.add(yield* this.#connection.request("fetch", this.#id, rows.arrived, wanted));
  }

  #items(): Items<R> {
    return new Items(() => this.fetchone());
  }

  #mustBeOpen(): void {
    if (this.#closed) throw closedCursor();
  }
}

function closedCursor(): ClosedError {
  return new ClosedError("Cannot use a database cursor as it is closed");
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

/** Calls the body of a transaction as a subroutine, so that its cleanup is waited for. */
function* callBody<T>(body: () => Generator<unknown, T>): Generator<unknown, T> {
  return yield* call(body());
}
