/** Task groups: their tasks, their errors, and what they refuse. */
import {
  CancelledError,
  createTask,
  currentTask,
  sleep,
  type Task,
  TaskGroup,
  taskGroup,
  timeout,
} from "@asyncoro/asyncoro/asyncio";
import { assertEquals, assertInstanceOf, assertStrictEquals, assertThrows } from "@std/assert";
import { loopTest } from "./loop_lab.ts";
import { errorOf, failWith, stateOf, textOf } from "./outcomes.ts";

function* fails(after: number, message = "failed"): Generator<unknown, never, unknown> {
  yield* sleep(after);
  throw new Error(message);
}

/** Sleeps, and fails in its cleanup. */
function* failsInCleanup(message: string): Generator<unknown, void, unknown> {
  try {
    yield* sleep(100);
  } finally {
    failWith(message);
  }
}

loopTest("a group waits for its tasks, and gives the value of its block", function* ({ loop }) {
  const tasks: Task<string>[] = [];
  const value = yield* taskGroup(function* (group) {
    tasks.push(group.createTask(sleep(1, "one")), group.createTask(sleep(2, "two")));
    return "block";
  });
  assertEquals([value, tasks.map(stateOf), loop.time()], ["block", ["gave one", "gave two"], 2]);
});

loopTest("the block of a group may wait too", function* ({ loop }) {
  yield* taskGroup(function* (group) {
    const quick = group.createTask(sleep(1, "quick"));
    group.createTask(sleep(2));
    yield* sleep(3);
    assertEquals(quick.done(), true);
  });
  assertEquals(loop.time(), 3);
});

loopTest("a group without tasks ends with its block, without a turn", function* ({ log, loop }) {
  loop.callSoon(() => log.push("callback"));
  assertEquals(
    yield* taskGroup(function* () {
      return 1;
    }),
    1,
  );
  assertEquals(log, []);
});

loopTest("a task of a group can be awaited in its block", function* () {
  yield* taskGroup(function* (group) {
    assertEquals(yield* group.createTask(sleep(1, "value")), "value");
  });
});

loopTest("a task of a group may make others in it", function* () {
  const names: string[] = [];
  yield* taskGroup(function* (group) {
    function* root(depth: number): Generator<unknown, void, unknown> {
      yield* sleep(1);
      names.push(`${depth}`);
      if (depth > 0) { for (let i = 0; i < 2; i++) group.createTask(root(depth - 1)); }
    }
    group.createTask(root(2));
  });
  assertEquals(names, ["2", "1", "1", "0", "0", "0", "0"]);
});

loopTest("a group passes on the names and signals of its tasks", function* () {
  const controller = new AbortController();
  yield* taskGroup(function* (group) {
    assertEquals(group.createTask(sleep(1), { name: "named" }).getName(), "named");
    const task = group.createTask(sleep(9), { signal: controller.signal });
    yield* sleep(0);
    controller.abort();
    assertInstanceOf(yield* errorOf(task), CancelledError);
  });
});

loopTest("a failing task cancels the others, and its error comes in an AggregateError", function* ({ loop }) {
  let other: Task;
  const failure = new Error("the very one");
  const error = yield* errorOf(taskGroup(function* (group) {
    other = group.createTask(sleep(9));
    group.createTask(function* () {
      yield* sleep(1);
      throw failure;
    });
  }));
  assertInstanceOf(error, AggregateError);
  const { errors } = error as AggregateError;
  assertStrictEquals(errors[0], failure);
  assertEquals([errors.length, stateOf(other!), loop.time()], [1, "cancelled", 1]);
});

loopTest("a failing task interrupts the block", function* ({ log }) {
  const error = yield* errorOf(taskGroup(function* (group) {
    group.createTask(fails(1));
    try {
      yield* sleep(9);
    } finally {
      log.push(currentTask()!.cancelling());
    }
  }));
  assertEquals([textOf(error), log, currentTask()!.cancelling()], ["group of failed", [1], 0]);
});

loopTest("the errors of several tasks come in the order in which they failed", function* () {
  const error = yield* errorOf(taskGroup(function* (group) {
    group.createTask(failsInCleanup("cleanup one"));
    group.createTask(fails(1, "first"));
    group.createTask(failsInCleanup("cleanup two"));
  }));
  assertEquals(textOf(error), "group of first, cleanup one, cleanup two");
});

loopTest("an error of the block cancels the tasks, and comes in an AggregateError", function* () {
  let task: Task;
  const failure = new Error("block failed");
  const error = yield* errorOf(taskGroup(function* (group) {
    task = group.createTask(sleep(9));
    yield* sleep(1);
    throw failure;
  }));
  assertStrictEquals((error as AggregateError).errors[0], failure);
  assertEquals(stateOf(task!), "cancelled");
});

loopTest("an error of the block comes after those of the tasks", function* () {
  const error = yield* errorOf(taskGroup(function* (group) {
    group.createTask(fails(1, "task"));
    group.createTask(failsInCleanup("cleanup"));
    yield* failsInCleanup("block");
  }));
  assertEquals(textOf(error), "group of task, cleanup, block");
});

loopTest("an error of the block before any task has begun: they never begin", function* ({ log }) {
  const error = yield* errorOf(taskGroup(function* (group) {
    group.createTask(function* () {
      log.push("began");
    });
    throw new Error("at once");
  }));
  assertEquals([textOf(error), log], ["group of at once", []]);
});

