/** Task groups that are cancelled, from outside or by an outer group, or whose coroutine is terminated. */
import {
  createTask,
  currentTask,
  Event,
  sleep,
  type Task,
  type TaskGroup,
  taskGroup,
} from "@asyncoro/asyncoro/asyncio";
import { assertEquals, assertThrows } from "@std/assert";
import { loopTest } from "./loop_lab.ts";
import { errorOf, failWith, stateOf, textOf } from "./outcomes.ts";

type Steps<T = void> = Generator<unknown, T, unknown>;

function* fails(after: number, message = "failed"): Steps {
  yield* sleep(after);
  throw new Error(message);
}

function* long(): Steps {
  yield* sleep(100);
}

loopTest("cancelling a task whose group's block waits cancels the tasks, and is passed on", function* () {
  const children: Task[] = [];
  const parent = createTask(taskGroup(function* (group) {
    children.push(group.createTask(long), group.createTask(long));
    yield* long();
  }));
  yield* sleep(1);
  parent.cancel("from outside");
  assertEquals(textOf(yield* errorOf(parent)), "cancelled: from outside");
  assertEquals([...children.map(stateOf), parent.cancelling()], ["cancelled", "cancelled", 1]);
});

loopTest("cancelling a task whose group waits for its tasks cancels them, and is passed on", function* () {
  const children: Task[] = [];
  const parent = createTask(taskGroup(function* (group) {
    children.push(group.createTask(long), group.createTask(long));
  }));
  yield* sleep(1);
  parent.cancel("from outside");
  assertEquals(textOf(yield* errorOf(parent)), "cancelled: from outside");
  assertEquals([...children.map(stateOf), parent.cancelling()], ["cancelled", "cancelled", 1]);
});

loopTest("a task that is cancelled before it enters its group makes no task", function* ({ log }) {
  const parent = createTask(taskGroup(function* () {
    log.push("entered");
  }));
  parent.cancel();
  assertEquals([textOf(yield* errorOf(parent)), log], ["cancelled", []]);
});

loopTest("a task that cancelled itself enters its group, and is cancelled when that waits", function* ({ log }) {
  const parent = createTask(function* () {
    currentTask()!.cancel();
    yield* taskGroup(function* (group) {
      group.createTask(function* () {
        yield* errorOf(sleep(9));
        log.push("child cancelled");
      });
      log.push("entered");
    });
  });
  assertEquals([textOf(yield* errorOf(parent)), log], ["cancelled", ["entered", "child cancelled"]]);
});

loopTest("a cancellation waits for children that clean up", function* ({ loop, log }) {
  const parent = createTask(taskGroup(function* (group) {
    group.createTask(function* () {
      try {
        yield* long();
      } finally {
        yield* sleep(5);
        log.push("cleaned up");
      }
    });
  }));
  yield* sleep(1);
  parent.cancel();
  assertEquals([textOf(yield* errorOf(parent)), log, loop.time()], ["cancelled", ["cleaned up"], 6]);
});

loopTest("cancelling again while the group waits for cleanup does not cut that short", function* ({ loop }) {
  const parent = createTask(taskGroup(function* (group) {
    group.createTask(function* () {
      try {
        yield* long();
      } finally {
        yield* sleep(5);
      }
    });
  }));
  for (let i = 0; i < 3; i++) {
    yield* sleep(1);
    parent.cancel(`${i}`);
  }
  assertEquals([textOf(yield* errorOf(parent)), parent.cancelling(), loop.time()], ["cancelled: 0", 3, 6]);
});

loopTest("a child that throws another error when it is cancelled: that error is thrown", function* () {
  const parent = createTask(taskGroup(function* (group) {
    group.createTask(function* () {
      try {
        yield* long();
      } finally {
        failWith("cleanup failed");
      }
    });
  }));
  yield* sleep(1);
  parent.cancel();
  assertEquals([textOf(yield* errorOf(parent)), parent.cancelled()], ["group of cleanup failed", false]);
});

loopTest("a block that throws another error when it is cancelled: that error is thrown", function* () {
  const parent = createTask(taskGroup(function* () {
    try {
      yield* long();
    } finally {
      failWith("cleanup failed");
    }
  }));
  yield* sleep(1);
  parent.cancel();
  assertEquals([textOf(yield* errorOf(parent)), parent.cancelling()], ["group of cleanup failed", 1]);
});

loopTest("a block that swallows the cancellation: the group goes on", function* () {
  let child: Task<string>;
  const parent = createTask(taskGroup(function* (group) {
    child = group.createTask(sleep(5, "went on"));
    yield* errorOf(sleep(9));
    return "swallowed";
  }));
  yield* sleep(1);
  parent.cancel();
  assertEquals([yield* parent, stateOf(child!), parent.cancelling()], ["swallowed", "gave went on", 1]);
});

loopTest(
  "a failure and a cancellation in one iteration: the errors are thrown, the cancellation comes next",
  function* ({
    log,
  }) {
    const event = new Event();
    const parent = createTask(function* () {
      try {
        yield* taskGroup(function* (group) {
          group.createTask(function* () {
            event.set();
            yield* sleep(0);
            throw new Error("failed");
          });
          yield* sleep(9);
          log.push("not here");
        });
      } catch (error) {
        log.push(textOf(error), currentTask()!.cancelling());
      }
      yield* sleep(9);
      log.push("nor here");
    });
    yield* event.wait();
    parent.cancel();
    yield* errorOf(parent);
    assertEquals([stateOf(parent), parent.cancelling(), log], ["cancelled", 1, ["group of failed", 1]]);
  },
);

