/** Lock: one task at a time, first come, first served, without an owner. */
import { Coro } from "@asyncoro/asyncoro";
import { createTask, gather, Lock, run, sleep } from "@asyncoro/asyncoro/asyncio";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { inLoop, loopTest } from "./loop_lab.ts";
import { outcomeOf, turns } from "./outcome.ts";

loopTest("a lock that is free is acquired at once, before others have a turn", function* (lab) {
  const lock = new Lock();
  lab.loop.callSoon(lab.noting("others"));
  assertEquals(lock.statistics(), { locked: false, owner: null, waiters: 0 });
  assertEquals(yield* lock.acquire(), true);
  assertEquals(lock.statistics(), { locked: true, owner: null, waiters: 0 });
  assertEquals(lab.log, []);
  lock.release();
  assertEquals(lock.locked(), false);
});

loopTest("every release grants one permit, in the order of arrival", function* ({ log }) {
  const lock = new Lock();
  const enter = (n: number) =>
    createTask(function* () {
      if (yield* lock.acquire()) log.push(n);
      return n;
    });
  yield* lock.acquire();
  const tasks = [enter(1), enter(2)];
  yield* sleep(0);
  assertEquals([log, lock.statistics().waiters], [[], 2]);
  lock.release();
  yield* turns(2);
  assertEquals(log, [1]);
  tasks.push(enter(3));
  lock.release();
  yield* sleep(0);
  assertEquals(log, [1, 2]);
  lock.release();
  yield* sleep(0);
  assertEquals(log, [1, 2, 3]);
  assertEquals(yield* gather(tasks), [1, 2, 3]);
  assert(lock.locked());
});

loopTest("no task overtakes one that was granted it and has not run yet", function* ({ log }) {
  const lock = new Lock();
  yield* lock.acquire();
  const first = createTask(function* () {
    yield* lock.acquire();
    log.push("first");
    lock.release();
  });
  yield* sleep(0);
  lock.release();
  assertEquals(lock.statistics(), { locked: false, owner: null, waiters: 0 });
  yield* lock.acquire();
  log.push("main");
  assert(first.done());
  assertEquals(log, ["first", "main"]);
});

loopTest("a task that releases a lock and acquires it again queues behind the others", function* ({ log }) {
  const lock = new Lock();
  function* twice(name: string) {
    for (const round of [1, 2]) {
      using _ = yield* lock.hold();
      log.push(`${name}${round}`);
      yield* sleep(0.01);
    }
  }
  yield* gather(twice("a"), twice("b"), twice("c"));
  assertEquals(log, ["a1", "b1", "c1", "a2", "b2", "c2"]);
});

loopTest("a callback may release the lock", function* ({ loop }) {
  const lock = new Lock();
  yield* lock.acquire();
  loop.callLater(1, () => lock.release());
  yield* lock.acquire();
  assertEquals(loop.time(), 1);
});

loopTest("a task may release the lock that another has acquired", function* ({ log }) {
  const lock = new Lock();
  yield* createTask(lock.acquire());
  assert(lock.locked());
  createTask(function* () {
    log.push("released by another");
    lock.release();
  });
  yield* lock.acquire();
  assertEquals(log, ["released by another"]);
});

loopTest("a task that ends while it holds the lock leaves it locked until it is released", function* () {
  const lock = new Lock();
  yield* createTask(function* () {
    yield* lock.acquire();
  });
  const waiting = createTask(lock.acquire());
  yield* sleep(10);
  assertEquals([waiting.done(), lock.statistics().waiters], [false, 1]);
  lock.release();
  assertEquals(yield* waiting, true);
});

Deno.test("releasing a lock that is not held is an error", () => {
  const lock = new Lock("door");
  assertThrows(() => lock.release(), Error, "Cannot release lock 'door' as its lock is not acquired");
});

loopTest("a lock is released once for each time it was acquired", function* () {
  const lock = new Lock();
  yield* lock.acquire();
  lock.release();
  assertThrows(() => lock.release(), Error, "not acquired");
  assertEquals(lock.locked(), false);
});

loopTest("the lock cannot be released for a task that was granted it and has not run yet", function* ({ log }) {
  const lock = new Lock();
  yield* lock.acquire();
  const enter = (n: number) =>
    createTask(function* () {
      yield* lock.acquire();
      log.push(n);
    });
  enter(1);
  enter(2);
  yield* sleep(0);
  lock.release();
  assertThrows(() => lock.release(), Error, "not acquired");
  yield* turns(3);
  assertEquals(log, [1]);
  lock.release();
  yield* sleep(0);
  assertEquals([log, lock.locked()], [[1, 2], true]);
});

