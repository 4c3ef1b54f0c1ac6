/** Rows from the worker: none is lost, errors are thrown, and no lock is held. */
import { all, race, run, Scheduler, sleep, TimeoutError, withTimeout } from "@asyncoro/asyncoro";
import { assert, assertEquals } from "@std/assert";
import { AsyncDBCursor, WorkerPool } from "../../core/workers/mod.ts";
import { refusalOf, withFile } from "./database_files.ts";

interface Numbered {
  readonly n: number;
}

const COUNT = 3000;
const NUMBERS = `WITH RECURSIVE c(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM c WHERE n < ${
  COUNT - 1
}) SELECT n FROM c`;

function rowsFrom(first: number, to = COUNT): Numbered[] {
  return Array.from({ length: to - first }, (_, i) => ({ n: first + i }));
}

/** The ways of fetching: each adds rows to `seen`, and returns how many there were; 0 at the end. */
type Way = (cursor: AsyncDBCursor<Numbered>, seen: Numbered[]) => Generator<unknown, number>;

const WAYS: Record<string, Way> = {
  *fetchone(cursor, seen) {
    const row = yield* cursor.fetchone();
    return row === null ? 0 : seen.push(row);
  },
  *fetchmany(cursor, seen) {
    const rows = yield* cursor.fetchmany(700);
    seen.push(...rows);
    return rows.length;
  },
  *fetchall(cursor, seen) {
    const rows = yield* cursor.fetchall();
    seen.push(...rows);
    return rows.length;
  },
  *iteration(cursor, seen) {
    for (const next of cursor) {
      const row = yield* next;
      if (row === null) break;
      seen.push(row);
    }
    return 0;
  },
  *forEach(cursor, seen) {
    return yield* cursor.forEach((row) => seen.push(row));
  },
};

function spin(milliseconds: number): void {
  const end = performance.now() + milliseconds;
  while (performance.now() < end);
}

Deno.test("a fetch that is cut short at any moment loses no row", async () => {
  await using pool = new WorkerPool(1);
  await run(function* () {
    const cursor = new AsyncDBCursor<Numbered>(pool, ":memory:");
    let givenUp = 0;
    for (const [name, fetch] of Object.entries(WAYS)) {
      yield* cursor.execute(NUMBERS);
      const seen: Numbered[] = [];
      let ended = false;
      for (let stepBudget = 0; !ended;) {
        const before = seen.length;
        // The worker is busy, so that the fetch can be cut short in every state.
        const busy = stepBudget > 0 && stepBudget < 8 ? pool.run(spin, 0.5) : null;
        try {
          ended = (yield* withTimeout(stepBudget < 16 ? stepBudget * 0.0001 : 60, fetch(cursor, seen))) === 0;
          stepBudget = 0;
        } catch (error) {
          if (!(error instanceof TimeoutError)) throw error;
          givenUp++;
          stepBudget = seen.length > before ? 0 : stepBudget + 1;
        }
        if (busy !== null) yield busy;
      }
      assertEquals(seen, rowsFrom(0), name);
    }
    assert(givenUp > 0);
    yield* cursor.close();
  });
});

Deno.test("rows that a race or all() does not hand over are put back in their order", async () => {
  await using pool = new WorkerPool(1);
  await run(function* () {
    const cursor = new AsyncDBCursor<Numbered>(pool, ":memory:");
    yield* cursor.execute(NUMBERS);
    const doomed = Scheduler.instance().spawn(function* () {
      yield* all(cursor.fetchone(), cursor.fetchmany(500), cursor.fetchone(), sleep(60));
    });
    yield* sleep(0.1);
    doomed.terminate();
    yield* doomed.finish();
    assertEquals(yield* cursor.fetchone(), { n: 0 });
    // The winner is terminated before it goes on.
    const winner = Scheduler.instance().spawn(function* () {
      yield* race(cursor.fetchmany(2), cursor.fetchone());
    });
    Scheduler.instance().spawn(function* () {
      winner.terminate();
    });
    yield* winner.finish();
    const [two, one] = yield* all(cursor.fetchmany(2), race(cursor.fetchone(), sleep(60)));
    const rows = [...two, one, ...(yield* cursor.fetchall())];
    assertEquals(rows.toSorted((a, b) => a!.n! - b!.n!), rowsFrom(1));
    yield* cursor.close();
  });
});

