/** Semaphore: a number of permits, first come, first served. */
import { Coro, race, sleep as bareSleep } from "@asyncoro/asyncoro";
import { createTask, gather, Semaphore, sleep, type Task, taskGroup, waitFor } from "@asyncoro/asyncoro/asyncio";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { loopTest } from "./loop_lab.ts";
import { outcomeOf, turns } from "./outcome.ts";

Deno.test("a semaphore has one permit by default, or none, and never a negative number", () => {
  assertEquals(new Semaphore().statistics(), { value: 1, waiters: 0 });
  assertEquals(new Semaphore(0).locked(), true);
  assertThrows(() => new Semaphore(-1), RangeError, "'value' must be an integer of 0 or more: current value is -1");
  assertThrows(() => new Semaphore(1.5), RangeError, "current value is 1.5");
  assertThrows(() => new Semaphore("1" as never), TypeError, "'value' must be");
});

loopTest("as many tasks acquire it at once as there are permits; the others wait in the queue", function* ({ log }) {
  const semaphore = new Semaphore(3);
  assertEquals([yield* semaphore.acquire(), yield* semaphore.acquire()], [true, true]);
  assertEquals(semaphore.locked(), false);
  const enter = (n: number) =>
    createTask(function* () {
      yield* semaphore.acquire();
      log.push(n);
      return n;
    });
  const tasks = [1, 2, 3].map(enter);
  yield* sleep(0);
  assertEquals([log, semaphore.locked(), semaphore.statistics()], [[1], true, { value: 0, waiters: 2 }]);
  tasks.push(enter(4));
  semaphore.release();
  semaphore.release();
  assertEquals(semaphore.statistics(), { value: 0, waiters: 0 });
  yield* sleep(0);
  assertEquals([log, semaphore.statistics()], [[1, 2, 3], { value: 0, waiters: 1 }]);
  semaphore.release();
  assertEquals(yield* gather(tasks), [1, 2, 3, 4]);
});

loopTest("a free permit is acquired before others have a turn", function* (lab) {
  const semaphore = new Semaphore();
  lab.loop.callSoon(lab.noting("others"));
  yield* semaphore.acquire();
  assertEquals(lab.log, []);
});

loopTest("release() without waiters adds a permit, beyond the first number too", function* () {
  const semaphore = new Semaphore();
  yield* semaphore.acquire();
  assert(semaphore.locked());
  semaphore.release();
  assertEquals(semaphore.locked(), false);
  semaphore.release();
  assertEquals(semaphore.statistics(), { value: 2, waiters: 0 });
});

loopTest("release(n) grants n permits, and keeps the rest", function* () {
  const semaphore = new Semaphore(0);
  const tasks = [1, 2].map(() => createTask(semaphore.acquire()));
  yield* sleep(0);
  semaphore.release(5);
  assertEquals(yield* gather(tasks), [true, true]);
  assertEquals(semaphore.statistics(), { value: 3, waiters: 0 });
  for (const n of [0, -1, 0.5]) assertThrows(() => semaphore.release(n), RangeError, "'n' must be a positive integer");
});

loopTest("a task that acquires again queues behind the others", function* ({ log }) {
  const semaphore = new Semaphore(1);
  function* twice(name: string) {
    for (const round of [1, 2]) {
      yield* semaphore.acquire();
      log.push(`${name}${round}`);
      yield* sleep(0.01);
      semaphore.release();
    }
  }
  yield* taskGroup(function* (group) {
    for (const name of ["a", "b", "c"]) group.createTask(twice(name));
  });
  assertEquals(log, ["a1", "b1", "c1", "a2", "b2", "c2"]);
});

loopTest(
  "a task that comes in the iteration of the release does not take the permit of one that was granted it",
  function* ({ log }) {
    const semaphore = new Semaphore(0);
    const enter = (name: string) =>
      createTask(function* () {
        yield* semaphore.acquire();
        log.push(name);
      });
    const old = enter("old");
    yield* sleep(0);
    semaphore.release();
    const young = enter("young");
    assertEquals(yield* semaphore.acquire(false), false);
    yield* turns(3);
    assertEquals([log, old.done(), young.done(), semaphore.statistics()], [["old"], true, false, {
      value: 0,
      waiters: 1,
    }]);
    semaphore.release();
    yield* young;
  },
);

