/**
 * Simulated networks: when time moves, when a run ends, what a crash leaves, and that everything comes from the seed.
 */
import { call, type Coro, current, DeadlockError, Lock, race, type Scheduler, sleep, until } from "@asyncoro/asyncoro";
import { Network } from "@asyncoro/asyncoro/distributed";
import { SimulatedNetwork, type SimulatedNetworkOptions } from "@asyncoro/asyncoro/testing";
import { assert, assertEquals, assertNotEquals, assertRejects, assertStrictEquals, assertThrows } from "@std/assert";
import { UNLINKED } from "../../core/fiber/completion_waiter.ts";
import { Timer } from "../../core/fiber/timer.ts";
import { settle } from "../helpers/lab.ts";
import { Host } from "./simulation/ends.ts";

/** A coroutine that sleeps, and notes if it is unwound. */
function* sleeper(_: Coro, seconds: number, log: string[]): Generator<unknown, string, unknown> {
  try {
    yield* sleep(seconds);
    return "awake";
  } finally {
    log.push(`finally at ${current().scheduler.now()}`);
  }
}

/** Collects what is reported on a scheduler. */
function reportsOf(scheduler: Scheduler): string[] {
  const reports: string[] = [];
  scheduler.onError = (error) => reports.push(`${error}`);
  return reports;
}

// --- time -----------------------------------------------------------------------------------------------------

Deno.test("time stands still until run(), but coroutines run", async () => {
  const network = new SimulatedNetwork({ seed: 1 });
  const a = network.scheduler("a");
  const log: string[] = [];
  const coro = a.spawn(function* () {
    log.push("runs");
    yield;
    log.push("runs on");
    yield* sleep(1);
    log.push("sleeps");
  });
  await settle();
  assertEquals([log, a.now()], [["runs", "runs on"], 0]);
  await network.run();
  assertEquals([log.at(-1), a.now(), coro.isAlive()], ["sleeps", 1, false]);
});

Deno.test("all schedulers share one virtual time", async () => {
  const network = new SimulatedNetwork({ seed: 1 });
  const log: string[] = [];
  for (const [name, seconds] of [["a", 3], ["b", 1], ["c", 7200]] as const) {
    const scheduler = network.scheduler(name);
    scheduler.spawn(function* () {
      yield* sleep(seconds);
      log.push(`${name} ${scheduler.now()}`);
    });
  }
  const start = performance.now();
  await network.run();
  assertEquals(log, ["b 1", "a 3", "c 7200"]);
  assertEquals(network.scheduler("a").now(), 7200);
  assert(performance.now() - start < 5_000);
});

Deno.test("run() resolves at once if there are no coroutines, and a second call returns the same promise", async () => {
  const network = new SimulatedNetwork({ seed: 1 });
  network.engine("a");
  const run = network.run();
  assertStrictEquals(network.run(), run);
  await run;
  assertStrictEquals(network.run(), run);
});

Deno.test("run() waits for coroutines of schedulers that are made while it runs, in coroutines or outside", async () => {
  const network = new SimulatedNetwork({ seed: 1 });
  const log: string[] = [];
  const first = network.scheduler("a").spawn(function* () {
    yield* sleep(1);
    network.scheduler("b").spawn(function* () {
      yield* sleep(10);
      log.push("b");
    });
  });
  const outside = (async () => {
    await first.value();
    const second = network.scheduler("b").spawn(function* () {
      yield* sleep(20);
    });
    // All others have ended when this one has.
    await second.value();
    network.scheduler("c").spawn(function* (coro) {
      yield* sleep(5);
      log.push(`c at ${coro.scheduler.now()}`);
    });
  })();
  await network.run();
  await outside;
  assertEquals(log, ["b", "c at 26"]);
});

Deno.test("code outside may react to the end of the last coroutine, however many promises that takes", async () => {
  const network = new SimulatedNetwork({ seed: 1 });
  const last = Promise.withResolvers<void>();
  network.scheduler("a").spawn(function* () {
    yield* sleep(1);
    last.resolve();
  });
  const log: string[] = [];
  const outside = (async () => {
    await last.promise;
    for (let i = 0; i < 50; i++) await null;
    network.scheduler("b").spawn(sleeper, 1, log);
  })();
  await network.run();
  await outside;
  assertEquals(log, ["finally at 2"]);
});

