import { all, ClosedError, run, Scheduler, sleep, withTimeout } from "@asyncoro/asyncoro";
import { assert, assertEquals, assertInstanceOf, assertRejects, assertThrows } from "@std/assert";
import { AsyncDBCursor, DatabaseError, WorkerError, WorkerPool } from "../../core/workers/mod.ts";
import { failureOf, withFile } from "./database_files.ts";

/** Takes about half a second. */
const SLOW =
  `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1500000) SELECT max(i) AS m FROM n`;

Deno.test("AsyncDBCursor executes and fetches in a database file, which persists", async () => {
  await withFile(async (path) => {
    await run(function* () {
      const cursor = new AsyncDBCursor(path);
      yield* cursor.executescript(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT, data BLOB); CREATE INDEX i ON t(name)",
      );
      yield* cursor.execute("INSERT INTO t (name, data) VALUES (?, ?)", ["Ada", new Uint8Array([1, 2])]);
      assertEquals([cursor.rowcount, cursor.lastrowid, cursor.description], [1, 1, null]);
      yield* cursor.execute("INSERT INTO t (name) VALUES (:name)", { name: "Alan" });
      assertEquals(cursor.lastrowid, 2);
      yield* cursor.close();
    });
    await run(function* () {
      const cursor = new AsyncDBCursor(path, { readOnly: true });
      yield* cursor.execute("SELECT id, name, data FROM t ORDER BY id");
      assertEquals(cursor.description, ["id", "name", "data"]);
      assertEquals(cursor.rowcount, -1);
      assertEquals(yield* cursor.fetchone(), { id: 1, name: "Ada", data: new Uint8Array([1, 2]) });
      assertEquals(yield* cursor.fetchone(), { id: 2, name: "Alan", data: null });
      assertEquals(yield* cursor.fetchone(), null);
      yield* cursor.close();
    });
  });
});

Deno.test("fetchone(), fetchmany(), fetchall() and iteration take any number of rows in order", async () => {
  await using pool = new WorkerPool(1);
  await run(function* () {
    const cursor = new AsyncDBCursor(pool, ":memory:", { rows: "array" });
    yield* cursor.execute("CREATE TABLE n (i)");
    yield* cursor.executemany("INSERT INTO n VALUES (?)", Array.from({ length: 3000 }, (_, i) => [i]));
    assertEquals(cursor.rowcount, 3000);
    yield* cursor.execute("SELECT i FROM n ORDER BY i");
    assertEquals(yield* cursor.fetchone(), [0]);
    assertEquals(yield* cursor.fetchmany(2), [[1], [2]]);
    assertEquals((yield* cursor.fetchmany(500)).length, 500);
    const rest = yield* cursor.fetchall();
    assertEquals([rest.length, rest[0], rest.at(-1)], [2497, [503], [2999]]);
    assertEquals([yield* cursor.fetchone(), yield* cursor.fetchmany(), yield* cursor.fetchall()], [null, [], []]);

    yield* cursor.execute("SELECT i FROM n ORDER BY i");
    let sum = 0;
    for (const next of cursor) {
      const row = yield* next;
      if (row === null) break;
      sum += row[0];
    }
    assertEquals(sum, 4498500);
    yield* cursor.execute("SELECT i FROM n WHERE i < 300");
    assertEquals(yield* cursor.forEach(() => {}), 300);
    yield* cursor.close();
  });
});

Deno.test("for await iterates over the rows in async code", async () => {
  await using pool = new WorkerPool(1);
  const cursor = new AsyncDBCursor(pool, ":memory:");
  await run(function* () {
    yield* cursor.execute("VALUES (1), (2), (3)");
  });
  const rows: unknown[] = [];
  for await (const row of cursor) rows.push(Object.values(row)[0]);
  assertEquals(rows, [1, 2, 3]);
  cursor[Symbol.dispose]();
});

Deno.test("statements that change rows and return them are executed at once", async () => {
  await run(function* () {
    const cursor = new AsyncDBCursor(":memory:");
    yield* cursor.execute("CREATE TABLE t (a)");
    yield* cursor.execute("INSERT INTO t VALUES (1), (2) RETURNING a * 10 AS b");
    assertEquals(yield* cursor.fetchall(), [{ b: 10 }, { b: 20 }]);
    yield* cursor.execute("SELECT count(*) AS n FROM t");
    assertEquals(yield* cursor.fetchone(), { n: 2 });
    yield* cursor.close();
  });
});

