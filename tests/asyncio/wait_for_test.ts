/** Waiting with a limit. */
import { Coro, until } from "@asyncoro/asyncoro";
import {
  CancelledError,
  createTask,
  Event,
  Lock,
  Queue,
  shield,
  sleep,
  TimeoutError,
  waitFor,
} from "@asyncoro/asyncoro/asyncio";
import { assertEquals, assertInstanceOf, assertStrictEquals, assertThrows } from "@std/assert";
import { loopTest } from "./loop_lab.ts";
import { errorOf, failWith, stateOf, textOf } from "./outcomes.ts";

loopTest("waitFor() returns the value of anything that can be awaited", function* ({ loop }) {
  const future = loop.createFuture<string>();
  loop.callLater(1, () => future.setResult("future"));
  function* body() {
    yield* sleep(1);
    return "generator";
  }
  assertEquals(yield* waitFor(future, 5), "future");
  assertEquals(yield* waitFor(createTask(body), 5), "generator");
  assertEquals(yield* waitFor(body(), 5), "generator");
  assertEquals(yield* waitFor(body, 5), "generator");
  assertEquals(yield* waitFor(sleep(1, "operation"), 5), "operation");
  assertEquals(yield* waitFor(Promise.resolve("promise"), 5), "promise");
  assertEquals(yield* waitFor(new Coro(body), 5), "generator");
  assertEquals(loop.scheduler.stats().timers, 0);
});

loopTest("a generator function is called with the coroutine that waits", function* (lab) {
  const task = createTask(function* (coro) {
    return (yield* waitFor(function* (inner) {
      return inner;
    }, 1)) === coro;
  });
  assertEquals([yield* task, lab.log], [true, []]);
});

loopTest("waitFor() takes a duration as its limit, and none", function* ({ loop }) {
  assertEquals(textOf(yield* errorOf(waitFor(sleep(9), { milliseconds: 1500 }))), "time is up");
  assertEquals(loop.time(), 1.5);
  assertEquals(yield* waitFor(sleep(1000, "slept"), null), "slept");
});

loopTest("when time is up, what is awaited is cancelled and TimeoutError thrown, with that as its cause", function* ({
  loop,
}) {
  const awaited = [loop.createFuture(), createTask(sleep(9))];
  for (const each of awaited) {
    const error = yield* errorOf(waitFor(each, 1));
    assertInstanceOf(error, TimeoutError);
    assertInstanceOf(error.cause, CancelledError);
    assertEquals([each.cancelled(), stateOf(each)], [true, "cancelled"]);
  }
});

loopTest("with no time, only what is done already is given", function* ({ loop }) {
  const done = loop.createFuture<string>();
  done.setResult("done");
  const failed = loop.createFuture();
  failed.setException(new Error("failed"));
  const cancelled = loop.createFuture();
  cancelled.cancel();
  for (const timeout of [0, -1]) {
    assertEquals(yield* waitFor(done, timeout), "done");
    assertEquals(textOf(yield* errorOf(waitFor(failed, timeout))), "failed");
    assertEquals(textOf(yield* errorOf(waitFor(cancelled, timeout))), "cancelled");
  }
});

loopTest("with no time, a coroutine is not begun", function* ({ log }) {
  function* body() {
    log.push("began");
  }
  for (const timeout of [0, -1, { seconds: 0 }]) {
    for (const coroutine of [body(), body]) {
      assertInstanceOf(yield* errorOf(waitFor(coroutine, timeout)), TimeoutError);
    }
  }
  assertEquals(log, []);
});

loopTest("with no time, a task that runs is cancelled, and its cleanup waited for", function* ({ log, loop }) {
  const task = createTask(function* () {
    try {
      yield* sleep(9);
    } finally {
      yield* sleep(1);
      log.push("cleaned up");
    }
  });
  yield* sleep(1);
  const error = yield* errorOf(waitFor(task, 0));
  assertInstanceOf(error, TimeoutError);
  assertInstanceOf(error.cause, CancelledError);
  assertEquals([task.cancelled(), log, loop.time()], [true, ["cleaned up"], 2]);
});

loopTest("with no time, a task that ignores its cancellation still gives its result", function* () {
  const task = createTask(function* () {
    try {
      yield* sleep(9);
    } catch {
      return "refused";
    }
  });
  yield* sleep(1);
  assertEquals(yield* waitFor(task, 0), "refused");
});

loopTest("waitFor() with no time can itself be cancelled while it waits for the cleanup", function* () {
  const task = createTask(function* () {
    try {
      yield* sleep(99);
    } finally {
      yield* sleep(5);
    }
  });
  yield* sleep(1);
  const waiter = createTask(waitFor(task, 0));
  yield* sleep(1);
  waiter.cancel();
  assertEquals(textOf(yield* errorOf(waiter)), "cancelled");
  assertEquals([stateOf(task), task.cancelling()], ["pending", 1]);
  yield* errorOf(task);
});

loopTest("waitFor() waits for cleanup, however long it takes", function* ({ log, loop }) {
  function* body() {
    try {
      yield* sleep(99);
    } finally {
      yield* sleep(7);
      log.push("cleaned up");
    }
  }
  assertInstanceOf(yield* errorOf(waitFor(body(), 1)), TimeoutError);
  assertInstanceOf(yield* errorOf(waitFor(createTask(body), 1)), TimeoutError);
  assertEquals([log, loop.time()], [["cleaned up", "cleaned up"], 16]);
});

