/** Barrier: reset and abort. */
import { Barrier, BrokenBarrierError, createTask, gather, sleep, type Task } from "@asyncoro/asyncoro/asyncio";
import { assert, assertEquals } from "@std/assert";
import { loopTest } from "./loop_lab.ts";
import { errorOf, outcomeOf, turns } from "./outcome.ts";

const N = 5;

function together<T>(count: number, make: (n: number) => Generator<unknown, T, unknown>): Task<T>[] {
  return Array.from({ length: count }, (_, n) => createTask(make(n)));
}

/** Waits in a barrier; returns whether it passed. */
function* passes(barrier: Barrier): Generator<unknown, boolean, unknown> {
  try {
    yield* barrier.wait();
    return true;
  } catch (error) {
    assert(error instanceof BrokenBarrierError, String(error));
    return false;
  }
}

/** It works. */
function* works(barrier: Barrier): Generator<unknown, void, unknown> {
  const { parties } = barrier;
  assertEquals(barrier.statistics(), { parties, waiters: 0, broken: false });
  const places = yield* gather(Array.from({ length: parties }, () => barrier.wait()));
  assertEquals(places, Array.from({ length: parties }, (_, n) => n));
  assertEquals(barrier.statistics(), { parties, waiters: 0, broken: false });
}

loopTest("reset() of a barrier without tasks changes nothing", function* () {
  const barrier = new Barrier(2);
  yield* barrier.reset();
  yield* works(barrier);
});

loopTest("a reset throws an error in the tasks that wait, and the barrier works again", function* () {
  const barrier = new Barrier(N);
  const tasks = together(N - 1, () => passes(barrier));
  yield* sleep(0);
  yield* createTask(barrier.reset());
  assertEquals(yield* gather(tasks), Array(N - 1).fill(false));
  yield* works(barrier);
});

loopTest("the error of a reset says that the barrier was reset", function* () {
  const barrier = new Barrier(2);
  const task = createTask(barrier.wait());
  yield* sleep(0);
  yield* barrier.reset();
  const error = yield* errorOf(task);
  assertEquals([error?.name, error?.message], [
    "BrokenBarrierError",
    "The barrier was aborted or reset while others waited",
  ]);
});

loopTest(
  "the tasks in which a reset has thrown its error may wait again at once, with one that comes",
  function* ({ log }) {
    const barrier = new Barrier(N);
    const tasks = together(N - 1, function* (n) {
      assertEquals(yield* passes(barrier), false);
      yield* barrier.wait();
      log.push(n);
    });
    yield* sleep(0);
    createTask(barrier.reset());
    yield* sleep(0);
    yield* createTask(barrier.wait());
    yield* gather(tasks);
    assertEquals(log.toSorted(), [0, 1, 2, 3]);
    assertEquals(barrier.statistics(), { parties: N, waiters: 0, broken: false });
  },
);

loopTest("a reset while half of a group have left throws an error in the other half", function* () {
  const barrier = new Barrier(N);
  let out = 0;
  const passed = yield* gather(together(N, function* () {
    const passed = yield* passes(barrier);
    // Those that are not out yet.
    if (passed && ++out === N - Math.floor(N / 2)) yield* barrier.reset();
    return passed;
  }));
  assertEquals(passed.filter((each) => each).length, N - Math.floor(N / 2));
  yield* works(barrier);
});

loopTest(
  "a reset while half of a group have left does not affect tasks that wait for the next group",
  function* ({ log }) {
    const barrier = new Barrier(N);
    const half = Math.floor(N / 2);
    let out = 0;
    yield* gather(together(N, function* () {
      if (!(yield* passes(barrier))) {
        log.push("thrown out");
        assertEquals(yield* passes(barrier), true);
      } else if (++out > half) {
        yield* barrier.reset();
        assertEquals(yield* passes(barrier), true);
      } else {
        assertEquals(yield* passes(barrier), true);
      }
    }));
    assertEquals(log, Array(half).fill("thrown out"));
    yield* works(barrier);
  },
);

loopTest("a reset by the last task to leave does not affect tasks that wait again", function* () {
  const barrier = new Barrier(N);
  let out = 0;
  const rounds = yield* gather(together(N, function* () {
    yield* barrier.wait();
    if (++out === N) yield* barrier.reset();
    return [yield* passes(barrier), yield* passes(barrier)];
  }));
  assertEquals(rounds, Array(N).fill([true, true]));
  yield* works(barrier);
});

