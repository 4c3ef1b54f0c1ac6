/**
 * The scheduler: join, terminate, atexit, statistics, and failures of its kernel.
 */
import { AsynCoro, Coro, Scheduler, type SchedulerOptions, select, sleep } from "@asyncoro/asyncoro";
import { newEventLoop } from "@asyncoro/asyncoro/asyncio";
import { VirtualClock } from "@asyncoro/asyncoro/testing";
import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertMatch,
  assertNotStrictEquals,
  assertRejects,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import { Timer } from "../../core/fiber/timer.ts";
import type { Kernel } from "../../core/kernel/kernel.ts";
import { NONE } from "../../core/kernel/ready_queue.ts";
import { inLab, settle } from "../helpers/lab.ts";
import { runProgram } from "../helpers/program.ts";

/** Makes calls of the kernel trap, as with corrupted memory. Returns a function that undoes it. */
function breakKernel(scheduler: Scheduler, ...names: string[]): () => void {
  return replaceCalls(scheduler, names, () => new WebAssembly.RuntimeError("unreachable"));
}

/** The same, with calls that overflow the engine's stack. */
function overflowKernel(scheduler: Scheduler, ...names: string[]): () => void {
  return replaceCalls(scheduler, names, () => new RangeError("Maximum call stack size exceeded"));
}

function replaceCalls(scheduler: Scheduler, names: readonly string[], error: () => Error): () => void {
  const { kernel } = scheduler.loop as unknown as { kernel: { exports: Record<string, unknown> } };
  const { exports } = kernel;
  const fail = () => {
    throw error();
  };
  kernel.exports = { ...exports, ...Object.fromEntries(names.map((name) => [name, fail])) };
  return () => {
    kernel.exports = exports;
  };
}

Deno.test("there is one default scheduler until it is terminated; then there is a new one", async () => {
  const first = Scheduler.instance();
  assertStrictEquals(Scheduler.instance(), first);
  assertStrictEquals(AsynCoro, Scheduler);
  assertEquals(await new Coro(function* () {}).value(), undefined);
  await first.terminate();
  const second = Scheduler.instance();
  assertNotStrictEquals(second, first);
  assertThrows(
    () => first.spawn(function* () {}),
    Error,
    "Cannot create a coroutine as scheduler 'default' has been terminated: Scheduler.instance() gives a new one",
  );
  assertEquals(
    await new Coro(function* () {
      yield* sleep(0.001);
      return "fresh";
    }).value(),
    "fresh",
  );
});

Deno.test("join waits for all but daemons, also those created meanwhile, and more may be created after", () =>
  inLab(async ({ scheduler, log, clock }) => {
    scheduler.spawnWith({ daemon: true }, function* () {
      yield* sleep(1e9);
    });
    scheduler.spawn(function* () {
      yield* sleep(1);
      scheduler.spawn(function* () {
        yield* sleep(1);
        log.push("grandchild");
      });
    });
    await Promise.all([scheduler.join(), scheduler.join()]);
    assertEquals([clock.now(), log.splice(0)], [2, ["grandchild"]]);
    scheduler.spawn(function* () {
      yield* sleep(1);
      log.push("later");
    });
    await scheduler.join();
    assertEquals([clock.now(), log], [3, ["later"]]);
    await scheduler.join();
  }));

Deno.test("join waits for a coroutine that fails, and does not fail itself", () =>
  inLab(async (lab) => {
    lab.scheduler.spawn(function* () {
      yield* sleep(1);
      throw new Error("boom");
    });
    await lab.scheduler.join();
    assertEquals(lab.takeReported(), ["boom"]);
  }));

