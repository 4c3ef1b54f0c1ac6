/** Cancelling tasks: before they begin, more than once, by themselves, and in the iteration in which they would go on. */
import {
  CancelledError,
  createTask,
  currentTask,
  type Future,
  InvalidStateError,
  Lock,
  Queue,
  Semaphore,
  sleep,
  type Task,
} from "@asyncoro/asyncoro/asyncio";
import { assertEquals, assertThrows } from "@std/assert";
import { loopTest } from "./loop_lab.ts";
import { errorOf, failWith, stateOf, textOf } from "./outcomes.ts";

loopTest("a task that is cancelled before its first step never begins", function* ({ log }) {
  const task = createTask(function* () {
    try {
      log.push("began");
    } finally {
      log.push("cleanup");
    }
  });
  assertEquals(task.cancel("too early"), true);
  assertEquals(task.done(), false);
  assertEquals(textOf(yield* errorOf(task)), "cancelled: too early");
  assertEquals(log, []);
});

loopTest("of cancellations before the first step, the latest says what the error says", function* () {
  const task = createTask(sleep(1));
  for (const message of ["one", "two", undefined, "three"]) task.cancel(message);
  assertEquals([textOf(yield* errorOf(task)), task.cancelling()], ["cancelled: three", 4]);
});

loopTest("of cancellations of a wait, the first says what the error says", function* ({ loop }) {
  const waits = [() => sleep(9), () => loop.createFuture(), () => createTask(sleep(9)), () => new Queue().get()];
  for (const wait of waits) {
    const task = createTask(function* () {
      yield wait();
    });
    yield* sleep(1);
    task.cancel("first");
    task.cancel("second");
    assertEquals([textOf(yield* errorOf(task)), task.cancelling()], ["cancelled: first", 2]);
  }
});

loopTest(
  "of cancellations of a task that is about to go on, the latest says what the error says",
  function* ({ loop }) {
    const future = loop.createFuture();
    const task = createTask(function* () {
      yield* future;
    });
    yield* sleep(0);
    future.setResult(1);
    task.cancel("first");
    task.cancel("second");
    assertEquals(textOf(yield* errorOf(task)), "cancelled: second");
  },
);

loopTest("two cancellations in one iteration throw one error", function* ({ log }) {
  const task = createTask(function* () {
    for (const wait of [sleep(10), sleep(1, "slept")]) {
      try {
        log.push(yield* wait);
      } catch (error) {
        log.push(textOf(error));
      }
    }
  });
  yield* sleep(0);
  task.cancel();
  task.cancel();
  yield* task;
  assertEquals([log, task.cancelling()], [["cancelled", "slept"], 2]);
});

loopTest("a task may ignore a cancellation, and be cancelled again", function* ({ log }) {
  const task = createTask(function* () {
    while (log.length < 2) {
      try {
        yield* sleep(100);
      } catch (error) {
        log.push(textOf(error));
      }
    }
    yield* sleep(100);
  });
  for (const message of ["one", "two", "three"]) {
    yield* sleep(1);
    task.cancel(message);
  }
  assertEquals(textOf(yield* errorOf(task)), "cancelled: three");
  assertEquals([log, task.cancelling()], [["cancelled: one", "cancelled: two"], 3]);
});

loopTest("a task that returns a value when it is cancelled has it as its result", function* () {
  const task = createTask(function* () {
    try {
      yield* sleep(100);
    } catch {
      return "survived";
    }
  });
  yield* sleep(1);
  task.cancel();
  assertEquals([yield* task, task.cancelled(), task.cancelling()], ["survived", false, 1]);
});

loopTest("a task that throws another error when it is cancelled has failed", function* () {
  const task = createTask(function* () {
    try {
      yield* sleep(100);
    } finally {
      failWith("cleanup failed");
    }
  });
  yield* sleep(1);
  task.cancel();
  assertEquals([textOf(yield* errorOf(task)), task.cancelled()], ["cleanup failed", false]);
});

