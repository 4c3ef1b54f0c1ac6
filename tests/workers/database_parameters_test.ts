import { run } from "@asyncoro/asyncoro";
import { assertEquals, assertThrows } from "@std/assert";
import { AsyncDBCursor, DatabaseError, type SqlParameters } from "../../core/workers/mod.ts";
import { onDisk, refusalOf, withFile } from "./database_files.ts";

/** Runs `use` with a database that has a table `t` with the columns `a` and `b`. */
async function withTable(
  use: (db: AsyncDBCursor) => Generator<unknown, void>,
  options: { bigints?: boolean } = {},
): Promise<void> {
  await run(function* () {
    const db = new AsyncDBCursor(":memory:", options);
    try {
      yield* db.execute("CREATE TABLE t (a, b)");
      yield* use(db);
    } finally {
      yield* db.close();
    }
  });
}

function* all(db: AsyncDBCursor, sql: string, parameters?: SqlParameters): Generator<unknown, unknown[]> {
  yield* db.execute(sql, parameters);
  return yield* db.fetchall();
}

Deno.test("parameters get their values in order, by number or by name", async () => {
  await withTable(function* (db) {
    assertEquals(yield* all(db, "SELECT ? AS a, ?2 AS b, ?1 AS c", [1, "x"]), [{ a: 1, b: "x", c: 1 }]);
    assertEquals(yield* all(db, "SELECT ?3 AS a, ? AS b", [1, 2, 3, 4]), [{ a: 3, b: 4 }]);
    const named = { a: 1, "@b": 2, c: null, more: 4 };
    assertEquals(yield* all(db, "SELECT :a AS a, @b AS b, $c AS c, :a AS d", named), [{ a: 1, b: 2, c: null, d: 1 }]);
    assertEquals(yield* all(db, "SELECT :a AS a, ? AS b, $c AS c", [1, 2, 3]), [{ a: 1, b: 2, c: 3 }]);
    assertEquals(yield* all(db, "SELECT :a AS a, ?3 AS b, ? AS c", [1, 2, 3, 4]), [{ a: 1, b: 3, c: 4 }]);
    assertEquals(yield* all(db, "SELECT :constructor AS a", { constructor: 1 } as never), [{ a: 1 }]);
    assertEquals(yield* all(db, "SELECT 1 AS a"), [{ a: 1 }]);
    class Person {
      name = "Ada";
      age = 36;
    }
    assertEquals(yield* all(db, "SELECT :name AS n", new Person() as never), [{ n: "Ada" }]);
  });
});

Deno.test("every value comes back as it was given", async () => {
  await withTable(function* (db) {
    const values = [
      null,
      0,
      -1.5,
      2 ** 53,
      1e300,
      Infinity,
      "",
      "äß😀\n'\"",
      new Uint8Array(0),
      new Uint8Array([0, 255]),
    ];
    for (const value of values) assertEquals(yield* all(db, "SELECT ? AS v", [value]), [{ v: value }]);
    const part = new Uint8Array([1, 2, 3, 4]).subarray(1, 3);
    assertEquals(yield* all(db, "SELECT ? AS v, ? AS w", [part, 7n]), [{ v: new Uint8Array([2, 3]), w: 7 }]);
  });
});

Deno.test("too few, too many and missing values are refused, and nothing is executed", async () => {
  await withTable(function* (db) {
    const cases: [string, SqlParameters, string][] = [
      ["INSERT INTO t VALUES (?, ?)", [7], "has 2 parameters: current number of values is 1"],
      ["INSERT INTO t VALUES (?, ?)", [], "current number of values is 0"],
      ["INSERT INTO t VALUES (?, ?)", [1, 2, 3], "current number of values is 3"],
      ["INSERT INTO t VALUES (1, 2)", [1], "has 0 parameters"],
      ["INSERT INTO t VALUES (?3, 1)", [1, 2], "has 3 parameters"],
      ["INSERT INTO t VALUES (':a', '?')", [1], "has 0 parameters"],
      ["", [1], "has 0 parameters"],
      ["INSERT INTO t VALUES (:a, :b)", { a: 1 }, "no value for parameter :b: current names are a"],
      ["INSERT INTO t VALUES (:toString, 1)", {}, "no value for parameter :toString: current names are none"],
      ["INSERT INTO t VALUES (?, :b)", { b: 1 }, "parameter 1 has no name"],
    ];
    for (const [sql, parameters, message] of cases) {
      const error = assertThrows(() => db.execute(sql, parameters), DatabaseError, message);
      assertEquals(error.code, "SQLITE_RANGE");
      if (sql === "") continue;
      assertThrows(() => db.executemany(sql, [parameters]), DatabaseError, message);
    }
    assertEquals(yield* all(db, "SELECT * FROM t"), []);
  });
});