Deno.test("join and terminate throw at once inside a coroutine and say to use finish()", () =>
  inLab(async ({ scheduler }) => {
    const other = new Scheduler();
    await scheduler.spawn(function* inside(coro) {
      yield;
      for (const call of ["join", "terminate"] as const) {
        for (const which of [scheduler, other]) {
          assertThrows(
            () => which[call](),
            Error,
            `Cannot call ${call}() of scheduler '${which}' inside coroutine ${coro} as it would wait for itself: ` +
              "use finish() of others",
          );
        }
      }
    }).value();
    await other.terminate();
  }));

Deno.test("terminate ends every coroutine, daemons too, with their cleanup, and then runs the functions of atexit", () =>
  inLab(async (lab) => {
    const scheduler = new Scheduler({ clock: lab.clock, name: "ending" });
    scheduler.atexit(() => lab.at("exit 5"), 5);
    scheduler.atexit(() => lab.at("exit 0 first"));
    scheduler.atexit(async () => {
      await settle();
      lab.at("exit -1");
    }, -1);
    scheduler.atexit(() => lab.at("exit 0 second"), 0);
    const coros = [false, true].map((daemon) =>
      scheduler.spawnWith({ daemon }, function* (coro) {
        try {
          yield* coro.receive();
        } finally {
          yield* sleep(daemon ? 2 : 1);
          lab.at(`cleaned ${daemon}`);
        }
      })
    );
    scheduler.spawn(function* () {
      for (;;) yield;
    });
    await settle();
    const ends = coros.map((coro) => coro.value());
    const termination = scheduler.terminate();
    assertStrictEquals(scheduler.terminate(), termination);
    await termination;
    assertEquals(await Promise.all(ends), [undefined, undefined]);
    assertEquals(lab.log, [
      "1 cleaned false",
      "2 cleaned true",
      "2 exit -1",
      "2 exit 0 first",
      "2 exit 0 second",
      "2 exit 5",
    ]);
    assertEquals([...scheduler.coros()], []);
    await scheduler.join();
    await scheduler.terminate();
    assertEquals(lab.log.length, 6);
  }));

Deno.test("terminate resolves a join that waits", () =>
  inLab(async () => {
    const scheduler = new Scheduler({ clock: new VirtualClock(0, { autoAdvance: false }) });
    scheduler.spawn(function* () {
      yield* sleep(1e9);
    });
    const join = scheduler.join();
    await settle();
    await scheduler.terminate();
    await join;
  }));

Deno.test("cleanup code may create coroutines while the scheduler ends; they end too", () =>
  inLab(async (lab) => {
    const scheduler = new Scheduler({ clock: lab.clock });
    scheduler.onError = (error) => lab.note((error as Error).message.slice(0, 28));
    scheduler.spawn(function* (coro) {
      try {
        yield* coro.receive();
      } finally {
        scheduler.spawn(function* () {
          try {
            lab.note("the child runs");
            for (;;) yield* sleep(100);
          } finally {
            lab.note("the child is cleaned up");
            scheduler.spawn(function* () {});
          }
        });
        yield* sleep(1);
      }
    });
    await settle();
    await scheduler.terminate();
    assertEquals(lab.log, ["the child runs", "the child is cleaned up", "Cannot create a coroutine as"]);
  }));

Deno.test("atexit functions that fail are printed and do not stop the others", async () => {
  const { code, stdout, stderr } = await runProgram(`
    import { Scheduler } from "@asyncoro/asyncoro";
    const scheduler = new Scheduler({ name: "mine" });
    scheduler.atexit(() => { throw new Error("sync failure"); });
    scheduler.atexit(() => Promise.reject(new Error("async failure")));
    scheduler.atexit(() => console.log("ran"));
    await scheduler.terminate();
    console.log("over");
  `);
  assertEquals([code, stdout], [0, "ran\nover\n"]);
  for (const failure of ["sync failure", "async failure"]) {
    assertMatch(
      stderr,
      new RegExp(`Error in a function of atexit\\(\\) of mine: [^]*?[Ee]rror: ${failure}`),
    );
  }
});

