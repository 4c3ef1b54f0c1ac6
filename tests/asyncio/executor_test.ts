/** Functions that run in workers: runInExecutor() and toThread(). */
import { WorkerError, WorkerPool } from "@asyncoro/asyncoro/workers";
import { run as runCoro } from "@asyncoro/asyncoro";
import {
  CancelledError,
  createTask,
  Future,
  gather,
  getRunningLoop,
  newEventLoop,
  run,
  sleep,
  toThread,
} from "@asyncoro/asyncoro/asyncio";
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";

Deno.test("runInExecutor() returns a future of the function's result", async () => {
  await run(function* () {
    const future = getRunningLoop().runInExecutor(null, (a: number, b: number) => a + b, 40, 2);
    assert(future instanceof Future);
    assertEquals(future.done(), false);
    assertEquals(yield* future, 42);
    assertEquals(future.result(), 42);
  });
});

Deno.test("the loop goes on while a worker works", async () => {
  const log: string[] = [];
  await run(function* () {
    const work = getRunningLoop().runInExecutor(null, async () => {
      await new Promise((resolve) => setTimeout(resolve, 20));
    });
    work.addDoneCallback(() => log.push("worker"));
    for (let i = 0; i < 3; i++) {
      yield* sleep(0.001);
      log.push("loop");
    }
    yield* work;
  });
  assertEquals(log.slice(0, 3), ["loop", "loop", "loop"]);
  assertEquals(log.includes("worker"), true);
});

Deno.test("toThread() evaluates to what the function returns, with its arguments", async () => {
  assertEquals(await run(toThread((text: string, n: number) => text.repeat(n), "ab", 3)), "ababab");
});

Deno.test("an error in a worker is thrown where its result is awaited", async () => {
  await run(function* () {
    for (const inWorker of [() => toThread(fail), () => getRunningLoop().runInExecutor(null, fail)]) {
      let message = "";
      try {
        yield* inWorker();
      } catch (error) {
        assert(error instanceof Error);
        message = `${error}`;
      }
      assertEquals(message.includes("in the worker"), true);
    }
  });

  function fail(): void {
    throw new RangeError("in the worker");
  }
});

Deno.test("many are run side by side, and each result reaches its future", async () => {
  const results = await run(function* () {
    return yield* gather(Array.from({ length: 50 }, (_, i) => toThread((n: number) => n * n, i)));
  });
  assertEquals(results, Array.from({ length: 50 }, (_, i) => i * i));
});

Deno.test("cancelling the future of what a worker does ends the wait at once", async () => {
  await run(function* () {
    const future = getRunningLoop().runInExecutor(null, async () => {
      await new Promise((resolve) => setTimeout(resolve, 60_000));
    });
    yield* sleep(0.005);
    assertEquals(future.cancel("enough"), true);
    let seen: unknown;
    try {
      yield* future;
    } catch (error) {
      seen = error;
    }
    assert(seen instanceof CancelledError);
    assertEquals(future.cancelled(), true);
  });
});

Deno.test("cancelling a task in toThread() ends it", async () => {
  await run(function* () {
    const task = createTask(toThread(async () => {
      await new Promise((resolve) => setTimeout(resolve, 60_000));
    }));
    yield* sleep(0.005);
    task.cancel();
    yield* gather([task], { returnExceptions: true });
    assertEquals(task.cancelled(), true);
  });
});

Deno.test("a pool of one's own may be the executor, and outlives the loop", async () => {
  const pool = new WorkerPool(1);
  const answers = await run(function* () {
    const loop = getRunningLoop();
    return yield* gather([1, 2, 3].map((i) => loop.runInExecutor(pool, (n: number) => -n, i)));
  });
  assertEquals(answers, [-1, -2, -3]);
  assertEquals(await pool.run((n: number) => n + 1, 41), 42);
  await pool.terminate();
});

Deno.test("only a pool or null is an executor", () => {
  const loop = newEventLoop();
  for (const value of [undefined, 42, {}, "text"]) {
    assertThrows(() => loop.runInExecutor(value as never, () => {}), TypeError, "it must be a WorkerPool or null");
  }
  loop.close();
  assertThrows(() => loop.runInExecutor(null, () => {}), Error, "the event loop is closed");
});

Deno.test("a target that is not a function fails where its result is awaited, or at once", async () => {
  const failed = await run(function* () {
    return yield* getRunningLoop().runInExecutor(null, 42 as never);
  }).catch((error) => error);
  assert(failed instanceof TypeError);
});

Deno.test("toThread() in a coroutine that is in no event loop fails when it is awaited", async () => {
  await assertRejects(
    () =>
      runCoro(function* () {
        return yield* toThread(() => 1);
      }),
    Error,
    "no event loop runs here",
  );
});

Deno.test("shutdownDefaultExecutor() waits for what runs, and the next use makes another", async () => {
  const loop = newEventLoop();
  const future = loop.runInExecutor(null, async () => {
    await new Promise((resolve) => setTimeout(resolve, 5));
    return "done";
  });
  const running = loop.runUntilComplete(future);
  await new Promise((resolve) => setTimeout(resolve, 1));
  await loop.shutdownDefaultExecutor();
  assertEquals(await running, "done");
  assertEquals(await loop.runUntilComplete(loop.runInExecutor(null, () => "again")), "again");
  await loop.shutdownDefaultExecutor();
  await loop.shutdownDefaultExecutor();
  loop.close();
});

Deno.test("close() ends a loop's executor: no worker keeps the process alive", async () => {
  const loop = newEventLoop();
  assertEquals(await loop.runUntilComplete(loop.runInExecutor(null, () => 1)), 1);
  loop.close();
  await new Promise((resolve) => setTimeout(resolve, 5));
  await assertRejects(() => loop.runForever(), Error, "closed");
});

Deno.test("the error of a function that fails names the worker it ran in", async () => {
  const error = await run(function* () {
    try {
      yield* toThread(() => {
        throw new Error("plain");
      });
    } catch (error) {
      return error;
    }
  });
  assertEquals([error instanceof Error, error instanceof WorkerError, `${error}`.includes("plain")], [
    true,
    true,
    true,
  ]);
});