loopTest("cleanup may wait, and a second cancellation cuts it short", function* () {
  const task = createTask(function* () {
    try {
      yield* sleep(100);
    } finally {
      yield* sleep(100);
    }
  });
  yield* sleep(1);
  task.cancel("first");
  yield* sleep(1);
  assertEquals(task.done(), false);
  task.cancel("second");
  assertEquals(textOf(yield* errorOf(task)), "cancelled: second");
});

loopTest("a task that throws a CancelledError of its own is cancelled", function* () {
  const task = createTask(function* () {
    throw new CancelledError("by choice");
  });
  assertEquals(textOf(yield* errorOf(task)), "cancelled: by choice");
  assertEquals([task.cancelled(), task.cancelling()], [true, 0]);
});

// --- a task that cancels itself -------------------------------------------------------------------------------

loopTest("a task that cancels itself goes on to its next wait", function* ({ log }) {
  const task = createTask(function* () {
    currentTask()!.cancel("by myself");
    log.push("goes on");
    yield* sleep(0);
    log.push("not here");
  });
  assertEquals(textOf(yield* errorOf(task)), "cancelled: by myself");
  assertEquals(log, ["goes on"]);
});

loopTest("a task that cancels itself and awaits a future or task cancels that", function* ({ loop }) {
  const targets: (Future | Task)[] = [loop.createFuture(), createTask(sleep(9))];
  for (const target of targets) {
    const task = createTask(function* () {
      currentTask()!.cancel("down");
      yield* target;
    });
    assertEquals(textOf(yield* errorOf(task)), "cancelled: down");
    assertEquals(stateOf(target), "cancelled: down");
  }
});

loopTest("a task that cancels itself still receives what is available without a wait", function* ({ loop, log }) {
  const done = loop.createFuture<string>();
  done.setResult("done future");
  const queue = new Queue<string>();
  queue.putNowait("item");
  const lock = new Lock();
  const task = createTask(function* () {
    currentTask()!.cancel();
    log.push(yield* done);
    log.push(yield* queue.get());
    log.push(yield* lock.acquire());
    lock.release();
    yield* (function* () {
      log.push("subroutine");
    })();
    yield (function* () {
      log.push("subroutine by yield");
    })();
    yield* sleep(1);
  });
  assertEquals(textOf(yield* errorOf(task)), "cancelled");
  assertEquals(log, ["done future", "item", true, "subroutine", "subroutine by yield"]);
});

loopTest("a task that cancels itself and returns is cancelled", function* () {
  const task = createTask(function* () {
    currentTask()!.cancel("last words");
    return "lost";
  });
  assertEquals([textOf(yield* errorOf(task)), task.cancelled()], ["cancelled: last words", true]);
});

loopTest("a task that cancels itself and throws has failed", function* () {
  const task = createTask(function* () {
    currentTask()!.cancel();
    throw new Error("failed");
  });
  assertEquals([textOf(yield* errorOf(task)), task.cancelled(), task.cancelling()], ["failed", false, 1]);
});

loopTest("a task that is cancelled in its last step by what it calls is cancelled", function* () {
  const task: Task = createTask(function* () {
    yield* sleep(1);
    cancelFromElsewhere();
    return "lost";
  });
  function cancelFromElsewhere() {
    task.cancel();
  }
  assertEquals(textOf(yield* errorOf(task)), "cancelled");
});

// --- a result and a cancellation in one iteration -------------------------------------------------------------

loopTest("a result and then a cancellation in one iteration: the task is cancelled", function* ({ loop }) {
  const future = loop.createFuture<string>();
  const task = createTask(function* () {
    return yield* future;
  });
  yield* sleep(0);
  future.setResult("there");
  task.cancel();
  assertEquals([textOf(yield* errorOf(task)), future.result()], ["cancelled", "there"]);
});

