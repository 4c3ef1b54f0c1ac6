/** Condition: waiting for the changes of others, with a lock. */
import { Coro, Lock as OwnedLock } from "@asyncoro/asyncoro";
import { Condition, createTask, gather, Lock, sleep, taskGroup, waitFor } from "@asyncoro/asyncoro/asyncio";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { type LoopLab, loopTest } from "./loop_lab.ts";
import { outcomeOf, turns } from "./outcome.ts";

const MISSING = "as its lock is not acquired";

/** A task that waits to be notified, notes it, and may release the lock. */
function waiter({ log }: LoopLab, condition: Condition, n: number, releases: boolean) {
  return createTask(function* () {
    yield* condition.acquire();
    if (yield* condition.wait()) log.push(n);
    if (releases) condition.release();
    return n;
  });
}

loopTest(
  "waiters go on when they were notified and the lock is released, in the order in which they came",
  function* (lab) {
    const { log } = lab;
    const condition = new Condition();
    const tasks = [1, 2, 3].map((n) => waiter(lab, condition, n, false));
    yield* sleep(0);
    assertEquals([log, condition.locked(), condition.statistics().waiters], [[], false, 3]);
    assertEquals(yield* condition.acquire(), true);
    condition.notify();
    yield* sleep(0);
    assertEquals([log, condition.locked()], [[], true]);
    condition.release();
    yield* sleep(0);
    assertEquals([log, condition.locked()], [[1], true]);
    condition.notify(2);
    yield* sleep(0);
    assertEquals([log, condition.locked()], [[1], true]);
    for (const expected of [[1, 2], [1, 2, 3]]) {
      condition.release();
      yield* sleep(0);
      assertEquals([log, condition.locked()], [expected, true]);
    }
    assertEquals(yield* gather(tasks), [1, 2, 3]);
  },
);

loopTest("notify() wakes one, or the given number, and no more than wait", function* (lab) {
  const condition = new Condition();
  const tasks = [1, 2, 3].map((n) => waiter(lab, condition, n, true));
  yield* sleep(0);
  for (const [counts, expected] of [[[1], [1]], [[1, 2048], [1, 2, 3]]]) {
    yield* condition.acquire();
    for (const n of counts) condition.notify(n);
    condition.release();
    yield* turns(3);
    assertEquals(lab.log, expected);
  }
  assert(tasks.every((task) => task.done()));
});

loopTest("notify(0) wakes no task", function* (lab) {
  const condition = new Condition();
  const task = waiter(lab, condition, 1, true);
  yield* sleep(0);
  yield* condition.acquire();
  condition.notify(0);
  condition.release();
  yield* sleep(1);
  assertEquals([task.done(), condition.statistics().waiters], [false, 1]);
  yield* condition.acquire();
  condition.notify();
  condition.release();
  yield* task;
});

loopTest("notifyAll() wakes all that wait, and none that come later", function* (lab) {
  const condition = new Condition();
  const early = [1, 2].map((n) => waiter(lab, condition, n, true));
  yield* sleep(0);
  yield* condition.acquire();
  condition.notifyAll();
  condition.release();
  const late = waiter(lab, condition, 3, true);
  yield* sleep(1);
  assertEquals([lab.log, early.every((task) => task.done()), late.done()], [[1, 2], true, false]);
  yield* condition.acquire();
  condition.notifyAll();
  condition.release();
  yield* late;
});

for (const early of [true, false]) {
  loopTest(
    `a task that asks for the lock ${early ? "before" : "after"} the notified tasks have their turn is ${
      early ? "before" : "behind"
    } them`,
    function* ({ log }) {
      const condition = new Condition();
      function* enter(name: string, waits: boolean) {
        using _ = yield* condition.hold();
        if (waits) yield* condition.wait();
        log.push(name);
      }
      const tasks = ["a", "b"].map((name) => createTask(enter(name, true)));
      yield* sleep(0);
      if (early) tasks.push(createTask(enter("newcomer", false)));
      yield* condition.acquire();
      condition.notifyAll();
      if (!early) tasks.push(createTask(enter("newcomer", false)));
      yield* sleep(0);
      condition.release();
      yield* gather(tasks);
      assertEquals(log, early ? ["newcomer", "a", "b"] : ["a", "b", "newcomer"]);
    },
  );
}

