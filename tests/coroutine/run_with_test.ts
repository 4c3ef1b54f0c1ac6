/** `runWith` and `mainWith`; `signal` and `parent` of a coroutine. */
import { Coro, race, run, runWith, Scheduler, shield, sleep, until } from "@asyncoro/asyncoro";
import * as edge from "@asyncoro/asyncoro/edge";
import { VirtualClock } from "@asyncoro/asyncoro/testing";
import { assert, assertEquals, assertMatch, assertRejects, assertStrictEquals, assertThrows } from "@std/assert";
import { runProgram, withPrograms } from "../helpers/program.ts";
import { inLab, settle } from "../helpers/lab.ts";

/** A signal that counts its listeners. */
function counted(): { controller: AbortController; listeners: () => number } {
  const controller = new AbortController();
  const { signal } = controller;
  let count = 0;
  const add = signal.addEventListener.bind(signal), remove = signal.removeEventListener.bind(signal);
  signal.addEventListener = ((...args: Parameters<typeof add>) => (count++, add(...args))) as typeof add;
  signal.removeEventListener = ((...args: Parameters<typeof remove>) => (count--, remove(...args))) as typeof remove;
  return { controller, listeners: () => count };
}

// --- runWith ----------------------------------------------------------------------------------------------------

for (const [where, runner] of [["runWith", runWith], ["runWith of ./edge", edge.runWith]] as const) {
  Deno.test(`${where} gives the result, or the error, of a coroutine with options`, () =>
    inLab(async ({ scheduler }) => {
      const options = { name: "named", priority: 2, daemon: true, scheduler };
      const seen = await runner(
        options,
        function* (coro, a: number, b: number) {
          yield;
          return [coro.name, coro.priority, coro.daemon, coro.scheduler === scheduler, a + b];
        },
        1,
        2,
      );
      assertEquals(seen, ["named", 2, true, true, 3]);
      const error = new Error("boom");
      const failing = runner({ scheduler }, function* () {
        throw error;
      });
      assertStrictEquals(await failing.catch((thrown) => thrown), error);
    }));

  Deno.test(`${where}: when the signal aborts, the coroutine is terminated, and after its end the reason is thrown`, () =>
    inLab(async (lab) => {
      const { controller, listeners } = counted();
      const reason = new Error("enough");
      const end = runner({ scheduler: lab.scheduler, signal: controller.signal }, function* (coro) {
        try {
          yield* coro.sleep(9);
        } finally {
          yield* coro.sleep(2);
          lab.at("cleaned up");
        }
        return "value";
      });
      lab.scheduler.spawn(function* (self) {
        yield* self.sleep(1);
        controller.abort(reason);
      });
      assertStrictEquals(await end.catch((thrown) => thrown), reason);
      assertEquals(lab.takeLog(), ["3 cleaned up"]);
      assertEquals(listeners(), 0);
    }));

  Deno.test(`${where}: a signal that has aborted already runs nothing; one that aborts later changes nothing`, () =>
    inLab(async (lab) => {
      const { controller, listeners } = counted();
      const { signal } = controller;
      const value = await runner({ scheduler: lab.scheduler, signal }, function* () {
        return "value";
      });
      assertEquals([value, listeners()], ["value", 0]);
      controller.abort("reason");
      const end = runner({ scheduler: lab.scheduler, signal }, function* () {
        lab.at("not reached");
      });
      assertEquals(await end.catch((thrown) => thrown), "reason");
      assertEquals([lab.takeLog(), listeners()], [[], 0]);
    }));

  Deno.test(`${where}: an error by which an aborted coroutine ends is reported, once`, () =>
    inLab(async (lab) => {
      const controller = new AbortController();
      const coros: Coro[] = [];
      const end = runner({ scheduler: lab.scheduler, signal: controller.signal }, function* (coro) {
        coros.push(coro);
        yield* coro.sleep(9);
      });
      lab.scheduler.spawn(function* (self) {
        yield* self.sleep(1);
        controller.abort("reason");
        coros[0].throw(new Error("boom"));
      });
      assertEquals(await end.catch((thrown) => thrown), "reason");
      assertEquals(lab.takeReported(), ["boom"]);
    }));

  Deno.test(`${where} refuses bad options and targets at the call`, () => {
    const target = function* () {};
    const bad: [object | null, string][] = [
      [null, "'options' must be an object"],
      [{ signal: 5 }, "'signal' must be an AbortSignal: current value is 5"],
      [{ name: 5 }, "'name' must be a string"],
      [{ scheduler: {} }, "'scheduler' must be a Scheduler"],
      [{ debug: 1 }, "'debug' must be a boolean"],
      [{ nmae: "x" }, "there is no option 'nmae'"],
    ];
    for (const [options, text] of bad) assertThrows(() => void runner(options as never, target), TypeError, text);
    const scheduler = new Scheduler();
    const priority = { priority: 8, debug: true, scheduler };
    assertThrows(() => void runner(priority, target), RangeError, "'priority' must be an integer");
    assertEquals(scheduler.debug, false, "nothing has changed");
    const aborted = { signal: AbortSignal.abort() };
    assertThrows(() => void runner(aborted, (() => {}) as never), TypeError, "'target' must be a generator function");
  });
}

