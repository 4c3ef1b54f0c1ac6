import { describe } from "../../base/describe.ts";
import { DatabaseError, WorkerError } from "../errors.ts";
import { type ItemAction, Items } from "../../io/items.ts";
import type { Operation } from "../../fiber/operation.ts";
import { call } from "../../operations/call.ts";
import { DatabaseConnection, type DatabaseOptions } from "./connection.ts";
import type { Executed } from "./database_task.ts";
import { transaction, type TransactionMode } from "./transaction.ts";
import { Fetch, objectShape, ResultRows, type RowShape } from "./result_rows.ts";
import { bindParameters, checkSql, misuse, type SqlParameters } from "./sql_parameters.ts";
import { isChange, type SqlStatement, sqlStatement } from "./sql_statement.ts";
import { WorkerPool } from "../worker_pool.ts";

/** A row: an object by column names, or an array with the option `rows: "array"`. */
// deno-lint-ignore no-explicit-any -- what a column holds is the database's affair
export type Row = any;

// Rows that are asked for at once, at the least.
const FETCH = 256;

const NONE: ResultRows<never> = /* @__PURE__ */ new ResultRows<never>(0, () => undefined as never);

/**
 * A cursor of an SQLite database, which works in a worker: however long a query takes, coroutines go on.
 *
 * Its connection lives in one worker of a pool and is opened at the first use. Statements of one connection run one
 * after the other. Cursors made with {@linkcode cursor} share the connection, and so its transactions; while a
 * {@linkcode transaction} is open, only its body uses the connection. Cursors made with `new` have connections of
 * their own.
 *
 * Executing a statement reads all its rows, so no lock is held after it, and its result is in the memory of the worker
 * until the rows are fetched, the cursor is used anew or closed: for results larger than that use `LIMIT`. A fetch that
 * is given up loses no row.
 *
 * When a coroutine is terminated or times out in a query, SQLite goes on with it; if it takes longer than the grace of
 * the pool, the worker is replaced and the connection is lost, as it is when the worker crashes. A statement that is
 * given up may be carried out or not, and `executemany` in part; in a transaction that is given up nothing stays.
 *
 * Numbers are stored as SQLite's REAL where a column has no type of its own, bigints as INTEGER, and `NaN` as NULL. An
 * integer beyond 2^53 is read as a bigint with the option `bigints`, and is an error without. Text that another
 * program wrote ends at a NUL character, if it has one, and what in it is no UTF-8 is replaced.
 *
 * @typeParam R What its rows are; the compiler takes it as given.
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

  /** How many rows the last statement changed; -1 if it is none that changes rows. */
  get rowcount(): number {
    return this.#rowcount;
  }

  /**
   * The id of the row that was inserted last by this cursor, or `null`.
   *
   * @throws {DatabaseError} If it is beyond 2^53, without the option `bigints`. The row is inserted all the same.
   */
  get lastrowid(): number | bigint | null {
    const id = this.#lastrowid;
    if (typeof id !== "bigint" || this.#connection.bigints) return id;
    const message = "Cannot give the id of the last row as a number as it is beyond 2^53: use the option 'bigints'";
    throw new DatabaseError(`${message}, current value is ${id}`, "SQLITE_MISMATCH", 20);
  }

  /** Another cursor on the same connection. */
  cursor<T = R>(): AsyncDBCursor<T> {
    this.#mustBeOpen();
    return new AsyncDBCursor<T>(this.#connection);
  }

  /**
   * Executes one statement. Rows of an earlier one are dropped. Without a statement (comments only) it does nothing.
   *
   * @param sql The statement.
   * @param parameters Values for its parameters: an array in their order, or an object with their names.
   * @returns The cursor itself.
   * @throws {TypeError} If `sql` is no string, or `parameters` neither an array nor an object.
   * @throws {DatabaseError} If there are not as many values as parameters, one is missing or is nothing that SQLite
   * stores, or a text contains NUL or half of a surrogate pair; at the yield, if SQLite refuses, if there are several
   * statements, or if an integer is beyond 2^53 (nothing is changed then).
   * @throws {WorkerError} If the cursor is closed; at the yield, if the connection is lost.
   */
  execute(sql: string, parameters: SqlParameters = []): Operation<AsyncDBCursor<R>> {
    this.#mustBeOpen();
    checkSql(sql);
    const statement = sqlStatement(sql);
    const values = bindParameters(statement, parameters);
    return call(this.#connection.turns.take(() => this.#execute(sql, statement, values)));
  }

  /**
   * Executes one statement, once for each list of values.
   *
   * @param sql The statement: `INSERT`, `REPLACE`, `UPDATE` or `DELETE`. Rows that it gives are dropped.
   * @param lists Values for its parameters, for each time.
   * @returns The cursor itself; its `rowcount` is the sum.
   * @throws {TypeError} As for `execute`.
   * @throws {DatabaseError} As for `execute`, and if it is another statement. At the yield, if SQLite refuses: what was
   * done before that stays, unless in a transaction.
   * @throws {WorkerError} If the cursor is closed; at the yield, if the connection is lost.
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
    return call(this.#connection.turns.take(() => this.#change("many", sql, statement.verb, values)));
  }

  /**
   * Executes any number of statements, without parameters and without their rows.
   *
   * @param sql The statements.
   * @throws {TypeError} If `sql` is no string.
   * @throws {DatabaseError} If `sql` contains NUL or half of a surrogate pair; at the yield, if SQLite refuses: what was
   * done before that stays, unless in a transaction.
   * @throws {WorkerError} If the cursor is closed; at the yield, if the connection is lost.
   */
  executescript(sql: string): Operation<AsyncDBCursor<R>> {
    this.#mustBeOpen();
    checkSql(sql);
    return call(this.#connection.turns.take(() => this.#script(sql)));
  }

  /** Waits for the next row; `null` if there is none. */
  fetchone(): Operation<R | null> {
    return this.#fetch(1, ([row = null]) => row as R | null);
  }

  /**
   * Waits for the next rows.
   *
   * @param count How many at the most.
   * @returns Fewer at the end, and then none.
   * @throws {RangeError} If `count` is not a whole number from 1.
   */
  fetchmany(count = 1): Operation<R[]> {
    if (!Number.isSafeInteger(count) || count < 1) {
      throw new RangeError(`Cannot fetch rows as 'count' must be a whole number from 1: current value is ${count}`);
    }
    return this.#fetch(count, (rows) => rows);
  }

  /** Waits for all rows that are left. */
  fetchall(): Operation<R[]> {
    return this.#fetch(Infinity, (rows) => rows);
  }

  /** The operations that wait for the next row, without an end of its own: leave the loop when one gives `null`. */
  [Symbol.iterator](): Generator<Operation<R | null>, void, unknown> {
    return this.#items()[Symbol.iterator]();
  }

  /** The rows, for async code. */
  [Symbol.asyncIterator](): AsyncGenerator<R, void, unknown> {
    return this.#items()[Symbol.asyncIterator]();
  }

  /**
   * Waits for each row and does something with it, one after the other.
   *
   * @param action See {@linkcode ItemAction}.
   * @returns How many rows there were.
   */
  forEach(action: ItemAction<R>): Operation<number> {
    return this.#items().forEach(action);
  }

  /**
   * Runs `body` in a transaction: commits when it returns, rolls back when it fails or is cut short. Until then nobody
   * else uses the connection. One within another is a savepoint.
   *
   * Once it commits, SQLite decides: it gives its value though it is terminated meanwhile, its time runs out or an error
   * is thrown into the coroutine, which takes effect at the next wait; what cannot be committed is rolled back, and its
   * error thrown. A `race` that another has won meanwhile, or that is cut short itself, does not tell.
   *
   * @param body A generator function; it is called with the cursor. What it does is in the transaction, and branches of
   * `race` and `all` in it are, but no other coroutines.
   * @param mode How it begins; `"deferred"` by default.
   * @returns What `body` returns.
   * @throws {TypeError} If there is no such mode.
   * @throws {DatabaseError} At the yield, if it can be neither begun nor committed, or if `body` goes on after SQLite
   * has rolled it back. Nothing of it stays then.
   * @throws {WorkerError} If the cursor is closed; at the yield, if the connection is lost.
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
    return call(connection.turns.take(() => transaction(connection, this.#id, work, mode)));
  }

  /** Closes the cursor, and with the last one its connection. Closing twice is closing once. */
  close(): Operation<void> {
    return call(this.#close());
  }

  /** Closes it without waiting for that. */
  [Symbol.dispose](): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#connection.leaveSoon(this.#id);
  }

  *#close(): Generator<unknown, void> {
    if (this.#closed) return;
    this.#closed = true;
    const connection = this.#connection;
    let left = false;
    try {
      yield* connection.turns.take(() => {
        left = true;
        return connection.leave(this.#id);
      });
    } finally {
      // Nobody else will do it.
      if (!left) connection.leaveSoon(this.#id);
    }
  }

  *#execute(sql: string, { verb, empty }: SqlStatement, values: unknown): Generator<unknown, AsyncDBCursor<R>> {
    // SQLite makes no statement of it, at which Deno crashes.
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
    const result = (yield* this.#connection.ask(action, this.#id, sql, verb, values)) as Executed;
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
    yield* this.#connection.ask("script", this.#id, sql);
    return this;
  }

  /** Drops the result of the statement before. */
  #forget(): void {
    this.#rows = NONE;
    this.#columns = null;
    this.#rowcount = -1;
  }

  /** Waits until `count` rows are there, or all that are left, and takes them; `give` makes of them what is given. */
  #fetch<T>(count: number, give: (rows: R[]) => T): Operation<T> {
    this.#mustBeOpen();
    let source: ResultRows<R> = NONE;
    let taken: R[] = [];
    const take = function* (this: AsyncDBCursor<R>): Generator<unknown, T> {
      while (!this.#rows.has(count)) yield* this.#connection.turns.take(() => this.#load(count));
      source = this.#rows;
      taken = source.take(count);
      return give(taken);
    };
    return new Fetch(take.call(this), () => source.putBack(taken)) as Operation<unknown> as Operation<T>;
  }

  /** Lets more rows come. One who had the turn before may have done it, or have executed another statement. */
  *#load(count: number): Generator<unknown, void> {
    const rows = this.#rows;
    if (rows.has(count)) return;
    const wanted = Math.max(FETCH, count - rows.length);
    rows.add((yield* this.#connection.ask("fetch", this.#id, rows.arrived, wanted)) as unknown[][]);
  }

  #items(): Items<R> {
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

/** Calls the body of a transaction as a subroutine, which is unwound in its own time. */
function* callBody<T>(body: () => Generator<unknown, T>): Generator<unknown, T> {
  return yield* call(body());
}
