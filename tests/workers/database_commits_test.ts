/** The end of a transaction: its outcome is always the one in the database. */
import { current, race, run, Scheduler, sleep, TimeoutError, withTimeout } from "@asyncoro/asyncoro";
import * as asyncio from "@asyncoro/asyncoro/asyncio";
import { assert, assertEquals, assertInstanceOf } from "@std/assert";
import { AsyncDBCursor, WorkerError, WorkerPool } from "../../core/workers/mod.ts";
import { failureOf, insert, isClean, onDisk, refusalOf, withBank, withFile } from "./database_files.ts";

Deno.test("a transaction whose time runs out while it commits returns its value", async () => {
  await withBank(function* ({ path, db, hold, release }) {
    yield* hold();
    const waiting = Scheduler.instance().spawn(function* () {
      return yield* withTimeout(0.2, db.transaction((cursor) => insert(cursor, 1)));
    });
    yield* sleep(0.5);
    assert(waiting.isAlive());
    yield* release();
    assertEquals(yield* waiting.finish(), "done");
    assertEquals(yield* onDisk(path), [1]);
    assert(yield* isClean(db));
  });
});

Deno.test("a commit that fails throws its error, also if time has run out meanwhile", async () => {
  await withBank(function* ({ path, db, hold, release }) {
    yield* hold();
    const work = db.transaction((cursor) => insert(cursor, 1));
    const error = yield* refusalOf(withTimeout(0.1, work));
    assertEquals([error.code, error.message], ["SQLITE_BUSY", "database is locked"]);
    yield* release();
    assertEquals(yield* onDisk(path), []);
    assert(yield* isClean(db));
  }, 0.3);
});

Deno.test("an error thrown into a coroutine while it commits arrives at its next wait", async () => {
  await withBank(function* ({ path, db, hold, release }) {
    yield* hold();
    const seen: unknown[] = [];
    const waiting = Scheduler.instance().spawn(function* () {
      seen.push(yield* db.transaction((cursor) => insert(cursor, 1)));
      try {
        yield* sleep(60);
      } catch (error) {
        seen.push(error);
      }
    });
    yield* sleep(0.2);
    const error = new Error("come home");
    waiting.throw(error);
    yield* sleep(0.1);
    assertEquals(seen, []);
    yield* release();
    yield* waiting.finish();
    assertEquals(seen, ["done", error]);
    assertEquals(yield* onDisk(path), [1]);
  });
});

Deno.test("a coroutine that is terminated while it commits receives the outcome first", async () => {
  await withBank(function* ({ path, db, hold, release }) {
    yield* hold();
    const seen: unknown[] = [];
    const waiting = Scheduler.instance().spawn(function* () {
      try {
        seen.push(yield* db.transaction((cursor) => insert(cursor, 1)));
        yield* sleep(0);
        seen.push("not reached");
      } finally {
        seen.push("cleaned up");
      }
    });
    yield* sleep(0.2);
    waiting.terminate();
    yield* sleep(0.1);
    assertEquals(seen, []);
    yield* release();
    yield* waiting.finish();
    assertEquals(seen, ["done", "cleaned up"]);
    assertEquals(yield* onDisk(path), [1]);
    assert(yield* isClean(db));
  });
});

Deno.test("a cancelled task of asyncio receives the outcome of its commit first", async () => {
  await withBank(function* ({ path, db, hold, release }) {
    yield* hold();
    const seen: unknown[] = [];
    const loop = asyncio.run(function* () {
      const task = asyncio.createTask(function* () {
        seen.push(yield* db.transaction((cursor) => insert(cursor, 1)));
        yield* asyncio.sleep(60);
      });
      yield* asyncio.sleep(0.2);
      task.cancel();
      yield* asyncio.sleep(0.1);
      assertEquals(seen, []);
      try {
        yield* task;
      } catch (error) {
        seen.push((error as Error).name);
      }
    });
    yield* sleep(0.5);
    yield* release();
    yield loop;
    assertEquals(seen, ["done", "CancelledError"]);
    assertEquals(yield* onDisk(path), [1]);
  });
});

