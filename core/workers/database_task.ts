/**
 * What a database cursor runs in its worker. The function is sent as source, so it refers to nothing outside itself.
 *
 * Connections and the rows that a cursor has not fetched stay in the worker, in a table of its global scope.
 */

/** What executing a statement gave. */
export interface Executed {
  /** The names of the columns of its rows; `null` if it gives none. */
  readonly columns: readonly string[] | null;
  /** The first rows. */
  readonly rows: readonly unknown[];
  /** Whether these are all. */
  readonly done: boolean;
  /** How many rows it changed; -1 if it reads. */
  readonly changes: number;
  /** The id of the row it inserted last. */
  readonly lastRowId: number | bigint | null;
}

/** How a connection is opened. */
export interface ConnectionNote {
  readonly path: string;
  readonly options: Readonly<Record<string, unknown>>;
  readonly arrays: boolean;
  readonly bigints: boolean;
}

interface Statement {
  setReturnArrays?(on: boolean): void;
  setReadBigInts?(on: boolean): void;
  columns(): { name: string }[];
  all(...parameters: unknown[]): unknown[];
  iterate(...parameters: unknown[]): Iterator<unknown>;
  run(...parameters: unknown[]): { changes: number | bigint; lastInsertRowid: number | bigint };
}

interface Database {
  prepare(sql: string): Statement;
  exec(sql: string): void;
  close(): void;
}

interface Connection {
  readonly database: Database;
  readonly note: ConnectionNote;
  readonly open: Map<number, Iterator<unknown>>;
}

/** See the head of this file. */
export function databaseTask(
  action: "open" | "execute" | "many" | "script" | "fetch" | "drop" | "close",
  connectionId: number,
  cursorId: number,
  argument?: unknown,
  parameters?: unknown,
): unknown {
  const scope = globalThis as unknown as Record<symbol, Map<number, Connection>>;
  const connections = scope[Symbol.for("asyncoro.databases")] ??= new Map();
  const BATCH = 64;

  function open(note: ConnectionNote): void {
    // deno-lint-ignore no-explicit-any -- what a runtime has built in, without its types
    const sqlite = (globalThis as any).process.getBuiltinModule("node:sqlite");
    if (sqlite === undefined) throw Object.assign(new Error("node:sqlite"), { name: "UnsupportedError" });
    const database = new sqlite.DatabaseSync(note.path, note.options);
    connections.set(connectionId, { database, note, open: new Map() });
  }

  function prepare({ database, note }: Connection, sql: string): Statement {
    const statement = database.prepare(sql);
    if (note.arrays) statement.setReturnArrays!(true);
    if (note.bigints) statement.setReadBigInts!(true);
    return statement;
  }

  function execute(connection: Connection, sql: string, values: unknown[]): Executed {
    connection.open.delete(cursorId);
    const statement = prepare(connection, sql);
    const columns = statement.columns().map((column) => column.name);
    if (columns.length === 0) {
      const { changes, lastInsertRowid } = statement.run(...values);
      return { columns: null, rows: [], done: true, changes: Number(changes), lastRowId: lastInsertRowid };
    }
    // What changes rows and gives them back (RETURNING) has to be done now, all of it.
    if (/\b(?:insert|update|delete|replace)\b/i.test(sql)) {
      return { columns, rows: statement.all(...values), done: true, changes: -1, lastRowId: null };
    }
    connection.open.set(cursorId, statement.iterate(...values));
    return { columns, ...fetch(connection, BATCH), changes: -1, lastRowId: null };
  }

  function fetch(connection: Connection, count: number): { rows: unknown[]; done: boolean } {
    const rows: unknown[] = [];
    const iterator = connection.open.get(cursorId);
    if (iterator === undefined) return { rows, done: true };
    while (rows.length < count) {
      const step = iterator.next();
      if (step.done) {
        connection.open.delete(cursorId);
        return { rows, done: true };
      }
      rows.push(step.value);
    }
    return { rows, done: false };
  }

  function many(connection: Connection, sql: string, lists: unknown[][]): Executed {
    connection.open.delete(cursorId);
    const statement = prepare(connection, sql);
    let changes = 0;
    let lastRowId: number | bigint | null = null;
    for (const values of lists) {
      const result = statement.run(...values);
      changes += Number(result.changes);
      lastRowId = result.lastInsertRowid;
    }
    return { columns: null, rows: [], done: true, changes, lastRowId };
  }

  if (action === "open") return open(argument as ConnectionNote);
  const connection = connections.get(connectionId);
  if (connection === undefined) throw new Error("The connection to the database is lost");
  switch (action) {
    case "execute":
      return execute(connection, argument as string, (parameters ?? []) as unknown[]);
    case "many":
      return many(connection, argument as string, parameters as unknown[][]);
    case "script":
      return connection.database.exec(argument as string);
    case "fetch":
      return fetch(connection, argument as number);
    case "drop":
      return void connection.open.delete(cursorId);
    default:
      connections.delete(connectionId);
      return connection.database.close();
  }
}
