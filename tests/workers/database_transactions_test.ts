import { all, ClosedError, run, Scheduler, sleep, TimeoutError, withTimeout } from "@asyncoro/asyncoro";
import { assert, assertEquals, assertInstanceOf, assertStringIncludes } from "@std/assert";
import { AsyncDBCursor, WorkerPool } from "../../core/workers/mod.ts";
import { failureOf, insert, isClean, onDisk, refusalOf, withBank, withFile } from "./database_files.ts";

/** Takes about half a second. */
const SLOW =
  `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1500000) SELECT max(i) AS m FROM n`;

Deno.test("a transaction that is cut short while it begins does not begin, or is rolled back", async () => {
  await withFile(async (path) => {
    await run(function* () {
      const db = new AsyncDBCursor(path, { busyTimeout: 10 });
      const other = new AsyncDBCursor(path);
      yield* db.execute("CREATE TABLE t (n INTEGER)");
      yield* other.execute("BEGIN EXCLUSIVE");
      const work = db.transaction(() => insert(db, 1), "immediate");
      assertInstanceOf(yield* failureOf(withTimeout(0.05, work)), TimeoutError);
      const next = Scheduler.instance().spawn(function* () {
        return yield* insert(db, 2);
      });
      yield* other.execute("ROLLBACK");
      // The statement that waited behind it is not part of it.
      yield* next.finish();
      assertEquals(yield* onDisk(path), [2]);
      assert(yield* isClean(db));
      yield* other.execute("INSERT INTO t VALUES (4)");
      yield* db.close();
      yield* other.close();
      assertEquals(yield* onDisk(path), [2, 4, 99]);
    });
  });
});

Deno.test("a transaction that SQLite has rolled back refuses more statements, and is not committed", async () => {
  await withBank(function* ({ path, db }) {
    yield* db.execute("CREATE TABLE u (n INTEGER UNIQUE)");
    yield* db.execute("INSERT INTO u VALUES (1)");
    const seen: unknown[] = [];
    const conflict = function* (): Generator<unknown, void> {
      seen.push((yield* failureOf(db.execute("INSERT OR ROLLBACK INTO u VALUES (1)"))).message);
    };
    for (
      const more of [
        () => insert(db, 2),
        () => db.executemany("INSERT INTO t VALUES (?)", [[2]]),
        () => db.executescript("INSERT INTO t VALUES (2)"),
        () => db.transaction(() => insert(db, 2)),
        function* (): Generator<unknown, void> {},
      ]
    ) {
      const error = yield* refusalOf(db.transaction(function* () {
        yield* insert(db, 1);
        yield* conflict();
        yield* more() as Generator<unknown, void>;
      }));
      assertEquals([error.code, error.errcode], ["SQLITE_ABORT", 516]);
    }
    assertEquals(seen[0], "UNIQUE constraint failed: u.n");
    assertEquals(yield* onDisk(path), []);
    assert(yield* isClean(db));
  });
});

Deno.test("a transaction that its own statements end fails, and the connection is clean", async () => {
  await withBank(function* ({ path, db }) {
    yield* refusalOf(db.transaction(function* () {
      yield* insert(db, 1);
      yield* db.execute("ROLLBACK");
    }));
    const own = new Error("mine");
    const error = yield* failureOf(db.transaction(function* () {
      yield* insert(db, 2);
      yield* db.execute("ROLLBACK");
      throw own;
    }));
    assertEquals(error, own);
    // Without its savepoint the inner transaction cannot be rolled back alone, so everything is.
    const lost = yield* refusalOf(db.transaction(function* () {
      yield* insert(db, 3);
      const within = yield* failureOf(db.transaction(function* () {
        yield* insert(db, 4);
        yield* db.execute("RELEASE asyncoro_1");
        throw own;
      }));
      assertEquals(within, own);
      yield* insert(db, 5);
    }));
    assertEquals(lost.errcode, 516);
    assertEquals(yield* onDisk(path), []);
    assert(yield* isClean(db));
  });
});

Deno.test("transaction() within one that was begun by a statement fails, and does not change that one", async () => {
  await withBank(function* ({ path, db }) {
    yield* db.execute("BEGIN");
    yield* insert(db, 1);
    const error = yield* failureOf(db.transaction(() => insert(db, 2)));
    assertStringIncludes(error.message, "cannot start a transaction within a transaction");
    yield* db.execute("COMMIT");
    assertEquals(yield* onDisk(path), [1]);
  });
});

