/** Database files for tests. */
import { type Coro, run } from "@asyncoro/asyncoro";
import { AsyncDBCursor, DatabaseError } from "../../core/workers/mod.ts";

/** Runs `use` with the path of a database file, which is removed afterwards. */
export async function withFile(use: (path: string) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir({ prefix: "asyncoro-" });
  try {
    await use(`${directory}/test.db`);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

/** Reads from the file: the first column of all rows of `sql`, through a connection of its own. */
export function* onDisk(path: string, sql = "SELECT n FROM t ORDER BY n"): Generator<unknown, unknown[]> {
  const cursor = new AsyncDBCursor<unknown[]>(path, { rows: "array", busyTimeout: 10 });
  try {
    yield* cursor.execute(sql);
    return (yield* cursor.fetchall()).map((row) => row[0]);
  } finally {
    yield* cursor.close();
  }
}

/** Waits for work that fails, and returns its error. */
export function* failureOf(work: Iterable<unknown>): Generator<unknown, Error> {
  try {
    yield* work as Generator<unknown, unknown>;
  } catch (error) {
    if (error instanceof Error) return error;
    throw error;
  }
  throw new Error("It did not fail");
}

/** Waits for work at which SQLite fails, and returns its error. */
export function* refusalOf(work: Iterable<unknown>): Generator<unknown, DatabaseError> {
  const error = yield* failureOf(work);
  if (error instanceof DatabaseError) return error;
  throw error;
}

export function* insert(cursor: AsyncDBCursor, n: number): Generator<unknown, string> {
  yield* cursor.execute("INSERT INTO t VALUES (?)", [n]);
  return "done";
}

/** Whether the connection is in no transaction: only then can one begin. */
export function* isClean(cursor: AsyncDBCursor): Generator<unknown, boolean> {
  return (yield* cursor.transaction(() => insert(cursor, 99), "immediate")) === "done";
}

export interface Bank {
  readonly path: string;
  /** The connection that is tested; its file has the table `t` with the column `n`. */
  readonly db: AsyncDBCursor;
  /** Keeps other connections from committing to the file, but not from changing it, until {@linkcode release}. */
  hold(): Generator<unknown, void>;
  release(): Generator<unknown, void>;
}

/** Runs `use` with a database whose commits can be delayed. */
export async function withBank(
  use: (bank: Bank, coro: Coro) => Generator<unknown, void>,
  busyTimeout = 10,
): Promise<void> {
  await withFile(async (path) => {
    await run(function* (coro: Coro) {
      const db = new AsyncDBCursor(path, { busyTimeout });
      const reader = new AsyncDBCursor(path);
      yield* db.execute("CREATE TABLE t (n INTEGER)");
      const hold = function* (): Generator<unknown, void> {
        yield* reader.execute("BEGIN");
        yield* reader.execute("SELECT * FROM t");
      };
      const release = function* (): Generator<unknown, void> {
        yield* reader.execute("COMMIT");
      };
      try {
        yield* use({ path, db, hold, release }, coro);
      } finally {
        yield* db.close();
        yield* reader.close();
      }
    });
  });
}
