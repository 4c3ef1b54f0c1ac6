/** Cancelling tasks: when, and whichever operation they wait for. */
import { all, call, type Coro, race, until, withTimeout } from "@asyncoro/asyncoro";
import {
  CancelledError,
  Condition,
  createTask,
  Event,
  type Future,
  Lock,
  Queue,
  Semaphore,
  sleep,
  type Task,
} from "@asyncoro/asyncoro/asyncio";
import { assertEquals, assertInstanceOf, assertStrictEquals } from "@std/assert";
import { loopTest } from "./loop_lab.ts";
import { errorOf, stateOf, textOf } from "./outcomes.ts";

type Wait = (coro: Coro) => Generator<unknown, unknown, unknown>;

/** Cancels a task that has begun to wait; what is given must be free again after that. */
function waitCancels(what: string, make: () => Wait): void {
  loopTest(`a task that waits for ${what} can be cancelled`, function* ({ log, loop }) {
    const wait = make();
    const task = createTask(function* (coro) {
      try {
        yield* wait(coro);
      } catch (error) {
        log.push(textOf(error));
        throw error;
      } finally {
        log.push("cleanup");
      }
    });
    yield* sleep(0.5);
    assertEquals(task.cancel("enough"), true);
    assertEquals(task.done(), false);
    assertEquals(textOf(yield* errorOf(task)), "cancelled: enough");
    assertEquals(log, ["cancelled: enough", "cleanup"]);
    assertEquals([task.done(), task.cancelled(), task.cancelling()], [true, true, 1]);
    assertEquals(loop.scheduler.stats().timers, 0);
  });
}

waitCancels("a sleep", () =>
  function* () {
    yield* sleep(100);
  });
waitCancels("a message", () =>
  function* (coro) {
    yield* coro.receive();
  });
waitCancels("a message with a limit", () =>
  function* (coro) {
    yield* coro.receive(100);
  });
waitCancels("a promise", () =>
  function* () {
    yield* until(Promise.withResolvers().promise);
  });
waitCancels("a promise given to plain yield", () =>
  function* () {
    yield Promise.withResolvers().promise;
  });
waitCancels("a race", () =>
  function* (coro) {
    yield* race(sleep(100), coro.receive());
  });
waitCancels("several at once", () =>
  function* (coro) {
    yield* all(sleep(100), coro.receive());
  });
waitCancels("the core's withTimeout()", () =>
  function* (coro) {
    yield* withTimeout(100, coro.receive());
  });
waitCancels("a subroutine by call()", () =>
  function* () {
    yield* call((function* () {
      yield* sleep(100);
    })());
  });
waitCancels("a subroutine by yield*", () =>
  function* () {
    yield* (function* () {
      yield* sleep(100);
    })();
  });
waitCancels("a subroutine by plain yield", () =>
  function* () {
    yield (function* () {
      yield* sleep(100);
    })();
  });
waitCancels("an event", () =>
  function* () {
    yield* new Event().wait();
  });
waitCancels("a queue", () =>
  function* () {
    yield* new Queue().get();
  });
waitCancels("room in a queue", () => {
  const queue = new Queue(1);
  queue.putNowait(1);
  return function* () {
    yield* queue.put(2);
  };
});
waitCancels("a semaphore", () =>
  function* () {
    yield* new Semaphore(0).acquire();
  });
waitCancels("a condition", () => {
  const condition = new Condition();
  return function* () {
    yield* condition.acquire();
    try {
      yield* condition.wait();
    } finally {
      condition.release();
    }
  };
});

loopTest("cancelling a task that waits for a lock removes it from the queue", function* () {
  const lock = new Lock();
  yield* lock.acquire();
  const [first, second] = [1, 2].map(() =>
    createTask(function* () {
      using _ = yield* lock.hold();
    })
  );
  yield* sleep(0);
  first.cancel();
  yield* errorOf(first);
  assertEquals(lock.statistics().waiters, 1);
  lock.release();
  yield* second;
  assertEquals(lock.locked(), false);
});

loopTest("cancelling a task that waits for a future cancels the future", function* ({ loop }) {
  const future = loop.createFuture();
  const task = createTask(function* () {
    yield* future;
  });
  yield* sleep(0);
  task.cancel("why");
  assertEquals([stateOf(future), task.done()], ["cancelled: why", false]);
  assertStrictEquals(yield* errorOf(task), yield* errorOf(future));
});

loopTest("cancelling a future fails the task that waits for it, without a request to the task", function* ({ loop }) {
  const future = loop.createFuture();
  const task = createTask(function* () {
    yield* future;
  });
  yield* sleep(0);
  future.cancel();
  assertInstanceOf(yield* errorOf(task), CancelledError);
  assertEquals([task.cancelled(), task.cancelling()], [true, 0]);
});

loopTest("cancelling a task cancels the task that it waits for, and so on", function* ({ loop, log }) {
  const future = loop.createFuture();
  const link = (name: string, to: Future | Task) =>
    createTask(function* () {
      try {
        yield* to;
      } finally {
        log.push(name);
      }
    });
  const inner = link("inner", future);
  const middle = link("middle", inner);
  const outer = link("outer", middle);
  yield* sleep(0);
  outer.cancel("all of you");
  assertEquals([future.done(), inner.done(), middle.done()], [true, false, false]);
  yield* errorOf(outer);
  assertEquals([inner, middle, outer].map(stateOf), Array(3).fill("cancelled: all of you"));
  assertEquals([inner, middle, outer].map((task) => task.cancelling()), [1, 1, 1]);
  assertEquals(log, ["inner", "middle", "outer"]);
});

loopTest("of several that wait for one task, cancelling one cancels it for all", function* () {
  const shared = createTask(sleep(10));
  const waiters = [1, 2, 3].map(() =>
    createTask(function* () {
      yield* shared;
    })
  );
  yield* sleep(1);
  waiters[1].cancel();
  yield* sleep(1);
  assertEquals([shared, ...waiters].map((each) => [stateOf(each), each.cancelling()]), [
    ["cancelled", 1],
    ["cancelled", 0],
    ["cancelled", 1],
    ["cancelled", 0],
  ]);
});

loopTest("cancelling a waiter does not affect a task that ignores its cancellation", function* () {
  const stubborn = createTask(function* () {
    try {
      yield* sleep(10);
    } catch {
      yield* sleep(1);
      return "all the same";
    }
  });
  const waiter = createTask(function* () {
    return yield* stubborn;
  });
  yield* sleep(1);
  waiter.cancel();
  assertEquals(yield* waiter, "all the same");
  assertEquals([waiter.cancelled(), waiter.cancelling()], [false, 1]);
});

loopTest("a task that is done cannot be cancelled", function* () {
  const task = createTask(sleep(0, "slept"));
  yield* task;
  assertEquals([task.cancel(), task.cancelled(), task.cancelling(), stateOf(task)], [false, false, 0, "gave slept"]);
});

loopTest("the children of a race clean up before the cancellation is thrown in the task", function* ({ log }) {
  function* branch(name: string) {
    try {
      yield* sleep(100);
    } finally {
      yield* sleep(1);
      log.push(name);
    }
  }
  const task = createTask(function* () {
    try {
      yield* race(branch("one"), branch("two"));
    } finally {
      log.push("task");
    }
  });
  yield* sleep(1);
  task.cancel();
  assertEquals(textOf(yield* errorOf(task)), "cancelled");
  assertEquals(log.toSorted(), ["one", "task", "two"]);
  assertEquals(log.at(-1), "task");
});
