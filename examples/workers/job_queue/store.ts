/** The jobs in SQLite. A job is "waiting" until it is "done" or has "failed" for good, even while it is under way. */
import { AsyncDBCursor } from "@asyncoro/asyncoro/workers";

const MAX_ATTEMPTS = 4;
const BACKOFF_SECONDS = 0.1;

/** A job that is to be done. */
export interface Job {
  readonly id: number;
  readonly number: number;
  /** How many attempts have failed. */
  readonly attempts: number;
}

/** How many jobs there are in which state, and how many attempts there were. */
export interface Summary {
  readonly done: number;
  readonly failed: number;
  readonly attempts: number;
}

type Work<T> = Generator<unknown, T, unknown>;

/** See above. */
export class Store {
  // It keeps the connection open; each method has a cursor of its own, as several coroutines call them.
  readonly #cursor: AsyncDBCursor;

  constructor(path: string) {
    this.#cursor = new AsyncDBCursor(path);
  }

  /** Opens the database. Throws if another process works on it. */
  *open(): Work<void> {
    yield* this.#cursor.executescript(`
      PRAGMA locking_mode = EXCLUSIVE;
      CREATE TABLE IF NOT EXISTS jobs (
        id INTEGER PRIMARY KEY,
        number INTEGER NOT NULL,
        state TEXT NOT NULL DEFAULT 'waiting',
        attempts INTEGER NOT NULL DEFAULT 0,
        due REAL NOT NULL DEFAULT 0,
        result INTEGER,
        error TEXT
      );
      CREATE INDEX IF NOT EXISTS jobs_by_state ON jobs (state, id);
    `);
  }

  /** Adds jobs: all of them or, if it is cut short, none. */
  *add(numbers: readonly number[]): Work<void> {
    using cursor = this.#cursor.cursor();
    yield* cursor.transaction(function* (cursor) {
      yield* cursor.executemany("INSERT INTO jobs (number) VALUES (?)", numbers.map((number) => [number]));
    });
  }

  /** Jobs that may be done now, at most so many. */
  *due(count: number): Work<Job[]> {
    using cursor = this.#cursor.cursor<Job>();
    const sql = "SELECT id, number, attempts FROM jobs WHERE state = 'waiting' AND due <= ? ORDER BY id LIMIT ?";
    yield* cursor.execute(sql, [Date.now() / 1000, count]);
    return yield* cursor.fetchall();
  }

  *hasWaiting(): Work<boolean> {
    using cursor = this.#cursor.cursor();
    yield* cursor.execute("SELECT 1 FROM jobs WHERE state = 'waiting' LIMIT 1");
    return (yield* cursor.fetchone()) !== null;
  }

  *done({ id, attempts }: Job, result: number): Work<void> {
    using cursor = this.#cursor.cursor();
    const sql = "UPDATE jobs SET state = 'done', attempts = ?, result = ? WHERE id = ?";
    yield* cursor.execute(sql, [attempts + 1, result, id]);
  }

  /** Notes that an attempt has failed. The next one is due after a delay that doubles, unless it was the last. */
  *failed({ id, attempts }: Job, error: Error): Work<void> {
    using cursor = this.#cursor.cursor();
    const state = attempts + 1 < MAX_ATTEMPTS ? "waiting" : "failed";
    const due = Date.now() / 1000 + BACKOFF_SECONDS * 2 ** attempts;
    const sql = "UPDATE jobs SET state = ?, attempts = ?, due = ?, error = ? WHERE id = ?";
    yield* cursor.execute(sql, [state, attempts + 1, due, error.message, id]);
  }

  *summary(): Work<Summary> {
    using cursor = this.#cursor.cursor<Summary>();
    yield* cursor.execute(
      `SELECT count(*) FILTER (WHERE state = 'done') AS done, count(*) FILTER (WHERE state = 'failed') AS failed,
        total(attempts) AS attempts FROM jobs`,
    );
    return (yield* cursor.fetchone())!;
  }

  [Symbol.dispose](): void {
    this.#cursor[Symbol.dispose]();
  }
}