loopTest("a task that releases and acquires at once does not overtake the waiters", function* ({ log }) {
  const semaphore = new Semaphore(1);
  const enter = (n: number) =>
    createTask(function* () {
      yield* semaphore.acquire();
      log.push(n);
    });
  const tasks = [
    enter(1),
    createTask(function* () {
      yield* semaphore.acquire();
      log.push(2);
      semaphore.release();
      yield* semaphore.acquire();
      log.push(4);
    }),
    enter(3),
  ];
  yield* sleep(0);
  semaphore.release();
  semaphore.release();
  yield* gather(tasks);
  assertEquals(log, [1, 2, 3, 4]);
});

loopTest("a task that finds free permits goes on after those that were granted one before", function* ({ log }) {
  const semaphore = new Semaphore(0);
  const late: Task[] = [];
  function* last() {
    log.push(4);
  }
  const tasks = [
    createTask(function* () {
      yield* semaphore.acquire();
      log.push(1);
      late.push(createTask(last()));
    }),
    createTask(function* () {
      for (let i = 0; i < 3; i++) semaphore.release();
      assertEquals([semaphore.statistics().value, semaphore.locked()], [2, true]);
      yield* semaphore.acquire();
      log.push(2);
    }),
    createTask(function* () {
      yield* semaphore.acquire();
      assert(semaphore.locked());
      log.push(3);
    }),
  ];
  yield* gather(tasks);
  yield* gather(late);
  assertEquals([log, semaphore.statistics()], [[1, 2, 3, 4], { value: 0, waiters: 0 }]);
});

loopTest("a task that has a permit and is cancelled before its turn gives it back", function* () {
  const semaphore = new Semaphore(0);
  const first = createTask(semaphore.acquire());
  yield* sleep(0);
  const second = createTask(semaphore.acquire());
  const third = createTask(function* () {
    second.cancel();
    yield* turns(2);
  });
  semaphore.release(2);
  assertEquals([yield* first, yield* outcomeOf(second), yield* third], [true, "CancelledError", undefined]);
  assertEquals([semaphore.statistics(), semaphore.locked()], [{ value: 1, waiters: 0 }, false]);
});

loopTest("a tight loop of release and acquire does not keep the others waiting", function* ({ log }) {
  const semaphore = new Semaphore(1);
  yield* semaphore.acquire();
  const others = [1, 2].map((n) =>
    createTask(function* () {
      using _ = yield* semaphore.hold();
      log.push(n);
    })
  );
  yield* sleep(0);
  for (let i = 0; i < 3; i++) {
    semaphore.release();
    yield* semaphore.acquire();
    log.push("main");
  }
  assert(others.every((task) => task.done()));
  assertEquals(log, [1, 2, "main", "main", "main"]);
});

loopTest("a task that is cancelled while it waits leaves the queue", function* ({ loop }) {
  const semaphore = new Semaphore();
  yield* semaphore.acquire();
  const task = createTask(semaphore.acquire());
  loop.callSoon(() => task.cancel());
  assertEquals(yield* outcomeOf(task), "CancelledError");
  assertEquals(semaphore.statistics(), { value: 0, waiters: 0 });
});

loopTest(
  "a release after cancellations grants the permit to the first that was not cancelled, and only to it",
  function* () {
    const semaphore = new Semaphore(0);
    const tasks = [1, 2, 3, 4].map(() => createTask(semaphore.acquire()));
    yield* sleep(0);
    tasks[0].cancel();
    tasks[1].cancel();
    semaphore.release();
    yield* turns(2);
    assertEquals(tasks.map((task) => task.done()), [true, true, true, false]);
    assertEquals(yield* tasks[2], true);
    tasks[3].cancel();
    yield* sleep(0);
    assertEquals(semaphore.statistics(), { value: 0, waiters: 0 });
  },
);

loopTest("a task that is cancelled when it was granted a permit passes it on", function* () {
  const semaphore = new Semaphore(0);
  const [first, second] = [1, 2].map(() => createTask(semaphore.acquire()));
  yield* sleep(0);
  semaphore.release();
  first.cancel();
  assertEquals([yield* outcomeOf(first), yield* second], ["CancelledError", true]);
  assertEquals(semaphore.statistics(), { value: 0, waiters: 0 });
});

loopTest("a task that is cancelled when it was granted a permit gives it back if no task waits", function* () {
  const semaphore = new Semaphore(0);
  const task = createTask(semaphore.acquire());
  yield* sleep(0);
  semaphore.release();
  task.cancel();
  assertEquals(yield* outcomeOf(task), "CancelledError");
  assertEquals(semaphore.statistics(), { value: 1, waiters: 0 });
});