Deno.test("several coroutines fetch from one cursor, each row once", async () => {
  await using pool = new WorkerPool(1);
  await run(function* () {
    const cursor = new AsyncDBCursor<Numbered>(pool, ":memory:");
    yield* cursor.execute(NUMBERS);
    const seen: Numbered[] = [];
    const takers = [1, 7, 600, Infinity].map((count) =>
      Scheduler.instance().spawn(function* () {
        for (let rows: Numbered[] = [{ n: 0 }]; rows.length > 0;) {
          rows = count === Infinity ? yield* cursor.fetchall() : yield* cursor.fetchmany(count);
          seen.push(...rows);
          yield* sleep(0);
        }
      })
    );
    for (const taker of takers) yield* taker.finish();
    assertEquals(seen.toSorted((a, b) => a.n - b.n), rowsFrom(0));
    yield* cursor.close();
  });
});

Deno.test("a cursor that executes again has the rows of the new statement", async () => {
  await using pool = new WorkerPool(1);
  await run(function* () {
    const cursor = new AsyncDBCursor<Numbered>(pool, ":memory:");
    yield* cursor.execute(NUMBERS);
    const late = Scheduler.instance().spawn(function* () {
      return yield* cursor.fetchall();
    });
    yield* cursor.execute("SELECT -1 AS n");
    assertEquals([...(yield* late.finish()) as Numbered[], ...(yield* cursor.fetchall())], [{ n: -1 }]);
    yield* cursor.execute(NUMBERS);
    assertEquals(yield* cursor.fetchone(), { n: 0 });
    // If the statement is cut short, there are no rows, neither old nor new ones.
    let rows: unknown = null;
    try {
      yield* withTimeout(0, cursor.execute("SELECT -1 AS n"));
      rows = { n: -1 };
    } catch (error) {
      assert(error instanceof TimeoutError);
    }
    assertEquals(yield* cursor.fetchone(), rows);
    yield* cursor.close();
  });
});

Deno.test("rows may have double names, numbers or __proto__ as names, and large values; there may be none", async () => {
  await run(function* () {
    const cursor = new AsyncDBCursor(":memory:");
    const arrays = new AsyncDBCursor<unknown[]>(":memory:", { rows: "array" });
    yield* cursor.execute('SELECT 1 AS a, 2 AS a, 3 AS "1", 4 AS "__proto__", 5 AS constructor');
    const row = yield* cursor.fetchone();
    assertEquals(Object.entries(row).toSorted(), [["1", 3], ["__proto__", 4], ["a", 2], ["constructor", 5]]);
    assertEquals(Object.getPrototypeOf(row), Object.prototype);
    yield* arrays.execute("SELECT 1 AS a, 2 AS a, NULL, x'00', 'x'");
    assertEquals(yield* arrays.fetchall(), [[1, 2, null, new Uint8Array(1), "x"]]);
    yield* cursor.execute("SELECT zeroblob(300000) AS b, hex(zeroblob(200000)) AS t FROM (VALUES (1), (2), (3))");
    const rows = yield* cursor.fetchall();
    assertEquals(rows.map(({ b, t }) => [b.length, t.length]), [[300000, 400000], [300000, 400000], [300000, 400000]]);
    yield* cursor.execute("SELECT 1 AS a WHERE 0");
    assertEquals([cursor.description, yield* cursor.fetchall()], [["a"], []]);
    yield* cursor.close();
    yield* arrays.close();
  });
});

