/** Condition: a task that is cancelled has the lock again when it goes on, and passes a notification on. */
import { Coro, race, sleep as bareSleep, withTimeout } from "@asyncoro/asyncoro";
import { CancelledError, Condition, createTask, Lock, sleep, timeout, waitFor } from "@asyncoro/asyncoro/asyncio";
import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { type LoopLab, loopTest } from "./loop_lab.ts";
import { errorOf, outcomeOf, turns } from "./outcome.ts";

const FREE = { locked: false, owner: null, waiters: 0 };
const TAKEN = { locked: true, owner: null, waiters: 0 };

/** Waits for a notification with the lock, and notes how that ends and that it has the lock. */
function* waiting({ log }: LoopLab, condition: Condition, name: string) {
  using _ = yield* condition.hold();
  try {
    yield* condition.wait();
    log.push(`${name} notified`);
  } catch (error) {
    log.push(`${name} ${(error as Error).name}`);
    throw error;
  } finally {
    assert(condition.locked(), "without the lock");
  }
}

loopTest("a task that is cancelled while it waits takes the lock again first", function* ({ loop }) {
  const condition = new Condition();
  yield* condition.acquire();
  const wait = createTask(condition.wait());
  loop.callSoon(() => wait.cancel());
  assertEquals(yield* outcomeOf(wait), "CancelledError");
  assertEquals(condition.statistics(), { waiters: 0, lock: TAKEN });
});

loopTest("a task that is cancelled while another has the lock waits for it, and then throws", function* (lab) {
  const condition = new Condition();
  const task = createTask(waiting(lab, condition, "a"));
  yield* sleep(0);
  {
    using _ = yield* condition.hold();
    task.cancel();
    yield* sleep(10);
    assertEquals([task.done(), lab.log, condition.statistics().waiters], [false, [], 0]);
  }
  assertEquals(yield* outcomeOf(task), "CancelledError");
  assertEquals([lab.log, condition.locked()], [["a CancelledError"], false]);
});

loopTest("a task that is cancelled when it was notified and waits for the lock throws when it has it", function* (lab) {
  const condition = new Condition();
  const task = createTask(waiting(lab, condition, "a"));
  yield* sleep(0);
  yield* condition.acquire();
  condition.notify();
  yield* sleep(0);
  task.cancel();
  yield* sleep(0);
  assertEquals(task.done(), false);
  condition.release();
  yield* turns(2);
  assert(task.cancelled());
  assertEquals(condition.statistics(), { waiters: 0, lock: FREE });
});

loopTest("notified, cancelled, and the lock released, in this order: it ends with the lock", function* ({ loop }) {
  const condition = new Condition();
  yield* condition.acquire();
  const wait = createTask(condition.wait());
  yield* sleep(0);
  yield* condition.acquire();
  condition.notify();
  loop.callSoon(() => wait.cancel());
  loop.callSoon(() => condition.release());
  yield* outcomeOf(wait);
  assertEquals(condition.statistics(), { waiters: 0, lock: TAKEN });
});

for (const order of ["notified, then cancelled", "cancelled, then notified"]) {
  loopTest(`${order}: the notification goes to the next`, function* (lab) {
    const condition = new Condition();
    const [a, b, c] = ["a", "b", "c"].map((name) => createTask(waiting(lab, condition, name)));
    yield* sleep(0);
    {
      using _ = yield* condition.hold();
      if (order.startsWith("cancelled")) a.cancel();
      condition.notify();
      if (order.startsWith("notified")) a.cancel();
    }
    yield* sleep(1);
    assertEquals([a.cancelled(), b.done(), c.done()], [true, true, false]);
    assertEquals(lab.log, ["a CancelledError", "b notified"]);
    assertEquals(condition.statistics(), { waiters: 1, lock: FREE });
    c.cancel();
    assertEquals(yield* outcomeOf(c), "CancelledError");
  });
}

loopTest("cancelled when notified and in the queue for the lock: the notification goes to the next", function* (lab) {
  const condition = new Condition();
  const [a, b] = ["a", "b"].map((name) => createTask(waiting(lab, condition, name)));
  yield* sleep(0);
  {
    using _ = yield* condition.hold();
    condition.notify();
    yield* sleep(0);
    a.cancel();
    yield* sleep(0);
  }
  yield* b;
  assertEquals([a.cancelled(), lab.log, condition.locked()], [true, ["a CancelledError", "b notified"], false]);
});

loopTest(
  "cancelled in the iteration in which it has the lock again: the notification goes to the next",
  function* (lab) {
    const condition = new Condition();
    const [a, b] = ["a", "b"].map((name) => createTask(waiting(lab, condition, name)));
    yield* sleep(0);
    yield* condition.acquire();
    condition.notify();
    yield* sleep(0);
    condition.release();
    a.cancel();
    yield* b;
    assertEquals([a.cancelled(), lab.log], [true, ["a CancelledError", "b notified"]]);
    assertEquals(condition.statistics(), { waiters: 0, lock: FREE });
  },
);