Deno.test("a value that SQLite cannot store is refused in any position", async () => {
  await withTable(function* (db) {
    const values: unknown[] = [
      undefined,
      true,
      new Date(0),
      new Map(),
      [],
      {},
      new ArrayBuffer(8),
      new Float64Array(1),
      new DataView(new ArrayBuffer(1)),
      Symbol("s"),
      () => 1,
      new String("x"),
      2n ** 63n,
      -(2n ** 63n) - 1n,
      "a\0b",
      "\0",
      "half \ud800 of it",
    ];
    for (const value of values) {
      for (const parameters of [[value, 1], [1, value], { a: 1, b: value }]) {
        const sql = Array.isArray(parameters) ? "INSERT INTO t VALUES (?, ?)" : "INSERT INTO t VALUES (:a, :b)";
        const error = assertThrows(() => db.execute(sql, parameters as never), DatabaseError, "Cannot bind parameter");
        assertEquals([error.code, error.errcode], ["SQLITE_MISMATCH", 20]);
        assertThrows(() => db.executemany(sql, [parameters as never]), DatabaseError);
      }
    }
    for (const parameters of [new Map(), new Date(), new Set(), new Uint8Array(2), new ArrayBuffer(1), null, 1, "ab"]) {
      assertThrows(() => db.execute("INSERT INTO t VALUES (?, ?)", parameters as never), TypeError, "'parameters'");
    }
    // deno-lint-ignore no-sparse-arrays -- a hole is not a value
    assertThrows(() => db.execute("INSERT INTO t VALUES (?, ?)", [, 1] as never), DatabaseError);
    assertEquals(yield* all(db, "SELECT * FROM t"), []);
    yield* db.execute("INSERT INTO t VALUES (?, ?)", [2n ** 63n - 1n, -(2n ** 63n)]);
  });
});

Deno.test("only one statement is executed at once; a text with more is refused", async () => {
  await withTable(function* (db) {
    const several = [
      "INSERT INTO t VALUES (8, 8); INSERT INTO t VALUES (9, 9)",
      "INSERT INTO t VALUES (8, 8); x",
      "INSERT INTO t VALUES (8, 8); -- c\n ; /* c */ SELECT 1",
      ";INSERT INTO t VALUES (8, 8);;'",
      "INSERT INTO t VALUES (8, 8) RETURNING a; DELETE FROM t",
      "CREATE TRIGGER r AFTER INSERT ON t BEGIN SELECT 1; END; INSERT INTO t VALUES (8, 8)",
    ];
    for (const sql of several) {
      const error = yield* refusalOf(db.execute(sql));
      assertEquals([error.code, error.message.slice(0, 41)], [
        "SQLITE_MISUSE",
        "Cannot execute several statements at once",
      ]);
      if (!sql.includes("TRIGGER")) yield* refusalOf(db.executemany(sql, [[]]));
    }
    assertEquals(yield* all(db, "SELECT * FROM t"), []);
    const one = [
      "INSERT INTO t VALUES ('a;b', \"a\"); ",
      "INSERT INTO t VALUES ('it''s; --', 1) ; ; -- ; INSERT",
      "INSERT INTO t (a, [b]) VALUES (1, 2) /* ; */; /* ; not ended",
      "-- first;\n;\n;INSERT INTO t (`a`) VALUES (';')\n;",
      "\ufeffINSERT INTO t VALUES ('äöü€😀;', 1);",
      "CREATE TRIGGER r AFTER INSERT ON t BEGIN SELECT ';'; SELECT 2; END;",
      "CREATE TABLE [a;b] (x)",
    ];
    for (const sql of one) yield* db.execute(sql.replace('"a"', "'a'"));
    assertEquals(yield* all(db, "SELECT count(*) AS n FROM t"), [{ n: 5 }]);
  });
});

