import { run, Scheduler, sleep, TimeoutError, until } from "@asyncoro/asyncoro";
import { assert, assertEquals, assertInstanceOf, assertRejects, assertStrictEquals, assertThrows } from "@std/assert";
import { AsyncThreadPool, WorkerError, WorkerPool, type WorkerTask } from "../../core/workers/mod.ts";
import { CountedSignal } from "../helpers/counted_signal.ts";
import { atGate, newGate } from "./gate.ts";

const TASKS = new URL("./tasks.ts", import.meta.url);

Deno.test("WorkerPool is asyncoro's AsyncThreadPool", () => {
  assertStrictEquals(AsyncThreadPool, WorkerPool);
});

Deno.test("asyncTask() runs a self-contained function in a worker", async () => {
  await using pool = new WorkerPool(2);
  const value = await run(function* () {
    return yield* pool.asyncTask((a: number, b: number) => a + b, 2, 3);
  });
  assertEquals(value, 5);
});

Deno.test("asyncTask() takes every form of function", async () => {
  await using pool = new WorkerPool(1);
  const methods = {
    plain(n: number) {
      return n + 1;
    },
    async waits(n: number) {
      await Promise.resolve();
      return n + 2;
    },
    *steps(n: number) {
      yield n;
      return n + 3;
    },
    "with space"(n: number) {
      return n + 4;
    },
  };
  const values = await run(function* () {
    return [
      yield* pool.asyncTask((n: number) => n, 1),
      yield* pool.asyncTask(async (n: number) => await Promise.resolve(n * 2), 1),
      yield* pool.asyncTask(function (n: number) {
        return n * 3;
      }, 1),
      yield* pool.asyncTask(function* (n: number): Generator<number, number, unknown> {
        yield n;
        return n * 4;
      }, 1),
      yield* pool.asyncTask(async function* (n: number): AsyncGenerator<number, number, unknown> {
        yield n;
        return await Promise.resolve(n * 5);
      }, 1),
      yield* pool.asyncTask(methods.plain, 10),
      yield* pool.asyncTask(methods.waits, 10),
      yield* pool.asyncTask(methods.steps, 10),
      yield* pool.asyncTask(methods["with space"], 10),
    ];
  });
  assertEquals(values, [1, 2, 3, 4, 5, 11, 12, 13, 14]);
});

Deno.test("asyncTask() copies arguments and results by structured clone", async () => {
  await using pool = new WorkerPool(1);
  const cyclic: Record<string, unknown> = { date: new Date(5), map: new Map([["a", new Set([1n])]]), re: /x/g };
  cyclic.self = cyclic;
  const copy = await pool.run((value: unknown) => value, cyclic) as Record<string, unknown>;
  assertStrictEquals(copy.self, copy);
  assertEquals([copy.date, copy.map, copy.re], [new Date(5), new Map([["a", new Set([1n])]]), /x/g]);
});

Deno.test("asyncTask() copies primitive values of every kind", async () => {
  await using pool = new WorkerPool(1);
  const values = [undefined, null, true, false, 0, -0, 1, -1, 2 ** 31, -(2 ** 31), 0.1, NaN, Infinity, 2 ** 53];
  const texts = ["", "a", "ab", "héllo", "\u{1F600}x", "\ud800", "x".repeat(239), "x".repeat(240), "x".repeat(100_000)];
  const other = [10n ** 30n, [1, [2]], { a: { b: 1 } }];
  for (const value of [...values, ...texts, ...other]) {
    const [back, same] = await pool.run((value: unknown) => [value, Object.is(value, -0)] as const, value);
    assertEquals(back, value);
    assertEquals(same, Object.is(value, -0));
    assert(Object.is(await pool.run((value: unknown) => value, value), value) || typeof value === "object");
  }
});

Deno.test("asyncTask() copies arguments at the call", async () => {
  await using pool = new WorkerPool(1);
  const list = [1, 2];
  const promise = pool.run((list: number[]) => list.length, list);
  list.push(3);
  assertEquals(await promise, 2);
});