Deno.test("daemons and what listens do not keep a run going; they are stopped without finally", async () => {
  const network = new SimulatedNetwork({ seed: 1 });
  const [a, b] = [new Host(network, "a"), new Host(network, "b")];
  const log: string[] = [];
  a.scheduler.atexit(() => log.push("exit"));
  const daemon = a.scheduler.spawnWith({ daemon: true }, sleeper, 100, log);
  const result = assertRejects(() => daemon.value(), Error, "The simulation with seed 1 has ended");
  b.scheduler.spawnWith({ daemon: true }, function* () {
    yield* b.listen();
    for (;;) yield* sleep(0.1);
  });
  a.scheduler.spawn(function* () {
    yield* sleep(1);
    const end = yield* a.dial("b");
    end.write("under way");
  });
  await network.run();
  await result;
  await settle();
  assertEquals([log, daemon.isAlive(), b.accepted[0].texts], [[], false, []]);
  for (const { scheduler } of [a, b]) {
    const { live, timers, hostOperations } = scheduler.stats();
    assertEquals([live, timers, hostOperations], [0, 0, 0]);
  }
});

Deno.test("what notices the end of a coroutine cannot send when its machine crashes or the run ends, nor set timers", async () => {
  for (const crashes of [false, true]) {
    const network = new SimulatedNetwork({ seed: 1 });
    const [a, b] = [new Host(network, "a"), new Host(network, "b")];
    const log: string[] = [];
    b.scheduler.spawn(function* () {
      yield* b.listen();
    });
    a.scheduler.spawn(function* () {
      const end = yield* a.dial("b");
      const watched = a.scheduler.spawnWith({ daemon: true }, sleeper, 1e6, log);
      watched.addCompletionWaiter({
        ...UNLINKED,
        resolve: () => {},
        reject: (error) => {
          log.push((error as Error).message);
          end.write("it has ended");
          new Timer(a.scheduler.loop, 4, 1, () => log.push("timer"));
          Promise.resolve().then(() => end.write("it has ended"));
        },
      });
      yield* sleep(1);
    });
    b.scheduler.spawn(function* () {
      yield* sleep(3);
      if (crashes) network.crash("a");
      yield* sleep(3);
    });
    await network.run();
    await settle();
    const reason = crashes
      ? "The machine 'a' has crashed, in the simulation with seed 1"
      : "The simulation with seed 1 has ended";
    assertEquals([log, b.accepted[0].texts], [[reason], []]);
    assertEquals(network.trace().filter((line) => line.includes("sends")), []);
  }
});

Deno.test("when the run has ended, names keep their schedulers, which take no coroutines, and no others are made", async () => {
  const network = new SimulatedNetwork({ seed: 1 });
  const [scheduler, engine] = [network.scheduler("a"), network.engine("a")];
  await network.run();
  assertStrictEquals(network.scheduler("a"), scheduler);
  assertStrictEquals(network.engine("a"), engine);
  assertThrows(() => scheduler.spawn(function* () {}), Error, "has been terminated");
  const message = "Cannot make 'b' as this simulation has ended: make another SimulatedNetwork";
  assertThrows(() => network.scheduler("b"), Error, message);
  assertThrows(() => network.engine("b"), Error, message);
  // Faults have no effect any more.
  network.freeze("a", 1);
  network.cut("a", "b");
  network.crash("a");
});

Deno.test("run() cannot be called in a coroutine of the simulation", async () => {
  const network = new SimulatedNetwork({ seed: 1 });
  const coro = network.scheduler("a").spawn(function* runner() {
    return network.run();
  });
  const message = "Cannot run the simulation in coroutine runner/1 as that is part of it: call run() outside";
  const failed = assertRejects(() => coro.value(), Error, message);
  await network.run();
  await failed;
});

Deno.test("scheduler.terminate() works within a run, in virtual time", async () => {
  const network = new SimulatedNetwork({ seed: 1 });
  const a = network.scheduler("a");
  const log: string[] = [];
  a.spawn(function* () {
    try {
      yield* sleep(100);
    } finally {
      yield* sleep(2);
      log.push(`cleaned at ${a.now()}`);
    }
  });
  const terminated = (async () => {
    await network.scheduler("b").spawn(function* () {
      yield* sleep(3);
    }).value();
    await a.terminate();
    log.push(`terminated at ${a.now()}`);
  })();
  await network.run();
  await terminated;
  assertEquals(log, ["cleaned at 5", "terminated at 5"]);
});

// --- limits and deadlocks -------------------------------------------------------------------------------------