Deno.test("a text without a statement has no rows", async () => {
  await withTable(function* (db) {
    for (const sql of ["", "  ", ";", "-- SELECT 1", "/* x */;", "/* not ended"]) {
      yield* db.execute("SELECT 1");
      yield* db.execute(sql);
      assertEquals([db.description, db.rowcount], [null, -1]);
      assertEquals([yield* db.fetchone(), yield* db.fetchmany(2), yield* db.fetchall()], [null, [], []]);
      yield* db.executescript(sql);
    }
  });
});

Deno.test("NUL and half of a surrogate pair in SQL are refused", async () => {
  await withTable(function* (db) {
    for (const sql of ["INSERT INTO t VALUES (1, 2)\0", "INSERT INTO t VALUES ('a\0b', 2)", "SELECT '\ud800'"]) {
      assertThrows(() => db.execute(sql), DatabaseError, "Cannot execute as 'sql' contains");
      assertThrows(() => db.executescript(sql), DatabaseError);
      assertThrows(() => db.executemany(sql, []), DatabaseError);
    }
    assertEquals(yield* all(db, "SELECT * FROM t"), []);
  });
});

Deno.test("executemany() executes only statements that change rows", async () => {
  await withTable(function* (db) {
    for (const sql of ["SELECT ?", "CREATE TABLE u (a)", "PRAGMA user_version = 1", "", "EXPLAIN DELETE FROM t"]) {
      assertThrows(() => db.executemany(sql, [[]]), DatabaseError, "use execute()");
    }
    yield* db.executemany("WITH x AS (SELECT ? AS a) INSERT INTO t SELECT a, 1 FROM x RETURNING a", [[1], [2], [3n]]);
    assertEquals([db.rowcount, db.lastrowid, db.description, yield* db.fetchall()], [3, 3, null, []]);
    yield* db.executemany("UPDATE t SET b = :b WHERE a >= :a", [{ a: 2, b: 5 }, { a: 3, b: 6 }]);
    assertEquals(db.rowcount, 3);
    assertEquals(yield* all(db, "SELECT b FROM t ORDER BY a"), [{ b: 1 }, { b: 5 }, { b: 6 }]);
    yield* db.executemany("DELETE FROM t WHERE a = ?", []);
    assertEquals(db.rowcount, 0);
  });
});

Deno.test("rowcount, lastrowid and description are those of the last statement", async () => {
  await withTable(function* (db) {
    const resultOf = function* (sql: string): Generator<unknown, unknown[]> {
      yield* db.execute(sql);
      return [db.rowcount, db.lastrowid, db.description];
    };
    assertEquals([db.rowcount, db.lastrowid, db.description], [-1, null, null]);
    assertEquals(yield* resultOf("INSERT INTO t VALUES (1, 1), (2, 2)"), [2, 2, null]);
    assertEquals(yield* resultOf("CREATE TABLE u (a UNIQUE)"), [-1, 2, null]);
    assertEquals(yield* resultOf("SELECT a, b FROM t"), [-1, 2, ["a", "b"]]);
    assertEquals(yield* resultOf("UPDATE t SET a = 3"), [2, 2, null]);
    assertEquals(yield* resultOf("INSERT INTO t VALUES (5, 6), (7, 8) RETURNING a"), [2, 4, ["a"]]);
    assertEquals(yield* resultOf("DELETE FROM t WHERE a = 0 RETURNING a"), [0, 4, ["a"]]);
    assertEquals(yield* resultOf("REPLACE INTO u VALUES (1)"), [1, 1, null]);
    assertEquals(yield* resultOf("INSERT OR IGNORE INTO u VALUES (1)"), [0, 1, null]);
    assertEquals(yield* resultOf("WITH x AS (SELECT 1) DELETE FROM t"), [4, 1, null]);
    assertEquals(yield* resultOf("PRAGMA user_version"), [-1, 1, ["user_version"]]);
    yield* refusalOf(db.execute("INSERT INTO u VALUES (1)"));
    assertEquals([db.rowcount, db.lastrowid, db.description, yield* db.fetchall()], [-1, 1, null, []]);
  });
});

