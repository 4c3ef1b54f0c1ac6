/** `run()` of the edge entry point: a scheduler for each call, of which nothing is left. */
import { run as runTask } from "@asyncoro/asyncoro/asyncio";
import { Coro, current, run, Scheduler, sleep } from "@asyncoro/asyncoro/edge";
import { assert, assertEquals, assertRejects, assertStrictEquals } from "@std/assert";

function* sleeper(coro: Coro, log: string[]) {
  try {
    yield* coro.sleep(60);
  } finally {
    yield* coro.sleep(0.001);
    log.push("cleaned up");
  }
}

Deno.test("run() returns the result, or throws the error unchanged", async () => {
  const sum = await run(
    function* (coro, a: number, b: number) {
      yield* coro.sleep(0.001);
      return a + b;
    },
    1,
    2,
  );
  assertEquals(sum, 3);
  const error = new RangeError("why");
  const thrown = await assertRejects(() =>
    run(function* () {
      yield;
      throw error;
    })
  );
  assertStrictEquals(thrown, error);
});

Deno.test("run() rejects what is not a generator function", async () => {
  // deno-lint-ignore no-explicit-any -- what a program without types may do
  await assertRejects(() => run((() => 1) as any), TypeError);
});

Deno.test("run() uses a scheduler of its own for every call, which is not the default one", async () => {
  const schedulers = await Promise.all([1, 2, 3].map(() =>
    run(function* (coro) {
      const inner = new Coro(function* () {
        yield* sleep(0.001);
        return current().scheduler;
      });
      assertStrictEquals(yield* inner.finish(), coro.scheduler);
      return coro.scheduler;
    })
  ));
  assertEquals(new Set([Scheduler.instance(), ...schedulers]).size, 4);
});

Deno.test("run() terminates the other coroutines at the end, and waits for their cleanup", async () => {
  const log: string[] = [];
  const result = await run(function* (coro) {
    new Coro(sleeper, log);
    coro.scheduler.spawnWith({ daemon: true }, sleeper, log);
    yield* coro.sleep(0.001);
    return "result";
  });
  assertEquals([result, ...log], ["result", "cleaned up", "cleaned up"]);
});

Deno.test("run() terminates the other coroutines when its coroutine fails, too", async () => {
  const log: string[] = [];
  await assertRejects(
    () =>
      run(function* (coro) {
        new Coro(sleeper, log);
        yield* coro.sleep(0.001);
        throw new Error("why");
      }),
    Error,
    "why",
  );
  assertEquals(log, ["cleaned up"]);
});

Deno.test("run() of asyncio terminates coroutines that are not tasks, and leaves its kernel to others", async () => {
  const log: string[] = [];
  let scheduler: Scheduler | undefined;
  await runTask(function* (coro) {
    scheduler = coro.scheduler;
    new Coro(sleeper, log);
    yield* coro.sleep(0.001);
  });
  assertEquals(log, ["cleaned up"]);
  assertEquals(scheduler!.stats().memory, 0);
});

Deno.test("schedulers that have ended keep no reference to those that use their kernels", async () => {
  const ended: Scheduler[] = [];
  for (let n = 0; n < 5; n++) {
    ended.push(
      await run(function* (coro) {
        yield* coro.sleep(0);
        return coro.scheduler;
      }),
    );
  }
  await run(function* (coro) {
    const children = Array.from({ length: 100 }, () => new Coro(sleeper, []));
    yield* coro.sleep(0.001);
    assertEquals(coro.scheduler.stats().live, 101);
    for (const scheduler of ended) {
      const { live, ready, timers, memory } = scheduler.stats();
      assertEquals([live, ready, timers, memory], [0, 0, 0, 0]);
      assertEquals([...scheduler.coros()], []);
      assertEquals(scheduler.dump(), []);
      let refused: unknown;
      try {
        scheduler.spawn(sleeper, []);
      } catch (error) {
        refused = error;
      }
      assert(String(refused).includes("has been terminated"), String(refused));
    }
    // Nothing woke them.
    assertEquals(children.filter((child) => child.isAlive()).length, 100);
  });
  for (const scheduler of ended) await scheduler.join();
});
