/** The states of a future, and what it returns and refuses in each. */
import { CancelledError, Future, InvalidStateError, isFuture, newEventLoop } from "@asyncoro/asyncoro/asyncio";
import { assert, assertEquals, assertRejects, assertStrictEquals, assertThrows } from "@std/assert";
import { thrownBy } from "../helpers/lab.ts";
import { inLoop, loopTest } from "./loop_lab.ts";

/** Runs a test of a future that needs no loop that runs. */
function futureTest(name: string, test: (future: Future<unknown>) => void): void {
  Deno.test(name, () => inLoop(({ loop }) => test(loop.createFuture())));
}

futureTest("a new future is neither done nor cancelled", (future) => {
  assertEquals([future.done(), future.cancelled(), `${future}`], [false, false, "a pending future"]);
});

futureTest("a future that has a result is done and not cancelled", (future) => {
  future.setResult(42);
  assertEquals([future.done(), future.cancelled(), future.result(), future.exception()], [true, false, 42, null]);
});

futureTest("a result may be undefined", (future) => {
  future.setResult(undefined);
  assertEquals([future.done(), future.result(), future.exception()], [true, undefined, null]);
});

futureTest("a result may be an error, which is not a failure", (future) => {
  const error = new Error("just a value");
  future.setResult(error);
  assertStrictEquals(future.result(), error);
  assertEquals(future.exception(), null);
});

futureTest("a future that failed throws its error, the same one each time", (future) => {
  const error = new RangeError("failed");
  future.setException(error);
  assertEquals([future.done(), future.cancelled()], [true, false]);
  assertStrictEquals(thrownBy(() => future.result()), error);
  assertStrictEquals(thrownBy(() => future.result()), error);
  assertStrictEquals(future.exception(), error);
});

futureTest("result() of a future that is not done is an error", (future) => {
  assertThrows(() => future.result(), InvalidStateError, "Cannot give the result of a pending future");
});

futureTest("exception() of a future that is not done is an error", (future) => {
  assertThrows(() => future.exception(), InvalidStateError, "Cannot give the exception of a pending future");
});

futureTest("a result is set once", (future) => {
  future.setResult(1);
  assertThrows(() => future.setResult(2), InvalidStateError, "Cannot set the result of a future that is done");
  assertThrows(() => future.setException(new Error()), InvalidStateError, "Cannot set the exception of a future");
  assertEquals(future.result(), 1);
});

futureTest("an error is set once", (future) => {
  const error = new Error("first");
  future.setException(error);
  assertThrows(() => future.setException(new Error("second")), InvalidStateError, "it is failed");
  assertThrows(() => future.setResult(2), InvalidStateError, "it is failed");
  assertStrictEquals(future.exception(), error);
});

futureTest("a cancelled future throws a CancelledError, also when it is asked for its error", (future) => {
  assertEquals(future.cancel(), true);
  assertEquals([future.done(), future.cancelled()], [true, true]);
  assertThrows(() => future.result(), CancelledError);
  assertThrows(() => future.exception(), CancelledError);
});

futureTest("a cancelled future takes neither a result nor an error", (future) => {
  future.cancel();
  assertThrows(() => future.setResult(1), InvalidStateError, "it is cancelled");
  assertThrows(() => future.setException(new Error()), InvalidStateError, "it is cancelled");
  assert(future.cancelled());
});

futureTest("the CancelledError has the message that cancel() was given", (future) => {
  future.cancel("out of time");
  assertThrows(() => future.result(), CancelledError, "out of time");
  assertThrows(() => future.exception(), CancelledError, "out of time");
});

futureTest("the CancelledError has no message if cancel() was given none", (future) => {
  future.cancel();
  assertEquals(thrownBy(() => future.result()).message, "");
});

futureTest("a second cancel() returns false and changes nothing", (future) => {
  future.cancel("first");
  assertEquals(future.cancel("second"), false);
  assertThrows(() => future.result(), CancelledError, "first");
});

futureTest("cancel() of a future that has a result returns false", (future) => {
  future.setResult(1);
  assertEquals([future.cancel(), future.cancelled(), future.result()], [false, false, 1]);
});

futureTest("cancel() of a future that failed returns false", (future) => {
  future.setException(new Error("failed"));
  assertEquals([future.cancel(), future.cancelled()], [false, false]);
  assertThrows(() => future.result(), Error, "failed");
});

futureTest("only an Error is an exception", (future) => {
  for (const value of ["text", 42, null, undefined, {}, Error]) {
    assertThrows(() => future.setException(value as Error), TypeError, "'error' must be an Error: current value is");
  }
  assertEquals(future.done(), false);
});

