/** Nothing is retained after its end, and an idle loop makes no steps. */
import { createTask, type EventLoop, type Handle, newEventLoop, sleep } from "@asyncoro/asyncoro/asyncio";
import { assert, assertEquals } from "@std/assert";
import { LoopLab } from "./loop_lab.ts";

const MILLION = 1_000_000;

/** What a loop's scheduler retains. */
function retained(loop: EventLoop): unknown {
  const { live, ready, timers, hostOperations } = loop.scheduler.stats();
  return { live, ready, timers, hostOperations };
}

const NOTHING = { live: 0, ready: 0, timers: 0, hostOperations: 0 };

/** How many slots the kernel of `loop` comes to need for what `use` does, measured by its memory. */
async function growth(use: (lab: LoopLab) => Promise<void>): Promise<number> {
  const lab = new LoopLab();
  const before = lab.loop.scheduler.stats().memory;
  await use(lab);
  await lab.run(sleep(1));
  assertEquals(retained(lab.loop), NOTHING);
  const after = lab.loop.scheduler.stats().memory;
  lab.loop.close();
  return after - before;
}

Deno.test("a million callbacks, one after the other, leave nothing behind", async () => {
  let called = 0;
  const grown = await growth(async ({ loop }) => {
    const next = () => void (++called < MILLION ? loop.callSoon(next) : loop.stop());
    loop.callSoon(next);
    await loop.runForever();
  });
  assertEquals([called, grown], [MILLION, 0]);
});

Deno.test("a million callbacks at once run in order and leave nothing behind", async () => {
  let called = 0;
  let inOrder = true;
  await growth(async ({ loop }) => {
    for (let i = 0; i < MILLION; i++) {
      loop.callSoon((n: number) => {
        inOrder &&= n === called;
        called++;
      }, i);
    }
    await loop.runUntilComplete(sleep(0));
  });
  assertEquals([called, inOrder], [MILLION, true]);
});

Deno.test("a million timers that are cancelled at once take no memory", async () => {
  const grown = await growth(async ({ loop }) => {
    await loop.runUntilComplete(function* () {
      for (let i = 0; i < MILLION; i++) {
        loop.callLater(1000 + i, () => {}).cancel();
        if (i % 1000 === 0) yield;
      }
    });
  });
  assertEquals(grown, 0);
});

Deno.test("timers that are cancelled before their time do not affect others", async () => {
  await growth(async ({ loop }) => {
    const handles: Handle[] = [];
    for (let i = 0; i < 50_000; i++) handles.push(loop.callLater(1000 + (i * 7919) % 50_000, () => {}));
    assertEquals(loop.scheduler.stats().timers, 50_000);
    for (const handle of handles) handle.cancel();
    assertEquals(loop.scheduler.stats().timers, 0);
    await loop.runUntilComplete(sleep(0));
  });
});

Deno.test("a hundred thousand timers of zero delay leave nothing behind", async () => {
  let called = 0;
  await growth(async ({ loop }) => {
    const next = () => void (++called < 100_000 ? loop.callLater(0, next) : loop.stop());
    loop.callLater(0, next);
    await loop.runForever();
  });
  assertEquals(called, 100_000);
});

Deno.test("a hundred thousand futures, each awaited, leave nothing behind", async () => {
  const grown = await growth(async ({ loop }) => {
    await loop.runUntilComplete(function* () {
      for (let i = 0; i < 100_000; i++) {
        const future = loop.createFuture<number>();
        loop.callSoon(() => future.setResult(i));
        assertEquals(yield* future, i);
      }
    });
  });
  assertEquals(grown, 0);
});

Deno.test("a hundred thousand tasks, one after the other, leave nothing behind", async () => {
  const grown = await growth(async ({ loop }) => {
    await loop.runUntilComplete(function* () {
      for (let i = 0; i < 100_000; i++) {
        yield* createTask(function* () {
          yield;
        });
      }
    });
  });
  assertEquals(grown, 0);
});