Deno.test("atexit takes a function and a number", () => {
  const scheduler = new Scheduler();
  for (const [fn, priority] of [[null, 0], ["x", 0], [() => {}, NaN], [() => {}, "1"]]) {
    assertThrows(
      () => scheduler.atexit(fn as () => void, priority as number),
      TypeError,
      "Cannot register for exit as it takes a function and a number",
    );
  }
});

Deno.test("the functions of atexit run when the program ends by itself", async () => {
  const { code, stdout, stderr } = await runProgram(`
    import { Coro, Scheduler, sleep } from "@asyncoro/asyncoro";
    Scheduler.instance().atexit(() => console.log("exit"));
    new Coro(function* () { yield* sleep(0.01); console.log("done"); });
    new Coro(function* (self) {
      self.setDaemon();
      try { for (;;) yield* sleep(1); } finally { console.log("daemon cleaned"); }
    });
  `);
  assertEquals([code, stdout, stderr], [0, "done\ndaemon cleaned\nexit\n", ""]);
});

Deno.test("coros lists living coroutines in the order of their creation, statistics counts", () =>
  inLab(async ({ scheduler }) => {
    const before = scheduler.statistics();
    const coros = [
      scheduler.spawn(function* () {
        yield* sleep(5);
      }),
      scheduler.spawnWith({ daemon: true }, function* (coro) {
        yield* coro.receive(3);
      }),
      scheduler.spawn(function* () {
        yield* sleep(1e3);
      }),
    ];
    assertEquals([...scheduler.coros()], coros);
    const stats = scheduler.statistics();
    assertEquals([stats.live, stats.daemons, stats.ready, stats.spawned - before.spawned], [3, 1, 3, 3]);
    let seen: typeof stats | null = null;
    scheduler.spawn(function* () {
      yield;
      seen = scheduler.statistics();
    });
    coros[2].terminate();
    await coros[2].value();
    assertEquals([seen!.live, seen!.timers > 0], [3, true]);
    assertEquals([...scheduler.coros()], coros.slice(0, 2));
    await scheduler.join();
    const after = scheduler.statistics();
    assertEquals([after.live, after.daemons, after.ready, after.timers], [0, 0, 0, 0]);
    assertEquals(scheduler.stats(), after);
    assert(after.switches > before.switches && after.memory > 0);
  }));

Deno.test("spawnWith takes all options at once", () =>
  inLab(async ({ scheduler }) => {
    const coro = scheduler.spawnWith({ name: "n", priority: 2, daemon: true }, function* (_coro, a: number) {
      yield;
      return a;
    }, 7);
    assertEquals([coro.name, coro.priority, coro.daemon, coro.scheduler === scheduler], ["n", 2, true, true]);
    assertEquals(await coro.value(), 7);
  }));

Deno.test("a coroutine created inside one does not inherit the options of spawnWith", () =>
  inLab(async ({ scheduler }) => {
    let inner: Coro | null = null;
    scheduler.spawnWith(
      { name: "outer", priority: 1, daemon: true },
      function* (_coro, _inner: Coro) {},
      inner = scheduler.spawn(function* plain() {}),
    );
    assertEquals([inner.name, inner.priority, inner.daemon], ["plain", 4, false]);
    await scheduler.join();
  }));