Deno.test("asyncTask() runs functions of modules by name and by default", async () => {
  await using pool = new WorkerPool(1);
  const values = await run(function* () {
    return [
      yield* pool.asyncTask<number>({ module: TASKS, name: "double" }, 21),
      yield* pool.asyncTask<number>({ module: TASKS.href }, 21),
      yield* pool.asyncTask<number>({ module: "data:text/javascript,export const one = () => 1", name: "one" }),
    ];
  });
  assertEquals(values, [42, -21, 1]);
});

Deno.test("transfer moves buffers there and back instead of copying them", async () => {
  await using pool = new WorkerPool(1);
  const bytes = new Uint8Array([1, 2, 3]);
  const { buffer } = bytes;
  const back = await pool.runWith({ transfer: [buffer] }, function (this: WorkerTask, bytes: Uint8Array<ArrayBuffer>) {
    bytes[0] = 9;
    return this.transfer(bytes, [bytes.buffer]);
  }, bytes);
  assertEquals([...back], [9, 2, 3]);
  assertEquals(buffer.byteLength, 0);
});

Deno.test("transfer happens when the operation is yielded, not before", async () => {
  await using pool = new WorkerPool(1);
  const bytes = new Uint8Array(8);
  pool.asyncTaskWith({ transfer: [bytes.buffer] }, (bytes: Uint8Array) => bytes.length, bytes);
  assertEquals(bytes.length, 8);
  const length = await run(function* () {
    const operation = pool.asyncTaskWith({ transfer: [bytes.buffer] }, (bytes: Uint8Array) => bytes.length, bytes);
    assertEquals(bytes.length, 8);
    return yield* operation;
  });
  assertEquals([length, bytes.length], [8, 0]);
});

Deno.test("SharedArrayBuffers are shared with tasks", async () => {
  await using pool = new WorkerPool(2);
  const shared = new Int32Array(new SharedArrayBuffer(4));
  const add = (shared: Int32Array) => void Atomics.add(shared, 0, 1);
  await Promise.all(Array.from({ length: 100 }, () => pool.run(add, shared)));
  assertEquals(shared[0], 100);
});

Deno.test("onProgress gets what a task sends, in order, before its result", async () => {
  await using pool = new WorkerPool(1);
  const log: unknown[] = [];
  const count = function (this: WorkerTask, n: number) {
    for (let i = 0; i < n; i++) this.progress(i % 2 ? { i } : i);
    return "end";
  };
  log.push(await pool.runWith({ onProgress: (value) => log.push(value) }, count, 4));
  assertEquals(log, [0, { i: 1 }, 2, { i: 3 }, "end"]);
});

Deno.test("onProgress may be a coroutine, which gets messages", async () => {
  await using pool = new WorkerPool(1);
  const got = await run(function* (coro) {
    yield* pool.asyncTaskWith({ onProgress: coro }, function* () {
      yield "a";
      yield "b";
    });
    return [yield* coro.receive(), yield* coro.receive()];
  });
  assertEquals(got, ["a", "b"]);
});

Deno.test("onProgress that throws fails the task", async () => {
  await using pool = new WorkerPool(1);
  const onProgress = () => {
    throw new Error("no more");
  };
  await assertRejects(
    () =>
      pool.runWith({ onProgress }, function () {
        this.progress(1);
      }),
    Error,
    "no more",
  );
  assertEquals(await pool.run(() => 1), 1);
});

Deno.test("an error of a task has the name, message, stack, cause and code of the original", async () => {
  await using pool = new WorkerPool(1);
  const error = await assertRejects(() =>
    pool.run(function failing() {
      throw Object.assign(new RangeError("too far", { cause: { why: 1 } }), { code: "EFAR", extra: [1] });
    }), WorkerError);
  assertEquals([error.name, error.message, error.cause, error.code], ["RangeError", "too far", { why: 1 }, "EFAR"]);
  assertEquals(error.data.extra, [1]);
  assert(error.stack!.startsWith("RangeError: too far"));
  assert(error.stack!.includes("failing"));
});

