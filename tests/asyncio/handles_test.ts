/** Callbacks with and without a time: their order, their arguments, their cancellation. */
import { Handle, newEventLoop, sleep, TimerHandle } from "@asyncoro/asyncoro/asyncio";
import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { inLoop, type LoopLab, loopTest } from "./loop_lab.ts";

/** Runs for some virtual time. */
async function pass(lab: LoopLab, seconds: number): Promise<void> {
  await lab.run(sleep(seconds));
}

Deno.test("callSoon() calls in the order of the calls, each once, with its arguments", () =>
  inLoop(async (lab) => {
    for (let i = 0; i < 300; i++) lab.loop.callSoon((...args: unknown[]) => lab.note(args), i, "text");
    await lab.iterate(3);
    assertEquals(lab.log, Array.from({ length: 300 }, (_, i) => [i, "text"]));
  }));

Deno.test("arguments are handed over as they are, be there none, or undefined, or a list", () =>
  inLoop(async (lab) => {
    const { loop } = lab;
    const note = (...args: unknown[]) => lab.note(args);
    const list = [1, 2];
    loop.callSoon(note);
    loop.callSoon(note, undefined);
    loop.callSoon(note, list);
    loop.callSoon(note, null, [], {});
    await lab.iterate();
    assertEquals(lab.log, [[], [undefined], [[1, 2]], [null, [], {}]]);
    assertStrictEquals((lab.log[2] as unknown[])[0], list);
  }));

Deno.test("callSoonThreadsafe() is callSoon()", () =>
  inLoop(async (lab) => {
    lab.loop.callSoon(lab.noting(1));
    assert(lab.loop.callSoonThreadsafe(lab.noting(2)) instanceof Handle);
    lab.loop.callSoon(lab.noting(3));
    await lab.iterate();
    assertEquals(lab.log, [1, 2, 3]);
  }));

Deno.test("callLater() calls at the deadline, and returns a TimerHandle with that deadline", () =>
  inLoop(async (lab) => {
    const handle = lab.loop.callLater(10, (a: string, b: number) => lab.at(`${a} ${b}`), "called", 1);
    assert(handle instanceof TimerHandle);
    assertEquals(handle.when(), 10);
    await pass(lab, 9);
    assertEquals(lab.takeLog(), []);
    await pass(lab, 2);
    assertEquals(lab.takeLog(), ["10 called 1"]);
  }));

Deno.test("callAt() calls at a time of the loop's clock", () =>
  inLoop(async (lab) => {
    await pass(lab, 5);
    const handle = lab.loop.callAt(lab.loop.time() + 2.5, () => lab.at("called"));
    assertEquals(handle.when(), 7.5);
    await pass(lab, 3);
    assertEquals(lab.log, ["7.5 called"]);
  }));

Deno.test("timers fire in the order of their times, whatever the order of the calls", () =>
  inLoop(async (lab) => {
    for (const delay of [5, 1, 3, 2, 4]) lab.loop.callLater(delay, () => lab.at(`after ${delay}`));
    await pass(lab, 6);
    assertEquals(lab.log, ["1 after 1", "2 after 2", "3 after 3", "4 after 4", "5 after 5"]);
  }));

Deno.test("timers with the same time fire in the order of the calls", () =>
  inLoop(async (lab) => {
    for (let i = 0; i < 200; i++) lab.loop.callAt(3, lab.noting(i));
    await pass(lab, 4);
    assertEquals(lab.log, Array.from({ length: 200 }, (_, i) => i));
  }));

Deno.test("all timers that are due together fire in one iteration, before what they schedule", () =>
  inLoop(async (lab) => {
    const { loop } = lab;
    const many = 10_000;
    for (let i = 0; i < many; i++) {
      loop.callAt(3, () => {
        lab.note(i);
        if (i > 0) return;
        loop.callLater(0, lab.noting("later"));
        loop.callSoon(lab.noting("soon"));
        loop.stop();
      });
    }
    await loop.runForever();
    assertEquals(lab.takeLog(), Array.from({ length: many }, (_, i) => i));
    await lab.iterate();
    assertEquals(lab.takeLog(), ["soon", "later"]);
  }));

Deno.test("a delay may be a duration", () =>
  inLoop(async (lab) => {
    lab.loop.callLater({ milliseconds: 1500 }, () => lab.at("due"));
    await pass(lab, 3);
    assertEquals(lab.log, ["1.5 due"]);
  }));

