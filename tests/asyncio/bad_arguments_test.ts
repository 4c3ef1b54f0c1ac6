/** Arguments of wrong types: the error says which, and shows the value, whatever that is. */
import {
  allTasks,
  createTask,
  currentTask,
  getRunningLoop,
  newEventLoop,
  run,
  setEventLoop,
  sleep,
  wait,
} from "@asyncoro/asyncoro/asyncio";
import { Coro } from "@asyncoro/asyncoro";
import { assertEquals, assertRejects, assertThrows } from "@std/assert";

Deno.test("options that are null are refused", async () => {
  const refused = "'options' must be an object: current value is null";
  assertThrows(() => newEventLoop(null as never), TypeError, `Cannot make an event loop as ${refused}`);
  await assertRejects(() => run(sleep(0), null as never), TypeError, `Cannot run as ${refused}`);
  await run(function* () {
    const task = createTask(sleep(0));
    assertThrows(() => wait([task], null as never), TypeError, `Cannot wait for futures as ${refused}`);
    yield* task;
  });
});

Deno.test("what is not an event loop is refused", async () => {
  await run(function* () {
    const coro = new Coro(function* () {});
    const values: [value: unknown, text: string][] = [
      [null, "null"],
      [5, "5"],
      [Symbol("s"), "Symbol(s)"],
      [{}, "an object"],
      [coro, "an object of "],
      [{ scheduler: coro.scheduler }, "an object"],
    ];
    for (const [value, text] of values) {
      const reason = `'loop' must be an EventLoop: current value is ${text}`;
      assertThrows(() => allTasks(value as never), TypeError, `Cannot list tasks as ${reason}`);
      assertThrows(() => currentTask(value as never), TypeError, `Cannot tell the current task as ${reason}`);
      if (value === null) continue;
      assertThrows(
        () => setEventLoop(value as never),
        TypeError,
        `must be an EventLoop or null: current value is ${text}`,
      );
    }
    assertEquals(allTasks(getRunningLoop()).size, 1);
    yield* coro.finish();
  });
});

Deno.test("a message that no text can be made of is refused, and nothing is cancelled", async () => {
  await run(function* () {
    const future = getRunningLoop().createFuture();
    const task = createTask(sleep(0));
    for (const each of [future, task]) {
      for (const [value, text] of [[Symbol("s"), "Symbol(s)"], [Object.create(null), "an object"]]) {
        assertThrows(
          () => each.cancel(value as never),
          TypeError,
          `Cannot cancel as 'message' must be a string: current value is ${text}`,
        );
      }
    }
    assertEquals([future.done(), task.cancelling()], [false, 0]);
    assertThrows(
      () => task.setName(Object.create(null)),
      TypeError,
      "'name' must be a string: current value is an object",
    );
    yield* task;
    future.cancel(5 as never);
    assertThrows(() => future.result(), Error, "5");
  });
});
