/** Futures of awaitables. */
import { Coro } from "@asyncoro/asyncoro";
import {
  createTask,
  ensureFuture,
  Future,
  isFuture,
  newEventLoop,
  sleep,
  Task,
  wrapFuture,
} from "@asyncoro/asyncoro/asyncio";
import { assert, assertEquals, assertInstanceOf, assertStrictEquals, assertThrows } from "@std/assert";
import { loopTest } from "./loop_lab.ts";
import { errorOf, stateOf, textOf } from "./outcomes.ts";

loopTest("ensureFuture() returns a future or task as it is", function* ({ loop }) {
  const future = loop.createFuture();
  const task = createTask(sleep(0));
  assertStrictEquals(ensureFuture(future), future);
  assertStrictEquals(ensureFuture(task), task);
  future.cancel();
  yield* task;
});

loopTest("ensureFuture() makes a task of a coroutine", function* () {
  function* body() {
    yield* sleep(1);
    return "value";
  }
  for (const coroutine of [body, body(), sleep(1, "value")]) {
    const future = ensureFuture(coroutine);
    assertInstanceOf(future, Task);
    assertEquals(yield* future, "value");
  }
});

loopTest("ensureFuture() makes a future of a promise, its result and its error", function* () {
  const good = ensureFuture(Promise.resolve("value"));
  assertEquals([good instanceof Task, good.done()], [false, false]);
  assertEquals(yield* good, "value");
  const error = new Error("rejected");
  assertStrictEquals(yield* errorOf(ensureFuture(Promise.reject(error))), error);
});

loopTest("ensureFuture() takes any thenable", function* () {
  const thenable = { then: (resolve: (value: string) => void) => resolve("value") } as PromiseLike<string>;
  assertEquals(yield* ensureFuture(thenable), "value");
});

loopTest("ensureFuture() waits for the end of a core coroutine, and leaves it alone", function* () {
  const coro = new Coro(function* (self) {
    yield* self.sleep(2);
    return "ended";
  });
  const future = ensureFuture(coro);
  yield* sleep(1);
  future.cancel();
  yield* errorOf(future);
  assertEquals([coro.isAlive(), yield* ensureFuture(coro)], [true, "ended"]);
});

loopTest("a future of a promise can be cancelled, and what the promise gives later is dropped", function* () {
  const { promise, resolve } = Promise.withResolvers<string>();
  const future = ensureFuture(promise);
  assertEquals([future.cancel(), stateOf(future)], [true, "cancelled"]);
  resolve("too late");
  yield promise;
  yield* sleep(0);
  assertEquals(stateOf(future), "cancelled");
});

loopTest("a promise that is rejected after its future was cancelled is not reported", function* () {
  const { promise, reject } = Promise.withResolvers<string>();
  const future = ensureFuture(promise);
  future.cancel();
  reject(new Error("lost"));
  assertEquals(textOf(yield* errorOf(promise)), "lost");
});

loopTest("wrapFuture() makes a future of a promise, and returns a future as it is", function* ({ loop }) {
  const future = loop.createFuture();
  assertStrictEquals(wrapFuture(future), future);
  future.cancel();
  assertEquals(yield* wrapFuture(Promise.resolve(1)), 1);
  assertThrows(() => wrapFuture(42 as never), TypeError, "takes a promise: current value is 42");
});

loopTest("ensureFuture() names what cannot be awaited", function* () {
  for (const wrong of [42, null, undefined, {}, () => {}, "text"]) {
    assertThrows(() => ensureFuture(wrong as never), TypeError, "Cannot await");
  }
  yield* sleep(0);
});

Deno.test("ensureFuture() outside a loop takes the loop as an option", async () => {
  const [loop, other] = [newEventLoop(), newEventLoop()];
  assertThrows(() => ensureFuture(sleep(0)), Error, "no event loop runs here");
  const future = ensureFuture(sleep(0, "slept"), { loop });
  assertStrictEquals(ensureFuture(future, { loop }), future);
  assertThrows(() => ensureFuture(future, { loop: other }), RangeError, "belongs to another event loop");
  assertEquals(await loop.runUntilComplete(future), "slept");
  loop.close();
  other.close();
});

Deno.test("isFuture() is true of futures and tasks", () => {
  const loop = newEventLoop();
  assert(isFuture(new Future({ loop })));
  assert(isFuture(loop.createFuture()));
  for (const other of [Promise.resolve(), sleep(0), null, 42]) assertEquals(isFuture(other), false);
  loop.close();
});
