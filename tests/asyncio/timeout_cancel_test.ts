/** Time limits and cancellations from outside, limits in limits, and limits with task groups. */
import {
  createTask,
  currentTask,
  sleep,
  type Task,
  taskGroup,
  type Timeout,
  timeout,
  timeoutAt,
} from "@asyncoro/asyncoro/asyncio";
import { assertEquals } from "@std/assert";
import { type LoopLab, loopTest } from "./loop_lab.ts";
import { errorOf, failWith, stateOf, textOf } from "./outcomes.ts";

type Steps<T = unknown> = Generator<unknown, T, unknown>;

/** Runs a block with a limit and notes how that ended. */
function noted(lab: LoopLab, name: string, seconds: number, block: (limit: Timeout) => Steps): Steps {
  return (function* (): Steps {
    let limit: Timeout;
    try {
      const value = yield* timeout(seconds, function* (t) {
        limit = t;
        return yield* block(t);
      });
      lab.at(`${name} gave ${value}, expired: ${limit!.expired()}`);
      return value;
    } catch (error) {
      lab.at(`${name}: ${textOf(error)}, expired: ${limit!.expired()}`);
      throw error;
    }
  })();
}

function* long(): Steps<void> {
  yield* sleep(100);
}

loopTest("a cancellation from outside goes through a limit that has not expired", function* (lab) {
  const task = createTask(noted(lab, "limit", 10, long));
  yield* sleep(1);
  task.cancel("from outside");
  assertEquals(textOf(yield* errorOf(task)), "cancelled: from outside");
  assertEquals([task.cancelled(), task.cancelling()], [true, 1]);
  assertEquals(lab.log, ["1 limit: cancelled: from outside, expired: false"]);
});

loopTest("a task that cancels itself in a block is cancelled, and not timed out", function* (lab) {
  const task = createTask(noted(lab, "limit", 10, function* () {
    currentTask()!.cancel();
    yield* sleep(20);
  }));
  yield* errorOf(task);
  assertEquals([stateOf(task), lab.log], ["cancelled", ["0 limit: cancelled, expired: false"]]);
});

loopTest("the limit takes its own cancellation back: the task goes on without one", function* (lab) {
  const task = createTask(function* () {
    yield* errorOf(timeout(1, long));
    lab.note(task.cancelling());
    yield* sleep(1);
    return "went on";
  });
  assertEquals([yield* task, task.cancelled(), lab.log], ["went on", false, [0]]);
});

for (const first of ["cancellation", "limit"]) {
  loopTest(`a cancellation and the end of a limit in one iteration, the ${first} first: it stays one`, function* (lab) {
    const { loop } = lab;
    const cancel = () => task.cancel("from outside");
    if (first === "cancellation") loop.callAt(2, cancel);
    const task: Task = createTask(function* () {
      yield* noted(lab, "limit", 2, long);
    });
    yield* sleep(0);
    if (first === "limit") loop.callAt(2, cancel);
    yield* errorOf(task);
    assertEquals([task.cancelled(), task.cancelling()], [true, 1]);
    assertEquals(lab.log, [
      `2 limit: ${first === "limit" ? "cancelled" : "cancelled: from outside"}, expired: true`,
    ]);
  });
}

loopTest("a cancellation before the limit whose cleanup outlasts it stays one", function* (lab) {
  const task = createTask(noted(lab, "limit", 5, function* () {
    try {
      yield* sleep(9);
    } finally {
      yield* errorOf(sleep(9));
    }
  }));
  yield* sleep(4);
  task.cancel();
  yield* errorOf(task);
  assertEquals([task.cancelled(), task.cancelling()], [true, 1]);
  assertEquals(lab.log, ["5 limit: cancelled, expired: true"]);
});

loopTest("a cancellation after the limit, during cleanup, stays one", function* (lab) {
  const task = createTask(noted(lab, "limit", 1, function* () {
    try {
      yield* sleep(9);
    } finally {
      yield* sleep(9);
    }
  }));
  yield* sleep(2);
  task.cancel("enough");
  yield* errorOf(task);
  assertEquals([task.cancelled(), task.cancelling()], [true, 1]);
  assertEquals(lab.log, ["2 limit: cancelled: enough, expired: true"]);
});

loopTest("a limit works in a task whose earlier cancellation was swallowed", function* (lab) {
  const task = createTask(function* () {
    yield* errorOf(sleep(9));
    return textOf(yield* errorOf(noted(lab, "limit", 1, long)));
  });
  yield* sleep(1);
  task.cancel();
  assertEquals([yield* task, task.cancelling()], ["time is up", 1]);
});

loopTest("a cancellation in a limit after one that was swallowed goes through", function* (lab) {
  const task = createTask(function* () {
    yield* errorOf(sleep(9));
    yield* noted(lab, "limit", 9, function* () {
      currentTask()!.cancel("second");
      yield* sleep(1);
    });
  });
  yield* sleep(1);
  task.cancel("first");
  yield* errorOf(task);
  assertEquals([task.cancelling(), lab.log], [2, ["1 limit: cancelled: second, expired: false"]]);
});

// --- limits in limits -----------------------------------------------------------------------------------------

loopTest("of two limits the nearer one ends its block only", function* (lab) {
  yield* noted(lab, "outer", 5, function* () {
    yield* errorOf(noted(lab, "inner", 1, long));
    return yield* sleep(1, "went on");
  });
  assertEquals(lab.log, ["1 inner: time is up, expired: true", "2 outer gave went on, expired: false"]);
});

