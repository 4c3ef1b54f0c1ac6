/** Running, stopping and closing a loop. */
import { DeadlockError } from "@asyncoro/asyncoro";
import { CancelledError, createTask, EventLoop, getRunningLoop, newEventLoop, sleep } from "@asyncoro/asyncoro/asyncio";
import { VirtualClock } from "@asyncoro/asyncoro/testing";
import { assertEquals, assertRejects, assertStrictEquals, assertThrows } from "@std/assert";
import { inLoop } from "./loop_lab.ts";

Deno.test("a loop that does not run makes no step", () =>
  inLoop(async (lab) => {
    lab.loop.callSoon(lab.noting("soon"));
    lab.loop.callLater(0, lab.noting("later"));
    await new Promise((resolve) => setTimeout(resolve, 3));
    assertEquals([lab.takeLog(), lab.loop.isRunning()], [[], false]);
    await lab.iterate();
    assertEquals(lab.takeLog(), ["soon", "later"]);
  }));

Deno.test("isRunning() is true from runForever() on until it is stopped", () =>
  inLoop(async (lab) => {
    const { loop } = lab;
    const states = [loop.isRunning()];
    loop.callSoon(() => states.push(loop.isRunning()));
    loop.callSoon(() => loop.stop());
    const running = loop.runForever();
    states.push(loop.isRunning());
    await running;
    states.push(loop.isRunning());
    assertEquals(states, [false, true, true, false]);
  }));

Deno.test("stop() before the run: one iteration runs what is ready", () =>
  inLoop(async (lab) => {
    const { loop } = lab;
    loop.stop();
    loop.callSoon(() => {
      lab.note("first");
      loop.callSoon(lab.noting("second"));
    });
    await loop.runForever();
    assertEquals(lab.takeLog(), ["first"]);
    await lab.iterate();
    assertEquals(lab.takeLog(), ["second"]);
  }));

Deno.test("stop() before the run: with nothing ready the run ends at once, and no time passes", () =>
  inLoop(async (lab) => {
    lab.loop.callLater(10, lab.noting("timer")).cancel();
    const later = lab.loop.callLater(20, lab.noting("timer"));
    lab.loop.stop();
    await lab.loop.runForever();
    assertEquals([lab.log, lab.clock.now()], [[], 0]);
    later.cancel();
  }));

Deno.test("stop() in a callback: the iteration runs to its end, and what was scheduled in it waits", () =>
  inLoop(async (lab) => {
    const { loop } = lab;
    loop.callSoon(() => {
      loop.callSoon(lab.noting("asked for before"));
      loop.stop();
      loop.callSoon(lab.noting("asked for after"));
    });
    loop.callSoon(lab.noting("same iteration"));
    await loop.runForever();
    assertEquals(lab.takeLog(), ["same iteration"]);
    loop.callSoon(lab.noting("asked for in between"));
    await lab.iterate();
    assertEquals(lab.takeLog(), ["asked for before", "asked for after", "asked for in between"]);
  }));

Deno.test("stop() twice in an iteration stops once", () =>
  inLoop(async (lab) => {
    const { loop } = lab;
    loop.callSoon(() => loop.stop());
    loop.callSoon(() => loop.stop());
    await loop.runForever();
    loop.callSoon(() => loop.callSoon(() => loop.callSoon(() => loop.stop())));
    loop.callLater(0, lab.noting("timer"));
    await loop.runForever();
    assertEquals(lab.log, ["timer"]);
  }));

Deno.test("stop() in a task: the task goes on when the loop runs again", () =>
  inLoop(async (lab) => {
    const { loop } = lab;
    const task = loop.createTask(function* () {
      loop.stop();
      lab.note("before");
      yield;
      lab.note("after");
    });
    await loop.runForever();
    assertEquals([lab.takeLog(), task.done()], [["before"], false]);
    await loop.runUntilComplete(task);
    assertEquals(lab.takeLog(), ["after"]);
  }));

Deno.test("stop() in a timer ends the run in spite of an endless chain of callbacks", () =>
  inLoop(async (lab) => {
    const { loop } = lab;
    let links = 0;
    const link = () => void (links++, loop.callSoon(link));
    loop.callLater(5, () => {
      link();
      loop.stop();
    });
    await loop.runForever();
    assertEquals(links, 1);
    await lab.iterate(10);
    assertEquals(links, 11);
  }));

Deno.test("stop() by a timer of zero delay ends the run in spite of an endless chain of callbacks", () =>
  inLoop(async (lab) => {
    const { loop } = lab;
    let links = 0;
    const link = () => void (links++, loop.callSoon(link));
    loop.callSoon(() => loop.callLater(0, () => (link(), loop.stop())));
    await loop.runForever();
    assertEquals(links, 1);
  }));