Deno.test("runWith in a coroutine, or with debug, uses the scheduler that is there, and switches debug", () =>
  inLab(async ({ scheduler }) => {
    await scheduler.spawn(function* () {
      const inner = runWith({ debug: true }, function* (coro) {
        return coro.scheduler;
      });
      assertStrictEquals(yield* until(inner), scheduler);
      assertEquals(scheduler.debug, true);
      yield* until(runWith({ debug: false }, function* () {}));
      assertEquals(scheduler.debug, false);
    }).value();
  }));

Deno.test("runWith of ./edge has a scheduler of its own, and leaves nothing running", async () => {
  const schedulers: Scheduler[] = [];
  const log: string[] = [];
  await edge.runWith({}, function* (coro) {
    schedulers.push(coro.scheduler);
    new Coro(function* (child) {
      try {
        yield* child.sleep(60);
      } finally {
        log.push("cleaned up");
      }
    });
    yield;
  });
  assert(schedulers[0] !== Scheduler.instance());
  assertEquals(log, ["cleaned up"]);
});

// --- mainWith ----------------------------------------------------------------------------------------------------

Deno.test("mainWith runs a program; debug switches on the watch for misuse", async () => {
  const { code, stdout, stderr } = await runProgram(`
    import { mainWith, Scheduler, sleep } from "@asyncoro/asyncoro";
    mainWith({ debug: true }, function* (coro, text) {
      sleep(1);
      console.log(text, Scheduler.instance().debug);
    }, "hello");
  `);
  assertEquals([code, stdout], [1, "hello true\n"]);
  assertMatch(stderr, /sleep/);
});

Deno.test("mainWith refuses bad options at the call", async () => {
  const { code, stdout } = await runProgram(`
    import { mainWith } from "@asyncoro/asyncoro";
    for (const options of [null, { grace: "5" }, { debug: 1 }, { garce: 5 }]) {
      try { mainWith(options, function* () {}); } catch (error) { console.log(error.message); }
    }
    try { mainWith({}, () => {}); } catch (error) { console.log(error.message); }
  `);
  assertEquals(code, 0);
  assertEquals(stdout.split("\n").map((line) => line.split(":")[0].slice(0, 76)), [
    "Cannot run a program as 'options' must be an object",
    "Cannot run a program as 'grace' must be a number of seconds or a duration",
    "Cannot run a program as 'debug' must be a boolean",
    "Cannot run a program as there is no option 'garce'",
    "Cannot create a coroutine as 'target' must be a generator function",
    "",
  ]);
});

Deno.test("mainWith: after a signal cleanup has the grace, and no more", () =>
  withPrograms(async (start) => {
    const program = start(`
      import { mainWith } from "@asyncoro/asyncoro";
      mainWith({ grace: 0.05 }, function* (coro) {
        setTimeout(() => console.log("ready"), 0);
        try { yield* coro.sleep(60); } finally {
          console.log("cleanup");
          yield* coro.sleep(60);
          console.log("not reached");
        }
      });
    `);
    await program.printed("ready");
    program.kill("SIGTERM");
    const { code, stdout } = await program.ended();
    assertEquals([code, stdout], [143, "ready\ncleanup\n"]);
  }));

Deno.test("Scheduler.terminate takes a grace", async () => {
  const scheduler = new Scheduler({ clock: new VirtualClock() });
  const coro = scheduler.spawn(function* () {
    try {
      yield* until(new Promise(() => {}));
    } finally {
      yield* sleep(9);
    }
  });
  await settle();
  assertThrows(() => void scheduler.terminate("x" as never), TypeError, "Cannot terminate as");
  const start = scheduler.now();
  await scheduler.terminate(1);
  assertEquals([coro.isAlive(), scheduler.now() - start], [false, 1]);
});

// --- coro.parent -----------------------------------------------------------------------------------------------------