Deno.test("a task that throws a value that is not an error fails with the value as the cause", async () => {
  await using pool = new WorkerPool(1);
  const error = await assertRejects(
    () =>
      pool.run(() => {
        throw 42;
      }),
    WorkerError,
    "not an error: 42",
  );
  assertEquals([error.name, error.cause], ["WorkerError", 42]);
});

Deno.test("the error of a closure over outer variables says what to do", async () => {
  await using pool = new WorkerPool(1);
  const factor = 2;
  function scale(n: number): number {
    return n * factor;
  }
  const error = await assertRejects(() => pool.run(scale, 1), WorkerError);
  assertEquals(
    error.message,
    "Cannot run 'scale' in a worker as it uses 'factor', which is outside it: only its source is sent, so pass " +
      "'factor' as an argument, import() it inside, or put it in a module and use { module, name }",
  );
  // A ReferenceError that is not the function's own stays as it is.
  const other = await assertRejects(() => pool.run({ module: TASKS, name: "missing" }), WorkerError);
  assertEquals([other.name, other.message], ["ReferenceError", "nowhere is not defined"]);
});

Deno.test("bad input is refused at the call and does not affect the pool", async () => {
  await using pool = new WorkerPool(1);
  const refused: [() => unknown, typeof Error, string][] = [
    [
      () => pool.asyncTask(3 as never),
      TypeError,
      "its target must be a function or { module, name }: current value is 3",
    ],
    [() => new WorkerPool(1, null as never), TypeError, "'options' must be an object: current value is null"],
    [() => pool.asyncTask({} as never), TypeError, "its target must be a function or { module, name }"],
    [() => pool.asyncTask(class A {} as never), TypeError, "a class cannot be called"],
    [() => pool.asyncTask(Math.max), TypeError, "a bound or built-in function has no source"],
    [() => pool.asyncTask((() => 1).bind(null)), TypeError, "a bound or built-in function has no source"],
    [() => pool.asyncTask({ module: "./tasks.ts" }), TypeError, 'use new URL("./tasks.ts", import.meta.url)'],
    [
      () => pool.asyncTask({ module: TASKS, name: 3 as never }),
      TypeError,
      "'name' must be a string: current value is 3",
    ],
    [() => pool.asyncTask((f: unknown) => f, () => 1), Error, "could not be cloned"],
    [() => pool.run((f: unknown) => f, { deep: [Symbol("s")] }), Error, "could not be cloned"],
    [() => pool.asyncTaskWith({ priority: 8 }, () => 1), RangeError, "integer from 0 to 7: current value is 8"],
    [() => pool.asyncTaskWith({ timeout: NaN }, () => 1), TypeError, "'timeout' must be a number"],
    [() => pool.asyncTaskWith({ transfer: 1 as never }, () => 1), TypeError, "'transfer' must be an array"],
    [() => pool.asyncTaskWith({ onProgress: 1 as never }, () => 1), TypeError, "'onProgress' must be a function"],
    [() => pool.map(1 as never, () => 1), TypeError, "'items' must be iterable: current value is 1"],
    [() => pool.map([], () => 1, { concurrency: 0 }), RangeError, "'concurrency' must be a positive integer"],
  ];
  for (const [act, kind, text] of refused) assertThrows(act, kind, text);
  assertEquals(pool.stats().submitted, 0);
  assertEquals(await pool.run(() => 1), 1);
});

Deno.test("a pool of size zero is rejected", () => {
  for (const size of [0, -1, NaN, 1.5, Infinity]) assertThrows(() => new WorkerPool(size), RangeError, `${size}`);
  assertThrows(() => new WorkerPool("2" as never), TypeError, '"2"');
  assertThrows(() => new WorkerPool(1, { queueLimit: 0 }), RangeError, "'queueLimit'");
  assertThrows(() => new WorkerPool(1, { min: -1 }), RangeError, "'min'");
  assertThrows(() => new WorkerPool(1, { grace: "1s" as never }), TypeError, "'grace' must be a number");
  assertThrows(() => new WorkerPool(1, { type: "classic" as never }), TypeError, "'type'");
});

