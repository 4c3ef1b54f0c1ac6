import { type Coro, race, run, Scheduler, sleep } from "@asyncoro/asyncoro";
import { assert, assertEquals, assertInstanceOf, assertMatch, assertRejects } from "@std/assert";
import { WorkerError, WorkerPool, type WorkerTask } from "../../core/workers/mod.ts";
import { eventually } from "./eventually.ts";
import { atGate, newGate } from "./gate.ts";

Deno.test("a worker that crashes or exits fails exactly the task it ran, and the pool goes on", async () => {
  await using pool = new WorkerPool(1);
  const ends: Record<string, [() => unknown, string]> = {
    exit: [() => Deno.exit(3), "The worker ended with code 3 while the task ran"],
    close: [() => {
      globalThis.close();
      return new Promise(() => {});
    }, "The worker ended with code 0 while the task ran"],
    throws: [() => {
      setTimeout(() => {
        throw new RangeError("in a timer");
      }, 1);
      return new Promise(() => {});
    }, "in a timer"],
    rejects: [() => {
      Promise.reject(new RangeError("in a promise"));
      return new Promise(() => {});
    }, "in a promise"],
  };
  for (const [name, [end, message]] of Object.entries(ends)) {
    const others = [1, 2, 3].map((n) => pool.run((n: number) => n, n));
    const error = await assertRejects(() => pool.run(end), WorkerError, message);
    if (name === "throws" || name === "rejects") assertEquals(error.name, "RangeError");
    if (name === "exit") assertEquals(error.code, 3);
    const after = [4, 5, 6].map((n) => pool.run((n: number) => n, n));
    assertEquals(await Promise.all([...others, ...after]), [1, 2, 3, 4, 5, 6]);
  }
  assertEquals([pool.stats().crashed, pool.stats().workers], [4, 1]);
});

Deno.test("a task that throws a value that is no error fails alone, and its worker goes on", async () => {
  await using pool = new WorkerPool(1);
  const { worker } = await pool.run(() => ({ worker: (globalThis as { mark?: number }).mark = 1 }));
  const strange: (() => never)[] = [
    () => {
      throw Object.assign(new Error("boom"), { stack: ["a", () => {}] });
    },
    () => {
      throw Object.defineProperty(new Error("boom"), "message", {
        get() {
          throw new Error("no");
        },
      });
    },
    () => {
      const { proxy, revoke } = Proxy.revocable({}, {});
      revoke();
      throw proxy;
    },
    () => {
      throw Object.freeze(new ReferenceError("mark is not defined"));
    },
    () => {
      Error.prepareStackTrace = (_error, sites) => sites;
      throw new Error("boom");
    },
  ];
  const messages: string[] = [];
  for (const target of strange) {
    const error = await pool.run(target as () => unknown).catch((error: unknown) => error);
    assertInstanceOf(error, WorkerError);
    messages.push((error as WorkerError).message);
  }
  const explained = messages.splice(3, 1)[0];
  assertMatch(explained, /^Cannot run the function in a worker as it uses 'mark', which is outside it/);
  const noError = "A task threw a value that is not an error: (cannot be read)";
  assertEquals(messages, ["boom", "(cannot be read)", noError, "boom"]);
  assertEquals(await pool.run(() => (globalThis as { mark?: number }).mark), worker);
});

Deno.test("a crash loses no result of an earlier task in its turn, and later tasks run elsewhere", async () => {
  await using pool = new WorkerPool(1);
  const results = Array.from({ length: 60 }, (_, i) =>
    pool.run((i: number) => {
      if (i === 30) Deno.exit(1);
      return i % 3 === 0 ? { i } : i;
    }, i));
  const settled = await Promise.allSettled(results);
  settled.forEach((each, i) => {
    if (i === 30) return assertEquals(each.status, "rejected");
    assertEquals(each, { status: "fulfilled", value: i % 3 === 0 ? { i } : i });
  });
});

Deno.test("an error in a worker without a task is printed and fails no task", async () => {
  await using pool = new WorkerPool(1);
  const printed: unknown[] = [];
  const { error } = console;
  console.error = (...args: unknown[]) => void printed.push(args[1]);
  try {
    await pool.run(() => {
      setTimeout(() => {
        throw new RangeError("left over");
      }, 20);
    });
    await eventually(() => pool.stats().crashed === 1);
  } finally {
    console.error = error;
  }
  const first = printed[0] as WorkerError;
  assertInstanceOf(first, WorkerError);
  assertEquals(first.message, "left over");
  assertEquals(await pool.run(() => 1), 1);
});

Deno.test("if workers cannot start, waiting tasks fail after some attempts", async () => {
  // A worker that ends at once simulates any cause that keeps workers from starting.
  const { Worker } = globalThis;
  class Broken extends EventTarget {
    onerror: ((event: ErrorEvent) => void) | null = null;
    constructor() {
      super();
      setTimeout(() => this.onerror?.(new ErrorEvent("error", { message: "no memory", cancelable: true })), 1);
    }
    postMessage(): void {}
    terminate(): void {}
  }
  Object.assign(globalThis, { Worker: Broken });
  try {
    await using pool = new WorkerPool(1, { permissions: "none" });
    const error = await assertRejects(() => pool.run(() => 1), WorkerError, "no worker can be started");
    assert(String((error.cause as Error).message).includes("no memory"));
    assertEquals(pool.stats().crashed, 3);
  } finally {
    Object.assign(globalThis, { Worker });
  }
});