loopTest("what ends with a value although it was cancelled gives that value", function* () {
  function* refuses() {
    try {
      yield* sleep(9);
    } catch {
      return 42;
    }
  }
  assertEquals(yield* waitFor(refuses(), 1), 42);
  assertEquals(yield* waitFor(createTask(refuses), 1), 42);
});

loopTest("an error of the cleanup is thrown in place of TimeoutError", function* () {
  function* body() {
    try {
      yield* sleep(9);
    } finally {
      failWith("cleanup failed");
    }
  }
  assertEquals(textOf(yield* errorOf(waitFor(body(), 1))), "cleanup failed");
  assertEquals(textOf(yield* errorOf(waitFor(createTask(body), 1))), "cleanup failed");
});

loopTest("an error within the time is thrown as it is, the same object", function* ({ loop }) {
  const error = new Error("failed");
  const future = loop.createFuture();
  loop.callLater(1, () => future.setException(error));
  assertStrictEquals(yield* errorOf(waitFor(future, 5)), error);
});

loopTest("a result in the iteration after the start is in time", function* ({ loop }) {
  const future = loop.createFuture<string>();
  loop.callSoon(() => future.setResult("in time"));
  assertEquals(yield* waitFor(future, 1), "in time");
});

loopTest("cancelling the waiter cancels what it waits for", function* () {
  for (const timeout of [null, 60]) {
    const task = createTask(sleep(99));
    const waiter = createTask(waitFor(task, timeout));
    yield* sleep(1);
    waiter.cancel("both");
    assertEquals(textOf(yield* errorOf(waiter)), "cancelled: both");
    assertEquals(stateOf(task), "cancelled: both");
  }
});

loopTest("cancelling the waiter for a task that has just ended cancels the waiter", function* ({ log }) {
  const inner = createTask(function* () {
    return "done";
  });
  const waiter = createTask(function* () {
    yield* waitFor(inner, 100);
    yield* sleep(1);
    log.push("reached the end");
  });
  yield* sleep(0);
  waiter.cancel();
  assertEquals(textOf(yield* errorOf(waiter)), "cancelled");
  assertEquals([stateOf(inner), log], ["gave done", []]);
});

loopTest("cancelling the waiter for a task that ignores its cancellation waits for its end", function* ({ loop }) {
  const waiter = createTask(waitFor(
    (function* () {
      for (let i = 0; i < 3; i++) {
        try {
          yield* sleep(5);
        } catch { /* It goes on. */ }
      }
      return "at last";
    })(),
    100,
  ));
  yield* sleep(1);
  waiter.cancel();
  assertEquals([yield* waiter, waiter.cancelling(), loop.time()], ["at last", 1, 11]);
});

loopTest("a limit and a cancellation in one iteration: the cancellation is not swallowed", function* ({ loop }) {
  for (const cancelFirst of [true, false]) {
    const cancel = () => waiter.cancel("from outside");
    if (cancelFirst) loop.callLater(2, cancel);
    const waiter = createTask(waitFor(sleep(9), 2));
    yield* sleep(0);
    if (!cancelFirst) loop.callAt(loop.time() + 2, cancel);
    yield* errorOf(waiter);
    assertEquals([waiter.cancelled(), waiter.cancelling()], [true, 1]);
  }
});

loopTest("a shielded task survives the limit", function* () {
  const task = createTask(sleep(3, "slept"));
  const shielded = shield(task);
  assertEquals(textOf(yield* errorOf(waitFor(shielded, 0))), "time is up");
  assertEquals([shielded.cancelled(), stateOf(task)], [true, "pending"]);
  assertEquals(textOf(yield* errorOf(waitFor(shield(task), 1))), "time is up");
  assertEquals(yield* waitFor(shield(task), null), "slept");
});

loopTest("a limit that ends a wait takes nothing from queues and locks", function* () {
  const queue = new Queue<string>();
  const lock = new Lock();
  yield* lock.acquire();
  const awaited = [queue.get(), lock.acquire(), new Event().wait(), until(Promise.withResolvers().promise)];
  for (const each of awaited) {
    assertEquals(textOf(yield* errorOf(waitFor(each as typeof awaited[0], 1))), "time is up");
  }
  queue.putNowait("item");
  lock.release();
  assertEquals([queue.qsize(), lock.locked()], [1, false]);
});

loopTest("waitFor() can be nested, and the nearer limit counts", function* ({ loop }) {
  assertEquals(textOf(yield* errorOf(waitFor(waitFor(sleep(9), 1), 5))), "time is up");
  assertEquals(loop.time(), 1);
  assertEquals(textOf(yield* errorOf(waitFor(waitFor(sleep(9), 5), 1))), "time is up");
  assertEquals(loop.time(), 2);
});

loopTest("waitFor() refuses what cannot be awaited, and what is not a valid duration", function* () {
  for (const wrong of [42, null, "text", () => {}]) assertThrows(() => waitFor(wrong as never, 1), TypeError);
  assertThrows(() => waitFor(sleep(1), "1s" as never), TypeError, 'current value is "1s"');
  assertThrows(() => waitFor(sleep(1), NaN), TypeError);
  yield* sleep(0);
});
