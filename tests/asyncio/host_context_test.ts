/** The host's asynchronous context on an event loop: a callback runs in that of its registration, as with contextvars. */
import {
  createTask,
  ensureFuture,
  type EventLoop,
  gather,
  getRunningLoop,
  Lock,
  newEventLoop,
  Queue,
  run,
  shield,
  sleep,
  taskGroup,
  timeout,
  toThread,
  waitFor,
} from "@asyncoro/asyncoro/asyncio";
import { assertEquals } from "@std/assert";
import { AsyncLocalStorage } from "node:async_hooks";

const names = new AsyncLocalStorage<string>();

function here(): string | undefined {
  return names.getStore();
}

function* hereLater(): Generator<unknown, unknown, unknown> {
  yield* sleep(0.001);
  return here();
}

/** Runs a program in a context of its own. */
function runAs<T>(name: string, main: () => Generator<unknown, T, unknown>): Promise<T> {
  return names.run(name, () =>
    run(function* () {
      return yield* main();
    }));
}

Deno.test("callbacks of a loop run in the context in which they were asked for", async () => {
  const loop = newEventLoop();
  const seen: string[] = [];
  const note = (what: string) => seen.push(`${what} ${here()}`);
  const ask = (name: string | undefined): void =>
    names.run(name!, () => {
      loop.callSoon(note, "soon");
      loop.callLater(0.001, note, "later");
      loop.callLater(-1, note, "overdue");
      loop.callAt(loop.time() + 0.002, note, "at");
      loop.callSoonThreadsafe(note, "threadsafe");
    });
  for (const name of ["a", undefined, "b"]) ask(name);
  loop.callSoon(() => {
    names.run("inner", () => loop.callSoon(note, "nested"));
    names.run("stopper", () => loop.callLater(0.01, () => loop.stop()));
  });
  await names.run("runner", () => loop.runForever());
  loop.close();
  const kinds = ["soon", "later", "overdue", "at", "threadsafe"];
  const expected = ["a", undefined, "b"].flatMap((name) => kinds.map((kind) => `${kind} ${name}`));
  assertEquals(seen.sort(), [...expected, "nested inner"].sort());
});

Deno.test("what a callback stores is dropped at its end", async () => {
  const loop = newEventLoop();
  const seen: unknown[] = [];
  loop.callSoon(() => names.enterWith("stored"));
  loop.callSoon(() => seen.push(here()));
  loop.callLater(0.001, () => names.enterWith("stored"));
  loop.callLater(0.002, () => {
    seen.push(here());
    loop.stop();
  });
  await loop.runForever();
  loop.close();
  assertEquals([...seen, here()], [undefined, undefined, undefined]);
});

Deno.test("a task has the context in which it was made, however it is made", async () => {
  const found = await runAs("main", function* () {
    const loop = getRunningLoop();
    const tasks = names.run("maker", () => [
      createTask(hereLater()),
      loop.createTask(hereLater()),
      ensureFuture(hereLater()),
      shield(hereLater()),
      gather(hereLater(), hereLater()),
    ]);
    const values: unknown[] = [];
    for (const task of tasks) values.push(yield* task);
    const grouped = yield* taskGroup(function* (group) {
      const task = names.run("grouped", () => group.createTask(hereLater()));
      return [yield* task, here()];
    });
    values.push(grouped, yield* waitFor(hereLater(), 1), yield* timeout(1, hereLater()), here());
    return values;
  });
  assertEquals(found, [
    "maker",
    "maker",
    "maker",
    "maker",
    ["maker", "maker"],
    ["grouped", "main"],
    "main",
    "main",
    "main",
  ]);
});

Deno.test("a callback for a future's end runs in the context in which it was added", async () => {
  const seen = await runAs("main", function* () {
    const seen: unknown[] = [];
    const future = getRunningLoop().createFuture<string>();
    for (const name of ["a", "b"]) names.run(name, () => future.addDoneCallback(() => seen.push(here())));
    names.run("settler", () =>
      createTask(function* () {
        future.setResult("done");
      }));
    yield* future;
    names.run("late", () => future.addDoneCallback(() => seen.push(here())));
    yield* sleep(0.001);
    return seen;
  });
  assertEquals(seen, ["a", "b", "late"]);
});