loopTest("a cancellation while a group shuts down for a failure comes after the errors", function* ({ log }) {
  const parent = createTask(function* () {
    try {
      yield* taskGroup(function* (group) {
        group.createTask(fails(1));
        group.createTask(function* () {
          try {
            yield* long();
          } finally {
            yield* sleep(5);
          }
        });
      });
    } catch (error) {
      log.push(textOf(error));
    }
    log.push("before the next wait");
    yield* sleep(1);
  });
  yield* sleep(3);
  parent.cancel();
  assertEquals(textOf(yield* errorOf(parent)), "cancelled");
  assertEquals([parent.cancelling(), log], [1, ["group of failed", "before the next wait"]]);
});

loopTest("a group takes its own cancellation back, whether or not its block has received it", function* ({ log }) {
  for (const seconds of [0, 9]) {
    yield* errorOf(taskGroup(function* (group) {
      group.createTask(fails(0));
      yield* sleep(seconds);
    }));
    log.push(currentTask()!.cancelling());
    yield* sleep(1);
  }
  assertEquals(log, [0, 0]);
});

loopTest("a group in a task that has ignored an earlier cancellation ends normally", function* ({ log }) {
  const task = createTask(function* () {
    yield* errorOf(sleep(9));
    return yield* taskGroup(function* (group) {
      return yield* group.createTask(sleep(1, "value"));
    });
  });
  yield* sleep(1);
  task.cancel();
  assertEquals([yield* task, task.cancelling(), log], ["value", 1, []]);
});

loopTest("a group that fails requests again a cancellation that was not withdrawn", function* ({ log }) {
  // As in CPython, also if the task has caught it: code that catches a cancellation and goes on calls uncancel().
  const task = createTask(function* () {
    yield* errorOf(sleep(9));
    log.push(textOf(
      yield* errorOf(taskGroup(function* (group) {
        group.createTask(fails(1));
        yield* sleep(9);
      })),
    ));
    log.push(textOf(yield* errorOf(sleep(0))));
    return yield* sleep(0, "went on");
  });
  yield* sleep(1);
  task.cancel();
  assertEquals([yield* task, task.cancelling(), log], ["went on", 1, ["group of failed", "cancelled"]]);
});

loopTest("nested groups that both fail cancel the parent twice, and take both back", function* ({ log }) {
  const task = currentTask()!;
  const error = yield* errorOf(taskGroup(function* (outer) {
    const inner = yield* errorOf(taskGroup(function* (inner) {
      inner.createTask(fails(0, "inner"));
      outer.createTask(fails(0, "outer"));
    }));
    log.push(textOf(inner), task.cancelling());
  }));
  assertEquals([textOf(error), task.cancelling(), log], ["group of outer", 0, ["group of inner", 1]]);
});

loopTest("a failure in the outer group interrupts the inner one, which only passes that on", function* ({ log }) {
  const error = yield* errorOf(taskGroup(function* (outer) {
    outer.createTask(fails(1));
    try {
      yield* taskGroup(function* (inner) {
        log.push(inner.createTask(long));
        yield* sleep(9);
      });
    } catch (error) {
      log.push(textOf(error));
      throw error;
    }
  }));
  const [child, seen] = log as [Task, string];
  assertEquals([textOf(error), stateOf(child), seen], ["group of failed", "cancelled", "cancelled"]);
});

loopTest("a block that throws a CancelledError of its own cancels the tasks and throws that", function* () {
  let child: Task;
  const parent = createTask(taskGroup(function* (group) {
    child = group.createTask(long);
    const other = createTask(long);
    other.cancel("another");
    yield* other;
  }));
  assertEquals(textOf(yield* errorOf(parent)), "cancelled: another");
  assertEquals([stateOf(child!), parent.cancelling()], ["cancelled", 0]);
});

loopTest("terminating the coroutine of a task ends the tasks of its group, in the block", function* ({ log }) {
  let child: Task;
  const parent = createTask(taskGroup(function* (group) {
    child = group.createTask(function* () {
      try {
        yield* long();
      } finally {
        yield* sleep(1);
        log.push("child");
      }
    });
    try {
      yield* long();
    } finally {
      log.push("block");
    }
  }));
  yield* sleep(1);
  parent.getCoro().terminate();
  yield* errorOf(parent);
  assertEquals([stateOf(child!), parent.cancelled(), log], ["cancelled", true, ["block", "child"]]);
});

loopTest("terminating the coroutine of a task ends the tasks that its group waits for", function* ({ log }) {
  let child: Task;
  let group: TaskGroup;
  const parent = createTask(taskGroup(function* (g) {
    group = g;
    child = g.createTask(function* () {
      try {
        yield* long();
      } finally {
        yield* sleep(1);
        log.push("child");
      }
    });
  }));
  yield* sleep(1);
  parent.getCoro().terminate();
  yield* errorOf(parent);
  assertEquals([stateOf(child!), parent.cancelled(), log], ["cancelled", true, ["child"]]);
  assertThrows(() => group.createTask(sleep(0)), Error, "is finished");
});

loopTest("a group whose tasks are all cancelled from outside ends normally", function* () {
  const children: Task[] = [];
  const parent = createTask(taskGroup(function* (group) {
    children.push(group.createTask(long), group.createTask(long));
    return "value";
  }));
  yield* sleep(1);
  for (const child of children) child.cancel();
  assertEquals([yield* parent, parent.cancelling()], ["value", 0]);
});

loopTest("ten children fail in cleanup after a cancellation: all errors are there", function* () {
  const parent = createTask(taskGroup(function* (group) {
    for (let i = 0; i < 10; i++) {
      group.createTask(function* () {
        try {
          yield* long();
        } finally {
          failWith(`${i}`);
        }
      });
    }
  }));
  yield* sleep(1);
  parent.cancel();
  assertEquals(textOf(yield* errorOf(parent)), "group of 0, 1, 2, 3, 4, 5, 6, 7, 8, 9");
});