Deno.test("a queued task of a terminated coroutine is removed and never runs", async () => {
  await using pool = new WorkerPool(1);
  const { gate, open } = newGate();
  const first = pool.run(atGate, gate);
  const ran = new Int32Array(new SharedArrayBuffer(4));
  const count = (ran: Int32Array) => void Atomics.add(ran, 0, 1);
  const coros: Coro[] = [];
  await run(function* () {
    for (let i = 0; i < 10; i++) {
      coros.push(
        Scheduler.instance().spawn(function* () {
          yield* pool.asyncTask(count, ran);
        }),
      );
    }
    yield* sleep(0.03);
    for (const coro of coros.slice(0, 9)) coro.terminate();
    yield* sleep(0);
  });
  assertEquals([pool.stats().pending, pool.stats().cancelled], [2, 9]);
  open();
  await first;
  await pool.join();
  assertEquals(ran[0], 1);
});

Deno.test("a running task is asked to stop, and its worker stays if it does", async () => {
  await using pool = new WorkerPool(1);
  const kinds: ((this: WorkerTask, state: Int32Array) => unknown)[] = [
    function (state) {
      Atomics.store(state, 0, 1);
      while (!this.cancelled);
      Atomics.store(state, 0, 2);
    },
    function (state) {
      Atomics.store(state, 0, 1);
      try {
        for (;;) this.throwIfCancelled();
      } finally {
        Atomics.store(state, 0, 2);
      }
    },
    async function (state) {
      Atomics.store(state, 0, 1);
      await new Promise((resolve) => this.signal.addEventListener("abort", resolve));
      Atomics.store(state, 0, 2);
    },
    function* (state) {
      Atomics.store(state, 0, 1);
      try {
        for (;;) yield;
      } finally {
        Atomics.store(state, 0, 2);
      }
    },
  ];
  for (const kind of kinds) {
    const state = new Int32Array(new SharedArrayBuffer(4));
    await run(function* () {
      const task = pool.asyncTask(kind, state);
      yield* race(
        task,
        function* () {
          while (Atomics.load(state, 0) === 0) yield* sleep(0.005);
        }(),
      );
    });
    await eventually(() => Atomics.load(state, 0) === 2);
  }
  assertEquals(await pool.run(() => 1), 1);
  assertEquals([pool.stats().started, pool.stats().replaced], [1, 0]);
});

Deno.test("a task that does not stop within the grace has its worker replaced, and others go on", async () => {
  await using pool = new WorkerPool(1, { grace: 0.05 });
  const { gate, open } = newGate();
  await pool.run(() => {});
  const results = await run(function* () {
    const others = [1, 2, 3].map((n) =>
      Scheduler.instance().spawn(function* () {
        yield* sleep(0.02);
        return yield* pool.asyncTask((n: number) => n, n);
      })
    );
    yield* race(pool.asyncTask(atGate, gate), sleep(0.04));
    const values: number[] = [];
    for (const other of others) values.push((yield* other.finish()) as number);
    return values;
  });
  assertEquals(results, [1, 2, 3]);
  assertEquals([pool.stats().replaced, pool.stats().started], [1, 2]);
  open();
});

Deno.test("limit stops a task in an endless loop, and its worker goes on", async () => {
  await using pool = new WorkerPool(1);
  const error = await assertRejects(() =>
    pool.runWith({ limit: 0.05 }, () => {
      for (;;);
    }), WorkerError);
  assertEquals([error.name, error.message], [
    "TimeoutError",
    "The task was stopped as it ran for 0.05 seconds without giving way",
  ]);
  await assertRejects(
    () =>
      pool.runWith({ limit: 0.05 }, function* () {
        yield 1;
        for (;;);
      }),
    WorkerError,
    "without giving way",
  );
  assertEquals(await pool.runWith({ limit: 5 }, (n: number) => n, 7), 7);
  assertEquals(pool.stats().started, 1);
});

Deno.test("a task whose result and cancellation cross settles once", async () => {
  await using pool = new WorkerPool(2);
  for (let round = 0; round < 200; round++) {
    const controller = new AbortController();
    let settled = 0;
    const task = pool.runWith({ signal: controller.signal }, () => 1).then(() => settled++, () => settled++);
    if (round % 2 === 0) await new Promise((resolve) => setTimeout(resolve, 0));
    controller.abort();
    await task;
    assertEquals(settled, 1);
  }
  await pool.join();
  assertEquals(pool.stats().pending, 0);
});

Deno.test("a coroutine's late result never leaks into its next wait", async () => {
  await using pool = new WorkerPool(1, { grace: 5 });
  const got = await run(function* (coro) {
    const values: unknown[] = [];
    for (let i = 0; i < 20; i++) {
      values.push(yield* race(pool.asyncTask(() => "late"), sleep(0)));
      values.push(yield* coro.sleep(0.002, "slept"));
    }
    return values.filter((value, i) => i % 2 === 1 && value !== "slept");
  });
  assertEquals(got, []);
});