Deno.test("past the limit run() is rejected with an error that names the seed and who is left, without finally", async () => {
  const network = new SimulatedNetwork({ seed: 4711, limit: 50 });
  const log: string[] = [];
  const a = network.scheduler("a");
  a.spawnWith({ name: "late" }, sleeper, 51, log);
  a.spawnWith({ name: "in time" }, sleeper, 50, log);
  a.spawnWith({ daemon: true }, sleeper, 1000, log);
  const error = await assertRejects(() => network.run(), Error, "");
  assertEquals(
    error.message,
    "Cannot finish the simulation with seed 4711 within 50 virtual seconds as coroutines have not ended:\n" +
      "  late/1 of 'a' waits for sleep",
  );
  await settle();
  assertEquals([log, a.now()], [["finally at 50"], 50]);
});

Deno.test("the limit is a day, and an error lists twenty coroutines at the most", async () => {
  const network = new SimulatedNetwork({ seed: 1 });
  const a = network.scheduler("a");
  for (let i = 0; i < 22; i++) a.spawn(sleeper, 86_401, []);
  const error = await assertRejects(() => network.run(), Error, "within 86400 virtual seconds");
  assertEquals(error.message.split("\n").length, 22);
  assert(error.message.endsWith("\n  and 2 more"));
  const fine = new SimulatedNetwork({ seed: 1 });
  fine.scheduler("a").spawn(sleeper, 86_400, []);
  await fine.run();
});

Deno.test("if nothing is under way and no timer is set, run() is rejected with a DeadlockError, and not before", async () => {
  const network = new SimulatedNetwork({ seed: 99 });
  const log: string[] = [];
  network.scheduler("a").spawnWith({ name: "first" }, function* (coro) {
    yield* sleep(2);
    yield* coro.receive();
  });
  network.scheduler("b").spawnWith({ name: "second" }, function* (coro) {
    try {
      yield* coro.receive();
    } finally {
      log.push("finally");
    }
  });
  await settle();
  const error = await assertRejects(() => network.run(), DeadlockError, "");
  assertEquals(
    error.message,
    "Deadlock at 2 s of the simulation with seed 99: coroutines wait, and nothing is under way that could wake them\n" +
      "  first/1 waits for a message\n  second/1 waits for a message",
  );
  assertEquals([error.waiting.length, log], [2, []]);
});

Deno.test("in a deadlock, those who wait for the end of a coroutine are told first, and may go on", async () => {
  const network = new SimulatedNetwork({ seed: 1 });
  const log: string[] = [];
  network.scheduler("a").spawn(function* () {
    const stuck = network.scheduler("a").spawn(function* (coro) {
      yield* coro.receive();
    });
    try {
      yield* stuck.finish();
    } catch (error) {
      log.push((error as Error).name);
    }
    yield* sleep(1);
    stuck.send("go on");
  });
  await network.run();
  assertEquals(log, ["DeadlockError"]);
});

Deno.test("a coroutine that waits for a machine to thaw is not deadlocked", async () => {
  const network = new SimulatedNetwork({ seed: 1 });
  const [a, b] = [network.scheduler("a"), network.scheduler("b")];
  const receiver = a.spawn(function* (coro) {
    return yield* coro.receive();
  });
  b.spawn(function* () {
    network.freeze("b", 10);
    yield;
    receiver.send("thawed");
  });
  await network.run();
  assertEquals([receiver.isAlive(), a.now()], [false, 10]);
});

// --- errors ---------------------------------------------------------------------------------------------------

Deno.test("errors that nothing handles are reported, and the run goes on", async () => {
  const network = new SimulatedNetwork({ seed: 1 });
  const a = network.scheduler("a");
  const reports = reportsOf(a);
  const log: string[] = [];
  a.spawn(function* () {
    yield* sleep(1);
    throw new Error("early");
  });
  a.spawn(sleeper, 2, log);
  a.spawn(function* () {
    yield* sleep(3);
    throw new Error("last");
  });
  await network.run();
  assertEquals([reports, log], [["Error: early", "Error: last"], ["finally at 2"]]);
});

Deno.test("what a callback of a link or an engine throws ends the run", async () => {
  for (const where of ["incoming", "frame", "closed"]) {
    const network = new SimulatedNetwork({ seed: 1 });
    const boom = new Error("boom");
    const fail = (at: string): void => {
      if (at === where) throw boom;
    };
    const [a, b] = [network.engine("a"), network.engine("b")];
    const log: string[] = [];
    network.scheduler("b").spawn(function* () {
      yield* b.open((link) => {
        fail("incoming");
        link.start(() => fail("frame"), () => {}, () => fail("closed"));
      });
    });
    network.scheduler("a").spawn(function* () {
      const link = yield* a.dial("sim:b", 10);
      link.write(Uint8Array.of(1));
      link.close();
      yield* sleeper(current(), 60, log);
    });
    const error = await network.run().catch((error) => error);
    assertStrictEquals(error, boom);
    assertEquals(log, []);
  }
});