Deno.test("a coroutine that is terminated or cancelled before its commit does not commit", async () => {
  await withBank(function* ({ path, db }) {
    const doomed = Scheduler.instance().spawn(function* () {
      yield* db.transaction(function* (cursor) {
        yield* insert(cursor, 1);
        current().terminate();
      });
    });
    yield* doomed.finish();
    assertEquals(yield* onDisk(path), []);
    const task = asyncio.run(function* () {
      yield* db.transaction(function* (cursor) {
        yield* insert(cursor, 1);
        asyncio.currentTask()!.cancel();
      });
    }).catch((error) => error.name);
    assertEquals(yield task, "CancelledError");
    assertEquals(yield* onDisk(path), []);
    assert(yield* isClean(db));
  });
});

Deno.test("a transaction is on disk if and only if it returned its value, whenever it is cut short", async () => {
  await withFile(async (path) => {
    await using pool = new WorkerPool(1);
    await run(function* () {
      const db = new AsyncDBCursor(pool, path);
      yield* db.execute("CREATE TABLE t (n INTEGER)");
      const paid: number[] = [];
      for (let i = 0; i < 150; i++) {
        try {
          yield* withTimeout(
            0.0003 * (i % 15),
            db.transaction(function* () {
              // The inner transaction is released when the outer is committed.
              yield* db.transaction(() => insert(db, i));
            }),
          );
          paid.push(i);
        } catch (error) {
          assertInstanceOf(error, TimeoutError);
        }
      }
      assertEquals(yield* onDisk(path), paid);
      yield* db.close();
    });
  });
});

Deno.test("a race that is cut short while a transaction commits leaves the connection clean", async () => {
  await withBank(function* ({ db, hold, release }) {
    yield* hold();
    const waiting = Scheduler.instance().spawn(function* () {
      return yield* race(
        db.transaction((cursor) => insert(cursor, 1)),
        (function* () {
          yield* sleep(0.1);
          return "too late";
        })(),
      );
    });
    yield* sleep(0.3);
    // It goes on when its branches have ended.
    assert(waiting.isAlive());
    yield* release();
    assertEquals(yield* waiting.finish(), "too late");
    assert(yield* isClean(db));
  });
});

Deno.test("a constraint that is checked at the commit makes it fail, and no change stays", async () => {
  await withBank(function* ({ path, db }) {
    yield* db.executescript(
      "CREATE TABLE p (n INTEGER PRIMARY KEY); " +
        "CREATE TABLE c (n INTEGER REFERENCES p(n) DEFERRABLE INITIALLY DEFERRED)",
    );
    const error = yield* refusalOf(db.transaction(function* () {
      yield* insert(db, 1);
      yield* db.execute("INSERT INTO c VALUES (7)");
    }));
    assertEquals(
      [error.code, error.errcode, error.message],
      ["SQLITE_CONSTRAINT", 787, "FOREIGN KEY constraint failed"],
    );
    assertEquals(yield* onDisk(path), []);
    assert(yield* isClean(db));
  });
});

Deno.test("a transaction whose worker ends is rolled back", async () => {
  await withBank(function* ({ path, hold, release }) {
    for (const when of ["in the body", "while it commits"]) {
      const pool = new WorkerPool(1);
      const db = new AsyncDBCursor(pool, path, { busyTimeout: 0.5 });
      yield* db.execute("SELECT 1");
      if (when === "while it commits") yield* hold();
      const waiting = Scheduler.instance().spawn(function* () {
        return yield* failureOf(db.transaction(function* () {
          yield* insert(db, 1);
          if (when === "in the body") yield* failureOf(pool.asyncTask(() => process.exit(1)));
        }));
      });
      yield* sleep(0.2);
      yield pool.terminate();
      assertInstanceOf(yield* waiting.finish(), WorkerError);
      assertInstanceOf(yield* failureOf(db.cursor().execute("SELECT 1")), WorkerError);
      if (when === "while it commits") {
        // SQLite goes on in the worker that was asked to end.
        yield* sleep(0.5);
        yield* release();
      }
      assertEquals(yield* onDisk(path), []);
      yield* db.close();
    }
  });
});
