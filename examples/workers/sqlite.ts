/**
 * A database in a worker: long queries do not stop the coroutines, and a transaction that fails is rolled back.
 *
 *     deno run examples/workers/sqlite.ts
 */
import { Coro, main } from "@asyncoro/asyncoro";
import { AsyncDBCursor, DatabaseError } from "@asyncoro/asyncoro/workers";

main(function* () {
  const cursor = new AsyncDBCursor(":memory:");
  yield* cursor.execute("CREATE TABLE accounts (name TEXT PRIMARY KEY, balance INTEGER CHECK (balance >= 0))");
  yield* cursor.executemany("INSERT INTO accounts VALUES (?, ?)", [["Ada", 100], ["Alan", 20]]);
  console.log(`${cursor.rowcount} accounts`);

  const transfer = (from: string, to: string, amount: number) =>
    cursor.transaction(function* (cursor) {
      yield* cursor.execute("UPDATE accounts SET balance = balance + ? WHERE name = ?", [amount, to]);
      yield* cursor.execute("UPDATE accounts SET balance = balance - ? WHERE name = ?", [amount, from]);
    });
  yield* transfer("Ada", "Alan", 70);
  try {
    yield* transfer("Ada", "Alan", 70);
  } catch (error) {
    if (!(error instanceof DatabaseError)) throw error;
    console.log(`${error.code}: ${error.message}`);
  }
  yield* cursor.execute("SELECT name, balance FROM accounts ORDER BY name");
  yield* cursor.forEach(({ name, balance }) => console.log(`${name}: ${balance}`));

  let ticks = 0;
  const ticker = new Coro(function* (ticker) {
    ticker.setDaemon();
    for (;; ticks++) yield* ticker.sleep(0.005);
  });
  yield* cursor.execute(
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000000) SELECT sum(i) AS sum FROM n",
  );
  console.log(
    "sum:",
    (yield* cursor.fetchone()).sum,
    ticks > 3 ? "while the ticker ticked on" : "and nothing else ran",
  );
  ticker.terminate();
  yield* cursor.close();
});