Deno.test("a delay may be a Temporal.Duration", () =>
  inLoop(async (lab) => {
    lab.loop.callLater(Temporal.Duration.from({ seconds: 2 }), () => lab.at("due"));
    await pass(lab, 3);
    assertEquals(lab.log, ["2 due"]);
  }));

Deno.test("a delay of zero is the next iteration, after all that was to be called soon", () =>
  inLoop(async (lab) => {
    const { loop } = lab;
    loop.callSoon(() => {
      loop.callLater(0, lab.noting("later"));
      loop.callSoon(lab.noting("soon"));
    });
    loop.callSoon(() => loop.callSoon(lab.noting("soon too")));
    await lab.iterate();
    assertEquals(lab.takeLog(), []);
    await lab.iterate();
    assertEquals(lab.takeLog(), ["soon", "soon too", "later"]);
  }));

Deno.test("a negative delay is in the past, and comes before what is due now", () =>
  inLoop(async (lab) => {
    const { loop } = lab;
    await pass(lab, 100);
    loop.callSoon(() => {
      loop.callLater(0, lab.noting("due now"));
      const handle = loop.callLater(-10, lab.noting("due ten seconds ago"));
      loop.callAt(50, lab.noting("due at 50"));
      lab.note(handle.when());
    });
    await lab.iterate(2);
    assertEquals(lab.log, [90, "due at 50", "due ten seconds ago", "due now"]);
  }));

Deno.test("what is due before the loop runs is called in its first iteration", () =>
  inLoop(async (lab) => {
    lab.loop.callLater(0, lab.noting("later"));
    lab.loop.callAt(-1, lab.noting("past"));
    lab.loop.callSoon(lab.noting("soon"));
    await lab.iterate();
    assertEquals(lab.log, ["soon", "past", "later"]);
  }));

Deno.test("a chain of delays of zero runs one link in each iteration", () =>
  inLoop(async (lab) => {
    const link = (i: number) => {
      lab.note(i);
      if (i < 5) lab.loop.callLater(0, link, i + 1);
    };
    link(0);
    for (let i = 1; i <= 5; i++) {
      await lab.iterate();
      assertEquals(lab.takeLog().at(-1), i);
    }
  }));

Deno.test("a timer that is infinitely far away never fires and holds nothing up", () =>
  inLoop(async (lab) => {
    lab.loop.callLater(Infinity, lab.noting("never")).cancel();
    const handle = lab.loop.callAt(Infinity, lab.noting("never"));
    assertEquals(handle.when(), Infinity);
    await pass(lab, 1e9);
    assertEquals(lab.log, []);
  }));

Deno.test("a callback that was cancelled before its iteration is not called", () =>
  inLoop(async (lab) => {
    const [first, second, third] = [1, 2, 3].map((i) => lab.loop.callSoon(lab.noting(i)));
    second.cancel();
    assertEquals([first, second, third].map((handle) => handle.cancelled()), [false, true, false]);
    await lab.iterate();
    assertEquals(lab.log, [1, 3]);
  }));

Deno.test("a callback that is cancelled by an earlier one of the same iteration is not called", () =>
  inLoop(async (lab) => {
    lab.loop.callSoon(() => second.cancel());
    const second = lab.loop.callSoon(lab.noting("second"));
    lab.loop.callSoon(lab.noting("third"));
    await lab.iterate();
    assertEquals(lab.log, ["third"]);
  }));

Deno.test("cancelling a callback that was called, or was cancelled, has no effect", () =>
  inLoop(async (lab) => {
    const handle = lab.loop.callSoon(lab.noting("called"));
    await lab.iterate();
    handle.cancel();
    handle.cancel();
    assertEquals(handle.cancelled(), true);
    await lab.iterate();
    assertEquals(lab.log, ["called"]);
  }));

Deno.test("a callback may cancel itself while it runs", () =>
  inLoop(async (lab) => {
    const handle = lab.loop.callSoon((event: string) => {
      handle.cancel();
      lab.note(event);
    }, "called");
    await lab.iterate(2);
    assertEquals([lab.log, handle.cancelled()], [["called"], true]);
  }));

Deno.test("a timer that was cancelled is gone at once", () =>
  inLoop(async (lab) => {
    const handles = [1, 2, 3].map((delay) => lab.loop.callLater(delay, lab.noting(delay)));
    assertEquals(lab.loop.scheduler.stats().timers, 3);
    handles[1].cancel();
    assertEquals([lab.loop.scheduler.stats().timers, handles[1].cancelled(), handles[1].when()], [2, true, 2]);
    await pass(lab, 5);
    assertEquals(lab.log, [1, 3]);
  }));