Deno.test("SQLite's errors are thrown, wherever in a statement they occur", async () => {
  await withFile(async (path) => {
    await run(function* () {
      const writer = new AsyncDBCursor(path);
      const reader = new AsyncDBCursor(path, { busyTimeout: 0.05 });
      yield* writer.executescript("CREATE TABLE t (n INTEGER); INSERT INTO t VALUES (1)");
      yield* writer.execute("BEGIN EXCLUSIVE");
      for (const sql of ["SELECT * FROM t", "INSERT INTO t VALUES (2)", "INSERT INTO t VALUES (2) RETURNING n"]) {
        const error = yield* refusalOf(reader.execute(sql));
        assertEquals([error.name, error.code, error.errcode], ["DatabaseError", "SQLITE_BUSY", 5]);
      }
      assertEquals((yield* refusalOf(reader.executescript("SELECT 1; SELECT * FROM t"))).code, "SQLITE_BUSY");
      assertEquals((yield* refusalOf(reader.executemany("DELETE FROM t", [[]]))).code, "SQLITE_BUSY");
      assertEquals((yield* refusalOf(reader.transaction(function* () {}, "immediate"))).code, "SQLITE_BUSY");
      yield* writer.execute("ROLLBACK");
      // Errors that occur long after the first rows.
      const late = `${NUMBERS} UNION ALL SELECT abs(-9223372036854775808)`;
      for (const sql of [late, `${late} LIMIT -1`, `INSERT INTO t ${late} RETURNING n`]) {
        assertEquals((yield* refusalOf(reader.execute(sql))).message, "integer overflow");
        assertEquals([yield* reader.fetchone(), yield* reader.fetchall()], [null, []]);
      }
      assertEquals((yield* refusalOf(reader.executescript(`SELECT 1; ${late}`))).message, "integer overflow");
      yield* reader.execute("SELECT count(*) AS n FROM t");
      assertEquals(yield* reader.fetchall(), [{ n: 1 }]);
      yield* reader.close();
      yield* writer.close();
    });
  });
});

Deno.test("a damaged database is reported as such", async () => {
  await withFile(async (path) => {
    await run(function* () {
      const cursor = new AsyncDBCursor(path);
      yield* cursor.execute("CREATE TABLE t (n INTEGER PRIMARY KEY, s TEXT)");
      yield* cursor.execute(`INSERT INTO t SELECT n, hex(randomblob(40)) FROM (${NUMBERS})`);
      yield* cursor.close();
    });
    const file = await Deno.open(path, { write: true });
    await file.seek(Math.floor((await file.stat()).size / 2), Deno.SeekMode.Start);
    await file.write(new Uint8Array(40_000).fill(0xaa));
    file.close();
    await run(function* () {
      for (const bigints of [false, true]) {
        const cursor = new AsyncDBCursor(path, { bigints });
        for (const sql of ["SELECT n FROM t", "SELECT * FROM t", "SELECT sum(n) FROM t"]) {
          const error = yield* refusalOf(cursor.execute(sql));
          assertEquals([error.code, error.message], ["SQLITE_CORRUPT", "database disk image is malformed"]);
        }
        yield* cursor.close();
      }
    });
  });
});

