/** Errors that no other code handles: which handler is called, with what, and what is printed. */
import { createTask, EventLoop, type ExceptionContext, newEventLoop, sleep } from "@asyncoro/asyncoro/asyncio";
import { VirtualClock } from "@asyncoro/asyncoro/testing";
import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { inLoop, LoopLab } from "./loop_lab.ts";

/** What is printed on stderr meanwhile: the arguments of each call. */
async function printed(act: () => Promise<void> | void): Promise<unknown[][]> {
  const { error } = console;
  const calls: unknown[][] = [];
  console.error = (...args: unknown[]) => void calls.push(args);
  try {
    await act();
  } finally {
    console.error = error;
  }
  return calls;
}

function fail(error: unknown): () => never {
  return function broken(): never {
    throw error;
  };
}

Deno.test("an exception handler is called with the loop and what happened", async () => {
  const loop = newEventLoop({ clock: new VirtualClock() });
  const reports: [EventLoop, ExceptionContext][] = [];
  loop.setExceptionHandler((...args) => reports.push(args));
  const error = new Error("in a callback");
  const handle = loop.callSoon(fail(error));
  loop.stop();
  await loop.runForever();
  loop.close();
  assertEquals(reports.length, 1);
  const [[of, context]] = reports;
  assertStrictEquals(of, loop);
  assertEquals(context.message, "Exception in callback the function 'broken'");
  assertStrictEquals(context.exception, error);
  assertStrictEquals(context.handle, handle);
});

Deno.test("an error in a callback or timer stops neither the iteration nor the loop", () =>
  inLoop(async (lab) => {
    const { loop } = lab;
    loop.callSoon(fail(new Error("soon")));
    loop.callSoon(lab.noting("soon"));
    loop.callLater(1, fail(new Error("later")));
    loop.callLater(1, lab.noting("later"));
    await lab.run(sleep(2));
    assertEquals(lab.log, ["soon", "later"]);
    assertEquals(lab.takeContexts().map(({ exception }) => (exception as Error).message), ["soon", "later"]);
  }));

Deno.test("callbacks may throw any value, even undefined", () =>
  inLoop(async (lab) => {
    for (const value of ["text", 42, null, undefined]) lab.loop.callSoon(fail(value));
    await lab.iterate();
    assertEquals(lab.takeContexts().map(({ exception }) => exception), ["text", 42, null, undefined]);
  }));

Deno.test("getExceptionHandler() returns what was set, null at first", () => {
  const loop = newEventLoop();
  assertEquals(loop.getExceptionHandler(), null);
  const handler = () => {};
  loop.setExceptionHandler(handler);
  assertStrictEquals(loop.getExceptionHandler(), handler);
  loop.setExceptionHandler(null);
  assertEquals(loop.getExceptionHandler(), null);
  loop.close();
});

Deno.test("only a function or null is an exception handler, and what was set before stays", () => {
  const loop = newEventLoop();
  const handler = () => {};
  loop.setExceptionHandler(handler);
  for (const value of [undefined, 42, "text", {}]) {
    assertThrows(() => loop.setExceptionHandler(value as never), TypeError, "it must be a function or null");
  }
  assertStrictEquals(loop.getExceptionHandler(), handler);
  loop.close();
});

Deno.test("the handler of the time of the error counts", () =>
  inLoop(async (lab) => {
    const reports: string[] = [];
    lab.loop.callSoon(fail(new Error("first")));
    lab.loop.callSoon(() => lab.loop.setExceptionHandler((_loop, { exception }) => reports.push(`${exception}`)));
    lab.loop.callSoon(fail(new Error("second")));
    await lab.iterate();
    assertEquals([lab.takeContexts().length, reports], [1, ["Error: second"]]);
  }));

Deno.test("without a handler the error is printed on stderr, with what happened", async () => {
  const error = new Error("in a callback");
  const calls = await printed(async () => {
    const loop = newEventLoop({ clock: new VirtualClock() });
    loop.callSoon(fail(error));
    loop.stop();
    await loop.runForever();
    loop.close();
  });
  assertEquals(calls, [["Exception in callback the function 'broken':", error]]);
});

Deno.test("a context without an exception is printed as its message", async () => {
  const loop = newEventLoop();
  assertEquals(await printed(() => loop.callExceptionHandler({ message: "something is odd" })), [["something is odd"]]);
  loop.close();
});