loopTest("an outer limit goes through an inner one that has time left", function* (lab) {
  yield* errorOf(noted(lab, "outer", 1, () => noted(lab, "inner", 5, long)));
  assertEquals(lab.log, ["1 inner: cancelled, expired: false", "1 outer: time is up, expired: true"]);
});

loopTest("of two limits with one deadline the outer throws TimeoutError, and both have expired", function* (lab) {
  yield* errorOf(noted(lab, "outer", 1, () => noted(lab, "inner", 1, long)));
  assertEquals(lab.log, ["1 inner: cancelled, expired: true", "1 outer: time is up, expired: true"]);
  assertEquals(currentTask()!.cancelling(), 0);
});

loopTest("three limits with one deadline leave no cancellation behind", function* (lab) {
  const task = createTask(function* (): Steps<number> {
    const nest = (depth: number): Steps => depth === 0 ? long() : noted(lab, `${depth}`, 1, () => nest(depth - 1));
    yield* errorOf(nest(3));
    yield* sleep(1);
    return currentTask()!.cancelling();
  });
  assertEquals(yield* task, 0);
  assertEquals(lab.log, [
    "1 1: cancelled, expired: true",
    "1 2: cancelled, expired: true",
    "1 3: time is up, expired: true",
  ]);
});

loopTest("an outer limit that ends during the cleanup of an inner one ends that", function* (lab) {
  yield* errorOf(noted(lab, "outer", 2, () =>
    noted(lab, "inner", 1, function* () {
      try {
        yield* long();
      } finally {
        yield* long();
      }
    })));
  assertEquals(lab.log, ["2 inner: cancelled, expired: true", "2 outer: time is up, expired: true"]);
});

loopTest("a limit in cleanup that an outer limit began works", function* (lab) {
  yield* errorOf(noted(lab, "outer", 1, function* () {
    try {
      yield* sleep(9);
    } finally {
      yield* errorOf(noted(lab, "cleanup", 1, long));
    }
  }));
  assertEquals(lab.log, ["2 cleanup: time is up, expired: true", "2 outer: time is up, expired: true"]);
});

loopTest(
  "when a block waits again after both of its limits have passed, each limit ends its own block",
  function* (lab) {
    yield* errorOf(timeout(5, function* (outer) {
      yield* errorOf(timeout(5, function* (inner) {
        // As after a long computation.
        inner.reschedule(-1);
        yield* sleep(1);
      }));
      lab.at("inner caught");
      outer.reschedule(-1);
      yield* sleep(10);
      lab.at("not here");
    }));
    lab.at("outer caught");
    assertEquals(lab.log, ["0 inner caught", "0 outer caught"]);
  },
);

loopTest("cancelling a task in nested limits whose deadlines have come gives one cancellation", function* (lab) {
  const task = createTask(noted(lab, "outer", 1, () => noted(lab, "inner", 1, long)));
  yield* sleep(0);
  lab.loop.callAt(1, () => task.cancel());
  yield* errorOf(task);
  assertEquals([task.cancelled(), task.cancelling()], [true, 1]);
});

// --- limits and groups ----------------------------------------------------------------------------------------

loopTest("a limit around a task group ends the tasks, and is what is thrown", function* (lab) {
  const children: Task[] = [];
  const error = yield* errorOf(timeout(1, function* () {
    yield* taskGroup(function* (group) {
      children.push(group.createTask(long), group.createTask(long));
    });
  }));
  assertEquals([textOf(error), children.map(stateOf)], ["time is up", ["cancelled", "cancelled"]]);
  assertEquals([currentTask()!.cancelling(), lab.loop.time()], [0, 1]);
});

loopTest("a limit in a task group's block fails the group", function* () {
  let child: Task;
  const error = yield* errorOf(taskGroup(function* (group) {
    child = group.createTask(long);
    yield* timeout(1, long);
  }));
  assertEquals([textOf(error), stateOf(child!)], ["group of time is up", "cancelled"]);
});

loopTest("a limit in a child of a group fails the group with TimeoutError", function* () {
  const error = yield* errorOf(taskGroup(function* (group) {
    group.createTask(timeout(1, long));
    group.createTask(long);
  }));
  assertEquals([textOf(error), currentTask()!.cancelling()], ["group of time is up", 0]);
});

loopTest("a child that fails as the limit around its group ends: the error of the group is thrown", function* () {
  for (const [limit, failure] of [[1, 1], [1, 2]]) {
    const error = yield* errorOf(timeout(limit, function* () {
      yield* taskGroup(function* (group) {
        group.createTask(function* () {
          try {
            yield* sleep(failure);
          } finally {
            failWith("failed");
          }
        });
      });
    }));
    assertEquals([textOf(error), currentTask()!.cancelling()], ["group of failed", 0]);
  }
});

loopTest("a limit that ends while a group waits for children that clean up waits with it", function* ({ loop }) {
  const error = yield* errorOf(timeoutAt(1, function* () {
    yield* taskGroup(function* (group) {
      group.createTask(function* () {
        try {
          yield* long();
        } finally {
          yield* sleep(5);
        }
      });
    });
  }));
  assertEquals([textOf(error), loop.time()], ["time is up", 6]);
});