loopTest("two resets one after the other have the effect of one", function* () {
  const barrier = new Barrier(3);
  const tasks = together(2, () => passes(barrier));
  yield* sleep(0);
  yield* gather(barrier.reset(), barrier.reset());
  assertEquals(yield* gather(tasks), [false, false]);
  yield* works(barrier);
});

loopTest("a task that comes while tasks leave after a reset waits until they have left", function* () {
  const barrier = new Barrier(2);
  const task = createTask(passes(barrier));
  yield* sleep(0);
  yield* barrier.reset();
  const late = createTask(barrier.wait());
  assertEquals([yield* task, late.done()], [false, false]);
  assertEquals([yield* barrier.wait(), yield* late], [1, 0]);
});

loopTest("an aborted barrier refuses tasks until it is reset", function* () {
  const barrier = new Barrier(1);
  yield* barrier.abort();
  assertEquals(barrier.statistics(), { parties: 1, waiters: 0, broken: true });
  const error = yield* errorOf(barrier.wait());
  assertEquals([error?.name, error?.message], [
    "BrokenBarrierError",
    "Cannot wait as the barrier was aborted: reset() mends it",
  ]);
  yield* barrier.reset();
  yield* works(barrier);
});

loopTest("abort() throws an error in the tasks that wait", function* () {
  const barrier = new Barrier(3);
  const tasks = together(2, () => passes(barrier));
  yield* sleep(0);
  yield* barrier.abort();
  assertEquals([barrier.broken, barrier.nWaiting], [true, 0]);
  assertEquals(yield* gather(tasks), [false, false]);
  assertEquals([barrier.broken, yield* passes(barrier)], [true, false]);
  yield* barrier.reset();
  yield* works(barrier);
});

loopTest(
  "abort when half have left throws an error in the other half, and in those that wait for the next group",
  function* ({ log }) {
    const barrier = new Barrier(N);
    const half = Math.floor(N / 2);
    let out = 0;
    yield* gather(together(N, function* () {
      if (!(yield* passes(barrier))) return log.push("thrown out");
      if (++out > half) return yield* barrier.abort();
      if (!(yield* passes(barrier))) return log.push("not let in");
    }));
    assertEquals(log.toSorted(), [...Array(N - half - 1).fill("not let in"), ...Array(half).fill("thrown out")]);
    assertEquals([barrier.broken, barrier.nWaiting], [true, 0]);
  },
);

/** Passes once; one of those that did breaks the barrier, and the others try again. Returns what came of it. */
function* breaks(barrier: Barrier): Generator<unknown, string, unknown> {
  try {
    if ((yield* barrier.wait()) === Math.floor(N / 2)) {
      yield* barrier.abort();
      return "aborts";
    }
    yield* barrier.wait();
    return "passes";
  } catch (error) {
    assert(error instanceof BrokenBarrierError, String(error));
    return "gets the error";
  }
}

loopTest("a task that breaks the barrier between two rounds breaks it for all others", function* () {
  const barrier = new Barrier(N);
  const results = yield* gather(together(N, () => breaks(barrier)));
  assertEquals(results.toSorted(), ["aborts", ...Array(N - 1).fill("gets the error")]);
  assertEquals([barrier.broken, barrier.nWaiting], [true, 0]);
});

loopTest("a broken barrier can be reset by a task in which it has thrown its error", function* () {
  const [barrier, meeting] = [new Barrier(N), new Barrier(N)];
  const results = yield* gather(together(N, function* () {
    yield* breaks(barrier);
    if ((yield* meeting.wait()) === Math.floor(N / 2)) yield* barrier.reset();
    yield* meeting.wait();
    return yield* passes(barrier);
  }));
  assertEquals(results, Array(N).fill(true));
  yield* works(barrier);
});

loopTest("cancelling the tasks in which a reset has thrown its error does not block the barrier", function* () {
  const barrier = new Barrier(3);
  const tasks = [1, 2].map(() => createTask(barrier.wait()));
  yield* sleep(0);
  yield* barrier.reset();
  tasks[0].cancel();
  assertEquals(yield* gather(tasks.map(outcomeOf)), ["CancelledError", "BrokenBarrierError"]);
  yield* works(barrier);
});

loopTest("after reset() and abort() in any order the last one counts", function* () {
  const barrier = new Barrier(2);
  yield* barrier.abort();
  yield* barrier.abort();
  yield* barrier.reset();
  assertEquals(barrier.broken, false);
  const task = createTask(passes(barrier));
  yield* sleep(0);
  yield* barrier.reset();
  yield* barrier.abort();
  yield* turns(3);
  assertEquals([yield* task, barrier.broken], [false, true]);
  yield* barrier.reset();
  yield* works(barrier);
});