Deno.test("a scheduler that has ended leaves its kernel to the next one, even if it is still used", async () => {
  const first = new Scheduler();
  const coros = [1, 2, 3].map((priority) =>
    first.spawnWith({ priority }, function* (coro) {
      yield* coro.receive(100);
    }) as Coro
  );
  const failed = first.spawn(function* () {
    throw new Error("expected");
  }) as Coro;
  await failed.value().catch(() => {});
  await first.terminate();
  const second = new Scheduler();
  assertStrictEquals(second.loop.kernel, first.loop.kernel);
  const sleepers = Array.from({ length: 4 }, () =>
    second.spawn(function* (coro) {
      yield* coro.sleep(100);
    }) as Coro);
  await settle();
  const before = second.loop.kernel.queue.words.slice();
  for (const coro of [...coros, failed]) {
    coro.send("late");
    coro.resume("late");
    coro.throw(new Error("late"));
    coro.terminate();
    coro.priority = 0;
    coro.setDaemon();
    assertEquals(coro.isAlive(), false);
  }
  first.precise = true;
  first.debug = false;
  assertEquals(first.stats(), { ...first.stats(), live: 0, ready: 0, timers: 0, memory: 0 });
  assertEquals(first.dump(), []);
  assertEquals(first.loop.nextDeadline(), Infinity);
  assertEquals(first.loop.slice(1, first.now()), false);
  assertThrows(() => first.spawn(function* () {}), Error, "terminated");
  await first.terminate();
  assertEquals(second.loop.kernel.queue.words, before);
  assertEquals([second.stats().timers, sleepers.every((coro) => coro.isAlive())], [4, true]);
  await second.terminate();
});

Deno.test("a scheduler that ends with a pending timer of its own keeps its kernel", async () => {
  const first = new Scheduler();
  const { kernel } = first.loop;
  await first.terminate();
  const second = new Scheduler();
  assertStrictEquals(second.loop.kernel, kernel);
  new Timer(second.loop, 4, 100, () => {});
  await second.terminate();
  assertNotStrictEquals(new Scheduler().loop.kernel, kernel);
});

// --- a kernel that breaks down ----------------------------------------------------------------------------------

const BREAKS: Readonly<Record<string, readonly string[]>> = {
  "turn": ["turn"],
  "arm": ["arm"],
  "everything": ["turn", "arm", "nextDeadline", "readyCount", "disarm", "timerCount"],
};

for (const [name, calls] of Object.entries(BREAKS)) {
  Deno.test(`a trap in the kernel fails all waits, with the reason: ${name}`, async () => {
    for (const options of [{}, { clock: new VirtualClock() }] as SchedulerOptions[]) {
      const scheduler = new Scheduler(options);
      const reported: unknown[] = [];
      scheduler.onError = (error) => reported.push(error);
      const log: string[] = [];
      const never = Promise.withResolvers<void>();
      const sleeper = scheduler.spawn(function* sleeper(coro) {
        try {
          yield* coro.receive();
        } finally {
          log.push("must not run on a broken kernel");
        }
      });
      const awaiter = scheduler.spawn(function* awaiter() {
        yield never.promise;
      });
      const waiter = scheduler.spawn(function* waiter() {
        yield* sleeper.finish();
      });
      const selector = scheduler.spawn(function* selector(coro) {
        yield* select({ promise: never.promise, message: coro.receive() });
      });
      const promises = [
        sleeper.value(),
        sleeper.value(100),
        awaiter.value(),
        selector.value(),
        waiter.value(),
        scheduler.join(),
      ];
      const settled = Promise.allSettled(promises);
      await settle();
      breakKernel(scheduler, ...calls);
      const trigger = scheduler.spawn(function* trigger() {
        try {
          yield* sleep(0.01);
        } catch {
          log.push("user code must not catch a trap");
          for (;;) yield;
        }
      });
      const triggered = trigger.value();
      for (const promise of [...promises, triggered]) {
        const error = await assertRejects(() => promise, Error, "Cannot go on as the scheduler broke down");
        assert(error.cause instanceof WebAssembly.RuntimeError);
      }
      await settled;
      const ready = scheduler.loop.queue.length;
      never.resolve();
      await settle();
      assertEquals(scheduler.loop.queue.length, ready);
      for (const coro of [sleeper, awaiter, waiter, selector, trigger]) {
        assertEquals([coro.isAlive(), coro.terminate(), coro.resume(1), coro.send(1)], [false, false, false, false]);
        assertEquals(coro.throw(new Error("x")), false);
        await assertRejects(() => coro.value(), Error, "Cannot go on as the scheduler broke down");
      }
      assertThrows(() => scheduler.spawn(function* () {}), Error);
      assertEquals([[...scheduler.coros()].length, scheduler.dump().length], [0, 0]);
      assertEquals(scheduler.stats().live, 0);
      await assertRejects(() => scheduler.join(), Error, "Cannot go on as the scheduler broke down");
      await scheduler.terminate();
      assertEquals(log.filter((event) => event.startsWith("must")), []);
      assertEquals(reported, []);
    }
  });
}