Deno.test("stop() by code outside ends an idle run", () =>
  inLoop(async (lab) => {
    const { loop } = lab;
    const never = loop.callLater(1e9, lab.noting("never"));
    lab.clock.autoAdvance = false;
    const running = loop.runForever();
    await new Promise((resolve) => setTimeout(resolve, 2));
    assertEquals(loop.isRunning(), true);
    loop.stop();
    await running;
    assertEquals([loop.isRunning(), lab.log], [false, []]);
    never.cancel();
  }));

Deno.test("a stopped loop runs again, any number of times, and time stands still in between", () =>
  inLoop(async (lab) => {
    const { loop } = lab;
    for (let i = 1; i <= 5; i++) {
      loop.callLater(1, () => {
        lab.at(`run ${i}`);
        loop.stop();
      });
      await loop.runForever();
    }
    assertEquals(lab.log, ["1 run 1", "2 run 2", "3 run 3", "4 run 4", "5 run 5"]);
  }));

Deno.test("a task may sleep through several runs of its loop", () =>
  inLoop(async (lab) => {
    const { loop } = lab;
    const task = loop.createTask(sleep(10, "slept"));
    await loop.runUntilComplete(sleep(3));
    await loop.runUntilComplete(sleep(3));
    assertEquals([task.done(), lab.clock.now()], [false, 6]);
    assertEquals(await loop.runUntilComplete(task), "slept");
    assertEquals(lab.clock.now(), 10);
  }));

Deno.test("runUntilComplete() takes whatever can be awaited", () =>
  inLoop(async (lab) => {
    const { loop } = lab;
    function* work() {
      yield;
      return 42;
    }
    assertEquals(await loop.runUntilComplete(work), 42);
    assertEquals(await loop.runUntilComplete(work()), 42);
    assertEquals(await loop.runUntilComplete(loop.createTask(work)), 42);
    assertEquals(await loop.runUntilComplete(sleep(1, 42)), 42);
    assertEquals(await loop.runUntilComplete(Promise.resolve(42)), 42);
    const coro = loop.scheduler.spawn(work);
    assertEquals(await loop.runUntilComplete(coro), 42);
  }));

Deno.test("runUntilComplete() refuses what cannot be awaited, and the loop does not run", () =>
  inLoop(async ({ loop }) => {
    for (const value of [42, "text", null, undefined, {}, () => {}]) {
      await assertRejects(() => loop.runUntilComplete(value as never), TypeError, "Cannot await");
    }
    assertEquals(loop.isRunning(), false);
  }));

Deno.test("runUntilComplete() of what is done makes one iteration", () =>
  inLoop(async (lab) => {
    const { loop } = lab;
    const future = loop.createFuture();
    future.setResult(42);
    loop.callSoon(() => {
      lab.note("first");
      loop.callSoon(lab.noting("second"));
    });
    assertEquals(await loop.runUntilComplete(future), 42);
    assertEquals(lab.takeLog(), ["first"]);
    await lab.iterate();
    assertEquals(lab.takeLog(), ["second"]);
  }));

Deno.test("runUntilComplete() that is stopped before its future is done says so, and the future lives on", () =>
  inLoop(async ({ loop }) => {
    const task = loop.createTask(function* () {
      loop.stop();
      yield* sleep(1);
      return 42;
    });
    await assertRejects(() => loop.runUntilComplete(task), Error, "Event loop stopped before task");
    assertEquals(task.done(), false);
    assertEquals(await loop.runUntilComplete(task), 42);
  }));

Deno.test("runUntilComplete() that was stopped early no longer stops the loop when its future is done", () =>
  inLoop(async (lab) => {
    const { loop } = lab;
    const future = loop.createFuture();
    loop.callSoon(() => loop.stop());
    await assertRejects(() => loop.runUntilComplete(future), Error, "Event loop stopped before a pending future");
    loop.callSoon(() => future.setResult(null));
    await loop.runUntilComplete(function* () {
      for (let i = 0; i < 5; i++) yield;
      lab.note("was not stopped");
    });
    assertEquals(lab.log, ["was not stopped"]);
  }));

Deno.test("a task that goes on after its main one is done waits for the next run", () =>
  inLoop(async (lab) => {
    const { loop } = lab;
    const other = loop.createTask(function* () {
      yield* sleep(2);
      lab.at("other");
    });
    await loop.runUntilComplete(sleep(1));
    assertEquals(lab.takeLog(), []);
    await loop.runUntilComplete(other);
    assertEquals(lab.takeLog(), ["2 other"]);
  }));

Deno.test("a loop that runs cannot be run again, nor closed", () =>
  inLoop(async ({ loop }) => {
    const refused: string[] = [];
    await loop.runUntilComplete(function* () {
      for (const again of [() => loop.runForever(), () => loop.runUntilComplete(sleep(0))]) {
        try {
          yield again();
        } catch (error) {
          refused.push((error as Error).message);
        }
      }
      assertThrows(() => loop.close(), Error, "Cannot close this event loop as it is running: call stop() first");
    });
    assertEquals(refused, Array(2).fill("Cannot run this event loop as it is running already"));
    assertEquals(loop.isClosed(), false);
  }));

