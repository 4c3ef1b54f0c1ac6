/**
 * Virtual time: when it moves, how far, and when it stands still.
 */
import { race, Scheduler, sleep, TimeoutError, until } from "@asyncoro/asyncoro";
import { runVirtual, VirtualClock } from "@asyncoro/asyncoro/testing";
import { assert, assertEquals, assertInstanceOf, assertRejects } from "@std/assert";
import { inLab, settle } from "../helpers/lab.ts";

Deno.test("two years of sleeping take no time", async () => {
  const start = performance.now();
  const result = await runVirtual(function* (coro) {
    for (let day = 0; day < 730; day++) yield* coro.sleep({ days: 1 });
    return coro.scheduler.now();
  });
  assertEquals(result, 730 * 86_400);
  assert(performance.now() - start < 5_000);
});

Deno.test("time jumps to the earliest deadline only when nothing is ready", () =>
  inLab(async (lab) => {
    lab.scheduler.spawn(function* () {
      yield* sleep(5);
      lab.at("five");
    });
    lab.scheduler.spawn(function* () {
      for (let i = 0; i < 50_000; i++) yield;
      lab.at("busy");
      yield* sleep(1);
      lab.at("one");
    });
    await lab.scheduler.join();
    assertEquals(lab.log, ["0 busy", "1 one", "5 five"]);
  }));

Deno.test("time stands still while a promise is awaited", () =>
  inLab(async ({ scheduler, clock }) => {
    const gate = Promise.withResolvers<void>();
    const sleeper = scheduler.spawn(function* () {
      yield* sleep(1);
    });
    const awaiter = scheduler.spawn(function* () {
      yield gate.promise;
      return clock.now();
    });
    await settle();
    assertEquals([clock.now(), sleeper.isAlive()], [0, true]);
    gate.resolve();
    assertEquals(await awaiter.value(), 0);
    await sleeper.value();
    assertEquals(clock.now(), 1);
  }));

Deno.test("a promise that is never settled does not stop the time forever", async () => {
  const start = performance.now();
  const error = await runVirtual(function* () {
    yield* until(new Promise(() => {}), 0.05);
  }).catch((error) => error);
  assertInstanceOf(error, TimeoutError);
  assertEquals(
    await runVirtual(function* (coro) {
      return yield* race(new Promise(() => {}), coro.sleep({ hours: 1 }, "an hour later"));
    }),
    "an hour later",
  );
  const elapsed = performance.now() - start;
  assert(elapsed > 1_000 && elapsed < 10_000, `took ${elapsed} ms`);
});

Deno.test("a promise that is settled late in real time comes before a deadline far in virtual time", async () => {
  const late = new Promise((resolve) => setTimeout(resolve, 50, "settled"));
  const result = await runVirtual(function* (coro) {
    return [yield* until(late, { hours: 1 }), coro.scheduler.now()];
  });
  assertEquals(result, ["settled", 0]);
});

Deno.test("advance moves deadline by deadline and ends at the time it was given", async () => {
  const clock = new VirtualClock(100, { autoAdvance: false });
  const scheduler = new Scheduler({ clock });
  const log: string[] = [];
  scheduler.spawn(function* () {
    for (let i = 0; i < 3; i++) {
      yield* sleep(1);
      log.push(`a ${clock.now()}`);
    }
  });
  scheduler.spawn(function* () {
    yield* sleep(1.5);
    log.push(`b ${clock.now()}`);
  });
  await settle();
  assertEquals([clock.now(), log], [100, []]);
  await clock.advance(0.5);
  assertEquals([clock.now(), log], [100.5, []]);
  await clock.advance(0.5);
  assertEquals([clock.now(), log.splice(0)], [101, ["a 101"]]);
  await clock.advance(5);
  assertEquals([clock.now(), log.splice(0)], [106, ["b 101.5", "a 102", "a 103"]]);
  await scheduler.join();
  await scheduler.terminate();
});

Deno.test("advanceToNext moves to the next deadline and returns whether there was one", async () => {
  const clock = new VirtualClock(0, { autoAdvance: false });
  const scheduler = new Scheduler({ clock });
  const coro = scheduler.spawn(function* () {
    yield* sleep(3);
    yield* sleep(4);
  });
  assertEquals([await clock.advanceToNext(), clock.now()], [true, 3]);
  assertEquals([await clock.advanceToNext(), clock.now()], [true, 7]);
  assertEquals([await clock.advanceToNext(), clock.now(), coro.isAlive()], [false, 7, false]);
  await scheduler.terminate();
});

