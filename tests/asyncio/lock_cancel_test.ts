/** Lock: a task that is cancelled while it waits, or when it was granted the lock, does not keep it. */
import { Coro, race, sleep as bareSleep, TimeoutError, withTimeout } from "@asyncoro/asyncoro";
import {
  CancelledError,
  createTask,
  currentTask,
  Lock,
  shield,
  sleep,
  type Task,
  waitFor,
} from "@asyncoro/asyncoro/asyncio";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { LoopLab, loopTest } from "./loop_lab.ts";
import { outcomeOf, turns } from "./outcome.ts";

const FREE = { locked: false, owner: null, waiters: 0 };
const TAKEN = { locked: true, owner: null, waiters: 0 };

loopTest("a task that is cancelled while it waits leaves the queue", function* ({ loop }) {
  const lock = new Lock();
  yield* lock.acquire();
  const task = createTask(lock.acquire());
  loop.callSoon(() => task.cancel("enough"));
  assertEquals(yield* outcomeOf(task), "CancelledError");
  assertEquals(lock.statistics(), TAKEN);
  lock.release();
  assertEquals(lock.statistics(), FREE);
});

loopTest("a task that is cancelled before its first step never requests the lock", function* () {
  const lock = new Lock();
  const task = createTask(lock.acquire());
  task.cancel();
  assertEquals(yield* outcomeOf(task), "CancelledError");
  assertEquals(lock.statistics(), FREE);
});

for (const order of ["cancelled, then released", "released, then cancelled"]) {
  const releasesFirst = order.startsWith("released");

  loopTest(
    `${order} in one iteration: the next in the queue has the lock, and only that one`,
    function* ({ loop, log }) {
      const lock = new Lock();
      const enter = (name: string) =>
        createTask(function* () {
          log.push(`${name} asks`);
          yield* lock.acquire();
          log.push(`${name} enters`);
        });
      yield* lock.acquire();
      const tasks = ["a", "b", "c"].map(enter);
      yield* sleep(0);
      loop.callSoon(() => {
        if (releasesFirst) lock.release();
        tasks[0].cancel();
        if (!releasesFirst) lock.release();
      });
      assertEquals(yield* outcomeOf(tasks[0]), "CancelledError");
      yield* sleep(0);
      assertEquals(log, ["a asks", "b asks", "c asks", "b enters"]);
      assertEquals([tasks[1].done(), lock.statistics().waiters], [true, 1]);
      tasks[2].cancel();
      yield* sleep(0);
      assert(tasks[2].cancelled());
      assertEquals(lock.statistics(), TAKEN);
    },
  );

  loopTest(`${order} in one iteration: the lock is free if no other task waits`, function* () {
    const lock = new Lock();
    yield* lock.acquire();
    const task = createTask(lock.acquire());
    yield* sleep(0);
    if (releasesFirst) lock.release();
    task.cancel();
    if (!releasesFirst) lock.release();
    assertEquals(yield* outcomeOf(task), "CancelledError");
    assertEquals(lock.statistics(), FREE);
    assertEquals(yield* lock.acquire(), true);
  });
}

loopTest(
  "the owner is woken and the first in the queue cancelled in one iteration: the second has the lock",
  function* ({ loop }) {
    const lock = new Lock();
    const blocker = loop.createFuture<void>();
    function* enter(blocked: boolean) {
      using _ = yield* lock.hold();
      if (blocked) yield* blocker;
    }
    const a = createTask(enter(true));
    yield* sleep(0);
    const b = createTask(enter(false));
    const c = createTask(enter(false));
    yield* sleep(0);
    assertEquals(lock.statistics(), { ...TAKEN, waiters: 2 });
    blocker.setResult();
    b.cancel();
    assertEquals(lock.statistics().waiters, 1);
    yield* sleep(0);
    assertEquals([a.done(), b.cancelled(), lock.locked()], [true, true, false]);
    yield* c;
    assertEquals(lock.statistics(), FREE);
  },
);

loopTest(
  "when each task that is granted the lock is cancelled at once, the last in the queue holds the lock",
  function* () {
    const lock = new Lock();
    yield* lock.acquire();
    const tasks = Array.from({ length: 10 }, () => createTask(lock.acquire()));
    yield* sleep(0);
    lock.release();
    for (const task of tasks.slice(0, 9)) task.cancel();
    assertEquals(yield* tasks[9], true);
    assertEquals(tasks.filter((task: Task<boolean>) => task.cancelled()).length, 9);
    assertEquals(lock.statistics(), TAKEN);
  },
);

loopTest(
  "a cancellation that is withdrawn before it is thrown leaves the lock to the task that was granted it",
  function* () {
    const lock = new Lock();
    yield* lock.acquire();
    const task = createTask(lock.acquire());
    yield* sleep(0);
    lock.release();
    task.cancel();
    assertEquals(task.uncancel(), 0);
    assertEquals(yield* task, true);
    assertEquals(lock.statistics(), TAKEN);
  },
);