loopTest("cancelled without a notification: the others go on waiting", function* (lab) {
  const condition = new Condition();
  const [a, b] = ["a", "b"].map((name) => createTask(waiting(lab, condition, name)));
  yield* sleep(0);
  a.cancel();
  yield* sleep(1);
  assertEquals([a.cancelled(), b.done()], [true, false]);
  b.cancel();
  yield* outcomeOf(b);
  assertEquals(condition.statistics(), { waiters: 0, lock: FREE });
});

loopTest(
  "cancelled twice, the second time while it waits for the lock: it throws once, with the lock",
  function* (lab) {
    const condition = new Condition();
    const task = createTask(waiting(lab, condition, "a"));
    yield* sleep(0);
    {
      using _ = yield* condition.hold();
      for (let i = 0; i < 3; i++) {
        task.cancel(`reason ${i}`);
        yield* sleep(0);
      }
      assertEquals([task.done(), task.cancelling()], [false, 3]);
    }
    const error = yield* errorOf(task);
    assertEquals([error instanceof CancelledError, error?.message], [true, "reason 2"]);
    assertEquals([lab.log, condition.statistics()], [["a CancelledError"], { waiters: 0, lock: FREE }]);
  },
);

for (const where of ["waiting to be notified", "waiting for the lock"]) {
  loopTest(`a cancellation of one that is ${where} is the very error that its coroutine throws`, function* ({ log }) {
    const condition = new Condition();
    let wake = false;
    const task = createTask(function* () {
      using _ = yield* condition.hold();
      try {
        yield* condition.waitFor(() => wake);
      } catch (error) {
        log.push(error);
        throw error;
      }
    });
    yield* sleep(0);
    if (where === "waiting to be notified") {
      task.cancel("foo");
    } else {
      using _ = yield* condition.hold();
      wake = true;
      condition.notify();
      yield* sleep(0);
      task.cancel("foo");
    }
    const seen = yield* errorOf(task);
    assertEquals([seen instanceof CancelledError, seen?.message], [true, "foo"]);
    assertStrictEquals(seen, log[0]);
  });
}

for (const when of ["at once", "when it waits for the lock"]) {
  loopTest(`an item is taken by another consumer when the one that was notified is cancelled ${when}`, function* () {
    const condition = new Condition();
    let stock = 0;
    function* consume() {
      using _ = yield* condition.hold();
      for (;;) {
        yield* condition.waitFor(() => stock !== 0);
        if (stock < 0) return "closed";
        stock--;
      }
    }
    const [first, second] = [createTask(consume()), createTask(consume())];
    yield* sleep(0);
    {
      using _ = yield* condition.hold();
      stock++;
      condition.notify();
      if (when !== "at once") yield* sleep(0);
      first.cancel();
      yield* outcomeOf(timeout(0.01, condition.waitFor(() => stock === 0)));
      assertEquals(stock, 0);
      stock = -1;
      condition.notifyAll();
    }
    assertEquals([yield* outcomeOf(first), yield* second], ["CancelledError", "closed"]);
  });
}

loopTest("waitFor() of asyncio around a wait throws when time is up, with the lock", function* ({ loop }) {
  const condition = new Condition();
  using _ = yield* condition.hold();
  assertEquals(yield* outcomeOf(waitFor(condition.wait(), 0.5)), "TimeoutError");
  assertEquals([loop.time(), condition.statistics()], [0.5, { waiters: 0, lock: TAKEN }]);
});

loopTest("race() and withTimeout() of a wait end with the lock, when they get it", function* ({ loop }) {
  const condition = new Condition();
  yield* condition.acquire();
  const holder = createTask(function* () {
    yield* condition.acquire();
    yield* sleep(5);
    condition.release();
  });
  yield* race(condition.wait(), bareSleep(1));
  assertEquals([loop.time(), holder.done(), condition.locked()], [5, true, true]);
  assertEquals(yield* outcomeOf(withTimeout(1, condition.wait())), "TimeoutError");
  assertEquals([loop.time(), condition.statistics()], [6, { waiters: 0, lock: TAKEN }]);
});

loopTest("a bare coroutine that is terminated while it waits passes its notification on", function* (lab) {
  const condition = new Condition();
  const coro = new Coro(function* () {
    yield* waiting(lab, condition, "coroutine");
  });
  const task = createTask(waiting(lab, condition, "task"));
  yield* sleep(0);
  {
    using _ = yield* condition.hold();
    condition.notify();
    coro.terminate();
  }
  yield* task;
  assertEquals([lab.log, condition.statistics()], [["task notified"], { waiters: 0, lock: FREE }]);
});

loopTest("cancelling a wait on one of two conditions does not affect the other", function* (lab) {
  const lock = new Lock();
  const [left, right] = [new Condition(lock), new Condition(lock)];
  const tasks = [createTask(waiting(lab, left, "left")), createTask(waiting(lab, right, "right"))];
  yield* sleep(0);
  {
    using _ = yield* lock.hold();
    left.notify();
    tasks[0].cancel();
  }
  yield* sleep(1);
  assertEquals([lab.log, right.statistics()], [["left CancelledError"], { waiters: 1, lock: FREE }]);
  tasks[1].cancel();
  yield* outcomeOf(tasks[1]);
});
