/**
 * The function that a connection runs in its worker. It is sent as source, so it refers to nothing outside itself, and
 * is one file.
 *
 * Connections stay in the worker, in a table of its global scope, and with them the rows that were not fetched yet. A
 * statement is executed at once and all its rows are read: an open statement would hold its locks, and `iterate()` of
 * Deno's `node:sqlite` hides errors. Rows are kept until it is known that they have arrived.
 *
 * Tasks of a connection run in the order in which they were submitted. So a rollback can be submitted while it is not
 * known whether the transaction has begun.
 */
import type { WorkerTask } from "../remote/worker_task.ts";
import type { ConnectionSettings, DatabaseAction, Executed } from "./database_actions.ts";

interface Statement {
  readonly sourceSQL: string;
  setReturnArrays(on: boolean): void;
  setReadBigInts(on: boolean): void;
  columns(): { name: string }[];
  all(...values: unknown[]): unknown[][];
  run(...values: unknown[]): { changes: number | bigint; lastInsertRowid: number | bigint };
}

interface Database {
  readonly isTransaction: boolean;
  prepare(sql: string): Statement;
  exec(sql: string): void;
  close(): void;
}

interface Connection {
  readonly database: Database;
  readonly bigints: boolean;
  /** The rows that cursors have not fetched. */
  readonly results: Map<number, Result>;
  /** The numbers of the open transactions, outermost first. */
  readonly transactions: number[];
}

interface Result {
  /** Rows that have arrived are `undefined`. */
  readonly rows: (unknown[] | undefined)[];
  arrived: number;
}