Deno.test("a closed loop neither runs nor takes tasks; closing it again has no effect", async () => {
  const loop = newEventLoop();
  assertEquals(loop.isClosed(), false);
  loop.close();
  loop.close();
  assertEquals([loop.isClosed(), `${loop}`], [true, "closed event loop"]);
  await assertRejects(() => loop.runForever(), Error, "Cannot run as the event loop is closed");
  await assertRejects(() => loop.runUntilComplete(sleep(0)), Error, "Cannot run as the event loop is closed");
  assertThrows(() => loop.createTask(sleep(0)), Error, "Cannot create a task as the event loop is closed");
});

Deno.test("the callbacks and timers of a closed loop are never called", async () => {
  const clock = new VirtualClock();
  const loop = newEventLoop({ clock });
  const called: string[] = [];
  loop.callSoon(() => called.push("soon"));
  for (let i = 0; i < 10; i++) loop.callLater(i, () => called.push("later"));
  loop.close();
  await clock.advance(20);
  assertEquals(called, []);
});

Deno.test("tasks that are pending when a loop is closed are reported, and never go on", async () => {
  const loop = newEventLoop({ clock: new VirtualClock() });
  const messages: string[] = [];
  loop.setExceptionHandler((_loop, { message, task }) => messages.push(message, `${task}`));
  const task = loop.createTask(sleep(1), { name: "left" });
  loop.callSoon(() => loop.stop());
  await loop.runForever();
  loop.close();
  assertEquals(messages, ["Event loop closed while task 'left' was pending: it never goes on", "task 'left'"]);
  assertEquals(task.done(), false);
});

Deno.test("the loop's clock is the scheduler's, and never goes backwards", () =>
  inLoop(async (lab) => {
    assertEquals(lab.loop.time(), 0);
    await lab.run(sleep(2.5));
    assertEquals(lab.loop.time(), 2.5);
    const loop = newEventLoop();
    const times = Array.from({ length: 100 }, () => loop.time());
    assertEquals(times, times.toSorted((a, b) => a - b));
    loop.close();
  }));

Deno.test("a loop with nothing left to do ends its run with a DeadlockError, and runs again", () =>
  inLoop(async (lab) => {
    const { loop } = lab;
    await assertRejects(() => loop.runForever(), DeadlockError);
    const task = loop.createTask(function* forgetful() {
      return yield* loop.createFuture();
    });
    const error = await assertRejects(() => loop.runUntilComplete(task), DeadlockError);
    assertEquals(error.message.includes("waits for a pending future"), true);
    assertEquals([loop.isRunning(), task.done()], [false, false]);
    task.cancel();
    await loop.runUntilComplete(sleep(0));
    assertEquals(task.cancelled(), true);
  }));

Deno.test("tasks, futures and running know their loop", () =>
  inLoop(async (lab) => {
    const { loop } = lab;
    assertEquals(loop instanceof EventLoop, true);
    await lab.run(function* () {
      assertStrictEquals(getRunningLoop(), loop);
      assertStrictEquals(createTask(sleep(0)).getLoop(), loop);
      assertStrictEquals(loop.createFuture().getLoop(), loop);
      yield;
      yield;
    });
  }));

Deno.test("the scheduler of a loop cannot be terminated: the loop is closed instead", () =>
  inLoop(async (lab) => {
    const { loop } = lab;
    const message = "Cannot terminate the scheduler of an event loop: cancel its tasks, and call close() of the loop";
    assertThrows(() => loop.scheduler.terminate(), Error, message);
    loop.callSoon(() => lab.note(assertThrows(() => loop.scheduler.terminate(), Error, message) instanceof Error));
    await lab.run(sleep(1));
    assertEquals(lab.log, [true]);
  }));

Deno.test("join() of a loop's scheduler resolves when the loop has run its coroutines to their ends", () =>
  inLoop(async (lab) => {
    lab.loop.createTask(sleep(1)).addDoneCallback(lab.noting("task"));
    const joined = lab.loop.scheduler.join().then(lab.noting("joined"));
    await lab.run(sleep(2));
    await joined;
    assertEquals(lab.log, ["task", "joined"]);
  }));

Deno.test("a run in which only a daemon is left fails with a DeadlockError", () =>
  inLoop(async ({ loop }) => {
    loop.scheduler.spawnWith({ daemon: true }, function* (coro) {
      yield* coro.sleep();
    });
    await loop.runUntilComplete(sleep(1));
    await assertRejects(() => loop.runForever(), DeadlockError);
  }));

Deno.test("a task whose coroutine is terminated is cancelled, and runUntilComplete() throws the CancelledError", () =>
  inLoop(async ({ loop }) => {
    const task = loop.createTask(sleep(100), { name: "victim" });
    loop.callLater(1, () => task.getCoro().terminate());
    await assertRejects(() => loop.runUntilComplete(task), CancelledError, "task 'victim' was terminated");
    assertEquals(task.cancelled(), true);
  }));