Deno.test("a module that throws on load, and an export that is missing, fail the task alone", async () => {
  await using pool = new WorkerPool(1);
  const broken = "data:text/javascript,throw new RangeError('on load')";
  const error = await assertRejects(() => pool.run({ module: broken }), WorkerError, "on load");
  assertEquals(error.name, "RangeError");
  await assertRejects(
    () => pool.run({ module: TASKS, name: "none" }),
    WorkerError,
    "exports no function 'none': it exports ",
  );
  await assertRejects(() => pool.run({ module: "file:///none.ts" }), WorkerError, "Module not found");
  assertEquals(await pool.run(() => 1), 1);
  assertEquals(pool.stats().crashed, 0);
});

Deno.test("a result that cannot be cloned fails the task alone", async () => {
  await using pool = new WorkerPool(1);
  const error = await assertRejects(() => pool.run(() => (() => 1) as unknown), WorkerError, "could not be cloned");
  assertEquals(error.name, "DataCloneError");
  assertEquals(await pool.run(() => 1), 1);
});

Deno.test("join() waits for all tasks, and more may be run afterwards", async () => {
  await using pool = new WorkerPool(2);
  let done = 0;
  const nap = () => new Promise<void>((resolve) => setTimeout(resolve, 10));
  for (let i = 0; i < 6; i++) pool.run(nap).then(() => done++);
  await pool.join();
  assertEquals(done, 6);
  assertEquals(await pool.run(() => 1), 1);
  await pool.join();
});

Deno.test("terminate() fails tasks that are not done and refuses further ones", async () => {
  const pool = new WorkerPool(1, { name: "mine" });
  const results = [1, 2, 3].map(() => pool.run(() => new Promise(() => {})));
  const settled = Promise.allSettled(results);
  await run(function* () {
    yield* sleep(0.05);
    yield* until(pool.terminate());
  });
  for (const { status, reason } of (await settled) as PromiseRejectedResult[]) {
    assertEquals(status, "rejected");
    assertInstanceOf(reason, WorkerError);
  }
  assertThrows(() => pool.asyncTask(() => 1), WorkerError, "pool 'mine' has been terminated");
  assertThrows(() => pool.run(() => 1), WorkerError, "has been terminated");
  assertThrows(() => pool.stream(function* () {}), WorkerError, "has been terminated");
  await pool.terminate();
  assertEquals(pool.stats().workers, 0);
});

Deno.test("using ends the workers of a pool", async () => {
  let outside: WorkerPool;
  {
    await using pool = new WorkerPool(1);
    outside = pool;
    await pool.run(() => 1);
  }
  assertThrows(() => outside.run(() => 1), WorkerError, "has been terminated");
});

Deno.test("stats() counts workers and tasks", async () => {
  await using pool = new WorkerPool(3);
  assertEquals(pool.stats().workers, 0);
  await pool.run(() => 1);
  await pool.run(() => Promise.reject(new Error("no"))).catch(() => {});
  const { workers, submitted, completed, failed, pending, size } = pool.stats();
  assertEquals({ workers, submitted, completed, failed, pending, size }, {
    workers: 1,
    submitted: 2,
    completed: 1,
    failed: 1,
    pending: 0,
    size: 3,
  });
});

Deno.test("workers that were idle for idleTimeout end, except for min of them", async () => {
  await using pool = new WorkerPool(2, { idleTimeout: 0.05, min: 1 });
  const nap = () => new Promise<void>((resolve) => setTimeout(resolve, 20));
  await Promise.all([pool.run(nap), pool.run(nap)]);
  assertEquals(pool.stats().workers, 2);
  for (let i = 0; i < 100 && pool.stats().workers > 1; i++) await new Promise((resolve) => setTimeout(resolve, 10));
  assertEquals(pool.stats().workers, 1);
  assertEquals(await pool.run(() => 1), 1);
});

