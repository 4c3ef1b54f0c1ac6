/** Tasks: what they are made of, when they run and how they end. */
import { current, sleep as coreSleep } from "@asyncoro/asyncoro";
import {
  allTasks,
  createTask,
  currentTask,
  Future,
  getRunningLoop,
  InvalidStateError,
  newEventLoop,
  sleep,
  Task,
} from "@asyncoro/asyncoro/asyncio";
import { assert, assertEquals, assertRejects, assertStrictEquals, assertThrows } from "@std/assert";
import { inLoop, loopTest } from "./loop_lab.ts";
import { errorOf } from "./outcomes.ts";

loopTest("a task begins in the next iteration, and not when it is created", function* ({ log, loop }) {
  const task = createTask(function* () {
    log.push("task");
  });
  log.push("created");
  loop.callSoon(() => log.push("callback"));
  assertEquals(task.done(), false);
  yield* task;
  yield* sleep(0);
  assertEquals(log, ["created", "task", "callback"]);
});

loopTest("a task is made of a generator function, a generator object or an operation", function* () {
  function* body() {
    yield* sleep(1);
    return "value";
  }
  assertEquals(yield* createTask(body), "value");
  assertEquals(yield* createTask(body()), "value");
  assertEquals(yield* createTask(sleep(1, "value")), "value");
});

loopTest("the function of a task is called with its coroutine", function* () {
  const task = createTask(function* (coro) {
    assertStrictEquals(current(), coro);
    return coro;
  });
  assertStrictEquals(yield* task, task.getCoro());
});

loopTest("a task's result is what its coroutine returns, and not what it yielded last", function* () {
  assertEquals(
    yield* createTask(function* () {
      yield* sleep(1, "slept");
    }),
    undefined,
  );
});

loopTest("a task fails with the error of its coroutine, the same for all waiters", function* () {
  const error = new Error("failed");
  const task = createTask(function* () {
    yield* sleep(1);
    throw error;
  });
  assertStrictEquals(yield* errorOf(task), error);
  assertStrictEquals(yield* errorOf(task), error);
  assertStrictEquals(task.exception(), error);
  assertThrows(() => task.result(), Error, "failed");
  assertEquals([task.done(), task.cancelled()], [true, false]);
});

loopTest("a task may fail with a value that is not an error", function* () {
  const task = createTask(function* () {
    throw "a string";
  });
  assertEquals(yield* errorOf(task), "a string" as unknown as Error);
  assertEquals(task.exception(), "a string");
});

loopTest("only a coroutine can become a task, and what is none is named", function* ({ loop }) {
  const wrong: [unknown, RegExp][] = [
    [async () => {}, /write function\* and await promises with yield\*/],
    [() => {}, /needs a generator function/],
    [Promise.resolve(), /ensureFuture\(\) makes a future of a promise/],
    [loop.createFuture(), /can be awaited as it is/],
    [42, /current value is 42/],
    [undefined, /current value is undefined/],
  ];
  for (const [value, message] of wrong) {
    const error = assertThrows(() => createTask(value as never), TypeError);
    assert(message.test(error.message), error.message);
  }
});

loopTest("neither the result nor the error of a task can be set", function* () {
  const task = createTask(sleep(1, "slept"));
  assertThrows(() => task.setResult(undefined as never), Error, "what its coroutine returns");
  assertThrows(() => task.setException(new Error("no")), Error, "what its coroutine throws");
  assertEquals(yield* task, "slept");
});

loopTest("a task that is not done has neither result nor error", function* () {
  const task = createTask(sleep(1));
  assertThrows(() => task.result(), InvalidStateError);
  assertThrows(() => task.exception(), InvalidStateError);
  yield* task;
  assertEquals([task.result(), task.exception()], [undefined, null]);
});

loopTest("awaiting a task that is done gives no other task a turn", function* ({ loop, log }) {
  const task = createTask(function* () {
    return 1;
  });
  yield* task;
  loop.callSoon(() => log.push("callback"));
  assertEquals(yield* task, 1);
  assertEquals(log, []);
  yield* sleep(0);
  assertEquals(log, ["callback"]);
});

loopTest("a task cannot await itself", function* () {
  const task: Task = createTask(function* () {
    yield* task;
  });
  assertEquals((yield* errorOf(task)).message.slice(0, 19), "Cannot await task '");
});

loopTest("the waiters for a task go on in the order in which they came", function* ({ log }) {
  const task = createTask(sleep(1));
  const waiters = [1, 2, 3].map((n) =>
    createTask(function* () {
      yield* task;
      log.push(n);
    })
  );
  for (const waiter of waiters) yield* waiter;
  assertEquals(log, [1, 2, 3]);
});