// --- crashes --------------------------------------------------------------------------------------------------

Deno.test("scheduler() and engine() return the same object for a name until crash(), then fresh ones", () => {
  const network = new SimulatedNetwork({ seed: 1 });
  const [scheduler, engine] = [network.scheduler("a"), network.engine("a")];
  assertStrictEquals(network.scheduler("a"), scheduler);
  assertStrictEquals(network.engine("a", { versions: [1, 2] }), engine);
  assertEquals([scheduler.name, `${scheduler}`], ["a", "a"]);
  network.crash("a");
  const [freshScheduler, freshEngine] = [network.scheduler("a"), network.engine("a")];
  assert(freshScheduler !== scheduler && freshEngine !== engine);
  assertStrictEquals(network.scheduler("a"), freshScheduler);
  assertStrictEquals(network.engine("a"), freshEngine);
});

Deno.test("a crash runs no finally, no atexit and nothing else, and reports nothing", async () => {
  const network = new SimulatedNetwork({ seed: 1 });
  const a = network.scheduler("a");
  const reports = reportsOf(a);
  const log: string[] = [];
  const lock = new Lock();
  a.atexit(() => log.push("exit"));
  const coros = [
    a.spawn(sleeper, 100, log),
    a.spawn(function* () {
      try {
        yield* lock.acquire();
        yield* sleep(100);
      } finally {
        log.push("finally");
      }
    }),
    a.spawn(function* () {
      yield* sleep(1);
      yield* lock.acquire();
      log.push("acquired");
    }),
    a.spawn(function* () {
      for (;;) {
        yield* sleep(1);
        log.push(`tick ${a.now()}`);
      }
    }),
    a.spawn(function* () {
      yield* until(new Promise<void>((resolve) => setTimeout(resolve, 1)));
      yield* sleep(3);
      throw new Error("too late");
    }),
  ];
  network.scheduler("b").spawn(function* () {
    yield* sleep(2.5);
    network.crash("a");
    assertEquals(coros.map((coro) => coro.isAlive()), [false, false, false, false, false]);
    assertEquals(coros.map((coro) => coro.send(1)), [false, false, false, false, false]);
    yield* sleep(100);
    network.crash("a");
  });
  await network.run();
  await settle();
  assertEquals([log, reports], [["tick 1", "tick 2"], []]);
  assertThrows(() => a.spawn(function* () {}), Error, "has been terminated");
});

Deno.test("what waits for a coroutine of a machine that crashes gets an error: value(), join(), finish()", async () => {
  const network = new SimulatedNetwork({ seed: 17 });
  const a = network.scheduler("a");
  const reports = reportsOf(a);
  const coro = a.spawn(sleeper, 100, []);
  const message = "The machine 'a' has crashed, in the simulation with seed 17";
  const waits = [assertRejects(() => coro.value(), Error, message), assertRejects(() => a.join(), Error, message)];
  const seen: string[] = [];
  network.scheduler("b").spawn(function* () {
    yield* sleep(1);
    network.crash("a");
  });
  network.scheduler("b").spawn(function* () {
    try {
      yield* coro.finish();
    } catch (error) {
      seen.push((error as Error).message);
    }
  });
  await network.run();
  await Promise.all(waits);
  assertEquals([seen, reports], [[message], []]);
});

Deno.test("a run does not wait for machines that have crashed, and a failure before the crash is reported", async () => {
  const seen = new Set<string>();
  for (let seed = 0; seed < 20; seed++) {
    const network = new SimulatedNetwork({ seed });
    const a = network.scheduler("a");
    const reports = reportsOf(a);
    const log: string[] = [];
    a.spawn(sleeper, 100, log);
    // The seed decides which of them is first. What is ready when a coroutine fails may still handle the failure.
    a.spawn(function* () {
      yield* sleep(1);
      throw new Error("failure");
    });
    a.spawn(function* () {
      yield* sleep(1);
      network.crash("a");
    });
    await network.run();
    assertEquals([log, a.now()], [[], 1]);
    seen.add(reports.join());
  }
  assertEquals([...seen].sort(), ["", "Error: failure"]);
});

