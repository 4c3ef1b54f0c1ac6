/** Blocks of code with a time limit: their results, the timeout, and another deadline. */
import { Coro } from "@asyncoro/asyncoro";
import {
  CancelledError,
  createTask,
  getRunningLoop,
  sleep,
  type Timeout,
  timeout,
  timeoutAt,
  TimeoutError,
} from "@asyncoro/asyncoro/asyncio";
import { assertEquals, assertInstanceOf, assertStrictEquals, assertThrows } from "@std/assert";
import { loopTest } from "./loop_lab.ts";
import { errorOf, failWith, textOf } from "./outcomes.ts";

/** A block that waits for long, and whose limit is kept. */
function* limited(seconds: number | null, block: (limit: Timeout) => Generator<unknown, unknown, unknown>) {
  let limit: Timeout | null = null;
  const ended = yield* createTask(function* () {
    try {
      const value = yield* timeout(seconds as number, function* (t) {
        limit = t;
        return yield* block(t);
      });
      return `gave ${value}`;
    } catch (error) {
      return textOf(error);
    }
  });
  return { ended, limit: limit! as Timeout };
}

function* long(): Generator<unknown, string, unknown> {
  yield* sleep(100);
  return "long";
}

loopTest("a block that ends in time returns its value", function* ({ loop }) {
  const { ended, limit } = yield* limited(10, () => sleep(1, "value") as never);
  assertEquals([ended, limit.expired(), limit.when(), loop.time()], ["gave value", false, 10, 1]);
  assertEquals(loop.scheduler.stats().timers, 0);
});

loopTest("when time is up, the wait is cancelled and TimeoutError thrown, with that as its cause", function* ({ log }) {
  const error = yield* errorOf(timeout(1, function* () {
    try {
      yield* sleep(100);
    } finally {
      log.push("cleanup");
    }
  }));
  assertInstanceOf(error, TimeoutError);
  assertInstanceOf(error.cause, CancelledError);
  assertEquals(log, ["cleanup"]);
});

loopTest("timeoutAt() takes a point in time", function* ({ loop }) {
  yield* sleep(5);
  let limit: Timeout;
  const error = yield* errorOf(timeoutAt(loop.time() + 2, function* (t) {
    limit = t;
    yield* long();
  }));
  assertEquals([textOf(error), limit!.when(), limit!.expired(), loop.time()], ["time is up", 7, true, 7]);
});

loopTest("without a limit a block takes the time that it takes", function* ({ loop }) {
  for (const limit of [null, Infinity]) {
    const block = function* (t: Timeout) {
      assertEquals(t.expired(), false);
      yield* sleep(1000);
      return "ended";
    };
    assertEquals(yield* timeout(limit as number, block), "ended");
    assertEquals(yield* timeoutAt(limit, block), "ended");
  }
  assertEquals(loop.time(), 4000);
  assertEquals((yield* limited(null, () => sleep(1) as never)).limit.when(), null);
});

loopTest("a limit is a duration, too", function* ({ loop }) {
  assertEquals(textOf(yield* errorOf(timeout({ milliseconds: 1500 }, long))), "time is up");
  assertEquals(loop.time(), 1.5);
});

loopTest(
  "with no time, or a negative one, the block begins and its first wait is cancelled",
  function* ({ log, loop }) {
    for (const [seconds, wait] of [[0, 10], [0, 0], [-11, 10], [-11, 0]]) {
      const { ended, limit } = yield* limited(seconds, function* () {
        log.push("began");
        yield* sleep(wait);
      });
      assertEquals([ended, limit.expired(), limit.when()], ["time is up", true, seconds]);
    }
    assertEquals([log.length, loop.time()], [4, 0]);
  },
);

loopTest("with no time, a block that does not wait ends well", function* () {
  const { ended, limit } = yield* limited(0, function* () {
    return "at once";
  });
  assertEquals([ended, limit.expired()], ["gave at once", false]);
});

loopTest("a limit takes whatever can be awaited in place of a block", function* ({ loop }) {
  const future = loop.createFuture<string>();
  future.setResult("future");
  const coro = new Coro(function* () {
    return "coro";
  });
  assertEquals(yield* timeout(1, future), "future");
  assertEquals(yield* timeout(1, sleep(0.5, "operation")), "operation");
  assertEquals(yield* timeout(1, Promise.resolve("promise")), "promise");
  assertEquals(yield* timeout(1, createTask(sleep(0, "task"))), "task");
  assertEquals(yield* timeout(1, coro), "coro");
  assertEquals(textOf(yield* errorOf(timeout(1, long()))), "time is up");
});

loopTest("a task that a limit waits for is cancelled when time is up", function* () {
  const task = createTask(long);
  assertEquals(textOf(yield* errorOf(timeout(1, task))), "time is up");
  assertEquals([task.cancelled(), task.cancelling()], [true, 1]);
});

loopTest("an error of the block is thrown as it is, the same object", function* () {
  const error = new TypeError("failed");
  assertStrictEquals(
    yield* errorOf(timeout(1, function* () {
      throw error;
    })),
    error,
  );
});

loopTest("an error of the cleanup is thrown in place of TimeoutError", function* () {
  const { ended, limit } = yield* limited(1, function* () {
    try {
      yield* sleep(9);
    } finally {
      failWith("cleanup failed");
    }
  });
  assertEquals([ended, limit.expired()], ["cleanup failed", true]);
});

