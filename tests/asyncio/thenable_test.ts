/** Futures as promises: for `await`, and for functions that take a thenable. */
import { CancelledError, newEventLoop, sleep } from "@asyncoro/asyncoro/asyncio";
import { assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { inLoop } from "./loop_lab.ts";

Deno.test("await needs no loop that runs: it goes on when the future is settled", async () => {
  const loop = newEventLoop();
  const future = loop.createFuture<number>();
  queueMicrotask(() => future.setResult(42));
  assertEquals(await future, 42);
  assertEquals(await future, 42);
  loop.close();
});

Deno.test("await throws the error, and the CancelledError of a cancelled future", async () => {
  const loop = newEventLoop();
  const [failed, cancelled] = [loop.createFuture(), loop.createFuture()];
  queueMicrotask(() => {
    failed.setException(new RangeError("failed"));
    cancelled.cancel("gone");
  });
  await assertRejects(async () => await failed, RangeError, "failed");
  await assertRejects(async () => await cancelled, CancelledError, "gone");
  loop.close();
});

Deno.test("Promise.all, race, any and allSettled take futures and tasks", () =>
  inLoop(async ({ loop }) => {
    const task = loop.createTask(sleep(2, "task"));
    const future = loop.createFuture<string>();
    loop.callLater(1, () => future.setResult("future"));
    const all = Promise.all([task, future, "value"]);
    const first = Promise.race([task, future]);
    const any = Promise.any([task, future]);
    const settled = Promise.allSettled([task, future]);
    await loop.runUntilComplete(task);
    assertEquals(await all, ["task", "future", "value"]);
    assertEquals([await first, await any], ["future", "future"]);
    assertEquals((await settled).map(({ status }) => status), ["fulfilled", "fulfilled"]);
  }));

Deno.test("then() passes on what its functions return, and calls none of them inline", async () => {
  const loop = newEventLoop();
  const future = loop.createFuture<number>();
  future.setResult(20);
  const log: unknown[] = [];
  const doubled = future.then((value) => {
    log.push(value);
    return 2 * value;
  });
  assertEquals(log, []);
  assertEquals(await doubled, 40);
  assertEquals(await future.then(), 20);
  assertEquals(await future.then(null, null), 20);
  await assertRejects(() => future.then(() => Promise.reject(new Error("of then"))), Error, "of then");
  loop.close();
});

Deno.test("catch() takes errors and lets results pass", async () => {
  const loop = newEventLoop();
  const [good, bad] = [loop.createFuture<string>(), loop.createFuture<string>()];
  good.setResult("result");
  bad.setException(new Error("failed"));
  assertEquals(await good.catch(() => "taken"), "result");
  assertEquals(await bad.catch((error) => (error as Error).message), "failed");
  loop.close();
});

Deno.test("finally() is called without arguments, however the future ends, and lets that pass", async () => {
  const loop = newEventLoop();
  const [good, bad] = [loop.createFuture<string>(), loop.createFuture<string>()];
  good.setResult("result");
  bad.setException(new Error("failed"));
  const calls: unknown[][] = [];
  assertEquals(await good.finally((...args: unknown[]) => void calls.push(args)), "result");
  await assertRejects(() => bad.finally((...args: unknown[]) => void calls.push(args)), Error, "failed");
  assertEquals(calls, [[], []]);
  loop.close();
});

Deno.test("a result that is a promise is given to coroutines as it is, and awaited by await", () =>
  inLoop(async (lab) => {
    const promise = Promise.resolve(42);
    const future = lab.loop.createFuture<unknown>();
    future.setResult(promise);
    assertStrictEquals(future.result(), promise);
    await lab.run(function* () {
      assertStrictEquals(yield* future, promise);
      assertStrictEquals(yield future, promise);
    });
    assertEquals(await future, 42);
  }));

Deno.test("async functions that await go on in the order in which they came", async () => {
  const loop = newEventLoop();
  const future = loop.createFuture();
  const log: number[] = [];
  const waiters = [0, 1, 2, 3].map(async (i) => {
    await future;
    log.push(i);
  });
  future.setResult(null);
  await Promise.all(waiters);
  assertEquals(log, [0, 1, 2, 3]);
  loop.close();
});