Deno.test("programs may pass errors of their own to the handler", () => {
  const lab = new LoopLab();
  const context = { message: "of the program", exception: new Error("own"), detail: 42 };
  lab.loop.callExceptionHandler(context);
  assertEquals(lab.contexts, [context]);
  lab.loop.close();
});

Deno.test("a handler may pass on to the default one", async () => {
  const loop = newEventLoop();
  const error = new Error("passed on");
  loop.setExceptionHandler((of, context) => of.defaultExceptionHandler({ ...context, message: "passed on" }));
  const calls = await printed(() => loop.callExceptionHandler({ message: "first", exception: error }));
  assertEquals(calls, [["passed on:", error]]);
  loop.close();
});

Deno.test("a handler that throws: the error it was called with and its own are both printed, and the loop goes on", async () => {
  const log: string[] = [];
  const [error, own] = [new Error("in a callback"), new Error("in the handler")];
  const calls = await printed(async () => {
    const loop = newEventLoop({ clock: new VirtualClock() });
    loop.setExceptionHandler(fail(own));
    loop.callSoon(fail(error));
    loop.callSoon(() => log.push("goes on"));
    loop.stop();
    await loop.runForever();
    loop.close();
  });
  assertEquals(calls, [
    ["Exception in callback the function 'broken':", error],
    ["Unhandled error in exception handler:", own],
  ]);
  assertEquals(log, ["goes on"]);
});

Deno.test("a subclass may have a default handler of its own", async () => {
  class Collecting extends EventLoop {
    readonly seen: ExceptionContext[] = [];
    override defaultExceptionHandler(context: ExceptionContext): void {
      this.seen.push(context);
    }
  }
  const loop = new Collecting({ clock: new VirtualClock() });
  const [error, own] = [new Error("in a callback"), new Error("in the handler")];
  loop.callSoon(fail(error));
  loop.callSoon(() => loop.setExceptionHandler(fail(own)));
  loop.callSoon(fail(error));
  loop.stop();
  await loop.runForever();
  loop.close();
  assertEquals(loop.seen.map(({ exception }) => exception), [error, error, own]);
  assertStrictEquals(loop.seen[2].context, loop.seen[1]);
});

Deno.test("a default handler that throws does not affect the loop: all errors are printed", async () => {
  const own = new Error("in the default handler");
  class Broken extends EventLoop {
    override defaultExceptionHandler(): void {
      throw own;
    }
  }
  const error = new Error("in a callback");
  const log: string[] = [];
  const calls = await printed(async () => {
    const loop = new Broken({ clock: new VirtualClock() });
    loop.callSoon(fail(error));
    loop.callSoon(() => log.push("goes on"));
    loop.stop();
    await loop.runForever();
    loop.close();
  });
  assertEquals(calls, [
    ["Exception in callback the function 'broken':", error],
    ["Unhandled error in default exception handler:", own],
  ]);
  assertEquals(log, ["goes on"]);
});

Deno.test("a handler runs in the loop: it may ask for callbacks and make tasks", () =>
  inLoop(async (lab) => {
    lab.loop.setExceptionHandler(() => {
      createTask(function* () {
        lab.note("task of the handler");
      });
    });
    lab.loop.callSoon(fail(new Error("in a callback")));
    await lab.iterate(2);
    assertEquals(lab.log, ["task of the handler"]);
  }));

Deno.test("an error of a coroutine that is not a task and is not awaited goes to the handler with it", () =>
  inLoop(async (lab) => {
    const error = new Error("in a coroutine");
    const coro = lab.loop.scheduler.spawn(function* orphan() {
      yield;
      throw error;
    });
    await lab.run(sleep(1));
    const [context, ...others] = lab.takeContexts();
    assertEquals(others, []);
    assert(context.message.startsWith("Uncaught error in coroutine orphan/"));
    assertStrictEquals(context.exception, error);
    assertStrictEquals(context.coro, coro);
  }));

Deno.test("an error of a task that is awaited does not go to the handler", () =>
  inLoop(async (lab) => {
    const task = lab.loop.createTask(function* () {
      yield;
      throw new Error("taken");
    });
    await lab.run(function* () {
      try {
        yield* task;
      } catch (error) {
        lab.note((error as Error).message);
      }
    });
    assertEquals(lab.log, ["taken"]);
  }));