loopTest(
  "a task that catches its cancellation goes on without the lock, and may ask for it again",
  function* ({ log }) {
    const lock = new Lock();
    yield* lock.acquire();
    const task = createTask(function* () {
      try {
        yield* lock.acquire();
      } catch (error) {
        log.push(error instanceof CancelledError && error.message);
      }
      currentTask()!.uncancel();
      using _ = yield* lock.hold();
      log.push("again");
    });
    yield* sleep(0);
    task.cancel("not now");
    yield* turns(2);
    assertEquals([log, lock.statistics().waiters], [["not now"], 1]);
    lock.release();
    yield* task;
    assertEquals(log, ["not now", "again"]);
  },
);

loopTest("a task that is cancelled in the block of hold() releases the lock to the next", function* () {
  const lock = new Lock();
  const first = createTask(function* () {
    using _ = yield* lock.hold();
    yield* sleep(3600);
  });
  const second = createTask(lock.acquire());
  yield* sleep(1);
  first.cancel();
  assertEquals(yield* second, true);
  assertEquals([first.cancelled(), lock.statistics()], [true, TAKEN]);
});

loopTest("a task that is cancelled when hold() was granted does not keep the lock", function* () {
  const lock = new Lock();
  const guard = yield* lock.hold();
  const task = createTask(function* () {
    using _ = yield* lock.hold();
    yield* sleep(3600);
  });
  yield* sleep(0);
  guard[Symbol.dispose]();
  task.cancel();
  assertEquals(yield* outcomeOf(task), "CancelledError");
  assertEquals(lock.statistics(), FREE);
});

loopTest("waitFor() ends a wait for a lock in time, and removes it from the queue", function* ({ loop }) {
  const lock = new Lock();
  yield* lock.acquire();
  assertEquals(yield* outcomeOf(waitFor(lock.acquire(), 5)), "TimeoutError");
  assertEquals([loop.time(), lock.statistics()], [5, TAKEN]);
});

for (const first of ["release", "timeout"]) {
  loopTest(
    `a release and a timeout at the same instant, ${first} first: the lock is had or free, not lost`,
    function* ({ loop }) {
      const lock = new Lock();
      yield* lock.acquire();
      if (first === "release") loop.callLater(5, () => lock.release());
      const task = createTask(waitFor(lock.acquire(), 5));
      yield* sleep(0);
      if (first === "timeout") loop.callLater(5, () => lock.release());
      const outcome = yield* outcomeOf(task);
      assert(outcome === true || outcome === "TimeoutError", `${outcome}`);
      yield* turns(2);
      assertEquals(lock.locked(), outcome === true);
    },
  );
}

loopTest("a shielded task acquires the lock although its caller is cancelled", function* () {
  const lock = new Lock();
  yield* lock.acquire();
  const inner = createTask(lock.acquire());
  const outer = createTask(function* () {
    yield* shield(inner);
  });
  yield* sleep(0);
  outer.cancel();
  assertEquals(yield* outcomeOf(outer), "CancelledError");
  assertEquals(lock.statistics().waiters, 1);
  lock.release();
  assertEquals(yield* inner, true);
});

loopTest("race() and withTimeout() remove a losing wait from the queue", function* () {
  const lock = new Lock();
  yield* lock.acquire();
  assertEquals(yield* race(lock.acquire(), bareSleep(1)), undefined);
  assertEquals(lock.statistics(), TAKEN);
  const error = yield* outcomeOf(withTimeout(1, lock.acquire()));
  assertEquals(error, TimeoutError.name);
  assertEquals(lock.statistics(), TAKEN);
});

loopTest("race() that acquires the lock keeps it", function* ({ loop }) {
  const lock = new Lock();
  yield* lock.acquire();
  loop.callLater(1, () => lock.release());
  assertEquals(yield* race(lock.acquire(), bareSleep(2)), true);
  assertEquals(lock.statistics(), TAKEN);
});

loopTest("a bare coroutine that is terminated when it was granted the lock passes it on", function* () {
  const lock = new Lock();
  yield* lock.acquire();
  const coro = new Coro(function* () {
    yield* lock.acquire();
  });
  const task = createTask(lock.acquire());
  yield* sleep(0);
  lock.release();
  coro.terminate();
  assertEquals(yield* task, true);
  assertEquals(lock.statistics(), TAKEN);
});

Deno.test("a loop that closes cancels waits for a lock", async () => {
  const lab = new LoopLab();
  const lock = new Lock();
  lab.loop.createTask(function* () {
    yield* lock.acquire();
    yield* lock.acquire();
  });
  await lab.iterate(2);
  assertEquals(lock.statistics().waiters, 1);
  lab.loop.close();
  assertEquals(lock.statistics().waiters, 0);
  await assertRejects(() => lab.run(function* () {}), Error, "closed");
});
