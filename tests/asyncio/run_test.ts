/** run(): a program on a loop of its own, from its beginning to the cleanup of its remaining tasks. */
import { Coro, DeadlockError } from "@asyncoro/asyncoro";
import {
  CancelledError,
  createTask,
  type EventLoop,
  type ExceptionContext,
  getRunningLoop,
  newEventLoop,
  run,
  type RunOptions,
  sleep,
  type Task,
} from "@asyncoro/asyncoro/asyncio";
import { VirtualClock } from "@asyncoro/asyncoro/testing";
import { assertEquals, assertRejects, assertStrictEquals } from "@std/assert";

/** Options of a run in virtual time, and what comes of it. */
function virtual(): { options: RunOptions; contexts: ExceptionContext[]; loops: EventLoop[] } {
  const [contexts, loops]: [ExceptionContext[], EventLoop[]] = [[], []];
  const loopFactory = () => {
    const loop = newEventLoop({ clock: new VirtualClock() });
    loop.setExceptionHandler((_loop, context) => contexts.push(context));
    loops.push(loop);
    return loop;
  };
  return { options: { loopFactory }, contexts, loops };
}

Deno.test("run() returns the result of its main coroutine, be it a function, a generator or an operation", async () => {
  function* main() {
    yield* sleep(0);
    return 42;
  }
  assertEquals(await run(main), 42);
  assertEquals(await run(main()), 42);
  assertEquals(await run(sleep(0, 42)), 42);
});

Deno.test("run() hands its main function the task's Coro", async () => {
  await run(function* (coro) {
    assertEquals(coro instanceof Coro, true);
    yield;
  });
});

Deno.test("run() throws the error of its main coroutine, the same object", async () => {
  const error = new RangeError("of main");
  const failed = await run(function* () {
    yield* sleep(0);
    throw error;
  }).catch((error) => error);
  assertStrictEquals(failed, error);
});

Deno.test("run() refuses what is not a coroutine", async () => {
  for (const value of [42, null, undefined, "text", () => 42, async () => {}, Promise.resolve()]) {
    await assertRejects(() => run(value as never), TypeError, "Cannot run as 'main' must be a generator function");
  }
});

Deno.test("run() inside a loop is refused, in coroutines and in callbacks", async () => {
  const refused: unknown[] = [];
  const nested = () => run(sleep(0)).catch((error) => refused.push(error.message));
  await run(function* () {
    yield nested();
    const done = getRunningLoop().createFuture();
    getRunningLoop().callSoon(() => done.setResult(nested()));
    yield* done;
    yield* sleep(0);
  });
  assertEquals(refused.length, 2);
  for (const message of refused) {
    assertEquals(`${message}`.startsWith("Cannot call run() inside a running event"), true);
  }
});

Deno.test("run() closes its loop in the end", async () => {
  const { options, loops } = virtual();
  await run(sleep(1), options);
  await assertRejects(() =>
    run(function* () {
      throw new Error("of main");
    }, options)
  );
  assertEquals(loops.map((loop) => [loop.isRunning(), loop.isClosed()]), [[false, true], [false, true]]);
});

Deno.test("every run() has a loop of its own", async () => {
  const loops = [await run(loopOf), await run(loopOf)].map(([loop]) => loop);
  assertEquals(loops[0] === loops[1], false);

  function* loopOf() {
    return [getRunningLoop()];
  }
});

Deno.test("loopFactory makes the loop, and is called once, without arguments", async () => {
  const loop = newEventLoop({ clock: new VirtualClock() });
  const calls: unknown[][] = [];
  const loopFactory = (...args: unknown[]) => {
    calls.push(args);
    return loop;
  };
  await run(
    function* () {
      assertStrictEquals(getRunningLoop(), loop);
    },
    { loopFactory },
  );
  assertEquals(calls, [[]]);
});

Deno.test("the debug option sets debug mode; without it the loop's own stays", async () => {
  function* debug() {
    return getRunningLoop().getDebug();
  }
  const loopFactory = () => newEventLoop({ debug: true });
  assertEquals(await run(debug), false);
  assertEquals(await run(debug, { debug: true }), true);
  assertEquals(await run(debug, { debug: false, loopFactory }), false);
  assertEquals(await run(debug, { loopFactory }), true);
});

Deno.test("tasks that are left are cancelled, and their cleanup is waited for", async () => {
  const { options, contexts, loops } = virtual();
  const log: unknown[] = [];
  function* leftover(name: string) {
    try {
      yield* sleep(1000);
    } finally {
      yield* sleep(5);
      log.push(`${name} at ${getRunningLoop().time()}`);
    }
  }
  let tasks: Task[] = [];
  const result = await run(function* () {
    tasks = ["a", "b"].map((name) => createTask(leftover(name)));
    yield* sleep(1);
    return "main's";
  }, options);
  assertEquals([result, log], ["main's", ["a at 6", "b at 6"]]);
  assertEquals(tasks.map((task) => task.cancelled()), [true, true]);
  assertEquals([contexts, loops[0].isClosed()], [[], true]);
});