const BIG = 1200000000000000001n;

Deno.test("integers beyond 2^53 are errors, or bigints with the option", async () => {
  await withTable(function* (db) {
    yield* db.executescript(`CREATE TABLE big (id INTEGER PRIMARY KEY); INSERT INTO big VALUES (1), (${BIG}), (3)`);
    const reads = ["SELECT id FROM big ORDER BY id", "SELECT id FROM big ORDER BY id DESC", "SELECT max(id) FROM big"];
    for (const sql of [...reads, `VALUES (1), (${BIG})`, `SELECT -${BIG}`]) {
      const error = yield* refusalOf(db.execute(sql));
      assertEquals([error.code, error.errcode], ["SQLITE_MISMATCH", 20]);
      assertEquals(error.message.includes("use the option 'bigints'"), true);
      assertEquals([db.description, yield* db.fetchall()], [null, []]);
    }
    assertEquals(yield* all(db, "SELECT count(*) AS n FROM big"), [{ n: 3 }]);
    assertEquals(yield* all(db, "SELECT ? AS n", [2 ** 53 - 1]), [{ n: 2 ** 53 - 1 }]);
  });
  await withTable(function* (db) {
    yield* db.execute("INSERT INTO t VALUES (?, ?)", [BIG, 1n]);
    assertEquals([db.rowcount, db.lastrowid], [1, 1n]);
    assertEquals(yield* all(db, "SELECT * FROM t"), [{ a: BIG, b: 1n }]);
  }, { bigints: true });
});

Deno.test("a change that would return an integer beyond 2^53 is not made", async () => {
  await withFile(async (path) => {
    await run(function* () {
      const db = new AsyncDBCursor(path);
      yield* db.execute("CREATE TABLE t (n INTEGER PRIMARY KEY)");
      const sql = "INSERT INTO t VALUES (1), (?), (3) RETURNING n";
      yield* refusalOf(db.execute(sql, [BIG]));
      assertEquals(yield* onDisk(path), []);
      yield* db.transaction(function* () {
        yield* db.execute("INSERT INTO t VALUES (10)");
        yield* refusalOf(db.execute(sql, [BIG]));
        yield* refusalOf(db.execute("INSERT INTO t VALUES (11), (10) RETURNING n"));
        yield* db.execute("INSERT INTO t VALUES (12) RETURNING n");
      });
      assertEquals(yield* onDisk(path), [10, 12]);
      yield* db.close();
    });
  });
});

Deno.test("lastrowid beyond 2^53 is an error, or a bigint with the option, and the row is inserted", async () => {
  for (const sql of ["INSERT INTO big VALUES (?)", "INSERT INTO big VALUES (?) RETURNING 1"]) {
    await withTable(function* (db) {
      yield* db.execute("CREATE TABLE big (id INTEGER PRIMARY KEY)");
      yield* db.execute(sql, [BIG]);
      assertEquals(db.rowcount, 1);
      assertThrows(() => db.lastrowid, DatabaseError, `current value is ${BIG}`);
      yield* db.executemany("INSERT INTO big VALUES (?)", [[BIG + 1n]]);
      assertThrows(() => db.lastrowid, DatabaseError, `current value is ${BIG + 1n}`);
      assertEquals(yield* all(db, "SELECT count(*) AS n FROM big"), [{ n: 2 }]);
      yield* db.execute("INSERT INTO big VALUES (5)");
      assertEquals(db.lastrowid, 5);
    });
    await withTable(function* (db) {
      yield* db.execute("CREATE TABLE big (id INTEGER PRIMARY KEY)");
      yield* db.execute(sql, [BIG]);
      assertEquals(db.lastrowid, BIG);
    }, { bigints: true });
  }
});
