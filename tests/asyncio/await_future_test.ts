/** Coroutines that wait for a future, with `yield*` and `yield`: one or several, of several kinds, until the end or not. */
import { Coro, race, run as runCoro, withTimeout } from "@asyncoro/asyncoro";
import {
  CancelledError,
  createTask,
  ensureFuture,
  type Future,
  newEventLoop,
  sleep,
  type Task,
  TimeoutError,
  waitFor,
} from "@asyncoro/asyncoro/asyncio";
import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { inLoop, loopTest } from "./loop_lab.ts";

loopTest("yield* and plain yield give the result", function* ({ loop }) {
  const future = loop.createFuture<number>();
  loop.callLater(1, () => future.setResult(42));
  assertEquals(yield* future, 42);
  assertEquals(yield future, 42);
});

loopTest("yield* and plain yield throw the error, the same one in all waiters", function* (lab) {
  const future = lab.loop.createFuture();
  const error = new Error("failed");
  function* waiter(plain: boolean) {
    try {
      if (plain) yield future;
      else yield* future;
    } catch (error) {
      lab.note(error);
    }
  }
  const tasks = [true, false, true].map((plain) => createTask(waiter(plain)));
  yield* sleep(1);
  future.setException(error);
  for (const task of tasks) yield* task;
  assertEquals(lab.log.length, 3);
  for (const seen of lab.log) assertStrictEquals(seen, error);
});

loopTest("the waiters for a future that is cancelled get a CancelledError with its message", function* (lab) {
  const future = lab.loop.createFuture();
  const task = createTask(function* () {
    yield* future;
  });
  yield* sleep(0);
  future.cancel("gone");
  yield* sleep(0);
  yield* sleep(0);
  assert(task.cancelled());
  assertThrows(() => task.result(), CancelledError, "gone");
});

Deno.test("coroutines and callbacks wait in one queue, async functions as promises do", () =>
  inLoop(async (lab) => {
    const { loop } = lab;
    const future = loop.createFuture<number>();
    const awaiting = (async () => lab.note(["await", await future]))();
    loop.createTask(function* () {
      lab.note(["yield*", yield* future]);
    });
    loop.createTask(function* () {
      lab.note(["yield", yield future]);
    });
    loop.scheduler.spawn(function* () {
      lab.note(["no task", yield* future]);
    });
    const then = future.then((value) => lab.note(["then", value]));
    await lab.iterate();
    future.addDoneCallback((done) => lab.note(["callback", done.result()]));
    future.setResult(42);
    await Promise.all([awaiting, then]);
    assertEquals(lab.takeLog().toSorted(), [["await", 42], ["then", 42]]);
    await lab.iterate();
    assertEquals(lab.takeLog(), [["yield*", 42], ["yield", 42], ["no task", 42], ["callback", 42]]);
  }));

loopTest("a future may be awaited again and again, before and after it is done", function* (lab) {
  const future = lab.loop.createFuture<number>();
  lab.loop.callLater(1, () => future.setResult(42));
  const tasks = Array.from({ length: 100 }, () =>
    createTask(function* () {
      return (yield* future) + (yield* future);
    }));
  for (const task of tasks) assertEquals(yield* task, 84);
});

loopTest("an iterator of a future is a wait of its own", function* ({ loop }) {
  const future = loop.createFuture<number>();
  loop.callLater(1, () => future.setResult(42));
  const [a, b] = [future, future];
  assertEquals([yield* a, yield* b], [42, 42]);
});

loopTest("a task cannot await itself, by yield* or plain yield, and may go on", function* (lab) {
  for (const plain of [false, true]) {
    const task: Task<unknown> = createTask(function* () {
      try {
        if (plain) yield task;
        else yield* task;
      } catch (error) {
        return (error as Error).message;
      }
    }, { name: "own waiter" });
    lab.note(yield* task);
  }
  assertEquals(lab.log, Array(2).fill("Cannot await task 'own waiter' in itself: it would wait for its own end"));
});

loopTest("a future of another loop cannot be awaited in a task", function* (lab) {
  const other = newEventLoop();
  const future = other.createFuture();
  for (const plain of [false, true]) {
    try {
      if (plain) yield future;
      else yield* future;
    } catch (error) {
      lab.note((error as Error).message);
    }
  }
  other.close();
  const message = "Cannot await a pending future as it belongs to another event loop than the coroutine that awaits it";
  assertEquals(lab.log, [message, message]);
});

loopTest("a future of another loop that is done gives its result: nothing is waited for", function* () {
  const other = newEventLoop();
  const future = other.createFuture<number>();
  future.setResult(42);
  assertEquals(yield* future, 42);
  other.close();
});