loopTest("hold() releases the lock at the end of the block", function* () {
  const lock = new Lock();
  {
    using _ = yield* lock.hold();
    assert(lock.locked());
    yield* sleep(1);
    assert(lock.locked());
  }
  assertEquals(lock.locked(), false);
});

loopTest("hold() releases the lock when the block throws", function* () {
  const lock = new Lock();
  const failing = createTask(function* () {
    using _ = yield* lock.hold();
    yield* sleep(0);
    throw new RangeError("in the block");
  });
  assertEquals(yield* outcomeOf(failing), "RangeError");
  assertEquals(lock.locked(), false);
});

loopTest("releasing by hand inside the block of hold() is an error at its end", function* () {
  const lock = new Lock();
  const task = createTask(function* () {
    using _ = yield* lock.hold();
    lock.release();
  });
  assertEquals(yield* outcomeOf(task), "Error");
  assertThrows(() => task.result(), Error, "not acquired");
});

loopTest("the result of hold() releases the lock once, however often it is disposed of", function* () {
  const lock = new Lock();
  const guard = yield* lock.hold();
  guard[Symbol.dispose]();
  yield* lock.acquire();
  guard[Symbol.dispose]();
  assert(lock.locked());
});

loopTest("acquire() and hold() work with plain yield", function* () {
  const lock = new Lock();
  yield* lock.acquire();
  const plain = createTask(function* (): Generator<unknown, unknown[], unknown> {
    const acquired = yield lock.acquire();
    lock.release();
    using _ = (yield lock.hold()) as Disposable;
    return [acquired, lock.locked()];
  });
  yield* sleep(0);
  lock.release();
  assertEquals(yield* plain, [true, true]);
  assertEquals(lock.locked(), false);
});

loopTest("a lock itself cannot be awaited", function* () {
  const lock = new Lock();
  assertThrows(() => createTask(lock as never), TypeError, "Cannot create a task");
  assertThrows(() => gather(lock as never), TypeError);
  assertEquals(lock.locked(), false);
});

loopTest("acquire() does nothing until it is yielded", function* () {
  const lock = new Lock();
  lock.acquire();
  assertEquals(lock.statistics(), { locked: false, owner: null, waiters: 0 });
  yield* sleep(0);
  assertEquals(lock.locked(), false);
});

loopTest("an operation of acquire() belongs to one yield", function* () {
  const lock = new Lock();
  const operation = lock.acquire();
  yield* operation;
  assertThrows(() => operation[Symbol.iterator](), TypeError, "Cannot yield 'acquire' again");
});

loopTest("tasks and bare coroutines wait for a lock in one queue", function* ({ log }) {
  const lock = new Lock();
  function* enter(name: string) {
    using _ = yield* lock.hold();
    log.push(name);
    yield* sleep(0);
  }
  const guard = yield* lock.hold();
  const task1 = createTask(enter("task 1"));
  const coro = new Coro(function* () {
    yield* enter("coroutine");
  });
  const task2 = createTask(enter("task 2"));
  yield* sleep(0);
  assertEquals(lock.statistics().waiters, 3);
  guard[Symbol.dispose]();
  yield* gather(task1, coro, task2);
  assertEquals(log, ["task 1", "coroutine", "task 2"]);
});

loopTest("the text of a lock shows its name", function* () {
  const named = new Lock("accounts");
  assertEquals([`${named}`, `${new Lock()}`], ["lock 'accounts'", "a lock"]);
  assertThrows(() => new Lock(1 as never), TypeError, "'name' must be a string");
  yield* named.acquire();
  const waiting = createTask(named.acquire());
  yield* sleep(0);
  assert(waiting.getCoro().scheduler.dump().some((info) => JSON.stringify(info).includes("lock 'accounts'")));
  named.release();
  yield* waiting;
});

Deno.test("a lock that was made outside a loop serves several loops one after the other", async () => {
  const lock = new Lock();
  const use = function* () {
    const second = createTask(lock.acquire());
    using _ = yield* lock.hold();
    yield* sleep(0);
    lock.release();
    return yield* second;
  };
  assertEquals([await run(use), await run(use)], [true, true]);
});

Deno.test("a loop in which all wait for a lock that cannot be released fails with a DeadlockError", () =>
  inLoop(async (lab) => {
    const lock = new Lock("mine");
    const main = lab.loop.createTask(function* () {
      yield* lock.acquire();
      yield* lock.acquire();
    });
    const error = await lab.loop.runUntilComplete(main).catch((error) => error);
    assertEquals(error.name, "DeadlockError");
    assert(error.message.includes("lock 'mine'"), error.message);
    main.cancel();
    assertEquals((await lab.loop.runUntilComplete(main).catch((error) => error)).name, "CancelledError");
  }));