Deno.test("a timer that is cancelled by another with the same time does not fire", () =>
  inLoop(async (lab) => {
    lab.loop.callAt(1, () => second.cancel());
    const second = lab.loop.callAt(1, lab.noting("second"));
    lab.loop.callAt(1, lab.noting("third"));
    await pass(lab, 2);
    assertEquals(lab.log, ["third"]);
  }));

Deno.test("a timer of zero delay can be cancelled in the iteration that asked for it", () =>
  inLoop(async (lab) => {
    const { loop } = lab;
    loop.callSoon(() => {
      const handle = loop.callLater(0, lab.noting("never"));
      loop.callLater(0, lab.noting("other"));
      loop.callSoon(() => handle.cancel());
    });
    await lab.iterate(3);
    assertEquals(lab.log, ["other"]);
  }));

Deno.test("cancelling a timer that has fired has no effect", () =>
  inLoop(async (lab) => {
    const handle = lab.loop.callLater(1, lab.noting("fired"));
    await pass(lab, 2);
    handle.cancel();
    await pass(lab, 2);
    assertEquals([lab.log, handle.cancelled(), handle.when()], [["fired"], true, 1]);
  }));

Deno.test("an interval may stop itself", () =>
  inLoop(async (lab) => {
    let handle: TimerHandle | undefined;
    const tick = (n: number) => {
      lab.at(`tick ${n}`);
      handle = lab.loop.callLater(1, tick, n + 1);
      if (n === 3) handle.cancel();
    };
    lab.loop.callLater(1, tick, 1);
    await pass(lab, 10);
    assertEquals(lab.log, ["1 tick 1", "2 tick 2", "3 tick 3"]);
  }));

loopTest("sleepers and timers with the same time go on in the order in which they began", function* (lab) {
  lab.loop.callLater(1, lab.noting("timer 1"));
  const sleeper = lab.loop.createTask(function* () {
    yield* sleep(1);
    lab.note("sleeper");
  });
  lab.loop.callSoon(() => lab.loop.callAt(1, lab.noting("timer 2")));
  yield* sleeper;
  // A sleeper's time is up in the iteration of the timers, and it runs in the next one.
  assertEquals(lab.log, ["timer 1", "timer 2", "sleeper"]);
});

Deno.test("only a plain function is a callback: for a coroutine function the error names createTask()", () =>
  inLoop(({ loop }) => {
    const calls = [
      (callback: () => void) => loop.callSoon(callback),
      (callback: () => void) => loop.callLater(1, callback),
      (callback: () => void) => loop.callAt(1, callback),
    ];
    for (const call of calls) {
      for (const value of [null, undefined, 42, "text", sleep(0)]) {
        assertThrows(() => call(value as unknown as () => void), TypeError, "'callback' must be a plain function");
      }
      assertThrows(() => call(function* () {}), TypeError, "make a task of it with createTask()");
    }
    assertEquals(loop.scheduler.stats().timers, 0);
  }));

Deno.test("only a number or a duration is a time", () =>
  inLoop(({ loop }) => {
    for (const value of [null, undefined, NaN, "1", {}, true, 1n]) {
      assertThrows(() => loop.callLater(value as unknown as number, () => {}), TypeError, "Cannot call later as");
      assertThrows(() => loop.callAt(value as unknown as number, () => {}), TypeError, "Cannot call at a time as");
    }
    assertEquals(loop.scheduler.stats().timers, 0);
  }));

Deno.test("a closed loop takes no callbacks", () => {
  const loop = newEventLoop();
  loop.close();
  assertThrows(() => loop.callSoon(() => {}), Error, "Cannot call soon as the event loop is closed");
  assertThrows(() => loop.callSoonThreadsafe(() => {}), Error, "the event loop is closed");
  assertThrows(() => loop.callLater(1, () => {}), Error, "Cannot call later as the event loop is closed");
  assertThrows(() => loop.callAt(1, () => {}), Error, "the event loop is closed");
});

Deno.test("the text of a handle shows what it calls", () =>
  inLoop(async (lab) => {
    const handle = lab.loop.callLater(0, function work() {});
    assertEquals(`${handle}`, "callback the function 'work'");
    handle.cancel();
    assertEquals(`${handle}`, "a cancelled callback");
    await lab.iterate();
  }));