/** See the head of this file. */
export function databaseTask(
  this: WorkerTask,
  action: DatabaseAction,
  connectionId: number,
  cursorId: number,
  ...args: unknown[]
): unknown {
  // deno-lint-ignore no-this-alias -- the functions below have another `this`
  const task = this;
  const scope = globalThis as unknown as Record<symbol, Map<number, Connection>>;
  const connections = scope[Symbol.for("asyncoro.databases")] ??= new Map();
  const FIRST_ROWS = 256;
  const MAX_ROWS = 4096;
  const MAX_BYTES = 2 ** 18;
  const CHUNK = 2 ** 14;
  const ABORT_ROLLBACK = 516;
  const MISMATCH = 20;
  const MISUSE = 21;

  function open(settings: ConnectionSettings): void {
    // It is open already if the wait for an earlier request was cut short.
    if (connections.has(connectionId)) return;
    // deno-lint-ignore no-explicit-any -- a built-in module, without its types
    const sqlite = (globalThis as any).process.getBuiltinModule("node:sqlite");
    if (sqlite === undefined) throw Object.assign(new Error("node:sqlite"), { name: "UnsupportedError" });
    const database = new sqlite.DatabaseSync(settings.path, { readOnly: settings.readOnly });
    // The option `timeout` would do, but 0 means 5 seconds in Deno.
    database.exec(`PRAGMA busy_timeout = ${settings.busyTimeout}`);
    connections.set(connectionId, { database, bigints: settings.bigints, results: new Map(), transactions: [] });
  }

  function sqliteError(message: string, errcode: number): Error {
    return Object.assign(new Error(message), { code: "ERR_SQLITE_ERROR", errcode });
  }

  // --- statements -----------------------------------------------------------------------------------------------

  /** Prepares the only statement of a text. */
  function prepare(sql: string): Statement {
    mustNotBeLost();
    const statement = connection!.database.prepare(sql);
    const end = sql.indexOf(statement.sourceSQL) + statement.sourceSQL.length;
    const next = skipBlank(sql, end);
    if (next < sql.length) {
      const text = sql.slice(next, next + 60);
      throw sqliteError(
        `Cannot execute several statements at once: use executescript(), the next one is ${text}`,
        MISUSE,
      );
    }
    statement.setReturnArrays(true);
    statement.setReadBigInts(connection!.bigints);
    return statement;
  }

  /** SQLite may have ended the transaction by itself: further statements would not be in it. */
  function mustNotBeLost(): void {
    if (connection!.transactions.length > 0 && !connection!.database.isTransaction) throw lostTransaction();
  }

  function lostTransaction(): Error {
    const message = "Cannot go on with a transaction that SQLite has rolled back, or that a statement has ended: " +
      "leave its body and begin again";
    return sqliteError(message, ABORT_ROLLBACK);
  }

  /** The first index from `at` on that is not in a space, a comment or a semicolon. */
  function skipBlank(sql: string, at: number): number {
    const piece = /[\t\n\f\r ;\ufeff]+|--[^\n]*|\/\*[^]*?(?:\*\/|$)/y;
    do piece.lastIndex = at; while (piece.test(sql) && (at = piece.lastIndex) < sql.length);
    return at;
  }

  function execute(sql: string, verb: string, values: unknown[]): Executed {
    connection!.results.delete(cursorId);
    const statement = prepare(sql);
    const columns = statement.columns().map((column) => column.name);
    if (columns.length === 0) return { columns: null, total: 0, rows: [], ...change(statement, verb, values) };
    if (!isChange(verb)) return { columns, ...keep(readAll(statement, values, true)), changes: -1, lastRowId: null };
    // An integer that cannot be read is found only after the change was made.
    return atomically(connection!.database, () => {
      const rows = readAll(statement, values);
      return { columns, ...keep(rows), ...counted(verb) };
    });
  }

  /** The effect of a change that has rows. */
  function counted(verb: string): Pick<Executed, "changes" | "lastRowId"> {
    const counters = connection!.database.prepare("SELECT changes(), last_insert_rowid()");
    counters.setReturnArrays(true);
    counters.setReadBigInts(true);
    const [changes, lastRowId] = counters.all()[0] as bigint[];
    return outcome(verb, changes, lastRowId);
  }

  function isChange(verb: string): boolean {
    return isInsert(verb) || verb === "UPDATE" || verb === "DELETE";
  }

  function isInsert(verb: string): boolean {
    return verb === "INSERT" || verb === "REPLACE";
  }

  function change(statement: Statement, verb: string, values: unknown[]): Pick<Executed, "changes" | "lastRowId"> {
    statement.setReadBigInts(true);
    const { changes, lastInsertRowid } = statement.run(...values);
    return outcome(verb, changes, lastInsertRowid);
  }

  function outcome(
    verb: string,
    changes: number | bigint,
    rowId: number | bigint,
  ): Pick<Executed, "changes" | "lastRowId"> {
    if (!isChange(verb)) return { changes: -1, lastRowId: null };
    const exact = connection!.bigints || !Number.isSafeInteger(Number(rowId)) ? rowId : Number(rowId);
    return { changes: Number(changes), lastRowId: isInsert(verb) && Number(changes) > 0 ? exact : null };
  }

  function readAll(statement: Statement, values: unknown[], again = false): unknown[][] {
    try {
      return statement.all(...values);
    } catch (error) {
      if ((error as { code?: unknown }).code !== "ERR_OUT_OF_RANGE") throw error;
      if (again) {
        // The integer may come from a damaged database; reading it again makes SQLite report that.
        statement.setReadBigInts(true);
        statement.all(...values);
      }
      const which = /-?\d+$/.exec((error as Error).message)?.[0];
      const message = "Cannot read an integer beyond 2^53 as a number: use the option 'bigints'";
      throw sqliteError(which === undefined ? message : `${message}, current value is ${which}`, MISMATCH);
    }
  }

  /** Makes changes that are rolled back if the work fails. */
  function atomically<T>(database: Database, work: () => T): T {
    const undo = database.isTransaction ? "ROLLBACK TO asyncoro_all; RELEASE asyncoro_all" : "ROLLBACK";
    database.exec("SAVEPOINT asyncoro_all");
    try {
      const result = work();
      run(database, "RELEASE asyncoro_all");
      return result;
    } catch (error) {
      if (database.isTransaction) database.exec(undo);
      throw error;
    }
  }

  /** The same as `exec()`, whose errors have no code in Deno. */
  function run(database: Database, sql: string): void {
    database.prepare(sql).run();
  }

  function many(sql: string, verb: string, lists: unknown[][]): Executed {
    connection!.results.delete(cursorId);
    const statement = prepare(sql);
    statement.setReadBigInts(true);
    const givesRows = statement.columns().length > 0;
    let changes = 0;
    let lastRowId: number | bigint | null = null;
    for (const values of lists) {
      if (task.cancelled) break;
      // The rows are not wanted, but some errors occur only when all are read.
      if (givesRows) statement.all(...values);
      const one = givesRows ? counted(verb) : change(statement, verb, values);
      changes += one.changes;
      lastRowId = one.lastRowId ?? lastRowId;
    }
    return { columns: null, total: 0, rows: [], changes, lastRowId };
  }

  /** Not by `exec()`: in Deno it misses errors after the first row of a statement, and its errors have no code. */
  function script(sql: string): void {
    connection!.results.delete(cursorId);
    for (let at = skipBlank(sql, 0); at < sql.length;) {
      mustNotBeLost();
      const statement = prepareFirst(sql, at);
      at = skipBlank(sql, at + statement.sourceSQL.length);
      statement.setReturnArrays(true);
      statement.setReadBigInts(true);
      if (statement.columns().length > 0) statement.all();
      else statement.run();
    }
  }

  /** Prepares the statement that begins at `at`. SQLite copies the text, so it gets the script in growing pieces. */
  function prepareFirst(sql: string, at: number): Statement {
    const { database } = connection!;
    for (let size = CHUNK; at + size < sql.length; size *= 4) {
      try {
        const statement = database.prepare(sql.slice(at, at + size));
        if (statement.sourceSQL.endsWith(";")) return statement;
      } catch {
        // The statement may be longer than the piece.
      }
    }
    return database.prepare(sql.slice(at));
  }

  // --- rows -----------------------------------------------------------------------------------------------------

  function keep(rows: unknown[][]): Pick<Executed, "total" | "rows"> {
    const first = batch(rows, 0, FIRST_ROWS);
    // If the wait of the cursor was cut short, it does not know of the rows.
    if (first.length < rows.length && !task.cancelled) connection!.results.set(cursorId, { rows, arrived: 0 });
    return { total: rows.length, rows: first };
  }

  /** The rows from number `from` on. The request says that those before have arrived. */
  function fetch(from: number, count: number): unknown[][] {
    const result = connection!.results.get(cursorId);
    if (result === undefined) throw new Error("The rows of the cursor are lost");
    result.rows.fill(undefined, result.arrived, from);
    result.arrived = from;
    return batch(result.rows, from, Math.min(count, MAX_ROWS));
  }

  function batch(rows: readonly (unknown[] | undefined)[], from: number, count: number): unknown[][] {
    const most = Math.min(rows.length, from + count);
    let to = from;
    for (let bytes = 0; to < most && bytes < MAX_BYTES; to++) bytes += sizeOf(rows[to]!);
    return rows.slice(from, to) as unknown[][];
  }

  function sizeOf(row: readonly unknown[]): number {
    let bytes = 0;
    for (const value of row) {
      if (typeof value === "string") bytes += value.length;
      else bytes += value instanceof Uint8Array ? value.byteLength : 8;
    }
    return bytes;
  }

  // --- transactions ---------------------------------------------------------------------------------------------

  function begin(number: number, mode: string): void {
    const { database, transactions } = connection!;
    mustNotBeLost();
    run(database, transactions.length === 0 ? `BEGIN ${mode}` : `SAVEPOINT asyncoro_${transactions.length}`);
    transactions.push(number);
  }

  /** Commits a transaction, or rolls it back if that fails. */
  function commit(number: number): void {
    const { database, transactions } = connection!;
    try {
      if (transactions.at(-1) !== number || !database.isTransaction) throw lostTransaction();
      run(database, transactions.length === 1 ? "COMMIT" : `RELEASE asyncoro_${transactions.length - 1}`);
      transactions.pop();
    } catch (error) {
      rollBack(number);
      throw error;
    }
  }

  /** Rolls a transaction back with all within it, if it has begun and is not over. */
  function rollBack(number: number): void {
    const { database, transactions } = connection!;
    const depth = transactions.indexOf(number);
    if (depth < 0) return;
    transactions.length = depth;
    // SQLite rolls back by itself after some errors.
    if (!database.isTransaction) return;
    try {
      if (depth > 0) return database.exec(`ROLLBACK TO asyncoro_${depth}; RELEASE asyncoro_${depth}`);
    } catch {
      // A statement has released the savepoint: only everything can be rolled back. The outer transactions fail then.
    }
    try {
      database.exec("ROLLBACK");
    } catch (error) {
      close();
      throw error;
    }
  }

  function close(): void {
    connections.delete(connectionId);
    connection!.database.close();
  }

  if (action === "open") return open(args[0] as ConnectionSettings);
  const connection = connections.get(connectionId);
  if (connection === undefined) {
    if (action === "drop" || action === "rollback" || action === "close") return;
    throw new Error("The connection to the database is lost");
  }
  // deno-lint-ignore no-explicit-any -- each is called with its own arguments
  const actions: Record<Exclude<DatabaseAction, "open">, (...args: any[]) => unknown> = {
    execute,
    many,
    script,
    fetch,
    drop: () => void connection.results.delete(cursorId),
    begin,
    commit,
    rollback: rollBack,
    close,
  };
  return actions[action](...args);
}
