/** The types of tasks in workers: their arguments and their results. */
import { AsyncDBCursor, type ResultStream, type Row, run, WorkerPool, type WorkerTask } from "@asyncoro/asyncoro";
import { assertEquals } from "@std/assert";
import { expectType } from "./expect_type.ts";

Deno.test("a task takes the arguments of its function, and returns its result", async () => {
  await using pool = new WorkerPool(1);
  await run(function* () {
    expectType<number>()(yield* pool.asyncTask((n: number) => n + 1, 41));
    expectType<string>()(yield* pool.asyncTask(async (text: string) => await Promise.resolve(text), "text"));
    const returned = yield* pool.asyncTask(
      function* (n: number) {
        yield "not wanted";
        return n;
      },
      1,
    );
    expectType<number>()(returned);
    const result = yield* pool.asyncTaskWith(
      { timeout: 30 },
      function (n: number) {
        expectTask(this);
        return n;
        // The function is sent as its source, so it contains what it calls.
        function expectTask(_task: WorkerTask): void {}
      },
      1,
    );
    expectType<number>()(result);
  });
  expectType<number>()(await pool.run((a: number, b?: number) => a + (b ?? 0), 1));
  expectType<{ n: number }>()(await pool.runWith({}, (n: number) => ({ n }), 1));
});

Deno.test("a function of a module has the result type that its caller declares", async () => {
  await using pool = new WorkerPool(1);
  const module = "data:text/javascript,export default (n) => n + 1";
  await run(function* () {
    expectType<unknown>()(yield* pool.asyncTask({ module }, 1));
    const two = yield* pool.asyncTask<number>({ module }, 1);
    expectType<number>()(two);
    assertEquals(two, 2);
    expectType<number[]>()(yield* pool.map<number>([1], { module }));
  });
  expectType<number>()(await pool.run<number>({ module, name: "default" }, 1));
});

Deno.test("map() returns an array of results, stream() yields them in turn", async () => {
  await using pool = new WorkerPool(1);
  await run(function* () {
    const doubled = pool.map(new Set([1, 2]), (n, index) => n * 2 + index);
    expectType<ResultStream<number>>()(pool.map([1], (n) => n).stream());
    expectType<number[]>()(yield* doubled);
    const lines = pool.stream(
      function* (count: number) {
        for (let i = 0; i < count; i++) yield `line ${i}`;
        return count;
      },
      2,
    );
    expectType<ResultStream<string, number>>()(lines);
    const step = yield* lines.next();
    if (step.done) expectType<number>()(step.value);
    else expectType<string>()(step.value);
    const seen: string[] = [];
    // The type that an action returns does not matter.
    expectType<number>()(yield* lines.forEach((line) => seen.push(line)));
    assertEquals(seen, ["line 1"]);
  });
});

/** Not called: each use must not compile. */
export function* refused(pool: WorkerPool, cursor: AsyncDBCursor): Generator<unknown, void, unknown> {
  // @ts-expect-error -- it takes a number
  pool.asyncTask((n: number) => n, "1");
  // @ts-expect-error -- an argument is missing
  pool.run((n: number) => n);
  // @ts-expect-error -- it takes one argument
  pool.asyncTask((n: number) => n, 1, 2);
  // @ts-expect-error -- the code of a task is in a function or in a module
  pool.asyncTask("1 + 1");
  // @ts-expect-error -- a module has an address
  pool.run({ name: "work" });
  // @ts-expect-error -- there is no such option
  pool.runWith({ seconds: 1 }, () => 1);
  // @ts-expect-error -- items are numbers
  pool.map([1], (text: string) => text);
  // @ts-expect-error -- only a generator yields several results
  pool.stream(() => 1);
  // @ts-expect-error -- there is no such permission
  new WorkerPool(1, { permissions: "all" });
  interface User {
    readonly name: string;
  }
  const users = new AsyncDBCursor<User>(":memory:");
  expectType<User | null>()(yield* users.fetchone());
  expectType<User[]>()(yield* users.fetchmany(2));
  expectType<User[]>()(yield* users.fetchall());
  expectType<User[]>()(yield* (yield* users.execute("SELECT name FROM users")).fetchall());
  for (const next of users) expectType<User | null>()(yield* next);
  expectType<number>()(yield* users.forEach((user) => expectType<User>()(user)));
  expectType<User | null>()(yield* users.cursor().fetchone());
  expectType<{ n: number } | null>()(yield* users.cursor<{ n: number }>().fetchone());
  expectType<string[]>()(
    yield* users.transaction(function* (inside) {
      expectType<AsyncDBCursor<User>>()(inside);
      return (yield* inside.fetchall()).map(({ name }) => name);
    }),
  );
  expectType<[number, string][]>()(
    yield* new AsyncDBCursor<[number, string]>(pool, "file", { rows: "array" }).fetchall(),
  );
  // Every cursor is assignable to one whose rows have any type.
  const either: AsyncDBCursor = users;
  // @ts-expect-error -- there is no such column
  expectType<unknown>()((yield* users.fetchone())!.age);
  // @ts-expect-error -- there may be no row
  expectType<unknown>()((yield* users.fetchone()).name);
  // @ts-expect-error -- a Date is not a value of SQL
  either.execute("SELECT ?", [new Date()]);
  expectType<Row | null>()(yield* cursor.fetchone());
  expectType<Row[]>()(yield* cursor.fetchmany(2));
  expectType<AsyncDBCursor>()(yield* cursor.execute("SELECT ?", [1]));
  expectType<number>()(
    yield* cursor.transaction(function* (inside) {
      expectType<AsyncDBCursor>()(inside);
      return (yield* inside.fetchall()).length;
    }),
  );
  // @ts-expect-error -- a function is not a value of SQL
  cursor.execute("SELECT ?", [() => 1]);
}