loopTest("a notification without waiters is not kept", function* () {
  const condition = new Condition();
  using _ = yield* condition.hold();
  condition.notify();
  condition.notifyAll();
  assertEquals(yield* outcomeOf(waitFor(condition.wait(), 1)), "TimeoutError");
});

Deno.test("waiting, notifying and releasing without the lock are errors", () => {
  const condition = new Condition(null, "stock");
  assertThrows(() => condition.wait(), Error, `Cannot wait on condition 'stock' ${MISSING}`);
  assertThrows(() => condition.notify(), Error, `Cannot notify condition 'stock' ${MISSING}`);
  assertThrows(() => condition.notifyAll(), Error, `Cannot notify condition 'stock' ${MISSING}`);
  assertThrows(() => condition.release(), Error, `Cannot release lock 'stock' ${MISSING}`);
});

loopTest("a wait that begins when the lock was released meanwhile is an error at the yield", function* () {
  const condition = new Condition();
  yield* condition.acquire();
  const wait = createTask(condition.wait());
  condition.release();
  assertEquals(yield* outcomeOf(wait), "Error");
  assertEquals(condition.statistics().waiters, 0);
});

loopTest("notify() and wait() need the lock to be held, by any task", function* ({ loop }) {
  const condition = new Condition();
  yield* condition.acquire();
  const wait = createTask(condition.wait());
  yield* sleep(0);
  assertEquals(condition.locked(), false);
  yield* createTask(condition.acquire());
  loop.callLater(1, () => {
    condition.notify();
    condition.release();
  });
  assertEquals(yield* wait, true);
  assert(condition.locked());
});

Deno.test("notify() takes a count", () => {
  const condition = new Condition();
  assertThrows(() => condition.notify(-1), RangeError, "'n' must be an integer of 0 or more: current value is -1");
  assertThrows(() => condition.notify("1" as never), TypeError, 'current value is "1"');
});

loopTest("waitFor() calls its predicate after each notification, and returns the value of that", function* () {
  const condition = new Condition();
  let value = 0;
  let looks = 0;
  const task = createTask(function* () {
    using _ = yield* condition.hold();
    return yield* condition.waitFor(() => (looks++, assert(condition.locked()), value > 1 && `is ${value}`));
  });
  for (const now of [0, 1, 2]) {
    yield* sleep(1);
    assertEquals([looks, task.done()], [now + 1, false]);
    using _ = yield* condition.hold();
    value = now;
    condition.notify();
  }
  assertEquals(yield* task, "is 2");
  assertEquals(condition.statistics(), { waiters: 0, lock: { locked: false, owner: null, waiters: 0 } });
});

loopTest("waitFor() needs the lock only if its predicate does not hold", function* () {
  const condition = new Condition();
  assertEquals(yield* condition.waitFor(() => [1, 2, 3]), [1, 2, 3]);
  assertEquals(yield* outcomeOf(condition.waitFor(() => false)), "Error");
  assertEquals(condition.locked(), false);
});

loopTest("a predicate that throws at once leaves the lock as it is", function* () {
  const condition = new Condition();
  using _ = yield* condition.hold();
  const failing = condition.waitFor(() => {
    throw new RangeError("bad predicate");
  });
  assertEquals(yield* outcomeOf(failing), "RangeError");
  assert(condition.locked());
});

loopTest("a predicate that throws after a notification ends the wait with the lock", function* () {
  const condition = new Condition();
  let broken = false;
  const task = createTask(function* () {
    using _ = yield* condition.hold();
    yield* condition.waitFor(() => {
      if (broken) throw new RangeError("bad predicate");
    });
  });
  yield* sleep(0);
  {
    using _ = yield* condition.hold();
    broken = true;
    condition.notify();
  }
  assertEquals(yield* outcomeOf(task), "RangeError");
  assertEquals(condition.statistics(), { waiters: 0, lock: { locked: false, owner: null, waiters: 0 } });
});

