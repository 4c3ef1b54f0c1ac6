/** Errors of futures that are never retrieved. */
import { type EventLoop, type Future, gather, newEventLoop, sleep } from "@asyncoro/asyncoro/asyncio";
import { VirtualClock } from "@asyncoro/asyncoro/testing";
import { assertEquals, assertMatch } from "@std/assert";
import { runProgram } from "../helpers/program.ts";

const error = new Error("failed");

/** What is reported to the handler of a loop after `use` and `close()`. */
async function reportsAtClose(use: (loop: EventLoop) => unknown): Promise<string[]> {
  const loop = newEventLoop({ clock: new VirtualClock() });
  const reports: string[] = [];
  loop.setExceptionHandler((_loop, { message, exception }) => reports.push(`${message}: ${exception}`));
  await use(loop);
  loop.close();
  return reports;
}

function failed(loop: EventLoop): Future {
  const future = loop.createFuture();
  future.setException(error);
  return future;
}

/** Declares a test that this retrieves the error. */
function takenTest(how: string, take: (future: Future, loop: EventLoop) => unknown): void {
  Deno.test(`an error is taken by ${how}`, async () => {
    assertEquals(await reportsAtClose((loop) => take(failed(loop), loop)), []);
  });
}

Deno.test("close() reports an error that was not retrieved, once", async () => {
  assertEquals(await reportsAtClose((loop) => void failed(loop)), [
    "Future exception was never retrieved: a failed future: Error: failed",
  ]);
});

Deno.test("close() reports the error of a task that was not awaited", async () => {
  const reports = await reportsAtClose(async (loop) => {
    loop.createTask(
      function* () {
        throw error;
      },
      { name: "lost" },
    );
    await loop.runUntilComplete(sleep(1));
  });
  assertEquals(reports, ["Task exception was never retrieved: task 'lost': Error: failed"]);
});

Deno.test("the handler is given the future", () => {
  const loop = newEventLoop();
  const futures: unknown[] = [];
  loop.setExceptionHandler((_loop, { future }) => futures.push(future));
  const future = failed(loop);
  loop.close();
  assertEquals([futures.length, futures[0] === future], [1, true]);
});

Deno.test("close() reports several errors in the order in which they came", async () => {
  const reports = await reportsAtClose((loop) => {
    for (let i = 0; i < 3; i++) loop.createFuture().setException(new Error(`${i}`));
  });
  assertEquals(reports.map((line) => line.at(-1)), ["0", "1", "2"]);
});

takenTest("asking for the result", (future) => {
  try {
    future.result();
  } catch {
    // It was asked for.
  }
});
takenTest("asking for the exception", (future) => future.exception());
takenTest("awaiting it in an async function", async (future) => {
  await Promise.resolve(future).catch(() => {});
});
takenTest("then() with a function for errors", async (future) => {
  await future.then(null, () => {});
});
takenTest("catch()", async (future) => {
  await future.catch(() => {});
});
takenTest("awaiting it in a coroutine", async (future, loop) => {
  await loop.runUntilComplete(function* () {
    try {
      yield* future;
    } catch {
      // It was awaited.
    }
  });
});
takenTest("a plain yield", async (future, loop) => {
  await loop.runUntilComplete(function* () {
    try {
      yield future;
    } catch {
      // It was awaited.
    }
  });
});
takenTest("runUntilComplete()", async (future, loop) => {
  await loop.runUntilComplete(future).catch(() => {});
});
takenTest("gather()", async (future, loop) => {
  await loop.runUntilComplete(function* () {
    yield* gather([future], { returnExceptions: true });
  });
});

Deno.test("a done callback alone takes no error", async () => {
  const reports = await reportsAtClose(async (loop) => {
    const future = loop.createFuture();
    future.addDoneCallback(() => {});
    future.setException(error);
    await loop.runUntilComplete(sleep(0));
  });
  assertEquals(reports.length, 1);
});

Deno.test("neither a result nor a cancellation is reported", async () => {
  const reports = await reportsAtClose((loop) => {
    loop.createFuture().setResult(1);
    loop.createFuture().cancel("gone");
    loop.createFuture();
  });
  assertEquals(reports, []);
});

Deno.test("a task that was cancelled is not reported", async () => {
  const reports = await reportsAtClose(async (loop) => {
    const task = loop.createTask(sleep(10));
    loop.callSoon(() => task.cancel());
    await loop.runUntilComplete(sleep(1));
    assertEquals(task.cancelled(), true);
  });
  assertEquals(reports, []);
});

Deno.test("an error counts as retrieved by a waiter that was cancelled before it received it, as in CPython", async () => {
  const reports = await reportsAtClose(async (loop) => {
    const future = loop.createFuture();
    const waiter = loop.createTask(function* () {
      yield* future;
    });
    await loop.runUntilComplete(sleep(0));
    future.setException(error);
    waiter.cancel();
    await loop.runUntilComplete(sleep(0));
    assertEquals(waiter.cancelled(), true);
  });
  assertEquals(reports, []);
});

Deno.test("a handler that retrieves the error at close() is not called again", () => {
  const loop = newEventLoop();
  let count = 0;
  loop.setExceptionHandler((_loop, { future }) => {
    count++;
    (future as Future).exception();
  });
  failed(loop);
  loop.close();
  assertEquals(count, 1);
});

Deno.test("an error is reported when its future is garbage-collected", async () => {
  const { code, stdout, stderr } = await runProgram(`
    import { newEventLoop, sleep } from "@asyncoro/asyncoro/asyncio";
    import { setFlagsFromString } from "node:v8";
    import { runInNewContext } from "node:vm";

    function collector() {
      if (globalThis.Bun) return () => Bun.gc(true);
      setFlagsFromString("--expose-gc");
      return runInNewContext("gc");
    }
    const gc = collector();

    const loop = newEventLoop();
    let count = 0;
    loop.setExceptionHandler((_loop, { message, exception, future }) => {
      count++;
      console.log(message, "|", String(exception), "|", String(future));
    });
    (() => loop.createFuture().setException(new Error("of a future")))();
    (() => loop.createTask(function* () { throw new Error("of a task"); }, { name: "lost" }))();
    const kept = loop.createFuture();
    kept.setException(new Error("kept"));
    await loop.runUntilComplete(sleep(0.001));
    for (let round = 0; round < 200 && count < 2; round++) {
      gc();
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    kept.exception();
    loop.close();
  `);
  assertEquals(stderr, "");
  assertEquals(stdout.trimEnd().split("\n").sort(), [
    "Future exception was never retrieved: a failed future | Error: of a future | undefined",
    "Task exception was never retrieved: task 'lost' | Error: of a task | undefined",
  ]);
  assertEquals(code, 0);
});

Deno.test("without a handler an error that was not retrieved is printed at close()", async () => {
  const { code, stderr } = await runProgram(`
    import { newEventLoop } from "@asyncoro/asyncoro/asyncio";
    const loop = newEventLoop();
    const future = loop.createFuture();
    future.setException(new RangeError("nobody asks"));
    loop.close();
  `);
  // The error follows, as the engine prints errors: some show where it was made first.
  assertMatch(stderr, /^Future exception was never retrieved: a failed future: .*RangeError: nobody asks$/ms);
  assertEquals(code, 0);
});
