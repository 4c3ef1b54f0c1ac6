/** Functions that are called when a future is done: through the loop, in order, never inline. */
import { createTask, type Future, sleep } from "@asyncoro/asyncoro/asyncio";
import { assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { inLoop, loopTest } from "./loop_lab.ts";

for (
  const [how, settle] of [
    ["a result is set", (future: Future<unknown>) => future.setResult(1)],
    ["an error is set", (future: Future<unknown>) => future.setException(new Error("failed"))],
    ["it is cancelled", (future: Future<unknown>) => future.cancel()],
  ] as const
) {
  Deno.test(`done callbacks are called in the next iteration after ${how}, never inline`, () =>
    inLoop(async (lab) => {
      const future = lab.loop.createFuture();
      future.addDoneCallback((done) => lab.note(done === future && done.done()));
      settle(future);
      if (!future.cancelled()) future.exception();
      assertEquals(lab.takeLog(), []);
      await lab.iterate();
      assertEquals(lab.takeLog(), [true]);
      await lab.iterate(2);
      assertEquals(lab.takeLog(), []);
    }));
}

Deno.test("done callbacks are called in the order in which they were added", () =>
  inLoop(async (lab) => {
    const future = lab.loop.createFuture();
    for (let i = 0; i < 200; i++) future.addDoneCallback(lab.noting(i));
    future.setResult(null);
    await lab.iterate();
    assertEquals(lab.log, Array.from({ length: 200 }, (_, i) => i));
  }));

loopTest("callbacks and coroutines that wait are in one queue, in the order in which they came", function* (lab) {
  const { loop } = lab;
  const future = loop.createFuture();
  function* waiter(name: string) {
    yield* future;
    lab.note(name);
  }
  future.addDoneCallback(lab.noting("callback 1"));
  const first = createTask(waiter("task 1"));
  yield* sleep(0);
  future.addDoneCallback(lab.noting("callback 2"));
  const second = createTask(waiter("task 2"));
  yield* sleep(0);
  future.addDoneCallback(lab.noting("callback 3"));
  future.setResult(null);
  loop.callSoon(lab.noting("callback of the loop"));
  yield* first;
  yield* second;
  assertEquals(lab.log, ["callback 1", "task 1", "callback 2", "task 2", "callback 3", "callback of the loop"]);
});

Deno.test("a callback added to a future that is done is called in the next iteration", () =>
  inLoop(async (lab) => {
    const future = lab.loop.createFuture();
    future.setResult(null);
    lab.loop.callSoon(lab.noting("before"));
    future.addDoneCallback(lab.noting("done"));
    lab.loop.callSoon(lab.noting("after"));
    assertEquals(lab.takeLog(), []);
    await lab.iterate();
    assertEquals(lab.takeLog(), ["before", "done", "after"]);
  }));

Deno.test("a callback added by a callback is called in the next iteration", () =>
  inLoop(async (lab) => {
    const future = lab.loop.createFuture();
    future.addDoneCallback(() => {
      lab.note("first");
      future.addDoneCallback(lab.noting("added"));
    });
    future.addDoneCallback(lab.noting("second"));
    future.setResult(null);
    await lab.iterate();
    assertEquals(lab.takeLog(), ["first", "second"]);
    await lab.iterate();
    assertEquals(lab.takeLog(), ["added"]);
  }));

Deno.test("a function that is added twice is called twice", () =>
  inLoop(async (lab) => {
    const future = lab.loop.createFuture();
    const callback = lab.noting("called");
    future.addDoneCallback(callback);
    future.addDoneCallback(callback);
    future.setResult(null);
    await lab.iterate();
    assertEquals(lab.log, ["called", "called"]);
  }));

Deno.test("removeDoneCallback() removes a function as many times as it was added, and returns how many", () =>
  inLoop(async (lab) => {
    const future = lab.loop.createFuture();
    const [twice, once, never] = [lab.noting("twice"), lab.noting("once"), lab.noting("never")];
    future.addDoneCallback(twice);
    future.addDoneCallback(once);
    future.addDoneCallback(twice);
    assertEquals(future.removeDoneCallback(twice), 2);
    assertEquals(future.removeDoneCallback(twice), 0);
    assertEquals(future.removeDoneCallback(never), 0);
    future.setResult(null);
    await lab.iterate();
    assertEquals(lab.log, ["once"]);
  }));

for (
  const [which, gone, left] of [
    ["first", [0], [1, 2]],
    ["first two", [0, 1], [2]],
    ["last", [2], [0, 1]],
    ["middle", [1], [0, 2]],
    ["whole lot", [2, 0, 1], []],
  ] as const
) {
  Deno.test(`the ${which} of three callbacks removed, the others are called in order`, () =>
    inLoop(async (lab) => {
      const future = lab.loop.createFuture();
      const callbacks = [0, 1, 2].map((i) => lab.noting(i));
      for (const callback of callbacks) future.addDoneCallback(callback);
      for (const i of gone) assertEquals(future.removeDoneCallback(callbacks[i]), 1);
      future.setResult(null);
      await lab.iterate();
      assertEquals(lab.log, [...left]);
    }));
}

Deno.test("a callback that was removed can be added again, as the last", () =>
  inLoop(async (lab) => {
    const future = lab.loop.createFuture();
    const callback = lab.noting("again");
    future.addDoneCallback(callback);
    future.addDoneCallback(lab.noting("other"));
    future.removeDoneCallback(callback);
    future.addDoneCallback(callback);
    future.setResult(null);
    await lab.iterate();
    assertEquals(lab.log, ["other", "again"]);
  }));

Deno.test("once the future is done it is too late to remove a callback", () =>
  inLoop(async (lab) => {
    const future = lab.loop.createFuture();
    const second = lab.noting("second");
    future.addDoneCallback(() => lab.note(future.removeDoneCallback(second)));
    future.addDoneCallback(second);
    future.setResult(null);
    await lab.iterate();
    assertEquals(lab.log, [0, "second"]);
  }));

Deno.test("a callback that throws is reported and disturbs no other", () =>
  inLoop(async (lab) => {
    const future = lab.loop.createFuture();
    const error = new Error("in the callback");
    future.addDoneCallback(lab.noting("before"));
    future.addDoneCallback(function broken() {
      throw error;
    });
    future.addDoneCallback(lab.noting("after"));
    future.setResult(null);
    await lab.iterate();
    assertEquals(lab.log, ["before", "after"]);
    const [context, ...others] = lab.takeContexts();
    assertEquals(others, []);
    assertEquals(context.message, "Exception in callback the function 'broken'");
    assertStrictEquals(context.exception, error);
    assertEquals(future.result(), null);
  }));

Deno.test("what a callback returns is ignored, be it a promise that fails", () =>
  inLoop(async (lab) => {
    const future = lab.loop.createFuture();
    const rejected = Promise.reject(new Error("nobody's business"));
    rejected.catch(() => {});
    future.addDoneCallback(() => rejected);
    future.addDoneCallback(lab.noting("after"));
    future.setResult(null);
    await lab.iterate();
    assertEquals(lab.log, ["after"]);
  }));

Deno.test("a callback may settle the next future: each is an iteration of its own", () =>
  inLoop(async (lab) => {
    const futures = Array.from({ length: 4 }, () => lab.loop.createFuture<number>());
    futures.forEach((future, i) =>
      future.addDoneCallback(() => {
        lab.note(i);
        futures[i + 1]?.setResult(i);
      })
    );
    futures[0].setResult(0);
    for (let i = 0; i < 4; i++) {
      await lab.iterate();
      assertEquals(lab.takeLog(), [i]);
    }
  }));

Deno.test("only a function is a callback", () =>
  inLoop(({ loop }) => {
    const future = loop.createFuture();
    for (const value of [null, undefined, 42, "text", {}]) {
      assertThrows(
        () => future.addDoneCallback(value as unknown as () => void),
        TypeError,
        "'callback' must be a function: current value is",
      );
    }
  }));

loopTest(
  "the callbacks of a task are called when its coroutine has ended, after what was ready at that time",
  function* (lab) {
    const task = createTask(function* () {
      lab.loop.callSoon(lab.noting("asked for by the task"));
      lab.note("the task's end");
      return 42;
    });
    task.addDoneCallback((done) => lab.note(done.result()));
    lab.loop.callSoon(lab.noting("ready"));
    yield* task;
    assertEquals(lab.log, ["the task's end", "ready", "asked for by the task", 42]);
  },
);

Deno.test("callbacks wait for the loop to run, however long ago the future was done", () =>
  inLoop(async (lab) => {
    const future = lab.loop.createFuture();
    future.addDoneCallback(lab.noting("called"));
    future.setResult(null);
    await new Promise((resolve) => setTimeout(resolve, 2));
    assertEquals(lab.takeLog(), []);
    await lab.iterate();
    assertEquals(lab.takeLog(), ["called"]);
  }));
