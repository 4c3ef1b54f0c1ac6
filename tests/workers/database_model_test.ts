/**
 * Random transactions, cut short at random moments in every way, against a model of the table: after each, another
 * connection sees the content that the outcome implies. The choices are seeded; the moments depend on the machine.
 */
import { type Coro, race, run, Scheduler, sleep, TimeoutError, withTimeout } from "@asyncoro/asyncoro";
import { assert, assertEquals } from "@std/assert";
import { AsyncDBCursor, WorkerPool } from "../../core/workers/mod.ts";
import { Random } from "../soak/random.ts";
import { withFile } from "./database_files.ts";

/** The content of the table: values by keys. */
type Table = ReadonlyMap<number, number>;

class Refused extends Error {}

/** The ways to cut a coroutine in a transaction short. */
const CUTS: readonly ((coro: Coro) => void)[] = [
  () => {},
  (coro) => coro.terminate(),
  (coro) => coro.throw(new Refused()),
];

/** Changes a table at random. The methods return the content that the table should have then. */
class TableWriter {
  readonly random: Random;
  readonly db: AsyncDBCursor;

  constructor(seed: number, db: AsyncDBCursor) {
    this.random = new Random(seed);
    this.db = db;
  }

  *change(table: Table): Generator<unknown, Table> {
    const next = new Map(table);
    const key = this.random.below(8);
    const value = this.random.below(1000);
    switch (this.random.below(4)) {
      case 0:
        yield* this.db.execute("REPLACE INTO t VALUES (:key, :value)", { key, value });
        return next.set(key, value);
      case 1: {
        const pairs = [[key, value], [key + 1, value + 1], [key + 2, value + 2]] as const;
        yield* this.db.executemany("REPLACE INTO t VALUES (?, ?)", pairs);
        for (const [key, value] of pairs) next.set(key, value);
        return next;
      }
      case 2:
        yield* this.db.execute("DELETE FROM t WHERE k = ? RETURNING v", [key]);
        assertEquals(yield* this.db.fetchall(), next.has(key) ? [{ v: next.get(key) }] : []);
        next.delete(key);
        return next;
      default:
        yield* this.db.execute("UPDATE t SET v = v + ?", [value]);
        assertEquals(this.db.rowcount, next.size);
        for (const [key, old] of table) next.set(key, old + value);
        return next;
    }
  }

  *changes(table: Table, depth: number): Generator<unknown, Table> {
    let now = table;
    for (let left = this.random.from(1, 4); left > 0; left--) {
      now = depth < 3 && this.random.chance(0.3) ? yield* this.attempt(now, depth + 1) : yield* this.change(now);
      if (this.random.chance(0.1)) yield* sleep(0.001);
      if (this.random.chance(0.05)) throw new Refused();
    }
    assertEquals(yield* read(this.db), now);
    return now;
  }

  /** A transaction that may fail or be cut short. */
  *attempt(table: Table, depth = 0): Generator<unknown, Table> {
    const work = this.db.transaction(() => this.changes(table, depth));
    try {
      return yield* this.random.chance(0.5) ? work : withTimeout(this.random.next() ** 2 * 0.03, work);
    } catch (error) {
      if (!(error instanceof Refused) && !(error instanceof TimeoutError)) throw error;
      return table;
    }
  }

  /** A transaction in a coroutine that is cut short. */
  *cutAttempt(table: Table): Generator<unknown, Table> {
    let expected = table;
    const attempt = () => this.attempt(table);
    const coro = Scheduler.instance().spawn(function* () {
      try {
        expected = yield* attempt();
        yield* sleep(0);
      } catch (error) {
        if (!(error instanceof Refused)) throw error;
      }
    });
    yield* sleep(this.random.next() ** 2 * 0.02);
    this.random.pick(CUTS)(coro);
    yield* coro.finish();
    return expected;
  }

  /** A transaction in a race. If it loses, its outcome is unknown: returns the content if it is committed. */
  *contest(table: Table): Generator<unknown, Table> {
    let wanted = table;
    const body = () => this.changes(table, 0);
    const work = this.db.transaction(function* () {
      return wanted = yield* body();
    });
    try {
      yield* race(work, sleep(this.random.next() * 0.01));
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
    }
    return wanted;
  }
}

function* read(cursor: AsyncDBCursor<{ k: number; v: number }>): Generator<unknown, Table> {
  yield* cursor.execute("SELECT k, v FROM t");
  return new Map((yield* cursor.fetchall()).map(({ k, v }) => [k, v]));
}

function equal(one: Table, other: Table): boolean {
  return one.size === other.size && [...one].every(([key, value]) => other.get(key) === value);
}

for (const seed of [1, 2, 3]) {
  Deno.test(`a table has the changes of transactions that returned, and no others (seed ${seed})`, async () => {
    await withFile(async (path) => {
      await using pool = new WorkerPool(2);
      await run(function* () {
        const db = new AsyncDBCursor(pool, path);
        const other = new AsyncDBCursor(pool, path);
        yield* db.executescript("PRAGMA journal_mode = WAL; CREATE TABLE t (k INTEGER PRIMARY KEY, v INTEGER)");
        const writer = new TableWriter(seed, db);
        let table: Table = new Map();
        for (let round = 0; round < 60; round++) {
          if (writer.random.chance(0.8)) {
            table = yield* writer.cutAttempt(table);
            assertEquals(yield* read(other), table, `seed ${seed}, round ${round}`);
          } else {
            const wanted = yield* writer.contest(table);
            const found = yield* read(other);
            assert(equal(found, table) || equal(found, wanted), `seed ${seed}, round ${round}`);
            table = found;
          }
          assertEquals(yield* read(db), table);
        }
        yield* db.close();
        yield* other.close();
      });
    });
  });
}
