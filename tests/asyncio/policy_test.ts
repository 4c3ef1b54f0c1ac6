/** Which loop is the running one, and which one code outside a loop gets. */
import { Coro, run as runCoro } from "@asyncoro/asyncoro";
import {
  createTask,
  type EventLoop,
  gather,
  getEventLoop,
  getRunningLoop,
  newEventLoop,
  run,
  setEventLoop,
  sleep,
} from "@asyncoro/asyncoro/asyncio";
import { assertEquals, assertNotStrictEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { inLoop, loopTest } from "./loop_lab.ts";

/** Whether `loop` is the running one here; `null` if none is. */
function isRunningHere(loop: EventLoop): boolean | null {
  try {
    return getRunningLoop() === loop;
  } catch {
    return null;
  }
}

Deno.test("outside a loop getEventLoop() makes one and returns it again, until it is closed", () => {
  const first = getEventLoop();
  assertStrictEquals(getEventLoop(), first);
  assertEquals([first.isRunning(), first.isClosed()], [false, false]);
  first.close();
  const second = getEventLoop();
  assertNotStrictEquals(second, first);
  second.close();
});

Deno.test("setEventLoop() sets what getEventLoop() returns; after null it makes one", () => {
  const loop = newEventLoop();
  setEventLoop(loop);
  assertStrictEquals(getEventLoop(), loop);
  setEventLoop(null);
  const other = getEventLoop();
  assertNotStrictEquals(other, loop);
  for (const each of [loop, other]) each.close();
  setEventLoop(null);
});

Deno.test("setEventLoop() takes a loop or null", () => {
  for (const value of [undefined, 42, {}, "text"]) {
    assertThrows(() => setEventLoop(value as never), TypeError, "'loop' must be an EventLoop or null");
  }
});

Deno.test("newEventLoop() makes another each time and sets none", () => {
  const [a, b] = [newEventLoop(), newEventLoop({ name: "second" })];
  assertNotStrictEquals(a, b);
  assertEquals(`${b}`, "idle second");
  for (const each of [a, b]) each.close();
});

loopTest("inside a loop getEventLoop() returns the one that runs, whichever was set", function* ({ loop }) {
  const other = newEventLoop();
  setEventLoop(other);
  assertStrictEquals(getEventLoop(), loop);
  yield;
  assertStrictEquals(getEventLoop(), loop);
  setEventLoop(null);
  other.close();
});

Deno.test("no loop runs in code outside, not even while one runs elsewhere", () =>
  inLoop(async (lab) => {
    const { loop } = lab;
    assertThrows(() => getRunningLoop(), Error, "no event loop runs here");
    const running = loop.runUntilComplete(sleep(1));
    assertEquals(isRunningHere(loop), null);
    await running;
    assertEquals(isRunningHere(loop), null);
  }));

Deno.test("the running loop is known in callbacks, timers, done callbacks and exception handlers", () =>
  inLoop(async (lab) => {
    const { loop } = lab;
    const check = (where: string) => lab.note([where, isRunningHere(loop)]);
    loop.setExceptionHandler(() => check("handler"));
    loop.callSoon(check, "callback");
    loop.callSoon(() => {
      throw new Error("for the handler");
    });
    loop.callLater(0, check, "timer that is due");
    loop.callLater(1, check, "timer");
    const future = loop.createFuture();
    future.addDoneCallback(() => check("done callback"));
    future.setResult(null);
    await lab.run(sleep(2));
    assertEquals(lab.log, [
      ["callback", true],
      ["handler", true],
      ["done callback", true],
      ["timer that is due", true],
      ["timer", true],
    ]);
  }));

loopTest(
  "the running loop is known in every step of a coroutine, in its cleanup and in what it calls",
  function* (lab) {
    const { loop } = lab;
    const note = () => lab.note(isRunningHere(loop));
    function* nested() {
      note();
      yield* sleep(1);
      note();
    }
    const task = createTask(function* () {
      try {
        note();
        yield nested();
        yield* nested();
        yield* sleep(100);
      } finally {
        note();
      }
    });
    yield* sleep(5);
    task.cancel();
    yield* gather([task], { returnExceptions: true });
    assertEquals(lab.log, Array(6).fill(true));
  },
);

loopTest("after an await in an async function no loop runs", function* (lab) {
  const before = isRunningHere(lab.loop);
  const [first, second] = yield* lab.loop.createTask(function* () {
    return yield (async () => {
      const first = isRunningHere(lab.loop);
      await null;
      return [first, isRunningHere(lab.loop)];
    })();
  });
  assertEquals([before, first, second], [true, true, null]);
});

Deno.test("a coroutine that a callback makes joins the loop of the callback", () =>
  inLoop(async (lab) => {
    const { loop } = lab;
    let coro: Coro | undefined;
    loop.callSoon(() => {
      coro = new Coro(function* () {
        yield;
        lab.note(isRunningHere(loop));
      });
    });
    await lab.iterate(3);
    assertStrictEquals(coro?.scheduler, loop.scheduler);
    assertEquals(lab.log, [true]);
  }));

Deno.test("a coroutine that a timer or a done callback makes joins the loop, too", () =>
  inLoop(async (lab) => {
    const { loop } = lab;
    const schedulers: unknown[] = [];
    const make = () => schedulers.push(new Coro(function* () {}).scheduler);
    loop.callLater(1, make);
    loop.createTask(sleep(1)).addDoneCallback(make);
    await lab.run(sleep(2));
    assertEquals(schedulers.map((scheduler) => scheduler === loop.scheduler), [true, true]);
  }));

Deno.test("callbacks leave no running loop behind for what runs after them", () =>
  inLoop(async (lab) => {
    lab.loop.callSoon(() => queueMicrotask(() => lab.note(isRunningHere(lab.loop))));
    lab.loop.callSoon(() => {
      throw new Error("in a callback");
    });
    await lab.iterate();
    assertEquals(lab.takeContexts().length, 1);
    assertEquals([lab.log, isRunningHere(lab.loop)], [[null], null]);
  }));

Deno.test("several loops run interleaved, each is its own running loop, and stopping one leaves the other running", async () => {
  const loops = ["a", "b", "c"].map((name) => newEventLoop({ name }));
  const log: string[] = [];
  function* worker(loop: EventLoop, delay: number) {
    for (let i = 0; i < 3; i++) {
      yield* sleep(delay);
      assertStrictEquals(getRunningLoop(), loop);
      log.push(`${i}`);
    }
    loop.callSoon(() => assertStrictEquals(getRunningLoop(), loop));
    yield;
    return loop.isRunning();
  }
  const running = loops.map((loop, i) => loop.runUntilComplete(worker(loop, 0.001 * (i + 1))));
  assertEquals(await Promise.all(running), [true, true, true]);
  assertEquals(log.toSorted(), ["0", "0", "0", "1", "1", "1", "2", "2", "2"]);
  assertEquals(loops.map((loop) => loop.isRunning()), [false, false, false]);
  for (const loop of loops) loop.close();
});

Deno.test("several run()s may be under way side by side", async () => {
  function* main(name: string) {
    yield* sleep(0.001);
    const loop = getRunningLoop();
    yield* sleep(0.001);
    assertStrictEquals(getRunningLoop(), loop);
    return [name, loop] as const;
  }
  const results = await Promise.all(["a", "b"].map((name) => run(main(name))));
  assertEquals(results.map(([name]) => name), ["a", "b"]);
  assertNotStrictEquals(results[0][1], results[1][1]);
});

Deno.test("a coroutine of a scheduler that is not an event loop has no running loop", async () => {
  await runCoro(function* () {
    assertThrows(() => getRunningLoop(), Error, "no event loop runs here");
    assertThrows(() => createTask(function* () {}), Error, "Cannot create a task as no event loop runs here");
    yield;
  });
});

Deno.test("callbacks and tasks for another loop, asked for in a callback, are run by that one", () =>
  inLoop(async (lab) => {
    const other = newEventLoop({ clock: lab.clock });
    lab.loop.callSoon(() => {
      other.callSoon(() => lab.note(["callback", isRunningHere(other)]));
      other.callLater(0, () => lab.note(["timer", isRunningHere(other)]));
      other.createTask(function* () {
        lab.note(["task", isRunningHere(other)]);
      });
    });
    await lab.iterate(3);
    assertEquals(lab.takeLog(), []);
    await other.runUntilComplete(sleep(1));
    assertEquals(lab.log, [["callback", true], ["task", true], ["timer", true]]);
    other.close();
  }));

Deno.test("run() may be called by a coroutine of a scheduler that is not an event loop", async () => {
  const result = await runCoro(function* () {
    return yield run(function* () {
      yield* sleep(0.001);
      return 42;
    });
  });
  assertEquals(result, 42);
});