Deno.test("waitFor() takes a function", () => {
  const condition = new Condition();
  assertThrows(() => condition.waitFor(1 as never), TypeError, "'predicate' must be a function: current value is 1");
});

loopTest("hold() acquires and releases the lock of the condition", function* () {
  const condition = new Condition();
  {
    using _ = yield* condition.hold();
    assert(condition.locked());
  }
  assertEquals(condition.locked(), false);
});

loopTest("a lock that is given to a condition is the condition's lock", function* () {
  const lock = new Lock();
  const condition = new Condition(lock);
  yield* condition.acquire();
  assertEquals([lock.locked(), condition.locked()], [true, true]);
  lock.release();
  yield* lock.acquire();
  assertEquals([lock.locked(), condition.locked()], [true, true]);
  condition.release();
  assertEquals([lock.locked(), condition.locked()], [false, false]);
});

loopTest("two conditions on one lock wake their own waiters, one after the other", function* (lab) {
  const lock = new Lock();
  const [notEmpty, notFull] = [new Condition(lock, "not empty"), new Condition(lock, "not full")];
  const box: number[] = [];
  const received: number[] = [];
  yield* taskGroup(function* (group) {
    group.createTask(function* () {
      for (let n = 0; n < 20; n++) {
        using _ = yield* lock.hold();
        yield* notFull.waitFor(() => box.length < 2);
        box.push(n);
        notEmpty.notify();
      }
    });
    group.createTask(function* () {
      while (received.length < 20) {
        using _ = yield* lock.hold();
        yield* notEmpty.waitFor(() => box.length > 0);
        received.push(box.shift()!);
        notFull.notify();
      }
    });
  });
  assertEquals(received, Array.from({ length: 20 }, (_, n) => n));
  const one = waiter(lab, notEmpty, 1, true);
  yield* sleep(0);
  yield* lock.acquire();
  notFull.notifyAll();
  lock.release();
  yield* sleep(1);
  assertEquals(one.done(), false);
  yield* lock.acquire();
  notEmpty.notifyAll();
  lock.release();
  yield* one;
});

Deno.test("a condition takes a lock of asyncio, which has no owner", () => {
  assertThrows(() => new Condition(new OwnedLock() as never), TypeError, "'lock' must be a Lock of asyncio");
  assertThrows(() => new Condition({} as never), TypeError, "'lock' must be");
  assertEquals(`${new Condition(new Lock("l"))}`, "a condition of lock 'l'");
});

loopTest("a wait may have a limit of its own, and holds the lock again when time is up", function* ({ loop }) {
  const condition = new Condition();
  using _ = yield* condition.hold();
  const holder = createTask(function* () {
    using _ = yield* condition.hold();
    yield* sleep(5);
  });
  assertEquals(yield* condition.wait(1), false);
  assertEquals([loop.time(), holder.done(), condition.locked()], [5, true, true]);
  assertEquals(yield* condition.waitFor(() => false, 1), false);
  assertEquals(loop.time(), 6);
});

loopTest("tasks and bare coroutines wait on one condition, and plain yield does too", function* ({ log }) {
  const condition = new Condition();
  function* wait(name: string): Generator<unknown, void, unknown> {
    yield condition.acquire();
    log.push([name, yield condition.wait(), yield condition.waitFor(() => "looked")]);
    condition.release();
  }
  const first = createTask(wait("task 1"));
  const second = new Coro(function* () {
    yield* wait("coroutine");
  });
  const third = createTask(wait("task 2"));
  yield* sleep(0);
  yield* condition.acquire();
  condition.notifyAll();
  condition.release();
  yield* gather(first, second, third);
  assertEquals(log, ["task 1", "coroutine", "task 2"].map((name) => [name, true, "looked"]));
});
