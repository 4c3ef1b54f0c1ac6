import { Coro, run, sleep, withTimeout } from "@asyncoro/asyncoro";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { WorkerError, WorkerPool } from "../../core/workers/mod.ts";
import { eventually } from "./eventually.ts";

function* countTo(n: number): Generator<number, string, unknown> {
  for (let i = 1; i <= n; i++) yield i;
  return "end";
}

/** Counts its steps in shared memory. */
function* counting(at: Int32Array): Generator<number, void, unknown> {
  try {
    for (;;) yield Atomics.add(at, 0, 1);
  } finally {
    Atomics.store(at, 1, 1);
  }
}

const newCounter = () => new Int32Array(new SharedArrayBuffer(8));
const range = (n: number) => Array.from({ length: n }, (_, i) => i);

Deno.test("stream() returns the items of a generator, then its return value", async () => {
  await using pool = new WorkerPool(1);
  const got = await run(function* () {
    const stream = pool.stream(countTo, 3);
    const got: unknown[] = [];
    for (const next of stream) {
      const step = yield* next;
      got.push(step.value);
      if (step.done) break;
    }
    return got;
  });
  assertEquals(got, [1, 2, 3, "end"]);
});

Deno.test("long streams keep their order with forEach and for await", async () => {
  await using pool = new WorkerPool(2);
  const seen: number[] = [];
  const end = await run(function* () {
    return yield* pool.stream(countTo, 5000).forEach((n) => void seen.push(n));
  });
  assertEquals([end, seen.length, seen.every((n, i) => n === i + 1)], ["end", 5000, true]);
  const awaited: number[] = [];
  for await (
    const n of pool.stream(async function* (n: number) {
      for (let i = 0; i < n; i++) yield await Promise.resolve({ i });
    }, 300)
  ) awaited.push(n.i);
  assertEquals(awaited, range(300));
});

Deno.test("a generator is at most 64 results ahead of the reader", async () => {
  await using pool = new WorkerPool(1);
  const at = newCounter();
  await run(function* () {
    using stream = pool.stream(counting, at);
    for (let taken = 1; taken <= 200; taken++) {
      const { value } = yield* stream.next();
      assertEquals(value, taken - 1);
      if (taken % 50 !== 0) continue;
      yield* sleep(0.02);
      assert(at[0] <= taken + 64, `${at[0]} at ${taken}`);
    }
  });
  await eventually(() => at[1] === 1);
});

Deno.test("close() ends the generator, with its finally blocks, and frees the worker", async () => {
  await using pool = new WorkerPool(1);
  const at = newCounter();
  for await (const n of pool.stream(counting, at)) if (n === 5) break;
  await eventually(() => at[1] === 1);
  assertEquals(await pool.run(() => 1), 1);
  assertEquals(pool.stats().started, 1);
});

Deno.test("forEach() closes the stream when its action fails or is cut short", async () => {
  await using pool = new WorkerPool(2);
  const [first, second] = [newCounter(), newCounter()];
  await assertRejects(
    () =>
      run(function* () {
        yield* pool.stream(counting, first).forEach(() => {
          throw new Error("enough");
        });
      }),
    Error,
    "enough",
  );
  const reached = Promise.withResolvers<void>();
  const coro = new Coro(function* () {
    yield* pool.stream(counting, second).forEach(function* () {
      reached.resolve();
      yield* sleep(60);
    });
  });
  await reached.promise;
  coro.terminate();
  await coro.value();
  await eventually(() => first[1] === 1 && second[1] === 1);
});

Deno.test("a generator that throws fails the stream after its items", async () => {
  await using pool = new WorkerPool(1);
  const got = await run(function* () {
    const stream = pool.stream(function* () {
      yield 1;
      throw new RangeError("no more");
    });
    const first = yield* stream.next();
    try {
      yield* stream.next();
    } catch (error) {
      return [first.value, error instanceof WorkerError, (error as Error).name];
    }
  });
  assertEquals(got, [1, true, "RangeError"]);
});

Deno.test("next() that times out loses no result", async () => {
  await using pool = new WorkerPool(1);
  const got = await run(function* () {
    const stream = pool.stream(async function* () {
      for (let i = 0; i < 5; i++) {
        await new Promise((resolve) => setTimeout(resolve, 15));
        yield i;
      }
    });
    const got: unknown[] = [];
    while (got.length < 5) {
      try {
        got.push((yield* withTimeout(0.004, stream.next())).value);
      } catch {
        // Asks again.
      }
    }
    return got;
  });
  assertEquals(got, [0, 1, 2, 3, 4]);
});

Deno.test("map() returns the results in the order of the items", async () => {
  await using pool = new WorkerPool(2);
  const items = range(2000);
  const squares = await run(function* () {
    return yield* pool.map(items, (n: number, index: number) => n * index);
  });
  assertEquals(squares, items.map((n) => n * n));
});

Deno.test("map() with ordered: false returns results as they are done, with progress", async () => {
  await using pool = new WorkerPool(3);
  const progress: unknown[] = [];
  const got: number[] = [];
  const nap = async (ms: number) => {
    await new Promise((resolve) => setTimeout(resolve, ms));
    return ms;
  };
  const onProgress = (done: number, total: number | null) => void progress.push([done, total]);
  await pool.map([1, 1, 1], nap, {}).stream()[Symbol.asyncIterator]().next();
  await run(function* () {
    yield* pool.map(new Set([150, 1, 60]), nap, { ordered: false, onProgress }).stream().forEach((n) =>
      void got.push(n)
    );
  });
  assertEquals(got, [1, 60, 150]);
  assertEquals(progress, [[1, 3], [2, 3], [3, 3]]);
});

Deno.test("map() has no more than concurrency items in work or untaken", async () => {
  await using pool = new WorkerPool(2);
  let given = 0;
  function* items(): Generator<number, void, unknown> {
    for (;;) yield given++;
  }
  await run(function* () {
    using results = pool.map(items(), (n: number) => n, { concurrency: 7 }).stream();
    for (let taken = 1; taken <= 40; taken++) {
      assertEquals((yield* results.next()).value, taken - 1);
      if (taken % 10 === 0) yield* sleep(0.01);
      assert(given <= taken + 7, `${given} at ${taken}`);
    }
  });
  await pool.join();
});

Deno.test("map() fails with the first failure and cancels the rest", async () => {
  await using pool = new WorkerPool(2);
  let closed = false;
  function* items(): Generator<number, void, unknown> {
    try {
      for (let i = 0;; i++) yield i;
    } finally {
      closed = true;
    }
  }
  const odd = (n: number) => {
    if (n === 100) throw new RangeError("a hundred");
    return n;
  };
  await assertRejects(
    () =>
      run(function* () {
        yield* pool.map(items(), odd);
      }),
    WorkerError,
    "a hundred",
  );
  await pool.join();
  assertEquals([closed, pool.stats().pending], [true, 0]);
});

Deno.test("map() is cancelled with its coroutine", async () => {
  await using pool = new WorkerPool(1);
  await run(function* () {
    try {
      yield* withTimeout(0.05, pool.map(range(100), () => new Promise((resolve) => setTimeout(resolve, 20))));
    } catch {
      // Expected.
    }
  });
  await pool.join();
  assert(pool.stats().completed < 10);
});