Deno.test("errors have SQLite's code, and the connection goes on", async () => {
  await run(function* () {
    const cursor = new AsyncDBCursor(":memory:");
    yield* cursor.execute("CREATE TABLE t (a UNIQUE, b NOT NULL)");
    yield* cursor.execute("INSERT INTO t VALUES (1, 1)");
    const failures: unknown[] = [];
    for (
      const sql of ["INSERT INTO t VALUES (1, 2)", "INSERT INTO t VALUES (2, NULL)", "SELEC", "SELECT * FROM nowhere"]
    ) {
      try {
        yield* cursor.execute(sql);
      } catch (error) {
        if (!(error instanceof DatabaseError) || !(error instanceof WorkerError)) throw error;
        failures.push([error.name, error.code, error.errcode, error.message]);
      }
    }
    assertEquals(failures, [
      ["DatabaseError", "SQLITE_CONSTRAINT", 2067, "UNIQUE constraint failed: t.a"],
      ["DatabaseError", "SQLITE_CONSTRAINT", 1299, "NOT NULL constraint failed: t.b"],
      ["DatabaseError", "SQLITE_ERROR", 1, 'near "SELEC": syntax error'],
      ["DatabaseError", "SQLITE_ERROR", 1, "no such table: nowhere"],
    ]);
    yield* cursor.execute("SELECT count(*) AS n FROM t");
    assertEquals(yield* cursor.fetchone(), { n: 1 });
    yield* cursor.close();
  });
});

Deno.test("a database that cannot be opened throws at the first use, and may be tried again", async () => {
  await withFile(async (path) => {
    await using pool = new WorkerPool(1);
    const missing = new AsyncDBCursor(pool, `${path}/nowhere/x.db`);
    for (let i = 0; i < 2; i++) {
      const error = await assertRejects(() =>
        run(function* () {
          yield* missing.execute("SELECT 1");
        }), DatabaseError);
      assertEquals(error.code, "SQLITE_CANTOPEN");
    }
    await run(function* () {
      yield* missing.close();
    });
  });
});

Deno.test("transaction() commits, and rolls back on failure and termination", async () => {
  await withFile(async (path) => {
    await using pool = new WorkerPool(2);
    await run(function* () {
      const cursor = new AsyncDBCursor(pool, path);
      const count = function* (): Generator<unknown, number> {
        yield* cursor.execute("SELECT count(*) AS n FROM t");
        return (yield* cursor.fetchone()).n;
      };
      yield* cursor.execute("CREATE TABLE t (a)");
      const result = yield* cursor.transaction(function* (cursor) {
        yield* cursor.execute("INSERT INTO t VALUES (1)");
        return "done";
      });
      assertEquals([result, yield* count()], ["done", 1]);
      const failed = new Error("no");
      try {
        yield* cursor.transaction(function* (cursor) {
          yield* cursor.execute("INSERT INTO t VALUES (2)");
          throw failed;
        }, "immediate");
      } catch (error) {
        assertEquals(error, failed);
      }
      assertEquals(yield* count(), 1);
      const doomed = Scheduler.instance().spawn(function* () {
        yield* cursor.transaction(function* (cursor) {
          yield* cursor.execute("INSERT INTO t VALUES (3)");
          yield* sleep(60);
        });
      });
      yield* sleep(0.1);
      doomed.terminate();
      yield* doomed.finish();
      assertEquals(yield* count(), 1);
      yield* cursor.close();
    });
  });
});

Deno.test("a transaction within another is a savepoint", async () => {
  await run(function* () {
    const cursor = new AsyncDBCursor(":memory:");
    yield* cursor.execute("CREATE TABLE t (a)");
    yield* cursor.transaction(function* (cursor) {
      yield* cursor.execute("INSERT INTO t VALUES (1)");
      try {
        yield* cursor.transaction(function* (cursor) {
          yield* cursor.execute("INSERT INTO t VALUES (2)");
          throw new Error("inner");
        });
      } catch {
        // Only the inner one is undone.
      }
      yield* cursor.transaction(function* (cursor) {
        yield* cursor.execute("INSERT INTO t VALUES (3)");
      });
    });
    yield* cursor.execute("SELECT a FROM t ORDER BY a");
    assertEquals(yield* cursor.fetchall(), [{ a: 1 }, { a: 3 }]);
    yield* cursor.close();
  });
});