Deno.test("a task made in main's last step makes its first step before it is cancelled, as in CPython", async () => {
  const { options, contexts } = virtual();
  const log: string[] = [];
  await run(function* () {
    createTask(function* () {
      log.push("began");
      try {
        yield* sleep(10);
      } finally {
        log.push("cancelled");
      }
    });
  }, options);
  assertEquals([log, contexts], [["began", "cancelled"], []]);
});

Deno.test("remaining tasks are cancelled when main fails, too, and main's error is thrown", async () => {
  const { options } = virtual();
  const log: string[] = [];
  await assertRejects(
    () =>
      run(function* () {
        createTask(function* () {
          try {
            yield* sleep(1000);
          } finally {
            log.push("cleaned up");
          }
        });
        yield* sleep(0);
        throw new Error("of main");
      }, options),
    Error,
    "of main",
  );
  assertEquals(log, ["cleaned up"]);
});

Deno.test("errors of what is left go to the exception handler, with the task", async () => {
  const { options, contexts } = virtual();
  const error = new Error("of the cleanup");
  let task: Task | undefined;
  await run(function* () {
    task = createTask(
      function* () {
        try {
          yield* sleep(1000);
        } catch {
          throw error;
        }
      },
      { name: "left" },
    );
    yield* sleep(0);
  }, options);
  assertEquals(contexts.map(({ message }) => message), ["Unhandled error of task 'left' at the end of run()"]);
  assertStrictEquals(contexts[0].exception, error);
  assertStrictEquals(contexts[0].task, task);
});

Deno.test("a task that swallows its cancellation is waited for", async () => {
  const { options, contexts } = virtual();
  let task: Task<string> | undefined;
  await run(function* () {
    task = createTask(function* () {
      try {
        yield* sleep(1000);
      } catch (error) {
        if (!(error instanceof CancelledError)) throw error;
      }
      yield* sleep(3);
      return "went on";
    });
    yield* sleep(0);
  }, options);
  assertEquals([task?.result(), contexts], ["went on", []]);
});

Deno.test("coroutines that are no tasks are terminated, and their cleanup is waited for", async () => {
  const { options, contexts } = virtual();
  const log: string[] = [];
  await run(function* () {
    new Coro(function* bare(coro) {
      try {
        yield* coro.sleep();
      } finally {
        yield* coro.sleep(1);
        log.push("cleaned up");
      }
    });
    yield* sleep(0);
  }, options);
  assertEquals([log, contexts], [["cleaned up"], []]);
});

Deno.test("callbacks that are left are not called", async () => {
  const { options } = virtual();
  const log: string[] = [];
  await run(function* () {
    getRunningLoop().callLater(1, () => log.push("later"));
    yield* sleep(0);
  }, options);
  assertEquals(log, []);
});

Deno.test("a main that can never go on fails with a DeadlockError, in virtual time", async () => {
  const { options, loops } = virtual();
  const error = await assertRejects(
    () =>
      run(function* lost() {
        yield* getRunningLoop().createFuture();
      }, options),
    DeadlockError,
  );
  assertEquals(error.message.includes("waits for a pending future"), true);
  assertEquals(loops[0].isClosed(), true);
});

Deno.test("two tasks that await each other are a deadlock, and both are cancelled", async () => {
  const { options } = virtual();
  const tasks: Task[] = [];
  await assertRejects(
    () =>
      run(function* () {
        for (const other of [1, 0]) {
          tasks.push(createTask(function* () {
            yield* tasks[other].getCoro().finish();
          }));
        }
        yield* tasks[0];
      }, options),
    DeadlockError,
  );
  assertEquals(tasks.map((task) => task.done()), [true, true]);
});

Deno.test("a main that cancels itself ends the run with a CancelledError", async () => {
  const { options } = virtual();
  await assertRejects(
    () =>
      run(function* (coro) {
        getRunningLoop().callSoon(() => coro.throw(new CancelledError("enough")));
        yield* sleep(10);
      }, options),
    CancelledError,
    "enough",
  );
});

Deno.test("a main that fails at once, or has ended before, ends the run at once", async () => {
  const { options } = virtual();
  const used = (function* () {
    return 1;
  })();
  used.next();
  assertEquals(await run(used, options), undefined);
  await assertRejects(
    () =>
      run(function* () {
        throw new Error("at once");
      }, options),
    Error,
    "at once",
  );
});

Deno.test("a task that a cleanup makes is pending when the loop is closed, and reported", async () => {
  const { options, contexts } = virtual();
  await run(function* () {
    createTask(function* () {
      try {
        yield* sleep(10);
      } finally {
        createTask(sleep(10), { name: "late" });
      }
    });
    yield* sleep(0);
  }, options);
  assertEquals(contexts.map(({ message }) => message), [
    "Event loop closed while task 'late' was pending: it never goes on",
  ]);
});
