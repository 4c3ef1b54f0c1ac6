/** Counting cancellations, and withdrawing them. */
import { CancelledError, createTask, currentTask, sleep, type Task, timeout } from "@asyncoro/asyncoro/asyncio";
import { assertEquals } from "@std/assert";
import { loopTest } from "./loop_lab.ts";
import { errorOf, stateOf, textOf } from "./outcomes.ts";

loopTest("cancelling() counts the requests, and uncancel() takes one back", function* () {
  const task = createTask(sleep(9));
  assertEquals(task.cancelling(), 0);
  for (const count of [1, 2, 3]) {
    task.cancel();
    assertEquals(task.cancelling(), count);
  }
  assertEquals([task.uncancel(), task.uncancel(), task.cancelling()], [2, 1, 1]);
  yield* errorOf(task);
  assertEquals(task.cancelling(), 1);
});

loopTest("uncancel() does not go below zero", function* () {
  const task = currentTask()!;
  assertEquals([task.uncancel(), task.uncancel(), task.cancelling()], [0, 0, 0]);
  yield* sleep(0);
});

loopTest("a cancellation that is taken back before the first step has no effect", function* () {
  const task = createTask(sleep(1, "slept"));
  task.cancel();
  task.uncancel();
  assertEquals(yield* task, "slept");
});

loopTest("as long as one request is left, the task is cancelled", function* () {
  const task = createTask(sleep(1, "slept"));
  task.cancel("one");
  task.cancel("two");
  assertEquals(task.uncancel(), 1);
  assertEquals(textOf(yield* errorOf(task)), "cancelled: two");
});

loopTest("a task that is about to go on gets its result if the cancellation is taken back", function* ({ loop }) {
  const future = loop.createFuture<number>();
  const task = createTask(function* () {
    return yield* future;
  });
  yield* sleep(0);
  future.setResult(42);
  task.cancel();
  assertEquals(task.uncancel(), 0);
  assertEquals(yield* task, 42);
});

loopTest("a cancellation that has ended a wait cannot be taken back", function* ({ loop }) {
  const waits = [() => sleep(9), () => loop.createFuture()];
  for (const wait of waits) {
    const task = createTask(function* () {
      yield wait();
    });
    yield* sleep(0);
    task.cancel();
    assertEquals(task.uncancel(), 0);
    assertEquals(textOf(yield* errorOf(task)), "cancelled");
    assertEquals(task.cancelling(), 0);
  }
});

loopTest("a task that takes its own cancellation back before it waits goes on", function* ({ log }) {
  const task = createTask(function* () {
    const self = currentTask()!;
    self.cancel();
    log.push(self.uncancel());
    yield* sleep(1);
    self.cancel();
    self.uncancel();
    return "went on";
  });
  assertEquals([yield* task, log], ["went on", [0]]);
});

loopTest("a task that has taken its cancellation back can be cancelled again", function* ({ log }) {
  const task = createTask(function* () {
    const self = currentTask()!;
    for (;;) {
      try {
        yield* sleep(100);
      } catch (error) {
        log.push([textOf(error), self.cancelling(), self.uncancel()]);
        if ((error as Error).message === "end") throw error;
      }
    }
  });
  for (const message of ["one", "two", "end"]) {
    yield* sleep(1);
    task.cancel(message);
  }
  yield* errorOf(task);
  assertEquals(log, [["cancelled: one", 1, 0], ["cancelled: two", 1, 0], ["cancelled: end", 1, 0]]);
});

loopTest("a time limit distinguishes its own cancellation from an earlier one", function* ({ log }) {
  // What test_uncancel_structured_blocks of CPython is about: blocks count from where they began.
  const task: Task = createTask(function* () {
    try {
      yield* sleep(100);
    } catch (error) {
      log.push(textOf(error));
    }
    try {
      yield* timeout(1, sleep(100));
    } catch (error) {
      log.push([textOf(error), task.cancelling()]);
    }
    yield* sleep(1);
    return "went on";
  });
  yield* sleep(1);
  task.cancel("not taken back");
  assertEquals(yield* task, "went on");
  assertEquals(log, ["cancelled: not taken back", ["time is up", 1]]);
});

loopTest(
  "a block of one's own can cancel the task and take that back, and let others' requests pass",
  function* ({ log }) {
    function* interruptible(after: number) {
      const task = currentTask()!;
      const before = task.cancelling();
      let mine = false;
      const { loop } = task;
      const handle = loop.callLater(after, () => {
        mine = true;
        task.cancel();
      });
      try {
        yield* sleep(10);
      } catch (error) {
        if (!(error instanceof CancelledError) || !mine || task.uncancel() > before) throw error;
        log.push("interrupted");
      } finally {
        handle.cancel();
      }
    }
    const alone = createTask(function* () {
      yield* interruptible(1);
      return "went on";
    });
    const both: Task = createTask(function* () {
      yield* interruptible(1);
    });
    both.loop.callLater(1, () => both.cancel("from outside"));
    assertEquals(yield* alone, "went on");
    yield* errorOf(both);
    assertEquals([stateOf(both), both.cancelling(), log], ["cancelled: from outside", 1, ["interrupted"]]);
  },
);
