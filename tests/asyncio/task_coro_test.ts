/** The coroutine of a task: whatever the core can do with coroutines works with tasks. */
import { all, Coro, HotSwapException, MonitorException, race, run as runCore, Scheduler } from "@asyncoro/asyncoro";
import {
  allTasks,
  createTask,
  currentTask,
  getRunningLoop,
  newEventLoop,
  sleep,
  type Task,
} from "@asyncoro/asyncoro/asyncio";
import { assertEquals, assertInstanceOf, assertRejects, assertStrictEquals } from "@std/assert";
import { inLoop, loopTest } from "./loop_lab.ts";
import { errorOf, stateOf, textOf } from "./outcomes.ts";

loopTest("a task receives messages", function* () {
  const task = createTask(function* (coro) {
    const sum = (yield* coro.receive<number>()) + (yield* coro.receive<number>());
    return sum;
  });
  task.getCoro().send(20);
  yield* sleep(1);
  assertEquals(task.getCoro().send(22), true);
  assertEquals(yield* task, 42);
  assertEquals(task.getCoro().send("too late"), false);
});

loopTest("a message that comes in the iteration of a cancellation stays in the mailbox", function* () {
  const task = createTask(function* (coro) {
    const error = yield* errorOf(coro.receive());
    return [textOf(error), yield* coro.receive(0, "none")];
  });
  yield* sleep(1);
  task.getCoro().send("message");
  task.cancel();
  assertEquals(yield* task, ["cancelled", "message"]);
});

loopTest("core coroutines and tasks send each other messages on one loop", function* () {
  const echo = new Coro(function* (self) {
    const { from, text } = yield* self.receive<{ from: Coro; text: string }>();
    from.send(`${text} back`);
  });
  assertStrictEquals(echo.scheduler, getRunningLoop().scheduler);
  const task = createTask(function* (coro) {
    echo.send({ from: coro, text: "hello" });
    return yield* coro.receive<string>();
  });
  assertEquals(yield* task, "hello back");
});

loopTest("a race of tasks gives the first result, and the losers go on", function* () {
  const [quick, slow] = [createTask(sleep(1, "quick")), createTask(sleep(2, "slow"))];
  assertEquals(yield* race(slow, quick), "quick");
  assertEquals([stateOf(slow), slow.cancelling()], ["pending", 0]);
  assertEquals(yield* slow, "slow");
});

loopTest("all() waits for tasks, and throws the error of the first that fails", function* () {
  assertEquals(yield* all(createTask(sleep(1, 1)), createTask(sleep(2, 2))), [1, 2]);
  const failing = createTask(function* () {
    throw new Error("failed");
  });
  assertEquals(textOf(yield* errorOf(all(failing, sleep(9)))), "failed");
});

loopTest("finish() of a task's coroutine waits for its end and does not cancel it", function* () {
  const task = createTask(sleep(3, "value"));
  const coro = task.getCoro();
  const waiter = createTask(coro.finish());
  yield* sleep(1);
  waiter.cancel();
  yield* errorOf(waiter);
  assertEquals([stateOf(task), task.cancelling()], ["pending", 0]);
  assertEquals([yield* coro.finish(), stateOf(task)], ["value", "gave value"]);
});

loopTest("finish() throws what the task failed with", function* () {
  const task = createTask(function* () {
    yield* sleep(1);
    throw new Error("failed");
  });
  assertEquals(textOf(yield* errorOf(task.getCoro().finish())), "failed");
  assertEquals(textOf(task.exception()), "failed");
});

loopTest("a monitor receives how a task ended", function* () {
  const outcomes: string[] = [];
  for (const ending of ["return", "throw", "cancel"]) {
    const task: Task = createTask(function* () {
      yield* sleep(1);
      if (ending === "throw") throw new Error("failed");
      return "value";
    });
    const monitor = createTask(function* (coro) {
      yield* coro.monitor(task.getCoro());
      return yield* coro.receive<MonitorException>();
    });
    yield* sleep(0.5);
    if (ending === "cancel") task.cancel();
    const message = yield* monitor;
    assertInstanceOf(message, MonitorException);
    assertStrictEquals(message.args[0], task.getCoro());
    const [type, value] = message.args[1] as [unknown, unknown];
    outcomes.push(`${(type as { name?: string })?.name ?? type}: ${value instanceof Error ? textOf(value) : value}`);
    if (ending === "throw") task.exception();
  }
  assertEquals(outcomes.length, 3);
  assertEquals(outcomes[0].endsWith("value"), true);
  assertEquals(outcomes[1].endsWith("failed"), true);
  assertEquals(outcomes[2].endsWith("cancelled"), true);
});