loopTest("a block that swallows the cancellation returns its value, and its limit has expired", function* () {
  const { ended, limit } = yield* limited(1, function* () {
    try {
      yield* sleep(9);
    } catch {
      return "all the same";
    }
  });
  assertEquals([ended, limit.expired()], ["gave all the same", true]);
});

loopTest("a block that goes on after its limit is not limited any more", function* ({ loop }) {
  const { ended } = yield* limited(1, function* () {
    try {
      yield* sleep(9);
    } catch {
      yield* sleep(9);
    }
    return "much later";
  });
  assertEquals([ended, loop.time()], ["gave much later", 10]);
});

loopTest("cleanup takes the time that it takes", function* ({ loop }) {
  const { ended } = yield* limited(1, function* () {
    try {
      yield* sleep(9);
    } finally {
      yield* sleep(7);
    }
  });
  assertEquals([ended, loop.time()], ["time is up", 8]);
});

loopTest("a block whose last wait ends in the iteration of its limit is too late", function* ({ loop }) {
  const waits = [
    () => sleep(2),
    () => createTask(sleep(2)),
    () => {
      const future = loop.createFuture();
      loop.callLater(2, () => future.done() || future.setResult("there"));
      return future;
    },
  ];
  for (const wait of waits) {
    // Begun before the limit is set, where that can be.
    const awaited = wait();
    const { ended, limit } = yield* limited(2, function* () {
      return yield awaited;
    });
    assertEquals([ended, limit.expired()], ["time is up", true]);
  }
});

loopTest("a block whose last step comes before its limit in that iteration is in time", function* ({ loop }) {
  const future = loop.createFuture<string>();
  let limit: Timeout;
  const task = createTask(timeout(9, function* (t) {
    limit = t;
    return yield* future;
  }));
  yield* sleep(1);
  future.setResult("in time");
  limit!.reschedule(0);
  assertEquals([yield* task, limit!.expired()], ["in time", false]);
});

// --- another time ---------------------------------------------------------------------------------------------

loopTest("a block may set a later time, an earlier one, and none", function* ({ loop }) {
  const at = (seconds: number) => getRunningLoop().time() + seconds;
  const later = yield* limited(1, function* (limit) {
    limit.reschedule(at(5));
    yield* sleep(4);
    return "in time";
  });
  assertEquals([later.ended, later.limit.when(), later.limit.expired()], ["gave in time", 5, false]);
  const earlier = yield* limited(9, function* (limit) {
    limit.reschedule(at(1));
    yield* long();
  });
  assertEquals([earlier.ended, earlier.limit.when(), loop.time()], ["time is up", 5, 5]);
  const none = yield* limited(1, function* (limit) {
    limit.reschedule(null);
    return yield* long();
  });
  assertEquals([none.ended, none.limit.when()], ["gave long", null]);
  const some = yield* limited(null, function* (limit) {
    limit.reschedule(at(1));
    yield* long();
  });
  assertEquals([some.ended, loop.time()], ["time is up", 106]);
});

loopTest("a time that is past is up in the next iteration", function* ({ loop }) {
  yield* sleep(10);
  const { ended, limit } = yield* limited(9, function* (limit) {
    limit.reschedule(3);
    yield* sleep(1);
  });
  assertEquals([ended, limit.when(), limit.expired(), loop.time()], ["time is up", 3, true, 10]);
});

loopTest("others may set another time", function* ({ loop }) {
  let limit: Timeout;
  const task = createTask(timeout(1, function* (t) {
    limit = t;
    yield* sleep(5);
    return "ended";
  }));
  yield* sleep(0.5);
  limit!.reschedule(loop.time() + 10);
  assertEquals([yield* task, limit!.expired()], ["ended", false]);
});

loopTest("no other time can be set once the block has ended, or time is up", function* () {
  const finished = yield* limited(5, () => sleep(1) as never);
  assertThrows(() => finished.limit.reschedule(9), Error, "its block does not run: it is finished");
  const expired = yield* limited(1, function* (limit) {
    try {
      yield* sleep(9);
    } finally {
      assertThrows(() => limit.reschedule(9), Error, "it is expiring");
    }
  });
  assertEquals(expired.ended, "time is up");
  assertThrows(() => expired.limit.reschedule(null), Error, "it is expired");
});

loopTest("limits refuse what is not a valid duration, and what is not a block", function* () {
  assertThrows(() => timeout("1s" as never, long), TypeError, 'current value is "1s"');
  assertThrows(() => timeout(NaN, long), TypeError);
  assertThrows(() => timeoutAt("noon" as never, long), TypeError, "'when' must be a number of seconds or null");
  assertThrows(() => timeout(1, 42 as never), TypeError, "current value is 42");
  assertThrows(() => timeout(1, (() => {}) as never), TypeError, "takes a generator function");
  const { ended } = yield* limited(5, function* (limit) {
    assertThrows(() => limit.reschedule("soon" as never), TypeError, 'current value is "soon"');
    assertEquals(limit.when(), 5);
    yield* sleep(1);
  });
  assertEquals(ended, "gave undefined");
});

loopTest("only a task can have a limit: another coroutine gets an error", function* ({ loop }) {
  const coro = loop.scheduler.spawn(function* () {
    return yield* errorOf(timeout(1, long));
  });
  const error = yield* coro.finish();
  assertEquals((error as Error).message, "Cannot limit the time as only a task can be cancelled: use it inside a task");
});

Deno.test("timeout() fails outside a loop, as there is no clock", () => {
  assertThrows(() => timeout(1, long), Error, "no event loop runs here");
});