Deno.test("transactions of several branches of one coroutine do not mix", async () => {
  await withBank(function* ({ path, db }) {
    const failing = function* (): Generator<unknown, string> {
      return (yield* failureOf(db.transaction(function* () {
        yield* insert(db, 1);
        yield* sleep(0.02);
        yield* insert(db, 1);
        throw new Error("no");
      }))).message;
    };
    const fine = function* (): Generator<unknown, string> {
      yield* sleep(0.005);
      return yield* db.transaction(function* () {
        yield* insert(db, 2);
        // Branches of the body are in the transaction; they take turns.
        yield* all(
          insert(db, 3),
          db.transaction(function* () {
            yield* insert(db, 4);
            yield* sleep(0.01);
            yield* insert(db, 4);
          }),
          failureOf(db.transaction(function* () {
            yield* insert(db, 5);
            yield* sleep(0.01);
            throw new Error("only this");
          })),
        );
        return "fine";
      });
    };
    const alone = function* (): Generator<unknown, string> {
      yield* sleep(0.01);
      return yield* insert(db, 6);
    };
    assertEquals(yield* all(failing(), fine(), alone()), ["no", "fine", "done"]);
    assertEquals(yield* onDisk(path), [2, 3, 4, 4, 6]);
    assert(yield* isClean(db));
  });
});

Deno.test("a transaction within another that is cut short is rolled back alone", async () => {
  await withBank(function* ({ path, db }) {
    yield* db.transaction(function* () {
      yield* insert(db, 1);
      const error = yield* failureOf(withTimeout(
        0.03,
        db.transaction(function* () {
          yield* insert(db, 2);
          yield* sleep(60);
        }),
      ));
      assertInstanceOf(error, TimeoutError);
      yield* insert(db, 3);
    });
    assertEquals(yield* onDisk(path), [1, 3]);
  });
});

Deno.test("statements after one that was cut short are executed after it", async () => {
  await withBank(function* ({ path, db }) {
    assertInstanceOf(yield* failureOf(withTimeout(0.05, db.execute(SLOW))), TimeoutError);
    yield* insert(db, 1);
    const error = yield* failureOf(db.transaction(function* () {
      yield* insert(db, 2);
      yield* withTimeout(0.05, db.execute(SLOW));
    }));
    assertInstanceOf(error, TimeoutError);
    assertEquals(yield* onDisk(path), [1]);
    assert(yield* isClean(db));
  });
});

Deno.test("executemany() that is cut short ends soon, and in a transaction no change stays", async () => {
  await withFile(async (path) => {
    await using pool = new WorkerPool(1, { grace: 30 });
    await run(function* () {
      const db = new AsyncDBCursor(pool, path);
      yield* db.executescript(`
        CREATE TABLE t (n INTEGER); CREATE TABLE slow (n INTEGER);
        CREATE TRIGGER tick AFTER INSERT ON t BEGIN
          INSERT INTO slow ${SLOW.replace("1500000", "40000")};
        END`);
      const error = yield* failureOf(withTimeout(
        0.3,
        db.transaction(function* () {
          yield* db.executemany("INSERT INTO t VALUES (?)", Array.from({ length: 5000 }, (_, n) => [n]));
        }),
      ));
      assertInstanceOf(error, TimeoutError);
      // All executions would take longer than the busy timeout.
      assertEquals(yield* onDisk(path), []);
      assertEquals(yield* onDisk(path, "SELECT n FROM slow"), []);
      assert(yield* isClean(db));
      yield* db.close();
    });
  });
});

Deno.test("closing waits for the open transaction, and happens even if its wait is cut short", async () => {
  await withFile(async (path) => {
    await using pool = new WorkerPool(1);
    await run(function* () {
      const db = new AsyncDBCursor(pool, path);
      yield* db.execute("CREATE TABLE t (n INTEGER)");
      const own = db.cursor();
      const waiting = Scheduler.instance().spawn(function* () {
        return yield* db.transaction(function* () {
          yield* insert(db, 1);
          yield* sleep(0.1);
          yield* insert(db, 2);
          return "committed";
        });
      });
      yield* sleep(0.03);
      assertInstanceOf(yield* failureOf(withTimeout(0.01, own.close())), TimeoutError);
      assertEquals(yield* waiting.finish(), "committed");
      // A connection whose opening was cut short does not stay open either.
      const third = new AsyncDBCursor(pool, path);
      const busy = pool.run(() => {
        for (const end = performance.now() + 50; performance.now() < end;);
      });
      assertInstanceOf(yield* failureOf(withTimeout(0.01, third.execute("SELECT 1"))), TimeoutError);
      third[Symbol.dispose]();
      yield busy;
      yield* db.close();
      yield* own.close();
      const opened = yield* pool.asyncTask(() =>
        (globalThis as unknown as Record<symbol, Map<unknown, unknown>>)[Symbol.for("asyncoro.databases")].size
      );
      assertEquals(opened, 0);
      assertEquals(yield* onDisk(path), [1, 2]);
    });
  });
});

Deno.test("a transaction that closes its cursor is rolled back", async () => {
  await withFile(async (path) => {
    await run(function* () {
      const db = new AsyncDBCursor(path);
      yield* db.execute("CREATE TABLE t (n INTEGER)");
      const error = yield* failureOf(db.transaction(function* () {
        yield* insert(db, 1);
        yield* db.close();
      }));
      assertInstanceOf(error, ClosedError);
      assertEquals(yield* onDisk(path), []);
    });
  });
});