Deno.test("a coroutine in a transaction uses the connection alone", async () => {
  await using pool = new WorkerPool(1);
  await run(function* () {
    const cursor = new AsyncDBCursor(pool, ":memory:");
    yield* cursor.execute("CREATE TABLE t (n)");
    yield* cursor.execute("INSERT INTO t VALUES (0)");
    const add = function* (): Generator<unknown, void> {
      using own = cursor.cursor();
      yield* own.transaction(function* (own) {
        yield* own.execute("SELECT n FROM t");
        const { n } = yield* own.fetchone();
        yield* sleep(0.001);
        yield* own.execute("UPDATE t SET n = ?", [n + 1]);
      });
    };
    const adders = Array.from({ length: 10 }, () => Scheduler.instance().spawn(add));
    for (const adder of adders) yield* adder.finish();
    yield* cursor.execute("SELECT n FROM t");
    assertEquals(yield* cursor.fetchone(), { n: 10 });
    yield* cursor.close();
  });
});

Deno.test("several cursors use one file, each with its own connection", async () => {
  await withFile(async (path) => {
    await using pool = new WorkerPool(2);
    await run(function* () {
      const first = new AsyncDBCursor(pool, path, { busyTimeout: 5 });
      yield* first.executescript("PRAGMA journal_mode = WAL; CREATE TABLE t (who, n)");
      yield* all(["a", "b", "c"].map((who) =>
        function* (): Generator<unknown, void> {
          const cursor = new AsyncDBCursor(pool, path, { busyTimeout: 5 });
          for (let n = 0; n < 20; n++) yield* cursor.execute("INSERT INTO t VALUES (?, ?)", [who, n]);
          yield* cursor.close();
        }()
      ));
      yield* first.execute("SELECT who, sum(n) AS s FROM t GROUP BY who ORDER BY who");
      assertEquals(yield* first.fetchall(), [{ who: "a", s: 190 }, { who: "b", s: 190 }, { who: "c", s: 190 }]);
      yield* first.close();
    });
  });
});

Deno.test("a slow query does not delay a 5 ms ticker", async () => {
  await using pool = new WorkerPool(1);
  await run(function* (coro) {
    const cursor = new AsyncDBCursor(pool, ":memory:");
    yield* cursor.execute("SELECT 1");
    let ticks = 0;
    let longest = 0;
    const ticker = Scheduler.instance().spawnWith({ daemon: true }, function* (ticker) {
      for (let last = performance.now();; ticks++) {
        yield* ticker.sleep(0.005);
        longest = Math.max(longest, performance.now() - last);
        last = performance.now();
      }
    });
    const start = performance.now();
    yield* cursor.execute(SLOW);
    const took = performance.now() - start;
    assertEquals(yield* cursor.fetchone(), { m: 1500000 });
    // There would be no ticks if the query ran in this thread. Other programs may delay this one.
    assert(took > 50 && ticks > took / 40, `${ticks} ticks in ${took} ms`);
    assert(longest < took / 2, `${longest} of ${took} ms`);
    ticker.terminate();
    yield* cursor.close();
    yield* coro.sleep(0);
  });
});

Deno.test("a query that is cut short ends by itself, or its connection is lost", async () => {
  await using pool = new WorkerPool(1, { grace: 0.01 });
  await run(function* () {
    const cursor = new AsyncDBCursor(pool, ":memory:");
    yield* cursor.execute("CREATE TABLE t (a)");
    try {
      yield* withTimeout(0.02, cursor.execute(SLOW));
    } catch {
      // Expected.
    }
    yield* sleep(0.1);
    try {
      yield* cursor.execute("SELECT * FROM t");
    } catch (error) {
      assert(error instanceof WorkerError);
    }
    yield* cursor.close();
    const fresh = new AsyncDBCursor(pool, ":memory:");
    yield* fresh.execute("SELECT 1 AS one");
    assertEquals(yield* fresh.fetchone(), { one: 1 });
    yield* fresh.close();
  });
});

Deno.test("bad input is refused at the call", async () => {
  assertThrows(() => new AsyncDBCursor(3 as never), TypeError, "current value is 3");
  assertThrows(() => new AsyncDBCursor(":memory:", { rows: "x" as never }), TypeError, "'rows'");
  await using pool = new WorkerPool(1);
  const cursor = new AsyncDBCursor(pool, ":memory:");
  assertThrows(() => cursor.execute(1 as never), TypeError, "'sql' must be a string");
  assertThrows(() => cursor.execute("SELECT ?", 1 as never), TypeError, "'parameters' must be an array or an object");
  assertThrows(() => cursor.fetchmany(0), RangeError, "'count'");
  assertThrows(() => cursor.transaction(function* () {}, "now" as never), TypeError, "no such mode");
  await run(function* () {
    yield* cursor.close();
    yield* cursor.close();
  });
  assertThrows(() => cursor.execute("SELECT 1"), ClosedError, "it is closed");
});