Deno.test("a script is executed statement by statement, and an error in it has its code", async () => {
  await withFile(async (path) => {
    await run(function* () {
      const cursor = new AsyncDBCursor(path);
      yield* cursor.executescript("CREATE TABLE t (n INTEGER UNIQUE); INSERT INTO t VALUES (1)");
      const reader = new AsyncDBCursor(path, { readOnly: true });
      assertEquals((yield* refusalOf(cursor.executescript("INSERT INTO t VALUES (1)"))).code, "SQLITE_CONSTRAINT");
      assertEquals((yield* refusalOf(reader.executescript("DELETE FROM t"))).code, "SQLITE_READONLY");
      assertEquals((yield* refusalOf(cursor.executescript("SELEC"))).code, "SQLITE_ERROR");
      yield* reader.close();
      yield* cursor.execute("DELETE FROM t");
      // Statements of all lengths, and more text than SQLite gets in one piece.
      const long = "x".repeat(20_000);
      yield* cursor.executescript(`
        ;; -- ; ${long}
        BEGIN;
        CREATE TABLE s (a, b); /* ; ${long} ' */ CREATE TRIGGER r AFTER INSERT ON t BEGIN
          INSERT INTO s VALUES (new.n, '${long};');
          INSERT INTO s SELECT CASE WHEN new.n > 1 THEN 'many' ELSE ';' END, NULL;
        END;
        INSERT INTO t VALUES (1) RETURNING n;SELECT ${2n ** 60n};${
        "INSERT INTO t SELECT max(n) + 1 FROM t;".repeat(1000)
      }
        DELETE FROM t; COMMIT ; PRAGMA user_version = 7 -- the last`);
      yield* cursor.execute("SELECT count(*) AS n, sum(length(b)) AS l, (SELECT count(*) FROM t) AS t FROM s");
      assertEquals(yield* cursor.fetchall(), [{ n: 2002, l: 1001 * 20_001, t: 0 }]);
      yield* cursor.execute("PRAGMA user_version");
      assertEquals(yield* cursor.fetchone(), { user_version: 7 });
      yield* cursor.close();
    });
  });
});

Deno.test("a cursor whose rows are not all fetched holds no lock", async () => {
  await withFile(async (path) => {
    await run(function* () {
      const first = new AsyncDBCursor(path);
      const other = new AsyncDBCursor(path);
      yield* first.execute(`CREATE TABLE t AS ${NUMBERS}`);
      const unfinished = first.cursor();
      const ends: ((cursor: AsyncDBCursor) => Generator<unknown, unknown>)[] = [
        function* () {},
        function* (cursor) {
          return yield* cursor.execute("SELECT 1");
        },
        function* (cursor: AsyncDBCursor) {
          return yield* withTimeout(0, cursor.fetchall());
        },
      ];
      for (const end of ends) {
        yield* unfinished.execute("SELECT n FROM t");
        yield* unfinished.fetchone();
        try {
          yield* end(unfinished);
        } catch (error) {
          assert(error instanceof TimeoutError);
        }
        yield* other.execute("INSERT INTO t VALUES (-1)");
        yield* first.executescript("CREATE TABLE u (a); DROP TABLE u");
      }
      yield* unfinished.close();
      // Rows are not affected by later changes.
      const reading = first.cursor();
      yield* reading.execute("SELECT n FROM t WHERE n >= 0 ORDER BY n");
      yield* first.execute("DROP TABLE t");
      assertEquals(yield* reading.fetchall(), rowsFrom(0));
      yield* reading.close();
      yield* first.close();
      yield* other.close();
    });
  });
});

Deno.test("rows that were fetched do not stay in the worker", async () => {
  await using pool = new WorkerPool(1);
  await run(function* () {
    const cursor = new AsyncDBCursor(pool, ":memory:");
    const kept = (): number => {
      // deno-lint-ignore no-explicit-any -- the worker's table of connections
      const connections = (globalThis as any)[Symbol.for("asyncoro.databases")];
      let rows = 0;
      for (const { results } of connections.values()) {
        for (const result of results.values()) rows += result.rows.filter((row: unknown) => row !== undefined).length;
      }
      return rows;
    };
    yield* cursor.execute(NUMBERS);
    assertEquals(yield* pool.asyncTask(kept), COUNT);
    yield* cursor.fetchmany(2000);
    assert((yield* pool.asyncTask(kept)) <= COUNT - 256);
    const second = cursor.cursor();
    yield* second.execute(NUMBERS);
    yield* second.close();
    yield* cursor.execute("SELECT 1");
    assertEquals(yield* pool.asyncTask(kept), 0);
    yield* cursor.execute(NUMBERS);
    yield* cursor.close();
    assertEquals(yield* pool.asyncTask(kept), 0);
  });
});