loopTest("terminating the coroutine of a task cancels the task, after its cleanup", function* ({ log }) {
  const task = createTask(function* () {
    try {
      yield* sleep(9);
    } catch {
      log.push("not caught");
    } finally {
      yield* sleep(1);
      log.push("cleanup");
    }
  }, { name: "worker" });
  yield* sleep(1);
  assertEquals([task.getCoro().terminate(), task.done()], [true, false]);
  assertEquals(textOf(yield* errorOf(task)), "cancelled: task 'worker' was terminated");
  assertEquals([task.cancelled(), task.cancelling(), log], [true, 0, ["cleanup"]]);
});

loopTest("terminating the coroutine of a task that awaits another leaves that alone", function* () {
  const inner = createTask(sleep(2, "value"));
  const outer = createTask(function* () {
    yield* inner;
  });
  yield* sleep(1);
  outer.getCoro().terminate();
  yield* errorOf(outer);
  assertEquals([yield* inner, outer.cancelled()], ["value", true]);
});

loopTest("an error thrown into the coroutine of a task arrives at its wait", function* ({ loop }) {
  const future = loop.createFuture();
  const caught = createTask(function* () {
    return textOf(yield* errorOf(future));
  });
  const uncaught = createTask(function* () {
    yield* future;
  });
  yield* sleep(1);
  for (const task of [caught, uncaught]) task.getCoro().throw(new Error("from outside"));
  assertEquals([yield* caught, textOf(yield* errorOf(uncaught))], ["from outside", "from outside"]);
  assertEquals([future.done(), caught.cancelling()], [false, 0]);
});

loopTest("an error that is thrown and a cancellation come one after the other", function* ({ log }) {
  const task = createTask(function* () {
    for (let i = 0; i < 2; i++) log.push(textOf(yield* errorOf(sleep(9))));
    return "ended";
  });
  yield* sleep(1);
  task.getCoro().throw(new Error("thrown"));
  task.cancel();
  assertEquals([yield* task, log], ["ended", ["thrown", "cancelled"]]);
});

loopTest("a task whose coroutine is swapped goes on, and ends with the result of the new one", function* ({ log }) {
  function* first(coro: Coro) {
    coro.hotSwappable(true);
    try {
      yield* coro.receive();
    } catch (error) {
      log.push(error instanceof HotSwapException);
      throw error;
    }
  }
  const task: Task = createTask(first);
  yield* sleep(1);
  task.getCoro().hotSwap(function* (coro) {
    return `second ${yield* coro.receive()} ${currentTask() === task}`;
  });
  yield* sleep(1);
  assertEquals(stateOf(task), "pending");
  task.getCoro().send("message");
  assertEquals([(yield* task) as unknown, log], ["second message true", [true]]);
});

loopTest("a core coroutine is not a task", function* () {
  const coro = new Coro(function* () {
    return [currentTask(), allTasks().size];
  });
  assertEquals(yield* coro.finish(), [null, 1]);
});

loopTest("the failure of a core coroutine on the loop goes to the exception handler", function* (lab) {
  const coro = new Coro(function* () {
    throw new Error("lost");
  });
  yield* sleep(1);
  const [context] = lab.takeContexts();
  assertEquals(textOf(context.exception), "lost");
  assertStrictEquals(context.coro, coro);
});

Deno.test("a coroutine of another scheduler awaits a task", () =>
  inLoop(async ({ loop }) => {
    const [good, bad] = [loop.createTask(sleep(1, "slept")), loop.createTask(sleep(9))];
    const outside = runCore(function* () {
      return [yield* good, textOf(yield* errorOf(bad))];
    });
    loop.callLater(2, () => bad.cancel());
    await assertRejects(() => loop.runUntilComplete(bad));
    assertEquals(await outside, ["slept", "cancelled"]);
    await Scheduler.instance().terminate();
  }));

Deno.test("two loops run side by side, each with its tasks", async () => {
  const [one, two] = [newEventLoop(), newEventLoop()];
  const log: unknown[] = [];
  function* body(name: string) {
    for (let i = 0; i < 3; i++) {
      log.push(name);
      yield* sleep(0.001);
    }
    return getRunningLoop();
  }
  const loops = await Promise.all([one.runUntilComplete(body("one")), two.runUntilComplete(body("two"))]);
  assertEquals(loops, [one, two]);
  assertEquals(log.toSorted(), ["one", "one", "one", "two", "two", "two"]);
  one.close();
  two.close();
});