/** Uses up the free slots of a scheduler's kernel, so that the next coroutine needs the kernel to add some. */
function kernelWithoutFreeSlots(scheduler: Scheduler): Kernel {
  const { kernel } = scheduler.loop;
  while (kernel.queue.allocate(4) !== NONE);
  return kernel;
}

Deno.test("a trap while a coroutine is created throws there and fails all waits", async () => {
  const scheduler = new Scheduler();
  const waiting = scheduler.spawn(function* (coro) {
    yield* coro.receive();
  });
  const end = assertRejects(() => waiting.value(), Error, "Cannot go on as the scheduler broke down");
  await settle();
  const kernel = kernelWithoutFreeSlots(scheduler);
  kernel.allocate = () => {
    throw new WebAssembly.RuntimeError("unreachable");
  };
  assertThrows(() => scheduler.spawn(function* () {}));
  await end;
});

Deno.test("a stack overflow in a call of the kernel is thrown to the caller, and nothing has changed", () =>
  inLab(async ({ scheduler, clock }) => {
    clock.autoAdvance = false;
    const sleeper = scheduler.spawn(function* (coro) {
      return yield* coro.sleep(5);
    });
    await settle();
    // As when code of the program calls at the end of the stack.
    const mend = overflowKernel(scheduler, "arm", "disarm", "drain", "setLevel");
    assertThrows(() => sleeper.resume("too deep"), RangeError);
    assertThrows(() => sleeper.priority = 2, RangeError);
    mend();
    assertEquals([sleeper.isAlive(), sleeper.priority, scheduler.stats().timers], [true, 4, 1]);
    const mendArm = overflowKernel(scheduler, "arm");
    const deep = scheduler.spawn(function* (coro) {
      try {
        yield* coro.sleep(1);
      } catch (error) {
        mendArm();
        return error;
      }
    });
    assertInstanceOf(await deep.value(), RangeError);
    sleeper.priority = 2;
    clock.autoAdvance = true;
    assertEquals([await sleeper.value(), clock.now()], [undefined, 5]);
  }));

Deno.test("arguments for which the engine's stack has no room leave nothing behind for the next coroutine", async () => {
  const [scheduler, other] = [new Scheduler(), new Scheduler()];
  let refused = 0;
  await scheduler.spawn(function* (coro) {
    // At some of these numbers there is room to call spawn(), but not for the constructor that it calls.
    for (let count = 10_000; count < 125_000; count += 5_000) {
      try {
        other.spawn(function* (_coro, ..._args: unknown[]) {}, ...new Array(count));
      } catch (error) {
        assertInstanceOf(error, RangeError);
        refused++;
      }
      assertStrictEquals(new Coro(function* () {}).scheduler, coro.scheduler);
    }
  }).value();
  assert(refused > 0);
  await scheduler.terminate();
  await other.terminate();
});

Deno.test("a breakdown is reported once if nothing waits", async () => {
  const clock = new VirtualClock(0, { autoAdvance: false });
  const scheduler = new Scheduler({ clock });
  const reported: unknown[] = [];
  scheduler.onError = (error) => reported.push(error);
  for (let i = 0; i < 3; i++) {
    scheduler.spawn(function* (coro) {
      yield* coro.sleep(1);
    });
  }
  await settle();
  breakKernel(scheduler, "turn");
  await clock.advance(1);
  await settle();
  assertEquals(reported.length, 1);
  assert((reported[0] as Error).message.startsWith("Cannot go on as the scheduler broke down"));
});