Deno.test("waits that end early leave no completion waiter behind, however many there were", async () => {
  const grown = await growth(async ({ loop }) => {
    const future = loop.createFuture();
    await loop.runUntilComplete(function* () {
      for (let i = 0; i < 10_000; i++) {
        const coro = loop.scheduler.spawn(function* () {
          yield* future;
        });
        yield;
        coro.terminate();
        yield;
      }
      const { switches } = loop.scheduler.stats();
      future.setResult(null);
      yield;
      // This coroutine's step, the end of an iteration, and no other.
      assert(loop.scheduler.stats().switches - switches < 10);
    });
  });
  assertEquals(grown, 0);
});

Deno.test("callbacks that were added and removed leave nothing behind", async () => {
  const lab = new LoopLab();
  const future = lab.loop.createFuture();
  for (let i = 0; i < 10_000; i++) {
    const callback = lab.noting(i);
    future.addDoneCallback(callback);
    assertEquals(future.removeDoneCallback(callback), 1);
  }
  future.setResult(null);
  assertEquals(lab.loop.scheduler.stats().ready, 0);
  await lab.iterate();
  assertEquals(lab.log, []);
  lab.loop.close();
});

/** The steps that a loop makes, and the share of one CPU that is used, while it runs for some real milliseconds. */
async function idling(loop: EventLoop, milliseconds: number): Promise<{ steps: number; wakeups: number }> {
  const { setImmediate, setTimeout: realTimeout } = globalThis;
  const running = loop.runForever();
  const pause = (ms: number) => new Promise((resolve) => realTimeout(resolve, ms));
  await pause(10);
  const { switches } = loop.scheduler.stats();
  let wakeups = 0;
  const count = <A extends unknown[], R>(arm: (...args: A) => R) => (...args: A): R => {
    wakeups++;
    return arm(...args);
  };
  globalThis.setImmediate = count(setImmediate) as typeof setImmediate;
  globalThis.setTimeout = count(realTimeout as never) as unknown as typeof setTimeout;
  try {
    await pause(milliseconds);
  } finally {
    Object.assign(globalThis, { setImmediate, setTimeout: realTimeout });
  }
  const steps = loop.scheduler.stats().switches - switches;
  loop.stop();
  await running;
  return { steps, wakeups };
}

Deno.test("a loop that waits for a timer makes no step and sets no host timer or immediate meanwhile", async () => {
  const loop = newEventLoop();
  const handle = loop.callLater(3600, () => {});
  assertEquals(await idling(loop, 50), { steps: 0, wakeups: 0 });
  handle.cancel();
  loop.close();
});

Deno.test("a loop that waits for a promise makes no step meanwhile", async () => {
  const loop = newEventLoop();
  const { promise, resolve } = Promise.withResolvers<void>();
  const task = loop.createTask(function* () {
    yield promise;
  });
  assertEquals(await idling(loop, 50), { steps: 0, wakeups: 0 });
  resolve();
  await loop.runUntilComplete(task);
  loop.close();
});

Deno.test("a loop that waits for a future that code outside will settle makes no step meanwhile", async () => {
  const loop = newEventLoop();
  const future = loop.createFuture<string>();
  const task = loop.createTask(function* () {
    return yield* future;
  });
  assertEquals(await idling(loop, 50), { steps: 0, wakeups: 0 });
  future.setResult("from outside");
  assertEquals(await loop.runUntilComplete(task), "from outside");
  loop.close();
});

Deno.test("a loop that stands still makes no step, whatever is ready", async () => {
  const loop = newEventLoop();
  const called: string[] = [];
  loop.callSoon(() => called.push("soon"));
  loop.callLater(0.001, () => called.push("later"));
  const { switches } = loop.scheduler.stats();
  await new Promise((resolve) => setTimeout(resolve, 10));
  assertEquals([loop.scheduler.stats().switches - switches, called], [0, []]);
  loop.close();
});