loopTest("done callbacks run in the iteration after the end, with the task, in their order", function* ({ log, loop }) {
  const task = createTask(function* () {
    loop.callSoon(() => log.push("soon"));
    log.push("end");
  });
  task.addDoneCallback((done) => log.push(["first", done === task]));
  task.addDoneCallback(() => log.push("second"));
  yield* sleep(0);
  assertEquals(log, ["end"]);
  yield* sleep(0);
  assertEquals(log, ["end", "soon", ["first", true], "second"]);
});

loopTest("a task can be awaited with plain yield", function* () {
  const result: unknown = yield createTask(sleep(1, "slept"));
  assertEquals(result, "slept");
});

Deno.test("an async function awaits a task, its result and its error", () =>
  inLoop(async ({ loop }) => {
    const good = loop.createTask(sleep(1, "slept"));
    const bad = loop.createTask(function* () {
      throw new Error("failed");
    });
    const seen = (async () => {
      await assertRejects(async () => void await bad, Error, "failed");
      return await good;
    })();
    await loop.runUntilComplete(good);
    assertEquals(await seen, "slept");
  }));

Deno.test("a task of another event loop cannot be awaited", () =>
  inLoop(async (lab) => {
    const other = newEventLoop();
    const task = other.createTask(function* () {});
    await assertRejects(
      () =>
        lab.run(function* () {
          yield* task;
        }),
      Error,
      "belongs to another event loop",
    );
    await other.runUntilComplete(task);
    other.close();
  }));

Deno.test("the error of a task that is not retrieved is reported when the loop is closed", () =>
  inLoop(async (lab) => {
    const task = lab.loop.createTask(function* () {
      throw new Error("lost");
    }, { name: "loser" });
    await lab.iterate(2);
    lab.loop.close();
    const [context] = lab.takeContexts();
    assertEquals(context.message, "Task exception was never retrieved: task 'loser'");
    assertEquals((context.exception as Error).message, "lost");
    assertStrictEquals(context.future, task);
  }));

Deno.test("the error of a task is not reported once it was retrieved", () =>
  inLoop(async (lab) => {
    const task = lab.loop.createTask(function* () {
      throw new Error("known");
    });
    await lab.iterate(2);
    assertEquals((task.exception() as Error).message, "known");
  }));

Deno.test("a task that has not ended when the loop is closed is reported", () => {
  const reports: string[] = [];
  const loop = newEventLoop();
  loop.setExceptionHandler((_loop, { message }) => reports.push(message));
  const task = loop.createTask(sleep(1), { name: "sleeper" });
  loop.close();
  assertEquals(reports, ["Event loop closed while task 'sleeper' was pending: it never goes on"]);
  assertEquals(task.done(), false);
});

Deno.test("no task can be made outside a running loop, or on a closed one", () => {
  assertThrows(() => createTask(sleep(1)), Error, "Cannot create a task as no event loop runs here");
  const loop = newEventLoop();
  loop.close();
  assertThrows(() => loop.createTask(sleep(1)), Error, "the event loop is closed");
});

Deno.test("new Task() makes one on the running loop, or on the one that is given", () =>
  inLoop(async (lab) => {
    const given = new Task(sleep(1, "given"), { loop: lab.loop });
    assertStrictEquals(given.getLoop(), lab.loop);
    assert(given instanceof Future);
    const results = await lab.run(function* () {
      const running = new Task(sleep(1, "running"));
      return [yield* running, yield* given];
    });
    assertEquals(results, ["running", "given"]);
  }));

loopTest(
  "currentTask() is the task that runs, also in a subroutine, and null in a callback",
  function* ({ loop, log }) {
    function* subroutine() {
      yield* coreSleep(1);
      return currentTask();
    }
    const task: Task<void> = createTask(function* () {
      assertStrictEquals(currentTask(), task);
      assertStrictEquals(yield* subroutine(), task);
      assertStrictEquals(yield subroutine(), task);
    });
    loop.callSoon(() => log.push(currentTask()));
    yield* task;
    assertEquals(log, [null]);
  },
);

loopTest("currentTask() is right when tasks take turns", function* () {
  const bodies = [1, 2, 3].map((n) =>
    createTask(function* () {
      for (let i = 0; i < 3; i++) {
        assertEquals(currentTask()!.getName(), `turn ${n}`);
        yield* sleep(n === 2 ? 0 : 1);
      }
    }, { name: `turn ${n}` })
  );
  for (const task of bodies) yield* task;
});

Deno.test("currentTask() fails where no loop runs, and takes a loop", () => {
  assertThrows(() => currentTask(), Error, "no event loop runs here");
  const loop = newEventLoop();
  assertEquals(currentTask(loop), null);
  loop.close();
});

loopTest("allTasks() has the tasks that have not ended", function* () {
  const main = currentTask()!;
  const long = createTask(sleep(2));
  const short = createTask(sleep(1));
  assertEquals(allTasks(), new Set<Task>([main, long, short]));
  yield* short;
  assertEquals(allTasks(getRunningLoop()), new Set<Task>([main, long]));
  yield* long;
  assertEquals(allTasks(), new Set([main]));
});