loopTest("a task of another loop can be awaited as a promise", function* (lab) {
  const other = newEventLoop({ clock: lab.clock });
  const task = other.createTask(sleep(1, "from the other"));
  const running = other.runUntilComplete(task);
  assertEquals(yield* ensureFuture(task.then()), "from the other");
  yield running;
  other.close();
});

Deno.test("a coroutine of a scheduler that is not an event loop may await a future, as a host operation", () =>
  inLoop(async (lab) => {
    const { loop } = lab;
    const task = loop.createTask(sleep(1, "slept"));
    const waiting = runCoro(function* () {
      const value = yield* task;
      return `${value} ${yield task}`;
    });
    await loop.runUntilComplete(task);
    assertEquals(await waiting, "slept slept");
  }));

Deno.test("a scheduler counts a wait for a future of an event loop as a host operation, until the wait ends", () =>
  inLoop(async ({ loop }) => {
    const [settled, failed, kept] = [loop.createFuture(), loop.createFuture(), loop.createFuture()];
    const counts: number[] = [];
    await runCoro(function* ({ scheduler }) {
      const before = scheduler.stats().hostOperations;
      const coros = [settled, failed, kept].map((future) =>
        scheduler.spawn(function* () {
          yield* caught(future);
        })
      );
      for (
        const end of [() => settled.setResult(1), () => failed.setException(new Error()), () => coros[2].terminate()]
      ) {
        yield* sleep(0);
        counts.push(scheduler.stats().hostOperations - before);
        end();
      }
      yield* sleep(0);
      counts.push(scheduler.stats().hostOperations - before);
    });
    assertEquals(counts, [3, 2, 1, 0]);
  }));

function* caught(future: Future): Generator<unknown, void, unknown> {
  try {
    yield* future;
  } catch {
    // Only the wait matters.
  }
}

for (
  const [how, wait] of [
    ["withTimeout()", (future: Future) => withTimeout(1, call(future))],
    ["waitFor()", (future: Future) => waitFor(shielded(future), 1)],
    ["race()", (future: Future) => race(call(future), sleep(1))],
  ] as const
) {
  loopTest(`a wait that ends early by ${how} leaves nothing behind that wakes up later`, function* (lab) {
    const future = lab.loop.createFuture();
    for (let i = 0; i < 20; i++) {
      try {
        yield* wait(future);
      } catch (error) {
        assert(error instanceof TimeoutError);
      }
    }
    yield* sleep(10);
    const { switches } = lab.loop.scheduler.stats();
    yield* sleep(10);
    const idle = lab.loop.scheduler.stats().switches - switches;
    future.setResult(null);
    yield* sleep(10);
    // The loop has steps of its own, but none for each of those that gave up.
    assert(lab.loop.scheduler.stats().switches - switches - idle < idle + 10);
    assertEquals([future.done(), lab.clock.now()], [true, 50]);
  });
}

function* call(future: Future): Generator<unknown, unknown, unknown> {
  return yield* future;
}

/** Waits for a future without cancelling it. */
function* shielded(future: Future): Generator<unknown, unknown, unknown> {
  const coro = new Coro(function* () {
    return yield* future;
  });
  try {
    return yield* coro.finish();
  } finally {
    coro.terminate();
  }
}

loopTest("a coroutine that is terminated while it waits is removed from the queue", function* (lab) {
  const future = lab.loop.createFuture();
  const coros = ["a", "b", "c"].map((name) =>
    lab.loop.scheduler.spawn(function* () {
      yield* future;
      lab.note(name);
    })
  );
  yield* sleep(0);
  coros[1].terminate();
  yield* sleep(0);
  future.setResult(null);
  yield* sleep(0);
  assertEquals(lab.log, ["a", "c"]);
});

loopTest(
  "a task that is cancelled while it waits for a future cancels the future, and so all its waiters",
  function* (lab) {
    const future = lab.loop.createFuture();
    function* waiter() {
      yield* future;
    }
    const [a, b] = [createTask(waiter()), createTask(waiter())];
    yield* sleep(0);
    a.cancel("enough");
    assertEquals([future.cancelled(), a.done()], [true, false]);
    yield* sleep(0);
    yield* sleep(0);
    assertEquals([a.cancelled(), b.cancelled()], [true, true]);
  },
);

loopTest("an error thrown into a coroutine that waits reaches it, and the future is not concerned", function* (lab) {
  const future = lab.loop.createFuture();
  const task = createTask(function* () {
    try {
      yield* future;
    } catch (error) {
      return (error as Error).message;
    }
  });
  yield* sleep(0);
  task.getCoro().throw(new Error("from outside"));
  assertEquals(yield* task, "from outside");
  assertEquals(future.done(), false);
});