Deno.test("a coroutine that crashes its own machine ends at its next yield, and so do those that were ready", async () => {
  const network = new SimulatedNetwork({ seed: 1 });
  const log: string[] = [];
  const [a, b] = [network.scheduler("a"), network.scheduler("b")];
  for (let i = 0; i < 5; i++) {
    a.spawn(function* () {
      yield* sleep(1);
      if (log.length > 0) log.push("ran");
      else {
        try {
          network.crash("a");
          log.push(`crashed: ${network.scheduler("a") !== a}`);
          yield;
          log.push("ran on");
        } finally {
          log.push("finally");
        }
      }
    });
  }
  b.spawn(sleeper, 2, []);
  await network.run();
  assertEquals([log, a.stats().live], [["crashed: true"], 0]);
});

Deno.test("a machine may crash before run() and in a callback of its link", async () => {
  const network = new SimulatedNetwork({ seed: 1 });
  const log: string[] = [];
  network.scheduler("a").spawn(sleeper, 1, log);
  await settle();
  network.crash("a");
  const [a, b] = [new Host(network, "a"), new Host(network, "b")];
  b.scheduler.spawn(function* () {
    yield* b.engine.open((link) => link.start(() => network.crash("b"), () => {}, () => log.push("closed")));
    yield* sleeper(current(), 100, log);
  });
  const dialer = a.scheduler.spawn(function* () {
    const end = yield* a.dial("b");
    end.write("crash", "not received");
    yield* sleep(1);
    return end.closed;
  });
  await network.run();
  assertEquals([log, await dialer.value()], [[], ["ConnectionReset"]]);
});

Deno.test("a branch of a race and a called subroutine end with their machine", async () => {
  const network = new SimulatedNetwork({ seed: 1 });
  const a = network.scheduler("a");
  const log: string[] = [];
  a.spawn(function* (coro) {
    yield* race(sleeper(coro, 10, log), call(sleeper(coro, 20, log)), coro.receive());
    log.push("raced");
  });
  network.scheduler("b").spawn(function* () {
    yield* sleep(1);
    network.crash("a");
    yield* sleep(100);
  });
  await network.run();
  assertEquals([log, a.stats().live, a.stats().timers], [[], 0, 0]);
});

Deno.test("crash() and freeze() of a name that never was are errors; after a crash they have no effect", () => {
  const network = new SimulatedNetwork({ seed: 1 });
  for (const act of [() => network.crash("x"), () => network.freeze("x", 1)]) {
    assertThrows(act, Error, "'x' as it has neither a scheduler nor an engine: check the name");
  }
  network.engine("x");
  network.crash("x");
  network.crash("x");
  network.freeze("x", 1);
  assertEquals(network.trace(), ["0.000000 x crashes"]);
});

// --- promises and the host ------------------------------------------------------------------------------------

Deno.test("promises that code outside or another coroutine settles are awaited before time moves", async () => {
  const network = new SimulatedNetwork({ seed: 1 });
  const [a, b] = [network.scheduler("a"), network.scheduler("b")];
  const log: string[] = [];
  const gate = Promise.withResolvers<string>();
  const chain = async (depth: number): Promise<string> => depth === 0 ? "deep" : await chain(depth - 1);
  a.spawn(function* () {
    log.push(`${yield* until(chain(50))} ${a.now()}`);
    log.push(`${yield* until(gate.promise)} ${a.now()}`);
  });
  b.spawn(function* () {
    for (let i = 0; i < 5; i++) yield* sleep(1);
    gate.resolve("open");
    yield* sleep(1);
  });
  const outside = b.spawn(function* () {
    yield* sleep(2);
    return "two";
  }).value().then(async (value) => {
    await chain(50);
    log.push(`${value} ${b.now()}`);
  });
  await network.run();
  await outside;
  assertEquals(log, ["deep 0", "two 2", "open 5"]);
});

Deno.test("time stands still for a promise of the host, but one that is never settled does not stop it", async () => {
  const network = new SimulatedNetwork({ seed: 1 });
  const a = network.scheduler("a");
  const log: string[] = [];
  network.scheduler("b").spawn(function* () {
    for (let i = 0; i < 1000; i++) yield* sleep(0.1);
  });
  a.spawn(function* () {
    for (let i = 0; i < 3; i++) {
      yield* until(new Promise((resolve) => setTimeout(resolve, 0)));
      log.push(`${a.now()}`);
    }
    try {
      yield* until(new Promise(() => {}), 50);
    } catch (error) {
      log.push(`${(error as Error).name} ${a.now()}`);
    }
  });
  const start = performance.now();
  await network.run();
  assertEquals(log, ["0", "0", "0", "TimeoutError 50"]);
  assert(performance.now() - start < 5_000);
});

