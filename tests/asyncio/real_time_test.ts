/** Event loops on the host's clock, side by side with the host's own timers, promises and other loops. */
import { call, Coro, race } from "@asyncoro/asyncoro";
import { createTask, type EventLoop, gather, newEventLoop, run, sleep, wrapFuture } from "@asyncoro/asyncoro/asyncio";
import { assert, assertEquals } from "@std/assert";

/** Runs a test with a loop on the host's clock; afterwards nothing may be left. */
function hostTest(name: string, test: (loop: EventLoop) => Promise<void>): void {
  Deno.test(name, async () => {
    const loop = newEventLoop();
    try {
      await test(loop);
    } finally {
      loop.close();
    }
    const { ready, timers, hostOperations } = loop.scheduler.stats();
    assertEquals({ ready, timers, hostOperations }, { ready: 0, timers: 0, hostOperations: 0 });
  });
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

hostTest("timers fire in the order of their times, none before its own", async (loop) => {
  const fired: number[] = [];
  const delays = [0.012, 0.003, 0.009, 0.006, 0];
  const start = loop.time();
  for (const delay of delays) {
    const handle = loop.callAt(start + delay, () => {
      fired.push(delay);
      assert(loop.time() >= handle.when());
    });
  }
  await loop.runUntilComplete(sleep(0.015));
  assertEquals(fired, delays.toSorted((a, b) => a - b));
});

hostTest("callSoon() by code outside wakes a loop that waits", async (loop) => {
  const hour = loop.callLater(3600, () => {});
  const running = loop.runForever();
  await pause(3);
  const log: string[] = [];
  loop.callSoon(() => log.push("called"));
  loop.callSoon(() => loop.stop());
  await running;
  assertEquals(log, ["called"]);
  hour.cancel();
});

hostTest("a timer that code outside sets is kept, although the loop waits for a later one", async (loop) => {
  const hour = loop.callLater(3600, () => {});
  const running = loop.runForever();
  await pause(3);
  loop.callLater(0.003, () => loop.stop());
  await running;
  assertEquals(hour.cancelled(), false);
  hour.cancel();
});

hostTest("a task that code outside creates begins, although the loop waits", async (loop) => {
  const hour = loop.callLater(3600, () => {});
  const running = loop.runForever();
  await pause(3);
  const task = loop.createTask(function* () {
    yield* sleep(0.001);
    loop.stop();
    return 42;
  });
  assertEquals(await task, 42);
  await running;
  hour.cancel();
});

hostTest("a future that is cancelled by code outside wakes its waiters", async (loop) => {
  const future = loop.createFuture();
  const task = loop.createTask(function* () {
    try {
      yield* future;
    } catch {
      return "cancelled";
    }
  });
  const running = loop.runUntilComplete(task);
  await pause(3);
  future.cancel();
  assertEquals(await running, "cancelled");
});

hostTest("a task may be cancelled by code outside while it sleeps", async (loop) => {
  const task = loop.createTask(sleep(3600));
  const running = loop.runUntilComplete(task).catch((error) => error.name);
  await pause(3);
  assertEquals(task.cancel(), true);
  assertEquals([await running, task.cancelled()], ["CancelledError", true]);
});

hostTest("endless chains of callbacks starve no host timer and no promise", async (loop) => {
  let links = 0;
  let ended = false;
  const link = () => void (links++, ended ? loop.stop() : loop.callSoon(link));
  link();
  const running = loop.runForever();
  await pause(5);
  ended = true;
  await running;
  assert(links > 1);
});

hostTest("tasks that never wait starve neither timers of the loop nor the host", async (loop) => {
  let ended = false;
  const spinner = loop.createTask(function* () {
    while (!ended) yield;
  });
  await loop.runUntilComplete(function* () {
    yield* gather(sleep(0.003), wrapFuture(pause(5)));
  });
  ended = true;
  await loop.runUntilComplete(spinner);
  assertEquals(spinner.done(), true);
});

hostTest("a task that awaits what is done, over and over, gives others a turn now and then", async (loop) => {
  const future = loop.createFuture();
  future.setResult(null);
  let called = false;
  let waits = 0;
  const task = loop.createTask(function* () {
    while (!called && waits < 100_000) {
      waits++;
      yield* future;
    }
  });
  loop.callSoon(() => called = true);
  await loop.runUntilComplete(task);
  assertEquals(called, true);
});

hostTest("a loop may be run while another one runs, by a task of that", async (loop) => {
  const inner = newEventLoop();
  const log: string[] = [];
  const result = await loop.runUntilComplete(function* () {
    const ticker = createTask(function* () {
      for (let i = 0; i < 3; i++) {
        yield* sleep(0.001);
        log.push("outer");
      }
    });
    const result = yield* wrapFuture(inner.runUntilComplete(sleep(0.002, "inner")));
    yield* ticker;
    return result;
  });
  inner.close();
  assertEquals([result, log], ["inner", ["outer", "outer", "outer"]]);
});

hostTest("core's race() works in tasks: the losing wait is withdrawn", async (loop) => {
  const winner = await loop.runUntilComplete(function* () {
    return yield* race(sleep(0.001, "quick"), call(slow()));
  });
  assertEquals(winner, "quick");

  function* slow() {
    yield* sleep(3600);
    return "slow";
  }
});

hostTest("coroutines that are no tasks run on the loop as well, with messages and waits", async (loop) => {
  const answer = await loop.runUntilComplete(function* (coro) {
    const echo = new Coro(function* (self) {
      const [from, text] = (yield* self.receive()) as [Coro, string];
      from.send(`${text}, ${text}`);
    });
    echo.send([coro, "hello"]);
    return yield* coro.receive();
  });
  assertEquals(answer, "hello, hello");
});

Deno.test("ten runs side by side on the host's clock end, each with its own result", async () => {
  const results = await Promise.all(
    Array.from({ length: 10 }, (_, i) =>
      run(function* () {
        const tasks = [0, 1, 2].map((n) => createTask(sleep(0.001 * n, n)));
        let sum = i;
        for (const task of tasks) sum += yield* task;
        return sum;
      })),
  );
  assertEquals(results, Array.from({ length: 10 }, (_, i) => i + 3));
});
