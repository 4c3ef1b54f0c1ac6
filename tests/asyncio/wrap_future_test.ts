/** Futures of promises and of other awaitables. */
import { Coro, DeadlockError } from "@asyncoro/asyncoro";
import {
  CancelledError,
  createTask,
  ensureFuture,
  Future,
  newEventLoop,
  sleep,
  Task,
  wrapFuture,
} from "@asyncoro/asyncoro/asyncio";
import { assert, assertEquals, assertRejects, assertStrictEquals, assertThrows } from "@std/assert";
import { inLoop, loopTest } from "./loop_lab.ts";

loopTest("wrapFuture() makes a future of a promise, with its result", function* ({ loop }) {
  const { promise, resolve } = Promise.withResolvers<number>();
  const future = wrapFuture(promise);
  assertEquals([future instanceof Future, future.done(), future.getLoop() === loop], [true, false, true]);
  resolve(42);
  assertEquals(future.done(), false);
  assertEquals(yield* future, 42);
});

loopTest("wrapFuture() of a promise that is rejected fails with its reason, whatever that is", function* () {
  for (const reason of [new Error("rejected"), "text", undefined]) {
    const future = wrapFuture(Promise.reject(reason));
    let seen: unknown = "nothing thrown";
    try {
      yield* future;
    } catch (error) {
      seen = error;
    }
    assertStrictEquals(seen, reason);
    assertStrictEquals(future.exception(), reason);
  }
});

loopTest("cancelling a future of a promise does not affect the promise, whose outcome is ignored", function* () {
  const { promise, resolve } = Promise.withResolvers<number>();
  const [future, rejected] = [wrapFuture(promise), wrapFuture(Promise.reject(new Error("ignored")))];
  assertEquals([future.cancel("enough"), rejected.cancel()], [true, true]);
  resolve(42);
  assertEquals(yield promise, 42);
  yield* sleep(0);
  assertEquals([future.cancelled(), rejected.cancelled()], [true, true]);
  assertThrows(() => future.result(), CancelledError, "enough");
});

loopTest("a task that waits for a promise's future and is cancelled ends at once", function* () {
  const future = wrapFuture(new Promise<never>(() => {}));
  const task = createTask(function* () {
    yield* future;
  });
  yield* sleep(0);
  task.cancel();
  yield* sleep(0);
  yield* sleep(0);
  assertEquals([task.cancelled(), future.cancelled()], [true, true]);
});

Deno.test("a promise that is not awaited, settled last, does not hide that main waits forever", () =>
  inLoop(async (lab) => {
    const main = lab.loop.createTask(function* () {
      wrapFuture(new Promise((resolve) => setTimeout(resolve, 2)));
      yield* lab.loop.createFuture();
    });
    await assertRejects(() => lab.loop.runUntilComplete(main), DeadlockError);
    main.cancel();
    await lab.run(sleep(0));
  }));

Deno.test("a promise whose future was cancelled does not hide it either", () =>
  inLoop(async (lab) => {
    const main = lab.loop.createTask(function* () {
      wrapFuture(new Promise(() => {})).cancel();
      yield* lab.loop.createFuture();
    });
    await assertRejects(() => lab.loop.runUntilComplete(main), DeadlockError);
    main.cancel();
    await lab.run(sleep(0));
  }));

loopTest("a future stays as it is", function* ({ loop }) {
  const future = loop.createFuture<void>();
  assertStrictEquals(wrapFuture(future), future);
  assertStrictEquals(wrapFuture(future, { loop }), future);
  assertStrictEquals(ensureFuture(future), future);
  future.setResult();
  yield;
});

loopTest("any thenable is accepted, also one that calls back at once, or twice, or throws", function* () {
  const thenable = (then: PromiseLike<unknown>["then"]) => ({ then });
  const atOnce = thenable(
    ((resolve: (value: unknown) => void) => {
      resolve(1);
      resolve(2);
      throw new Error("after the fact");
    }) as never,
  );
  const broken = thenable(() => {
    throw new Error("broken");
  });
  assertEquals(yield* wrapFuture(atOnce), 1);
  const future = wrapFuture(broken);
  try {
    yield* future;
  } catch (error) {
    assertEquals((error as Error).message, "broken");
  }
  assertEquals(`${future.exception()}`, "Error: broken");
});

Deno.test("outside a loop wrapFuture() and ensureFuture() need it as an option", () =>
  inLoop(async ({ loop }) => {
    assertThrows(() => wrapFuture(Promise.resolve()), Error, "no event loop runs here");
    assertThrows(() => ensureFuture(Promise.resolve()), Error, "no event loop runs here");
    assertThrows(() => ensureFuture(sleep(0)), Error, "no event loop runs here");
    const future = wrapFuture(Promise.resolve(42), { loop });
    assertEquals(await loop.runUntilComplete(future), 42);
  }));

Deno.test("wrapFuture() takes promises only", () =>
  inLoop(({ loop }) => {
    for (const value of [42, null, undefined, "text", {}, function* () {}, { then: 42 }]) {
      assertThrows(() => wrapFuture(value as never, { loop }), TypeError, "Cannot make a future as it takes a promise");
    }
  }));

loopTest("ensureFuture() makes tasks of coroutines of every kind", function* () {
  function* work() {
    yield;
    return 42;
  }
  for (const coroutine of [work, work(), sleep(1, 42)]) {
    const task = ensureFuture(coroutine);
    assert(task instanceof Task);
    assertEquals(yield* task, 42);
  }
  const coro = new Coro(work);
  assertEquals(yield* ensureFuture(coro), 42);
});

loopTest("ensureFuture() makes a future of a promise, and no task", function* () {
  const future = ensureFuture(Promise.resolve(42));
  assertEquals([future instanceof Future, future instanceof Task], [true, false]);
  assertEquals(yield* future, 42);
});

loopTest("ensureFuture() refuses what cannot be awaited, and says what can", function* () {
  for (const value of [42, null, undefined, "text", {}, () => {}, async () => {}]) {
    assertThrows(() => ensureFuture(value as never), TypeError, "give a coroutine (a generator function or object");
  }
});

Deno.test("a future of another loop is refused", () =>
  inLoop(async (lab) => {
    const other = newEventLoop();
    const future = other.createFuture();
    for (const take of [wrapFuture, ensureFuture] as const) {
      assertThrows(() => take(future, { loop: lab.loop }), RangeError, "it belongs to another event loop");
    }
    await assertRejects(() => lab.run(future as never), RangeError, "it belongs to another event loop");
    other.close();
  }));

loopTest("a promise that is settled while the loop is busy wakes its waiter all the same", function* (lab) {
  const task = createTask(function* () {
    return yield* wrapFuture(Promise.resolve("settled"));
  });
  let turns = 0;
  while (!task.done() && turns < 1_000_000) {
    turns++;
    yield;
  }
  lab.note(task.done() && task.result());
  assertEquals(lab.log, ["settled"]);
});

loopTest("a promise is waited for before virtual time moves on", function* (lab) {
  const timer = lab.loop.callLater(3600, lab.noting("timer"));
  const { promise, resolve } = Promise.withResolvers<void>();
  setTimeout(resolve, 2);
  yield* wrapFuture(promise);
  assertEquals([lab.log, lab.clock.now()], [[], 0]);
  timer.cancel();
});