Deno.test("parent is the id of the coroutine that created it, 0 if none did", () =>
  inLab(async ({ scheduler }) => {
    const outer = scheduler.spawn(function* (coro): Generator<unknown, number[], unknown> {
      const made = [
        new Coro(function* () {}),
        scheduler.spawn(function* () {}),
        scheduler.spawnWith({}, function* () {}),
      ];
      const inBranch = yield* race(
        (function* () {
          return new Coro(function* () {});
        })(),
      );
      const byChild = yield* new Coro(function* (child): Generator<unknown, boolean, unknown> {
        return new Coro(function* () {}).parent === child.id;
      }).finish();
      assertEquals([byChild, coro.parent], [true, 0]);
      return [...made, inBranch].map(({ parent }) => parent);
    });
    assertEquals(await outer.value(), [outer.id, outer.id, outer.id, outer.id]);
    assertEquals(outer.parent, 0);
  }));

// --- coro.signal -----------------------------------------------------------------------------------------------------

Deno.test("signal is aborted, with an error that names the coroutine, once its termination begins", () =>
  inLab(async (lab) => {
    const coro = lab.scheduler.spawn(function* worker(self) {
      self.signal.addEventListener("abort", () => lab.at("aborted"));
      assertStrictEquals(self.signal, self.signal);
      try {
        yield* race(self.sleep(9), self.receive());
      } finally {
        yield* self.sleep(1);
        lab.at("cleaned up");
      }
    });
    lab.scheduler.spawn(function* (self) {
      yield* self.sleep(1);
      assertEquals(coro.signal.aborted, false);
      coro.terminate();
      assertEquals(coro.signal.aborted, true);
    });
    await coro.value();
    assertEquals(lab.takeLog(), ["1 aborted", "2 cleaned up"]);
    assert(coro.signal.reason instanceof Error);
    assertEquals(coro.signal.reason.message, `Coroutine ${coro} is being terminated`);
  }));

Deno.test("signal is aborted once it has ended, however it ends, also if it is used only later", () =>
  inLab(async (lab) => {
    for (const used of [true, false]) {
      for (const fails of [true, false]) {
        const coro = lab.scheduler.spawn(function* worker(self): Generator<unknown, void, unknown> {
          if (used) self.signal.addEventListener("abort", () => lab.at("aborted"));
          yield* self.sleep(0);
          if (fails) throw new Error("boom");
        });
        await coro.value().catch(() => {});
        assertEquals(coro.signal.aborted, true);
        assertEquals(coro.signal.reason.message, `Coroutine ${coro} has ended`);
        assertEquals(lab.takeLog(), used ? ["0 aborted"] : []);
      }
    }
  }));

Deno.test("signal first used in the cleanup of a termination is aborted already", () =>
  inLab(async (lab) => {
    const coro = lab.scheduler.spawn(function* (self) {
      try {
        yield* self.sleep(9);
      } finally {
        lab.at(String(self.signal.aborted));
      }
    });
    lab.scheduler.spawn(function* () {
      coro.terminate();
      yield;
    });
    await coro.value();
    assertEquals(lab.takeLog(), ["0 true"]);
  }));

Deno.test("a deadline or an error is no termination, and a shield holds one back", () =>
  inLab(async (lab) => {
    const coro = lab.scheduler.spawn(function* (self) {
      self.signal.addEventListener("abort", () => lab.at("aborted"));
      yield* race(self.sleep(1), sleep(9));
      try {
        yield* self.sleep(9);
      } catch {
        lab.at(`caught, ${self.signal.aborted}`);
      }
      yield* shield(sleep(2));
    });
    lab.scheduler.spawn(function* (self) {
      yield* self.sleep(2);
      coro.throw(new Error("boom"));
      yield* self.sleep(1);
      coro.terminate();
    });
    await coro.value();
    assertEquals(lab.takeLog(), ["2 caught, false", "4 aborted"]);
  }));

Deno.test("after a restart by a monitor the signal is a new one", () =>
  inLab(async (lab) => {
    const coro: Coro = lab.scheduler.spawn(function* (self): Generator<unknown, void, unknown> {
      self.signal;
      yield* self.sleep(1);
      throw new Error("boom");
    });
    await lab.scheduler.spawn(function* (self) {
      yield* self.monitor(coro);
      yield* self.receive();
      const old = coro.signal;
      assertEquals(old.aborted, true);
      coro.hotSwap(function* () {
        yield* sleep(1);
      });
      assertEquals(coro.signal.aborted, false);
      yield* coro.finish();
      assertEquals(coro.signal.aborted, true);
    }).value();
  }));

Deno.test("run still works without options", async () => {
  await assertRejects(
    () =>
      run(function* () {
        throw new Error("boom");
      }),
    Error,
    "boom",
  );
});