Deno.test("code outside that a coroutine wakes runs before time moves", async () => {
  const network = new SimulatedNetwork({ seed: 1 });
  const a = network.scheduler("a");
  const log: string[] = [];
  const gate = Promise.withResolvers<void>();
  gate.promise.then(() => null).then(() => log.push(`woken at ${a.now()}`));
  a.spawn(function* () {
    yield* sleep(1);
    gate.resolve();
    yield* sleep(1);
  });
  await network.run();
  assertEquals(log, ["woken at 1"]);
});

Deno.test("a run whose coroutines wait for a promise that is never settled ends when their machine crashes", async () => {
  const network = new SimulatedNetwork({ seed: 1 });
  network.scheduler("a").spawn(function* () {
    yield* until(new Promise(() => {}));
  });
  const timer = setTimeout(() => network.crash("a"), 30);
  await network.run();
  clearTimeout(timer);
  assertEquals(network.trace(), ["0.000000 a crashes"]);
});

Deno.test("timers that are set outside coroutines are due on time, and before run() if they are due at once", async () => {
  const network = new SimulatedNetwork({ seed: 1 });
  const [a, b] = [network.scheduler("a"), network.scheduler("b")];
  const log: string[] = [];
  const timer = (seconds: number) => new Timer(a.loop, 4, seconds, () => log.push(`timer at ${a.now()}`));
  a.spawn(sleeper, 10, log);
  await settle();
  timer(0);
  await settle();
  assertEquals(log, ["timer at 0"]);
  timer(2);
  b.spawn(function* () {
    yield* sleep(5);
    timer(3);
  });
  await network.run();
  assertEquals(log.slice(1), ["timer at 2", "timer at 8", "finally at 10"]);
});

Deno.test("a run without promises sets no timer of the host, whatever is dialed and sent", async () => {
  const network = new SimulatedNetwork({ seed: 1 });
  const [a, b] = [new Host(network, "a"), new Host(network, "b")];
  b.scheduler.spawn(function* () {
    yield* b.listen();
  });
  a.scheduler.spawn(function* () {
    for (let i = 0; i < 20; i++) {
      const end = yield* a.dial("b");
      end.write("hello");
      yield* sleep(1);
      assertEquals(b.accepted[i].texts, ["hello"]);
    }
  });
  const { setTimeout } = globalThis;
  let timers = 0;
  globalThis.setTimeout = ((...args: Parameters<typeof setTimeout>) => {
    timers++;
    return setTimeout(...args);
  }) as typeof setTimeout;
  try {
    await network.run();
  } finally {
    globalThis.setTimeout = setTimeout;
  }
  assertEquals(timers, 0);
});

Deno.test("the host has turns while a run takes long, also if a coroutine never waits", async () => {
  for (const busy of [false, true]) {
    const network = new SimulatedNetwork({ seed: 1 });
    let isDone = false;
    const timer = setTimeout(() => isDone = true, 1);
    network.scheduler("a").spawn(function* () {
      while (!isDone) yield busy ? undefined : sleep(0.000_001);
    });
    await network.run();
    clearTimeout(timer);
    assertEquals(isDone, true);
  }
});

// --- the seed -------------------------------------------------------------------------------------------------

/** A run with all kinds of faults. Returns its trace and what its coroutines saw. */
async function eventfulRun(options: SimulatedNetworkOptions): Promise<{ trace: readonly string[]; log: string[] }> {
  const network = new SimulatedNetwork(options);
  const log: string[] = [];
  const names = ["a", "b", "c"];
  const start = (name: string): void => {
    const host = new Host(network, name);
    log.push(`${name} ${host.engine.simulation!.random(16)} ${host.scheduler.loop.random()}`);
    host.scheduler.spawnWith({ daemon: true }, function* () {
      yield* host.listen();
      for (;;) {
        for (const other of names) {
          try {
            const end = yield* host.dial(other, 1);
            end.write("hello", name);
          } catch (error) {
            log.push(`${host.scheduler.now()} ${error}`);
          }
        }
        yield* sleep(0.5 + host.scheduler.loop.random());
      }
    });
  };
  names.forEach(start);
  const faults = network.scheduler("faults");
  faults.spawn(function* () {
    for (let i = 0; i < 8; i++) {
      yield* sleep(1);
      const [x, y, z] = [0, 1, 2].map((n) => names[(i + n) % 3]);
      network.cut(x, y);
      if (i % 3 === 0) network.partition([x], [y, z]);
      if (i % 3 === 1) network.heal();
      network.freeze(z, 0.7);
      if (i === 5) network.crash(x);
      if (i === 6) { for (const name of names) if (network.scheduler(name).stats().spawned === 0) start(name); }
    }
    for (let i = 0; i < 20; i++) {
      faults.spawn(function* () {
        log.push(`${i}`);
      });
    }
  });
  await network.run();
  return { trace: network.trace(), log };
}