loopTest("a task that is cancelled by the one that releases leaves a semaphore that can be acquired", function* () {
  const semaphore = new Semaphore(1);
  const first = createTask(function* () {
    {
      using _ = yield* semaphore.hold();
      yield* sleep(0);
    }
    second.cancel();
  });
  const second = createTask(function* () {
    using _ = yield* semaphore.hold();
    throw new Error("it was cancelled");
  });
  assertEquals(yield* gather(outcomeOf(first), outcomeOf(second)), [undefined, "CancelledError"]);
  assertEquals(yield* waitFor(semaphore.acquire(), 1), true);
});

loopTest(
  "when two that were granted permits are cancelled, the next two in the queue get them, in order",
  function* ({ log }) {
    const semaphore = new Semaphore(0);
    const tasks = [1, 2, 3, 4, 5].map((n) =>
      createTask(function* () {
        yield* semaphore.acquire();
        log.push(n);
      })
    );
    yield* sleep(0);
    semaphore.release();
    semaphore.release();
    tasks[0].cancel();
    tasks[1].cancel();
    yield* turns(3);
    assertEquals([log, semaphore.statistics()], [[3, 4], { value: 0, waiters: 1 }]);
    semaphore.release();
    yield* tasks[4];
  },
);

loopTest("after a cancellation the waiters are granted, in order", function* ({ log }) {
  const semaphore = new Semaphore(0);
  const tasks = [1, 2, 3].map((n) =>
    createTask(function* () {
      yield* semaphore.acquire();
      log.push(n);
    })
  );
  yield* sleep(0);
  tasks[0].cancel();
  yield* sleep(0);
  semaphore.release();
  semaphore.release();
  yield* gather(tasks, { returnExceptions: true });
  assertEquals(log, [2, 3]);
});

loopTest("a task that is cancelled in its block releases the permit to the next, once", function* () {
  const semaphore = new Semaphore(1);
  const first = createTask(function* () {
    using _ = yield* semaphore.hold();
    yield* sleep(3600);
  });
  const [second, third] = [1, 2].map(() => createTask(semaphore.acquire()));
  yield* sleep(0);
  first.cancel();
  assertEquals([yield* outcomeOf(first), yield* second, third.done()], ["CancelledError", true, false]);
  third.cancel();
  yield* outcomeOf(third);
  assertEquals(semaphore.statistics(), { value: 0, waiters: 0 });
});

loopTest("waitFor() and race() remove a losing wait from the queue, and lose no permit", function* ({ loop }) {
  const semaphore = new Semaphore(0);
  assertEquals(yield* outcomeOf(waitFor(semaphore.acquire(), 1)), "TimeoutError");
  assertEquals(yield* race(semaphore.acquire(), bareSleep(1)), undefined);
  assertEquals(semaphore.statistics(), { value: 0, waiters: 0 });
  loop.callLater(1, () => semaphore.release());
  const outcome = yield* outcomeOf(waitFor(semaphore.acquire(), 1));
  yield* turns(2);
  assertEquals(semaphore.statistics().value, outcome === true ? 0 : 1);
});

loopTest("an acquire() may have a limit of its own", function* ({ loop }) {
  const semaphore = new Semaphore(0);
  assertEquals([yield* semaphore.acquire(false), yield* semaphore.acquire(true, 2)], [false, false]);
  assertEquals([loop.time(), semaphore.statistics().waiters], [2, 0]);
});

loopTest(
  "callbacks release, and tasks and bare coroutines stand in one line, with plain yield too",
  function* ({ loop, log }) {
    const semaphore = new Semaphore(0, "seats");
    function* enter(name: string): Generator<unknown, void, unknown> {
      log.push([name, yield semaphore.acquire()]);
    }
    const first = createTask(enter("task 1"));
    const second = new Coro(function* () {
      yield* enter("coroutine");
    });
    const third = createTask(enter("task 2"));
    for (const delay of [1, 2, 3]) loop.callLater(delay, () => semaphore.release());
    yield* gather(first, second, third);
    assertEquals(log, ["task 1", "coroutine", "task 2"].map((name) => [name, true]));
    assertEquals([`${semaphore}`, loop.time()], ["semaphore 'seats'", 3]);
  },
);