loopTest("a task of a group that is cancelled from outside does not fail the group", function* () {
  const results: string[] = [];
  yield* taskGroup(function* (group) {
    const one = group.createTask(sleep(9));
    const two = group.createTask(sleep(2, "two"));
    yield* sleep(1);
    one.cancel();
    results.push(yield* two);
    results.push(stateOf(one));
  });
  assertEquals(results, ["two", "cancelled"]);
});

loopTest("a group whose block awaits the task that fails has its error once", function* () {
  const error = yield* errorOf(taskGroup(function* (group) {
    yield* group.createTask(fails(1));
  }));
  // The block is cancelled in the iteration in which it would meet the error itself.
  assertEquals(textOf(error), "group of failed");
});

loopTest("a failure that comes while the group waits for its tasks cancels them", function* ({ loop }) {
  const error = yield* errorOf(taskGroup(function* (group) {
    group.createTask(fails(2));
    group.createTask(sleep(9));
  }));
  assertEquals([textOf(error), loop.time()], ["group of failed", 2]);
});

loopTest("tasks that ignore their cancellation are waited for", function* ({ loop }) {
  const error = yield* errorOf(taskGroup(function* (group) {
    group.createTask(function* () {
      for (let i = 0; i < 3; i++) {
        try {
          yield* sleep(5);
        } catch { /* It goes on. */ }
      }
    });
    group.createTask(fails(1));
  }));
  assertEquals([textOf(error), loop.time()], ["group of failed", 11]);
});

loopTest("many tasks that go on making others end when one fails", function* () {
  let alive = 0;
  const error = yield* errorOf(taskGroup(function* (group) {
    function* multiplying(): Generator<unknown, void, unknown> {
      alive++;
      yield* sleep(1);
      group.createTask(multiplying);
      group.createTask(multiplying);
    }
    group.createTask(multiplying);
    group.createTask(function* () {
      while (alive < 10) yield* sleep(1.5);
      throw new Error("that is enough");
    });
  }));
  assertEquals([textOf(error), alive >= 10], ["group of that is enough", true]);
});

// --- groups in groups -----------------------------------------------------------------------------------------

loopTest("an error of an inner group is an error in the outer one", function* () {
  const error = yield* errorOf(taskGroup(function* (outer) {
    outer.createTask(sleep(9));
    yield* taskGroup(function* (inner) {
      inner.createTask(fails(1));
    });
  }));
  assertEquals(textOf(error), "group of group of failed");
});

loopTest("an inner group in a task fails the outer group", function* () {
  const error = yield* errorOf(taskGroup(function* (outer) {
    outer.createTask(fails(1, "outer"));
    outer.createTask(taskGroup(function* (inner) {
      inner.createTask(failsInCleanup("inner"));
    }));
  }));
  assertEquals(textOf(error), "group of outer, group of inner");
});

loopTest("an error that is caught between the groups leaves the outer one alone", function* () {
  let task: Task<string>;
  yield* taskGroup(function* (outer) {
    task = outer.createTask(sleep(5, "value"));
    yield* errorOf(taskGroup(function* (inner) {
      inner.createTask(fails(1));
    }));
  });
  assertEquals([stateOf(task!), currentTask()!.cancelling()], ["gave value", 0]);
});

loopTest("a group in a finally block works, also while an error propagates", function* ({ log }) {
  const error = yield* errorOf((function* () {
    try {
      yield* timeout(1, sleep(9));
    } finally {
      yield* taskGroup(function* (group) {
        log.push(yield* group.createTask(sleep(1, "cleanup")));
      });
    }
  })());
  assertEquals([textOf(error), log], ["time is up", ["cleanup"]]);
});

// --- what is refused ------------------------------------------------------------------------------------------

loopTest("no task can be made before the group is entered, or after it has ended", function* () {
  const group = new TaskGroup();
  assertThrows(() => group.createTask(sleep(0)), Error, "has not been entered");
  yield* group.run(function* () {});
  assertThrows(() => group.createTask(sleep(0)), Error, "is finished");
});

loopTest("no task can be made while the group is shutting down", function* ({ log }) {
  yield* errorOf(taskGroup(function* (group) {
    group.createTask(fails(1));
    group.createTask(function* () {
      try {
        yield* sleep(9);
      } catch {
        log.push(assertThrows(() => group.createTask(sleep(0)), Error).message);
      }
    });
  }));
  assertEquals(log, ["Cannot create a task as a task group of 1 is shutting down"]);
});

loopTest("a group is used once", function* () {
  const group = new TaskGroup();
  yield* group.run(function* () {
    assertEquals((yield* errorOf(group.run(function* () {}))).message.slice(0, 12), "Cannot enter");
  });
  assertEquals(
    textOf(yield* errorOf(group.run(function* () {}))),
    "Cannot enter a task group of 0 again as a group is used once",
  );
});

loopTest("only a task can have a group: another coroutine gets an error", function* ({ loop }) {
  const coro = loop.scheduler.spawn(function* () {
    return textOf(yield* errorOf(taskGroup(function* () {})));
  });
  assertEquals(yield* coro.finish(), "Cannot enter a task group of 0 as no task runs here: use it inside a task");
});

loopTest("a group refuses what is not a block or a coroutine", function* () {
  assertThrows(() => taskGroup((() => {}) as never), TypeError, "must be a generator function");
  assertThrows(() => taskGroup(sleep(1) as never), TypeError, "must be a generator function");
  const error = yield* errorOf(taskGroup(function* (group) {
    group.createTask(42 as never);
  }));
  assertInstanceOf((error as AggregateError).errors[0], TypeError);
  yield* createTask(sleep(0));
});