Deno.test("the same seed gives the same trace, order, ids and random numbers, and another seed gives others", async () => {
  for (const options of [{ seed: 1 }, { seed: 2, loss: 0.2 }, { seed: -7.5, delay: [0.1, 0.1] as const }]) {
    const run = await eventfulRun(options);
    assert(run.trace.length > 100);
    assertEquals(await eventfulRun(options), run);
    const other = await eventfulRun({ ...options, seed: 3 });
    assertNotEquals(other.trace, run.trace);
    assertNotEquals(other.log, run.log);
  }
});

Deno.test("machines have random bytes of their own, and a fresh machine has others than the one that crashed", () => {
  const network = new SimulatedNetwork({ seed: 5 });
  const bytes = ["a", "b"].map((name) => `${network.engine(name).simulation!.random(16)}`);
  network.crash("a");
  bytes.push(`${network.engine("a").simulation!.random(16)}`, `${network.engine("b").simulation!.random(16)}`);
  assertEquals(new Set(bytes).size, 4);
});

Deno.test("the seed decides in which order schedulers run, and what happens first of what is due together", async () => {
  const seen = new Set<string>();
  for (let seed = 0; seed < 40; seed++) {
    const network = new SimulatedNetwork({ seed, delay: [1, 1] });
    const order: string[] = [];
    const a = new Host(network, "a");
    a.scheduler.spawn(function* () {
      yield* a.engine.open((link) => link.start(([from, at]) => order.push(`frame ${from}${at}`), () => {}, () => {}));
      yield* sleep(5);
      order.push("timer");
    });
    for (const from of [1, 2]) {
      const { scheduler, engine } = new Host(network, `${from}`);
      scheduler.spawn(function* () {
        const links = [yield* engine.dial("sim:a", 5), yield* engine.dial("sim:a", 5)];
        order.push(`dialer ${from}`);
        links.forEach((link, at) => link.write(Uint8Array.of(from, at)));
        yield* sleep(2);
      });
    }
    await network.run();
    assertEquals(order.length, 7);
    const isFirst = (x: string, y: string) =>
      seen.add([x, y].sort((p, q) => order.indexOf(p) - order.indexOf(q)).join());
    isFirst("dialer 1", "dialer 2");
    isFirst("frame 10", "frame 11");
    isFirst("frame 10", "timer");
  }
  assertEquals([...seen].sort(), [
    "dialer 1,dialer 2",
    "dialer 2,dialer 1",
    "frame 10,frame 11",
    "frame 10,timer",
    "frame 11,frame 10",
    "timer,frame 10",
  ]);
});

Deno.test("the trace has a line for each event, which starts with the virtual time", async () => {
  const network = new SimulatedNetwork({ seed: 1, delay: [0.5, 0.5] });
  const [a, b] = [new Host(network, "a"), new Host(network, "b")];
  b.scheduler.spawn(function* () {
    yield* b.listen();
  });
  a.scheduler.spawn(function* () {
    const end = yield* a.dial("b");
    end.write("hello");
    network.partition(["a"], ["b", "c"]);
    end.write("lost");
    network.heal();
    end.link.close();
    network.freeze("b", 0.25);
    yield* sleep(1);
    yield* b.engine.close();
  });
  assertEquals(network.trace(), []);
  await network.run();
  assertEquals(network.trace().slice(0, 11), [
    "0.000000 b listens",
    "0.000000 a > b #1 dials",
    "0.500000 a > b #1 is accepted",
    "1.000000 a > b #1 is connected",
    "1.000000 a > b #1 sends 5 bytes",
    "1.000000 a | b,c partition",
    "1.000000 a > b #1 sends in a partition 4 bytes",
    "1.000000 heal",
    "1.000000 a > b #1 closes",
    "1.000000 b freezes for 0.25 s",
    "1.250000 b thaws",
  ]);
});