loopTest("a cancellation and then a result in one iteration: the future is cancelled already", function* ({ loop }) {
  const future = loop.createFuture<string>();
  const task = createTask(function* () {
    return yield* future;
  });
  yield* sleep(0);
  task.cancel();
  assertThrows(() => future.setResult("too late"), InvalidStateError, "it is cancelled");
  assertEquals(textOf(yield* errorOf(task)), "cancelled");
});

loopTest("an error and then a cancellation in one iteration: the error counts as retrieved", function* ({ loop }) {
  const future = loop.createFuture();
  const task = createTask(function* () {
    yield* future;
  });
  yield* sleep(0);
  future.setException(new Error("overtaken"));
  task.cancel();
  // An error that was not retrieved would be reported at the end of the test.
  assertEquals(textOf(yield* errorOf(task)), "cancelled");
});

loopTest("a queue keeps the item of a getter that is cancelled in the iteration of the put", function* () {
  for (const putFirst of [true, false]) {
    const queue = new Queue<string>();
    const getter = createTask(queue.get());
    yield* sleep(0);
    if (putFirst) queue.putNowait("item");
    getter.cancel();
    if (!putFirst) queue.putNowait("item");
    assertEquals([textOf(yield* errorOf(getter)), queue.qsize()], ["cancelled", 1]);
  }
});

loopTest("the item of a getter that is cancelled goes to the next one in the queue", function* () {
  const queue = new Queue<string>();
  const [first, second] = [createTask(queue.get()), createTask(queue.get())];
  yield* sleep(0);
  queue.putNowait("item");
  first.cancel();
  yield* errorOf(first);
  assertEquals([yield* second, queue.empty()], ["item", true]);
});

loopTest("a lock or permit that is given to a task cancelled in that iteration goes on to the next", function* () {
  const locks = [new Lock(), new Semaphore(1)];
  for (const lock of locks) {
    for (const releaseFirst of [true, false]) {
      yield* lock.acquire();
      const [first, second] = [createTask(lock.acquire()), createTask(lock.acquire())];
      yield* sleep(0);
      if (releaseFirst) lock.release();
      first.cancel();
      if (!releaseFirst) lock.release();
      assertEquals(textOf(yield* errorOf(first)), "cancelled");
      assertEquals(yield* second, true);
      lock.release();
      assertEquals(lock.locked(), false);
    }
  }
});

loopTest(
  "a task whose sleep ends in the iteration of its cancellation is cancelled, or has ended",
  function* ({ log }) {
    const sleeper = () => createTask(sleep(1, "slept"));
    const canceller = (task: () => Task) =>
      createTask(function* () {
        yield* sleep(1);
        log.push(task().cancel());
      });
    const before = canceller(() => late);
    const late = sleeper();
    const early = sleeper();
    const after = canceller(() => early);
    yield* before;
    yield* after;
    yield* sleep(0);
    assertEquals([stateOf(late), stateOf(early), log], ["cancelled", "gave slept", [true, false]]);
  },
);

loopTest("a task that is cancelled when the task it awaits has just ended leaves that one its result", function* () {
  const inner = createTask(function* () {
    yield* sleep(1);
    return "result";
  });
  const outer: Task = createTask(function* () {
    yield* inner;
  });
  inner.addDoneCallback(() => outer.cancel());
  assertEquals(textOf(yield* errorOf(outer)), "cancelled");
  assertEquals(stateOf(inner), "gave result");
});

loopTest("a task that is cancelled when the task it awaits is about to end cancels that one", function* ({ loop }) {
  const future = loop.createFuture<string>();
  const inner = createTask(function* () {
    return yield* future;
  });
  const outer = createTask(function* () {
    yield* inner;
  });
  yield* sleep(1);
  future.setResult("there");
  outer.cancel();
  yield* errorOf(outer);
  assertEquals([stateOf(inner), stateOf(outer)], ["cancelled", "cancelled"]);
});
