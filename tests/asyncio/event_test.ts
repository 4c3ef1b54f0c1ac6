/** Event: a flag that tasks wait for. */
import { Coro, race, sleep as bareSleep } from "@asyncoro/asyncoro";
import { createTask, Event, gather, sleep, waitFor } from "@asyncoro/asyncoro/asyncio";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { loopTest } from "./loop_lab.ts";
import { outcomeOf, turns } from "./outcome.ts";

loopTest("a task that comes when the event was set runs before those that it has woken", function* ({ log }) {
  const event = new Event();
  const wait = (n: number) =>
    createTask(function* () {
      if (yield* event.wait()) log.push(n);
    });
  assertEquals(event.isSet(), false);
  const tasks = [wait(1), wait(2)];
  yield* sleep(0);
  assertEquals([log, event.statistics()], [[], { set: false, waiters: 2 }]);
  tasks.push(wait(3));
  event.set();
  yield* sleep(0);
  assertEquals(log, [3, 1, 2]);
  assert(tasks.every((task) => task.done()));
  assertEquals(event.statistics(), { set: true, waiters: 0 });
});

loopTest("wait() for an event that is set returns true at once", function* (lab) {
  const event = new Event();
  event.set();
  lab.loop.callSoon(lab.noting("others"));
  assertEquals(yield* event.wait(), true);
  assertEquals(lab.log, []);
});

loopTest("an event that was cleared makes its tasks wait again", function* ({ loop }) {
  const event = new Event();
  event.set();
  event.clear();
  assertEquals(event.isSet(), false);
  loop.callLater(1, () => event.set());
  yield* event.wait();
  assertEquals(loop.time(), 1);
});

loopTest("tasks that set() has woken go on although it is cleared at once", function* ({ log }) {
  const event = new Event();
  const task = createTask(function* () {
    if (yield* event.wait()) log.push("woken");
    log.push(event.isSet());
  });
  yield* sleep(0);
  event.set();
  event.clear();
  event.set();
  event.set();
  event.clear();
  yield* task;
  assertEquals(log, ["woken", false]);
});

loopTest("a task that waits again after a clear misses an earlier wake-up", function* ({ loop, log }) {
  const event = new Event();
  const task = createTask(function* () {
    for (const round of [1, 2]) {
      yield* event.wait();
      log.push(round);
    }
  });
  yield* sleep(0);
  event.set();
  event.clear();
  yield* turns(3);
  assertEquals(log, [1]);
  loop.callLater(1, () => event.set());
  yield* task;
  assertEquals(log, [1, 2]);
});

loopTest("a task that is cancelled while it waits for an event no longer counts", function* ({ loop }) {
  const event = new Event();
  const task = createTask(event.wait());
  loop.callSoon(() => task.cancel());
  assertEquals(yield* outcomeOf(task), "CancelledError");
  assertEquals(event.statistics(), { set: false, waiters: 0 });
});

loopTest(
  "a task that is cancelled in the iteration in which the event is set is cancelled, and the others go on",
  function* () {
    const event = new Event();
    const tasks = [1, 2, 3].map(() => createTask(event.wait()));
    yield* sleep(0);
    tasks[0].cancel();
    event.set();
    tasks[1].cancel();
    assertEquals(yield* gather(tasks.map(outcomeOf)), ["CancelledError", "CancelledError", true]);
  },
);

loopTest("waitFor() on an event leaves nothing behind when time is up", function* ({ loop }) {
  const event = new Event();
  assertEquals(yield* outcomeOf(waitFor(event.wait(), 3)), "TimeoutError");
  assertEquals([loop.time(), event.statistics().waiters], [3, 0]);
});

loopTest("a wait may have a limit of its own, and then gives false", function* ({ loop }) {
  const event = new Event();
  assertEquals(yield* event.wait(0), false);
  assertEquals(yield* event.wait(2), false);
  assertEquals([loop.time(), event.statistics().waiters], [2, 0]);
});

loopTest(
  "a callback may set an event, and tasks and bare coroutines go on in the order in which they came",
  function* ({ loop, log }) {
    const event = new Event("ready");
    function* wait(name: string) {
      yield* event.wait();
      log.push(name);
    }
    const first = createTask(wait("task 1"));
    const second = new Coro(function* () {
      yield* wait("coroutine");
    });
    const third = createTask(wait("task 2"));
    loop.callLater(1, () => event.set());
    yield* gather(first, second, third);
    assertEquals(log, ["task 1", "coroutine", "task 2"]);
  },
);

loopTest("race() removes a losing wait for an event", function* () {
  const event = new Event();
  yield* race(event.wait(), bareSleep(1));
  assertEquals(event.statistics().waiters, 0);
});

loopTest("wait() of an event works with plain yield", function* ({ loop }) {
  const event = new Event();
  loop.callLater(1, () => event.set());
  const plain = createTask(function* (): Generator<unknown, unknown[], unknown> {
    return [yield event.wait(), yield event.wait()];
  });
  assertEquals(yield* plain, [true, true]);
});

Deno.test("the text of an event shows its name", () => {
  assertEquals([`${new Event("ready")}`, `${new Event()}`], ["event 'ready'", "an event"]);
  assertThrows(() => new Event({} as never), TypeError, "'name' must be a string");
});