Deno.test("every method of a closed cursor throws a ClosedError, and closing it again has no effect", async () => {
  await using pool = new WorkerPool(1);
  const calls: ((cursor: AsyncDBCursor) => unknown)[] = [
    (cursor) => cursor.execute("SELECT 1"),
    (cursor) => cursor.executemany("INSERT INTO t VALUES (?)", [[1]]),
    (cursor) => cursor.executescript("SELECT 1"),
    (cursor) => cursor.fetchone(),
    (cursor) => cursor.fetchmany(2),
    (cursor) => cursor.fetchall(),
    (cursor) => cursor.transaction(function* () {}),
    (cursor) => cursor.cursor(),
    (cursor) => cursor[Symbol.iterator]().next(),
  ];
  await run(function* () {
    const first = new AsyncDBCursor(pool, ":memory:");
    yield* first.execute("SELECT 1");
    for (
      const close of [(cursor: AsyncDBCursor) => cursor.close(), (cursor: AsyncDBCursor) => cursor[Symbol.dispose]()]
    ) {
      const cursor = first.cursor();
      yield* cursor.execute("SELECT 1");
      yield close(cursor);
      yield close(cursor);
      for (const call of calls) {
        assertThrows(() => call(cursor), ClosedError, "Cannot use a database cursor as it is closed");
      }
      assertInstanceOf(yield* failureOf(cursor.forEach(() => {})), ClosedError);
      const rows = cursor[Symbol.asyncIterator]();
      assertInstanceOf(yield rows.next().catch((error) => error), ClosedError);
    }
    yield* first.close();
  });
});

Deno.test("an operation that is yielded after its cursor was closed throws a ClosedError", async () => {
  await using pool = new WorkerPool(1);
  await run(function* () {
    for (const shared of [true, false]) {
      const cursor = new AsyncDBCursor(pool, ":memory:");
      yield* cursor.execute("SELECT 1");
      const other = shared ? cursor.cursor() : null;
      const early = [
        cursor.execute("SELECT 2"),
        cursor.executemany("INSERT INTO t VALUES (?)", [[1]]),
        cursor.executescript("SELECT 1"),
        cursor.fetchone(),
        cursor.transaction(function* () {}),
      ];
      yield* cursor.close();
      for (const operation of early) assertInstanceOf(yield* failureOf(operation), ClosedError);
      if (other !== null) yield* other.close();
    }
  });
});

Deno.test("operations that wait for their turn when the cursor is closed are executed before", async () => {
  await using pool = new WorkerPool(1);
  await run(function* () {
    const cursor = new AsyncDBCursor(pool, ":memory:");
    const waiting = Scheduler.instance().spawn(function* () {
      yield* cursor.execute("SELECT 1 AS one");
      return "executed";
    });
    // It begins before the close, which then waits for its turn.
    yield* sleep(0.001);
    yield* cursor.close();
    assertEquals(yield* waiting.finish(), "executed");
  });
});

Deno.test("busyTimeout is a number of seconds or a duration", async () => {
  await using pool = new WorkerPool(1);
  await run(function* () {
    for (
      const [busyTimeout, milliseconds] of [
        [undefined, 0],
        [0, 0],
        [-1, 0],
        [0.25, 250],
        [{ milliseconds: 250 }, 250],
        [{ minutes: 1, seconds: 2 }, 62_000],
        [Infinity, 2 ** 31 - 1],
        [null, 2 ** 31 - 1],
      ] as const
    ) {
      const cursor = new AsyncDBCursor(pool, ":memory:", { busyTimeout });
      yield* cursor.execute("PRAGMA busy_timeout");
      assertEquals(yield* cursor.fetchone(), { timeout: milliseconds });
      yield* cursor.close();
    }
  });
  for (const busyTimeout of [NaN, "1s", {}, { second: 1 }]) {
    assertThrows(
      () => new AsyncDBCursor(pool, ":memory:", { busyTimeout: busyTimeout as never }),
      TypeError,
      "Cannot open",
    );
  }
});