Deno.test("a default scheduler that broke down is replaced", async () => {
  const broken = Scheduler.instance();
  breakKernel(broken, "turn");
  const sleeper = new Coro(function* (coro) {
    yield* coro.sleep(0.001);
  });
  await assertRejects(() => sleeper.value(), Error, "Cannot go on");
  assertNotStrictEquals(Scheduler.instance(), broken);
  assertEquals(
    await new Coro(function* () {
      yield;
      return 1;
    }).value(),
    1,
  );
});

Deno.test("running out of memory for coroutines is a RangeError, and the scheduler goes on", () =>
  inLab(async ({ scheduler }) => {
    const kernel = kernelWithoutFreeSlots(scheduler);
    const allocate = kernel.allocate;
    kernel.allocate = () => {
      throw new RangeError("Cannot create a coroutine as the host refuses memory");
    };
    assertThrows(() => scheduler.spawn(function* () {}), RangeError, "refuses memory");
    kernel.allocate = allocate;
    assertEquals(
      await scheduler.spawn(function* () {
        yield;
        return "fine";
      }).value(),
      "fine",
    );
  }));

Deno.test("memory stays flat while a million coroutines are created and end", async () => {
  const scheduler = new Scheduler();
  const target = function* (coro: Coro): Generator<unknown, void, unknown> {
    yield;
    coro.send(1);
    yield* coro.receive(30);
  };
  const round = async (count: number) => {
    for (let i = 0; i < count; i++) scheduler.spawn(target);
    await scheduler.join();
  };
  for (let i = 0; i < 10; i++) await round(10_000);
  const memory = scheduler.stats().memory;
  const heap = Deno.memoryUsage().heapUsed;
  for (let i = 0; i < 90; i++) await round(10_000);
  const stats = scheduler.stats();
  assertEquals([stats.spawned, stats.live, stats.timers, stats.memory], [1_000_000, 0, 0, memory]);
  const grown = (Deno.memoryUsage().heapUsed - heap) / 2 ** 20;
  // A leak of ten bytes a coroutine would exceed the bound; garbage that is not collected yet does not.
  assert(grown < 40, `the heap has grown by ${grown} MB`);
  await scheduler.terminate();
});

Deno.test("spawnWith() throws for options of the wrong type, at the call", async () => {
  const scheduler = new Scheduler();
  const target = function* () {};
  for (const options of [null, 3, "name"]) {
    assertThrows(
      () => scheduler.spawnWith(options as never, target),
      TypeError,
      "Cannot create a coroutine as 'options' must be an object: current value is ",
    );
  }
  assertThrows(
    () => scheduler.spawnWith({ name: 3 } as never, target),
    TypeError,
    "Cannot create a coroutine as 'name' must be a string: current value is 3",
  );
  assertEquals(scheduler.stats().live, 0);
  await scheduler.terminate();
});

Deno.test("now() is the time by its clock, in seconds, and that of an event loop", async () => {
  const clock = new VirtualClock(100);
  const scheduler = new Scheduler({ clock });
  await scheduler.spawn(function* () {
    assertEquals(scheduler.now(), 100);
    yield* sleep({ minutes: 1 });
    assertEquals(scheduler.now(), 160);
  }).value();
  await scheduler.terminate();
  assertEquals(scheduler.now(), 160);
  const host = new Scheduler();
  const readings = Array.from({ length: 100 }, () => host.now());
  assertEquals(readings, readings.toSorted((a, b) => a - b));
  await host.terminate();
  const loop = newEventLoop({ clock: new VirtualClock(7) });
  await loop.runUntilComplete(function* () {
    yield* sleep(3);
    assertEquals([loop.time(), loop.scheduler.now()], [10, 10]);
  });
  loop.close();
});