// --- the network's tests --------------------------------------------------------------------------------------

Deno.test("an engine offers a network random bytes, a hash with a key, and the versions that it is to speak", () => {
  const network = new SimulatedNetwork({ seed: 1 });
  const simulation = network.engine("a", { versions: [2, 3] }).simulation!;
  assertEquals(simulation.versions, [2, 3]);
  assertEquals(network.engine("b").simulation!.versions, undefined);
  assertEquals(simulation.random(100).length, 100);
  assertEquals(simulation.hmac(Uint8Array.of(1), Uint8Array.of(2)).length, 32);
});

Deno.test("forge() writes a frame into the link to a peer, which closes it if the frame is malformed", async () => {
  const simulation = new SimulatedNetwork({ seed: 1 });
  const [a, b] = ["a", "b"].map((name) => simulation.scheduler(name));
  const options = (name: string) => ({ name, secret: "a secret for the test", engines: [simulation.engine(name)] });
  b.spawn(function* () {
    yield* Network.join(options("b"));
  });
  a.onError = (error) => errors.push(error);
  const errors: unknown[] = [];
  a.spawn(function* () {
    const network = yield* Network.join(options("a"));
    const location = yield* network.peer("sim:b");
    const links = () => simulation.trace().filter((line) => line.endsWith("is accepted")).length;
    assertEquals(links(), 1);
    const forge = simulation.forge(network, location);
    forge(Uint8Array.of(99, 1, 2, 3));
    yield* sleep(5);
    // The session goes on, on another link.
    assertEquals([links() > 1, network.peers().length], [true, 1]);
    yield* network.leave();
    assertThrows(() => forge(Uint8Array.of(5)), Error, "Cannot forge a frame");
  });
  await simulation.run();
  assertEquals(errors, []);
});

// --- wrong options --------------------------------------------------------------------------------------------

Deno.test("wrong options and arguments are refused at the call", () => {
  const wrong: [options: unknown, error: typeof Error, message: string][] = [
    [undefined, TypeError, "'options' must be an object: current value is undefined"],
    [{}, TypeError, "'seed' must be a number: current value is undefined"],
    [{ seed: NaN }, TypeError, "'seed' must be a number: current value is NaN"],
    [{ seed: 1, speed: 2 }, TypeError, "there is no option 'speed': use seed, delay, loss, limit"],
    [{ seed: 1, delay: 0.1 }, TypeError, "'delay' must be an array of two numbers: current value is 0.1"],
    [{ seed: 1, delay: [1, "2"] }, TypeError, "'delay' must be an array of two numbers"],
    [{ seed: 1, delay: [2, 1] }, RangeError, "current value is [2, 1]"],
    [{ seed: 1, delay: [-1, 1] }, RangeError, "current value is [-1, 1]"],
    [{ seed: 1, delay: [0, Infinity] }, RangeError, "current value is [0, Infinity]"],
    [{ seed: 1, loss: "all" }, TypeError, "'loss' must be a number"],
    [{ seed: 1, loss: 1.1 }, RangeError, "'loss' must be from 0 to 1: current value is 1.1"],
    [{ seed: 1, limit: 0 }, RangeError, "'limit' must be positive: current value is 0"],
    [{ seed: 1, limit: NaN }, TypeError, "'limit' must be a number"],
  ];
  for (const [options, error, message] of wrong) {
    assertThrows(() => new SimulatedNetwork(options as SimulatedNetworkOptions), error, message);
  }
  const network = new SimulatedNetwork({ seed: 1, limit: Infinity });
  network.engine("a");
  for (const name of ["", 5, undefined]) {
    const calls = [
      () => network.scheduler(name as string),
      () => network.engine(name as string),
      () => network.cut("a", name as string),
      () => network.partition(["a"], [name as string]),
      () => network.freeze(name as string, 1),
      () => network.crash(name as string),
    ];
    for (const call of calls) assertThrows(call, TypeError, "'name' must be a string that is not empty");
  }
  assertThrows(() => network.partition("a" as unknown as string[], ["b"]), TypeError, "must be an array of names");
  assertThrows(() => network.freeze("a", "1" as unknown as number), TypeError, "'seconds' must be a number");
  for (const seconds of [-1, NaN, Infinity]) assertThrows(() => network.freeze("a", seconds), RangeError);
  assertThrows(() => network.engine("b", { version: 1 } as never), TypeError, "there is no option 'version'");
  assertEquals(network.trace(), []);
});