futureTest("an error of another realm is an exception", (future) => {
  const error = new DOMException("of the host");
  future.setException(error);
  assertStrictEquals(future.exception(), error);
});

futureTest("a CancelledError cannot be set as the exception: cancel() does that", (future) => {
  assertThrows(() => future.setException(new CancelledError()), TypeError, "call cancel() instead");
  assertEquals(future.done(), false);
});

futureTest("the error that it is done comes before the error for a wrong argument", (future) => {
  future.setResult(1);
  assertThrows(() => future.setException("text" as unknown as Error), InvalidStateError);
});

Deno.test("getLoop() returns the loop of a future", () =>
  inLoop(({ loop }) => {
    assertStrictEquals(loop.createFuture().getLoop(), loop);
    assertStrictEquals(new Future({ loop }).getLoop(), loop);
  }));

loopTest("a future made in a coroutine belongs to the loop that runs it", function* ({ loop }) {
  assertStrictEquals(new Future().getLoop(), loop);
});

Deno.test("a future made in a callback belongs to the loop that runs it", () =>
  inLoop(async (lab) => {
    lab.loop.callSoon(() => lab.note(new Future().getLoop() === lab.loop));
    await lab.iterate();
    assertEquals(lab.log, [true]);
  }));

Deno.test("outside a loop a future needs its loop as an option", () => {
  assertThrows(() => new Future(), Error, "no event loop runs here");
});

Deno.test("isFuture() is false of anything but futures and tasks", () =>
  inLoop(async (lab) => {
    const task = lab.loop.createTask(function* () {});
    assertEquals([isFuture(lab.loop.createFuture()), isFuture(task)], [true, true]);
    for (const other of [Promise.resolve(), null, undefined, 42, {}, Future, function* () {}]) {
      assertEquals(isFuture(other), false);
    }
    await lab.run(function* () {
      yield* task;
    });
  }));

Deno.test("the text of a future shows its state", () =>
  inLoop(({ loop }) => {
    const futures = [1, 2, 3, 4].map(() => loop.createFuture());
    futures[1].setResult("a value that is not shown");
    futures[2].setException(new Error("not shown either"));
    futures[2].exception();
    futures[3].cancel();
    assertEquals(futures.map(String), [
      "a pending future",
      "a finished future",
      "a failed future",
      "a cancelled future",
    ]);
    assertEquals(Deno.inspect(futures[1]), "Future (finished)");
  }));

Deno.test("a result is not inspected", () =>
  inLoop(async (lab) => {
    const touched: unknown[] = [];
    const result = new Proxy({}, {
      get: (_target, key) => void touched.push(key),
      getPrototypeOf: () => {
        touched.push("prototype");
        return null;
      },
    });
    const future = lab.loop.createFuture();
    future.setResult(result);
    await lab.run(function* () {
      lab.note((yield* future) === result);
    });
    assertEquals(lab.log, [true]);
    assertEquals(`${future}`, "a finished future");
    assertEquals(touched, []);
  }));

Deno.test("a future of a closed loop can still be settled and read", () => {
  const loop = newEventLoop();
  const future = loop.createFuture<number>();
  loop.close();
  future.setResult(42);
  assertEquals([future.result(), future.done()], [42, true]);
});

Deno.test("a task's result and error are its coroutine's: neither can be set", () =>
  inLoop(async (lab) => {
    const task = lab.loop.createTask(function* () {
      return 1;
    });
    assertThrows(() => task.setResult(2), Error, "it is what its coroutine returns");
    assertThrows(() => task.setException(new Error()), Error, "it is what its coroutine throws");
    assertEquals(await lab.loop.runUntilComplete(task), 1);
  }));

Deno.test("a future that failed may fail with anything that a coroutine throws", () =>
  inLoop(async (lab) => {
    const task = lab.loop.createTask(function* () {
      throw "text";
    });
    assertEquals(await lab.loop.runUntilComplete(task).catch((error) => error), "text");
    assertEquals(task.exception(), "text");
  }));

Deno.test("runUntilComplete() returns a future's result, and throws its error or cancellation", () =>
  inLoop(async ({ loop }) => {
    const [good, bad, cancelled] = [1, 2, 3].map(() => loop.createFuture());
    loop.callSoon(() => {
      good.setResult(42);
      bad.setException(new RangeError("failed"));
      cancelled.cancel("gone");
    });
    assertEquals(await loop.runUntilComplete(good), 42);
    await assertRejects(() => loop.runUntilComplete(bad), RangeError, "failed");
    await assertRejects(() => loop.runUntilComplete(cancelled), CancelledError, "gone");
  }));