Deno.test("advance rejects negative numbers", async () => {
  const clock = new VirtualClock();
  for (const seconds of [-1, NaN, "1" as unknown as number]) {
    if (typeof seconds === "string") continue;
    await assertRejects(() => clock.advance(seconds), RangeError, `current value is ${seconds} seconds`);
  }
  assertEquals(clock.now(), 0);
});

Deno.test("autoAdvance can be switched off and on", async () => {
  const clock = new VirtualClock(0, { autoAdvance: false });
  const scheduler = new Scheduler({ clock });
  const end = scheduler.spawn(function* () {
    yield* sleep(3);
  }).value();
  await settle();
  assertEquals(clock.now(), 0);
  clock.autoAdvance = true;
  await clock.advance(0);
  await end;
  assertEquals(clock.now(), 3);
  await scheduler.terminate();
});

Deno.test("without autoAdvance a join waits for the time to be moved, but not for a daemon made outside coroutines", async () => {
  const clock = new VirtualClock(0, { autoAdvance: false });
  const scheduler = new Scheduler({ clock });
  const coro = scheduler.spawn(function* () {
    yield* sleep(100);
  });
  let joined = false;
  const join = scheduler.join().then(() => joined = true);
  await settle();
  assertEquals(joined, false);
  coro.setDaemon(true);
  await join;
  assertEquals([clock.now(), coro.isAlive()], [0, true]);
  await scheduler.terminate();
});

Deno.test("two schedulers on one clock share their time", async () => {
  const clock = new VirtualClock();
  const [one, two] = [new Scheduler({ clock, name: "one" }), new Scheduler({ clock, name: "two" })];
  const log: string[] = [];
  const receiver = one.spawn(function* (coro) {
    for (let i = 0; i < 2; i++) log.push(`${yield* coro.receive()} ${clock.now()}`);
  });
  two.spawn(function* () {
    yield* sleep(2);
    receiver.send("from two");
    yield new Promise((resolve) => setTimeout(resolve, 5));
    // Busy for more than a slice: the receiver waits forever, but is not deadlocked.
    for (let i = 0; i < 60_000; i++) yield;
    receiver.send("again");
    yield* sleep(1);
    log.push(`two ${clock.now()}`);
  });
  one.spawn(function* () {
    yield* sleep(1);
    log.push(`one ${clock.now()}`);
  });
  await Promise.all([one.join(), two.join(), receiver.value()]);
  assertEquals(log, ["one 1", "from two 2", "again 2", "two 3"]);
  await one.terminate();
  await two.terminate();
});

Deno.test("two schedulers in virtual and real time run side by side", async () => {
  const real = new Scheduler();
  const [far, near] = await Promise.all([
    runVirtual(function* (coro) {
      yield* coro.sleep({ hours: 5 });
      return coro.scheduler.now();
    }),
    real.spawn(function* () {
      yield* sleep(0.01);
      return "real";
    }).value(),
  ]);
  assertEquals([far, near], [5 * 3600, "real"]);
  await real.terminate();
});

Deno.test("an idle virtual scheduler stays usable, with functions registered for its end", async () => {
  const scheduler = new Scheduler({ clock: new VirtualClock() });
  const log: string[] = [];
  scheduler.atexit(() => log.push("exit"));
  for (let i = 0; i < 3; i++) {
    assertEquals(
      await scheduler.spawn(function* () {
        yield* sleep(1);
        return i;
      }).value(),
      i,
    );
    await settle();
  }
  assertEquals(log, []);
  await scheduler.terminate();
  assertEquals(log, ["exit"]);
});

Deno.test("a receiver that waits for code outside is not reported when no coroutine depends on it", () =>
  inLab(async ({ scheduler }) => {
    const receiver = scheduler.spawn(function* (coro) {
      return yield* coro.receive();
    });
    await settle();
    receiver.send("from outside");
    assertEquals(await receiver.value(), "from outside");
  }));

Deno.test("runVirtual returns the result or throws the error, and terminates coroutines that still run", async () => {
  const log: string[] = [];
  const result = await runVirtual(
    function* (coro, a: number) {
      coro.scheduler.spawn(function* () {
        try {
          yield* sleep(1000);
        } finally {
          log.push(`cleaned at ${coro.scheduler.now()}`);
        }
      });
      yield* sleep(1);
      return a + 1;
    },
    1,
  );
  assertEquals([result, log], [2, ["cleaned at 1"]]);
  const boom = new Error("boom");
  assertEquals(
    await runVirtual(function* () {
      throw boom;
    }).catch((error) => error),
    boom,
  );
});
