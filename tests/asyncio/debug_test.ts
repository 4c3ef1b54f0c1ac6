/** Debug mode: what takes long, and operations that are never yielded. */
import { createTask, type EventLoop, getRunningLoop, newEventLoop, run, sleep } from "@asyncoro/asyncoro/asyncio";
import { assertEquals, assertMatch } from "@std/assert";
import { AsyncLocalStorage } from "node:async_hooks";
import { inLoop } from "./loop_lab.ts";

/** The warnings of `console.warn` meanwhile. */
async function warned(act: () => Promise<unknown>): Promise<string[]> {
  const { warn } = console;
  const lines: string[] = [];
  console.warn = (...args: unknown[]) => void lines.push(args.join(" "));
  try {
    await act();
  } finally {
    console.warn = warn;
  }
  return lines;
}

/** Lines without the figure, which is the machine's. */
function withoutSeconds(lines: string[]): string[] {
  return lines.map((line) => line.replace(/\d+\.\d{3} seconds$/, "N seconds"));
}

function busy(milliseconds: number): void {
  const end = performance.now() + milliseconds;
  while (performance.now() < end);
}

Deno.test("debug mode is off at first, and can be switched", () => {
  const loop = newEventLoop();
  const states = [loop.getDebug()];
  loop.setDebug(true);
  states.push(loop.getDebug());
  loop.setDebug(false);
  states.push(loop.getDebug());
  assertEquals(states, [false, true, false]);
  loop.close();
  const eager = newEventLoop({ debug: true });
  assertEquals([eager.getDebug(), eager.slowCallbackDuration], [true, 0.1]);
  eager.close();
});

Deno.test("a callback that takes long causes a warning with its name and its duration", async () => {
  const lines = await warned(() =>
    inLoop(async (lab) => {
      lab.loop.slowCallbackDuration = 0.02;
      lab.loop.callSoon(function slow() {
        busy(21);
      });
      await lab.iterate();
    }, { debug: true })
  );
  assertEquals(lines.length, 1);
  assertMatch(lines[0], /^Executing callback the function 'slow' took \d+\.\d{3} seconds$/);
});

Deno.test("a step of a task that takes long causes a warning with the task's name", async () => {
  const lines = await warned(() =>
    run(function* () {
      const loop = getRunningLoop();
      loop.slowCallbackDuration = 0.02;
      const task = createTask(
        function* () {
          yield* sleep(0);
          busy(21);
          yield;
        },
        { name: "slow" },
      );
      yield* task;
    }, { debug: true })
  );
  assertEquals(withoutSeconds(lines).includes("Executing a step of task 'slow' took N seconds"), true);
});

Deno.test("if every duration counts as long, each step causes a warning, in the order in which they run", async () => {
  const lines = await warned(() =>
    inLoop(async (lab) => {
      lab.loop.slowCallbackDuration = 0;
      lab.loop.callSoon(function soon() {});
      lab.loop.createTask(
        function* () {
          yield;
        },
        { name: "task" },
      );
      lab.loop.callLater(0, function later() {});
      await lab.iterate(2);
    }, { debug: true })
  );
  assertEquals(withoutSeconds(lines), [
    "Executing callback the function 'soon' took N seconds",
    "Executing a step of task 'task' took N seconds",
    "Executing callback the function 'later' took N seconds",
    "Executing a step of task 'task' took N seconds",
  ]);
});

Deno.test("a step that runs in a context of the host causes one warning", async () => {
  const names = new AsyncLocalStorage<string>();
  const lines = await warned(() =>
    inLoop(async (lab) => {
      lab.loop.slowCallbackDuration = 0;
      names.run("a", () => lab.loop.callSoon(function soon() {}));
      names.run("b", () => lab.loop.createTask(function* () {}, { name: "task" }));
      await lab.iterate(1);
    }, { debug: true })
  );
  assertEquals(withoutSeconds(lines), [
    "Executing callback the function 'soon' took N seconds",
    "Executing a step of task 'task' took N seconds",
  ]);
});

Deno.test("a slow callback that throws causes a warning, too", async () => {
  const lines = await warned(() =>
    inLoop(async (lab) => {
      lab.loop.slowCallbackDuration = 0;
      lab.loop.callSoon(function broken() {
        throw new Error("in the callback");
      });
      await lab.iterate();
      assertEquals(lab.takeContexts().length, 1);
    }, { debug: true })
  );
  assertEquals(withoutSeconds(lines), ["Executing callback the function 'broken' took N seconds"]);
});

Deno.test("without debug mode there is no warning, and switching it off ends them", async () => {
  const lines = await warned(() =>
    inLoop(async (lab) => {
      lab.loop.slowCallbackDuration = 0;
      lab.loop.callSoon(() => {});
      await lab.iterate();
      lab.loop.setDebug(true);
      lab.loop.callSoon(function slow() {});
      await lab.iterate();
      lab.loop.setDebug(false);
      lab.loop.callSoon(() => {});
      await lab.iterate();
    })
  );
  assertEquals(withoutSeconds(lines), ["Executing callback the function 'slow' took N seconds"]);
});

/** What reaches the exception handler in a run of `main` in debug mode. */
async function reported(main: () => Generator<unknown, void, unknown>, debug = true): Promise<string[]> {
  const messages: string[] = [];
  const loopFactory = (): EventLoop => {
    const loop = newEventLoop();
    loop.setExceptionHandler((_loop, { exception }) => messages.push((exception as Error).message));
    return loop;
  };
  await run(main, { debug, loopFactory });
  return messages;
}

Deno.test("an operation that is made and never yielded is reported, with its place", async () => {
  const messages = await reported(function* forgetful() {
    sleep(0.001);
    yield* sleep(0);
  });
  assertEquals(messages.length, 1);
  assertMatch(
    messages[0],
    /made an operation and never yielded it: 'sleep'.*debug_test\.[jt]s.*write yield\* in front/s,
  );
});

Deno.test("an operation that is yielded, or given to a task, is not", async () => {
  assertEquals(
    await reported(function* () {
      yield* sleep(0);
      yield sleep(0);
      yield* createTask(sleep(0));
    }),
    [],
  );
});

Deno.test("without debug mode operations are not watched", async () => {
  assertEquals(
    await reported(function* () {
      sleep(1);
      yield;
    }, false),
    [],
  );
});

Deno.test("debug mode changes neither results nor order", async () => {
  const logs: unknown[][] = [];
  for (const debug of [false, true]) {
    await inLoop(async (lab) => {
      lab.loop.slowCallbackDuration = Infinity;
      const task = lab.loop.createTask(function* () {
        lab.note("step 1");
        yield* sleep(1);
        lab.at("step 2");
        return 42;
      });
      lab.loop.callSoon(lab.noting("callback"));
      task.addDoneCallback(lab.noting("done"));
      lab.note(await lab.loop.runUntilComplete(task));
      logs.push(lab.takeLog());
    }, { debug });
  }
  assertEquals(logs[1], logs[0]);
  assertEquals(logs[0], ["step 1", "callback", "1 step 2", "done", 42]);
});