Deno.test("a task counts among a scheduler's host operations and takes real time under a virtual clock", async () => {
  const { VirtualClock } = await import("@asyncoro/asyncoro/testing");
  await using pool = new WorkerPool(1);
  const clock = new VirtualClock();
  const scheduler = new Scheduler({ clock });
  scheduler.spawn(function* (coro) {
    yield* pool.asyncTask(() => new Promise((resolve) => setTimeout(resolve, 20)));
    assertEquals(clock.now(), 0);
    yield* coro.sleep(100);
  });
  await scheduler.join();
  assertEquals(clock.now(), 100);
  await scheduler.terminate();
});

Deno.test("timeout of a task throws TimeoutError", async () => {
  await using pool = new WorkerPool(1, { grace: 0.05 });
  const never = () => new Promise<void>(() => {});
  const error = await assertRejects(() => pool.runWith({ timeout: 0.02 }, never), TimeoutError);
  assertEquals(error.message, "Task 'never' did not end within 0.02 seconds");
  await assertRejects(() =>
    run(function* () {
      yield* pool.asyncTaskWith({ timeout: { milliseconds: 20 } }, never);
    }), TimeoutError);
  await assertRejects(() => pool.runWith({ timeout: 0 }, never), TimeoutError);
});

Deno.test("signal cancels a task and its reason is thrown", async () => {
  await using pool = new WorkerPool(1, { grace: 0.05 });
  const controller = new AbortController();
  const never = () => new Promise<void>(() => {});
  const reason = new Error("changed my mind");
  const results = [pool.runWith({ signal: controller.signal }, never)];
  results.push(run(function* () {
    yield* pool.asyncTaskWith({ signal: controller.signal }, never);
  }));
  const settled = Promise.allSettled(results);
  setTimeout(() => controller.abort(reason), 20);
  for (const each of (await settled) as PromiseRejectedResult[]) assertStrictEquals(each.reason, reason);
  await assertRejects(() => pool.runWith({ signal: controller.signal }, never), Error, "changed my mind");
});

Deno.test("the timeout of a task may be any limit, and has no signal besides 'signal'", async () => {
  await using pool = new WorkerPool(1, { grace: 0.05 });
  const counted = new CountedSignal();
  const never = () => new Promise<void>(() => {});
  const results = [
    pool.runWith({ timeout: counted.signal }, never),
    run(function* () {
      yield* pool.asyncTaskWith({ timeout: { timeout: 60, signal: counted.signal } }, never);
    }),
  ];
  const settled = Promise.allSettled(results);
  setTimeout(() => counted.abort("changed my mind"), 20);
  for (const each of (await settled) as PromiseRejectedResult[]) assertEquals(each.reason, "changed my mind");
  assertEquals([counted.listeners, counted.added], [0, 1]);
  const { signal } = new AbortController();
  assertEquals(await pool.runWith({ signal, timeout: signal }, () => 1), 1);
  assertThrows(
    () => pool.asyncTaskWith({ signal, timeout: counted.signal }, never),
    TypeError,
    "'timeout' has a signal besides 'signal'",
  );
  // deno-lint-ignore no-explicit-any -- what the types forbid
  assertThrows(() => pool.asyncTaskWith({ signal: {} as any }, never), TypeError, "'signal' must be an AbortSignal");
});

Deno.test("targets beyond a thousand are forgotten and still work", async () => {
  await using pool = new WorkerPool(1);
  const first = new Function("return -1") as () => number;
  assertEquals(await pool.run(first), -1);
  for (let i = 0; i < 1100; i++) assertEquals(await pool.run(new Function(`return ${i}`) as () => number), i);
  assertEquals(await pool.run(first), -1);
});

Deno.test("statistics() and stats() are the same", async () => {
  await using pool = new WorkerPool(2);
  const { gate, open } = newGate();
  const task = pool.run(atGate, gate);
  await pool.run(() => 1);
  const { size, pending, submitted, completed } = pool.statistics();
  assertEquals([size, pending, submitted, completed], [2, 1, 2, 1]);
  assertEquals(pool.stats(), pool.statistics());
  open();
  await task;
});
