/** Database files for tests. */
import { AsyncDBCursor, DatabaseError } from "../../core/workers/mod.ts";

/** Runs `use` with the path of a database file that is gone afterwards. */
export async function withFile(use: (path: string) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir({ prefix: "asyncoro-" });
  try {
    await use(`${directory}/test.db`);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

/** What is on the disk: the first column of all rows of `sql`, through a connection of its own. */
export function* onDisk(path: string, sql = "SELECT n FROM t ORDER BY n"): Generator<unknown, unknown[]> {
  const cursor = new AsyncDBCursor<unknown[]>(path, { rows: "array", busyTimeout: 10 });
  try {
    yield* cursor.execute(sql);
    return (yield* cursor.fetchall()).map((row) => row[0]);
  } finally {
    yield* cursor.close();
  }
}

/** Waits for the error of what fails. */
export function* failureOf(work: Iterable<unknown>): Generator<unknown, Error> {
  try {
    yield* work as Generator<unknown, unknown>;
  } catch (error) {
    if (error instanceof Error) return error;
    throw error;
  }
  throw new Error("It did not fail");
}

/** Waits for the error of what SQLite refuses. */
export function* refusalOf(work: Iterable<unknown>): Generator<unknown, DatabaseError> {
  const error = yield* failureOf(work);
  if (error instanceof DatabaseError) return error;
  throw error;
}