Deno.test("a task that waits for a lock, a queue or a future goes on in its own context", async () => {
  const found = await runAs("main", function* () {
    const [lock, queue, future] = [new Lock(), new Queue<string>(), getRunningLoop().createFuture<string>()];
    yield* lock.acquire();
    const waits: (() => Generator<unknown, unknown, unknown>)[] = [
      function* () {
        yield* lock.acquire();
        lock.release();
        return here();
      },
      function* () {
        return [yield* queue.get(), here()];
      },
      function* () {
        return [yield* future, here()];
      },
    ];
    const tasks = waits.map((wait, index) => names.run(`task ${index}`, () => createTask(wait())));
    yield* sleep(0.001);
    lock.release();
    queue.putNowait("item");
    future.setResult("result");
    return yield* gather(tasks);
  });
  assertEquals(found, ["task 0", ["item", "task 1"], ["result", "task 2"]]);
});

Deno.test("cleanup of a cancelled task runs in its own context", async () => {
  const seen = await runAs("main", function* () {
    const seen: unknown[] = [];
    const task = names.run("task", () =>
      createTask(function* () {
        try {
          yield* sleep(10);
        } finally {
          seen.push(here(), yield* hereLater());
        }
      }));
    yield* sleep(0.001);
    names.run("canceller", () => task.cancel());
    try {
      yield* task;
    } catch {
      seen.push(here());
    }
    return seen;
  });
  assertEquals(seen, ["task", "task", "main"]);
});

Deno.test("several loops, each in a context of its own, run interleaved", async () => {
  const found = await Promise.all(["a", "b", "c"].map((name) =>
    runAs(name, function* () {
      const values: unknown[] = [];
      for (let i = 0; i < 5; i++) values.push(yield* hereLater());
      return new Set(values);
    })
  ));
  assertEquals(found, [new Set(["a"]), new Set(["b"]), new Set(["c"])]);
});

Deno.test("the exception handler is called in the context of what went wrong", async () => {
  const loop = newEventLoop();
  const seen: unknown[] = [];
  loop.setExceptionHandler((_loop: EventLoop, { message }) => {
    seen.push([message.split(" ").slice(0, 2).join(" "), here()]);
    if (seen.length === 2) loop.stop();
  });
  const fail = () => {
    throw new Error("expected");
  };
  names.run("callback", () => loop.callSoon(fail));
  names.run("coro", () =>
    loop.scheduler.spawn(function* () {
      yield;
      fail();
    }));
  names.run("task", () =>
    loop.createTask(function* () {
      yield;
      fail();
    }));
  names.run("pending", () =>
    loop.createTask(function* () {
      yield* sleep(10);
    }));
  await loop.runForever();
  names.run("closer", () => loop.close());
  assertEquals(seen, [
    ["Exception in", "callback"],
    ["Uncaught error", "coro"],
    ["Task exception", "task"],
    ["Event loop", "pending"],
  ]);
});

Deno.test("the failure of a gathering that nobody retrieves is told in the context of the call of gather()", async () => {
  const loop = newEventLoop();
  const seen: unknown[] = [];
  loop.setExceptionHandler((_loop, { exception }) => seen.push([(exception as Error).message, here()]));
  const children = names.run("children", () => [loop.createFuture(), loop.createFuture()]);
  names.run("call", () => void gather(children));
  loop.callSoon(() => children[0].setException(new Error("first")));
  loop.callSoon(() => loop.callSoon(() => loop.stop()));
  await names.run("runner", () => loop.runForever());
  loop.close();
  assertEquals(seen, [["first", "call"]]);
});

Deno.test("a task that waits for a thread goes on in its own context", async () => {
  const found = await runAs("main", function* () {
    const tasks = ["a", "b"].map((name) =>
      names.run(name, () =>
        createTask(function* () {
          return [yield* toThread((n: number) => n + 1, 1), here()];
        }))
    );
    return yield* gather(tasks);
  });
  assertEquals(found, [[2, "a"], [2, "b"]]);
});
