import { call, Coro, Scheduler, supervise, SupervisionError, Supervisor } from "@asyncoro/asyncoro";
import { runVirtual, runVirtualWith, VirtualClock } from "@asyncoro/asyncoro/testing";
import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertNotStrictEquals,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import type { ChildSpec, SuperviseOptions } from "../../core/supervision/options.ts";
import { inLab } from "../helpers/lab.ts";

// deno-lint-ignore no-explicit-any -- bodies of coroutines that return anything
type Body = Generator<unknown, any, unknown>;

const quiet: SuperviseOptions = { onRestart: () => {} };

/** A child that runs for so many seconds and then returns its name, or fails. */
function child(name: string, seconds: number, restart?: ChildSpec["restart"], fails = false): ChildSpec {
  return {
    name,
    restart,
    *target(coro: Coro): Body {
      yield* coro.sleep(seconds);
      if (fails) throw new Error(`${name} fails`);
      return name;
    },
  };
}

function states(supervisor: Supervisor): string[] {
  return supervisor.children().map(({ name, restarts, state }) => `${name} ${state} ${restarts}`);
}

function* failing(): Body {
  yield;
  throw new Error("cleanup fails");
}

/** The lines that `body` prints on stderr. */
async function printed(body: () => Promise<unknown>): Promise<string[]> {
  const lines: string[] = [];
  const error = console.error;
  console.error = (line: string) => lines.push(line);
  try {
    await body();
  } finally {
    console.error = error;
  }
  return lines;
}

Deno.test("supervise() returns a Supervisor, which is a Coro, and lists its children", () =>
  runVirtual(function* (coro) {
    const supervisor = supervise([child("a", 2), child("b", 1)]);
    assertInstanceOf(supervisor, Supervisor);
    assertInstanceOf(supervisor, Coro);
    assertEquals(supervisor.name, "supervisor");
    assertEquals(states(supervisor), ["a running 0", "b running 0"]);
    const [{ coro: a }] = supervisor.children();
    assert(a instanceof Coro && a.isAlive());
    yield* coro.sleep(1.5);
    assertEquals(states(supervisor), ["a running 0", "b returned 0"]);
    assertEquals(yield* supervisor.finish(), ["a", "b"]);
    assertEquals(states(supervisor), ["a returned 0", "b returned 0"]);
    assertStrictEquals(supervisor.children()[0].coro, a);
  }));

Deno.test("startChild() starts a child at once and supervises it", () =>
  runVirtual(function* (coro) {
    const supervisor = supervise([child("a", 10)], quiet);
    let starts = 0;
    const late = supervisor.startChild({
      name: "late",
      args: [1, 2],
      *target(self: Coro, a: number, b: number): Body {
        yield* self.sleep(1);
        if (++starts === 1) throw new Error("first");
        return a + b;
      },
    });
    assertEquals([late.name, late.isAlive(), states(supervisor)], ["late", true, ["a running 0", "late running 0"]]);
    yield* coro.sleep(1.5);
    assertEquals([late.isAlive(), states(supervisor)], [true, ["a running 0", "late running 1"]]);
    assertEquals(yield* late.finish(), 3);
    yield;
    assertEquals(states(supervisor)[1], "late returned 1");
    // Its result has the children that it was made with.
    assertEquals(yield* supervisor.finish(), ["a"]);
  }));

Deno.test("a supervisor ends only when its added children have ended, too; startChild() then throws", () =>
  runVirtual(function* (coro) {
    const supervisor = supervise([child("a", 1)]);
    yield* coro.sleep(0.5);
    supervisor.startChild(child("b", 5));
    yield* supervisor.finish();
    assertEquals(coro.scheduler.now(), 5.5);
    assertThrows(() => supervisor.startChild(child("c", 1)), Error, `supervisor ${supervisor} has ended or is ending`);
    assertEquals(yield* supervisor.stopChild("a"), false);
  }));

Deno.test("with no children it ends at once; one that is added before its first step counts", () =>
  runVirtual(function* (coro) {
    assertEquals([yield* supervise([]).finish(), coro.scheduler.now()], [[], 0]);
    const supervisor = supervise([]);
    supervisor.startChild(child("a", 1));
    assertEquals([yield* supervisor.finish(), coro.scheduler.now()], [[], 1]);
  }));

Deno.test("startChild() throws while the supervisor is ending, and for a wrong child", () =>
  runVirtual(function* (coro) {
    const supervisor = supervise([{
      *target(self: Coro): Body {
        try {
          yield* self.sleep(10);
        } finally {
          yield* self.sleep(1);
        }
      },
    }]);
    yield* coro.sleep(1);
    const wrong = (spec: unknown) => () => supervisor.startChild(spec as ChildSpec);
    assertThrows(wrong(null), TypeError, "a child must be an object with a 'target'");
    assertThrows(wrong({ target: () => {} }), TypeError, "'target' must be a generator function");
    assertThrows(
      wrong({ ...child("a", 1), restart: "always" }),
      TypeError,
      "'restart' must be one of permanent, transient, temporary: current value is \"always\"",
    );
    assertThrows(wrong({ ...child("a", 1), resart: "permanent" }), TypeError, 'current value is "resart"');
    const failing = { target: function* (_coro: Coro, _ = JSON.parse("no JSON")): Body {} } as unknown as ChildSpec;
    assertThrows(wrong(failing), SyntaxError);
    assertEquals(supervisor.children().length, 1);
    supervisor.terminate();
    yield* coro.sleep(0.5);
    assertThrows(() => supervisor.startChild(child("late", 1)), Error, "has ended or is ending");
    yield* supervisor.finish();
  }));

Deno.test('a "permanent" child is always restarted: after a failure, a return and a termination', () =>
  runVirtual(function* (coro) {
    const log: unknown[] = [];
    const coros: Coro[] = [];
    let starts = 0;
    const supervisor = supervise([{
      name: "service",
      restart: "permanent",
      *target(self: Coro): Body {
        coros.push(self);
        starts++;
        yield* self.sleep(1);
        if (starts === 1) throw new Error("first");
        if (starts === 2) return "done";
        yield* self.sleep(10);
      },
    }], {
      onRestart: (child, error, restarts) => log.push([child === coros.at(-1), (error as Error)?.message, restarts]),
      maxRestarts: 5,
    });
    yield* coro.sleep(2.5);
    // The one that failed was restarted in place; another coroutine replaces the one that returned.
    assertStrictEquals(coros[0], coros[1]);
    assertNotStrictEquals(coros[1], coros[2]);
    const [{ coro: now, restarts }] = supervisor.children();
    assertEquals([now === coros[2], restarts, now.name], [true, 2, "service"]);
    now.terminate();
    yield* coro.sleep(0.5);
    const last = supervisor.children()[0].coro;
    assert(last !== now && last.isAlive());
    // `onRestart` is called before the new coroutine has run.
    assertEquals(log, [[true, "first", 1], [false, undefined, 2], [false, undefined, 3]]);
    assertEquals(yield* supervisor.stopChild("service"), true);
    yield* supervisor.finish();
  }));

Deno.test('a "transient" child (the default) is restarted after a failure, a "temporary" one never', async () => {
  const lines = await printed(() =>
    runVirtual(function* (coro) {
      const supervisor = supervise([child("keep", 9), child("t", 1, "temporary", true), child("u", 1, "transient")]);
      yield* coro.sleep(2);
      assertEquals(states(supervisor), ["keep running 0", "t failed 0", "u returned 0"]);
      supervisor.startChild(child("v", 1, undefined, true));
      yield* coro.sleep(1.5);
      assertEquals(states(supervisor)[3], "v running 1");
      yield* supervisor.stopChild("v");
      assertEquals(yield* supervisor.finish(), ["keep", undefined, "u"]);
    })
  );
  assertEquals(lines.map((line) => line.replaceAll(/\/\d+/g, "")), [
    "Supervisor supervisor: t failed with Error: t fails and is not restarted",
    "Supervisor supervisor: v is restarted after Error: v fails (restart 1)",
  ]);
});

Deno.test("without onRestart each restart is one line on stderr", async () => {
  let lines = await printed(() =>
    runVirtual(function* (coro) {
      let starts = 0;
      const supervisor = supervise([{
        name: "p",
        restart: "permanent",
        *target(self: Coro): Body {
          yield* self.sleep(1);
          if (++starts === 1) throw new Error("a message\n  of two lines");
        },
      }]);
      yield* coro.sleep(2.5);
      supervisor.terminate();
      yield* supervisor.finish();
    })
  );
  lines = lines.map((line) => line.replaceAll(/\/\d+/g, ""));
  assertEquals(lines, [
    "Supervisor supervisor: p is restarted after Error: a message of two lines (restart 1)",
    "Supervisor supervisor: p is restarted after its end (restart 2)",
  ]);
});

Deno.test("with onRestart nothing is printed; what it throws is reported and changes nothing", async () => {
  const lines = await printed(() =>
    inLab(async (lab) => {
      await lab.scheduler.spawn(function* (): Body {
        let starts = 0;
        const supervisor = supervise([{
          *target(): Body {
            yield;
            if (++starts < 3) throw new Error("fails");
            return "well";
          },
        }], {
          onRestart: () => {
            throw new Error("hook fails");
          },
        });
        assertEquals(yield* supervisor.finish(), ["well"]);
      }).value();
      assertEquals(lab.takeReported(), ["hook fails", "hook fails"]);
    })
  );
  assertEquals(lines, []);
});

Deno.test("every restart counts towards the limit, also those of permanent children that returned", () =>
  runVirtual(function* (coro) {
    const supervisor = supervise([child("p", 1, "permanent"), child("other", 99)], { ...quiet, maxRestarts: 2 });
    let error: SupervisionError | null = null;
    try {
      yield* supervisor.finish();
    } catch (failure) {
      error = failure as SupervisionError;
    }
    assertInstanceOf(error, SupervisionError);
    assertEquals([coro.scheduler.now(), error!.failures.length], [3, 3]);
    assert(/^p\/\d+ returned, and is to run permanently$/.test((error!.failures[0] as Error).message));
    assertEquals(states(supervisor), ["p returned 2", "other stopped 0"]);
  }));

Deno.test("failures of temporary children do not count", async () => {
  await printed(() =>
    runVirtual(function* (coro) {
      const supervisor = supervise([child("keep", 5)], { maxRestarts: 0 });
      for (let n = 0; n < 10; n++) supervisor.startChild(child(`t${n}`, 1, "temporary", true));
      yield* coro.sleep(2);
      assertEquals(states(supervisor).slice(0, 2), ["keep running 0", "t0 failed 0"]);
      assertEquals(yield* supervisor.finish(), ["keep"]);
    })
  );
});

Deno.test("stopChild() terminates a child, waits for its cleanup, and it is not restarted", () =>
  runVirtual(function* (coro) {
    const tidy = (name: string): ChildSpec => ({
      name,
      restart: "permanent",
      *target(self: Coro): Body {
        try {
          yield* self.sleep(99);
        } finally {
          yield* self.sleep(1);
        }
      },
    });
    const supervisor = supervise([tidy("a"), tidy("b"), tidy("c")], quiet);
    const c = supervisor.children()[2].coro;
    yield* coro.sleep(1);
    assertEquals([yield* supervisor.stopChild("a"), coro.scheduler.now()], [true, 2]);
    assertEquals([yield* supervisor.stopChild(c), coro.scheduler.now()], [true, 3]);
    yield;
    assertEquals(states(supervisor), ["a stopped 0", "b running 0", "c stopped 0"]);
    assertEquals([yield* supervisor.stopChild("a"), yield* supervisor.stopChild(c)], [false, false]);
    assertEquals([yield* supervisor.stopChild("x"), yield* supervisor.stopChild(coro)], [false, false]);
    const b = supervisor.stopChild("b");
    assertEquals(states(supervisor)[1], "b running 0");
    assertEquals(yield* b, true);
    yield* supervisor.finish();
    assertEquals(coro.scheduler.now(), 4);
    assertThrows(
      () => supervisor.stopChild(5 as unknown as string),
      TypeError,
      "'child' must be a coroutine or a name",
    );
  }));

Deno.test("stopChild() stops the child of a coroutine that another one has replaced", () =>
  runVirtual(function* (coro) {
    const supervisor = supervise([child("keep", 9)], { ...quiet, maxRestarts: Infinity });
    const first = supervisor.startChild(child("again", 1, "permanent"));
    yield* coro.sleep(2.5);
    assertEquals(states(supervisor), ["keep running 0", "again running 2"]);
    assertEquals(first.isAlive(), false);
    assertEquals([yield* supervisor.stopChild(first), yield* supervisor.stopChild(first)], [true, false]);
    assertEquals(states(supervisor), ["keep running 0", "again stopped 2"]);
    yield* supervisor.finish();
  }));

Deno.test("when stopChild() returns, the child is listed as stopped, whatever the supervisor does and in any order", async () => {
  for (let seed = 1; seed <= 20; seed++) {
    await runVirtualWith({ shuffle: seed }, function* (coro) {
      function* slow(self: Coro): Body {
        try {
          yield* self.sleep(99);
        } finally {
          yield* self.sleep(3);
        }
      }
      const supervisor = supervise([
        { name: "a", target: slow },
        child("f", 1, "temporary", true),
        child("g", 2, "transient", true),
        { name: "b", target: slow },
      ], { ...quiet, strategy: "one-for-all", maxRestarts: 1 });
      yield* coro.sleep(0.5);
      assertEquals(yield* supervisor.stopChild("f"), true);
      assertEquals(states(supervisor)[1], "f stopped 0");
      // The supervisor waits for the cleanup of b, and then for that of a, to restart them with g.
      yield* coro.sleep(2);
      assertEquals(yield* supervisor.stopChild("a"), true);
      assertEquals(states(supervisor)[0], "a stopped 0");
      assertEquals(yield* supervisor.stopChild("a"), false);
      supervisor.terminate();
      yield* supervisor.finish();
    });
  }
});

Deno.test("startChild() throws once the supervisor is being terminated, even before its cleanup begins", () =>
  runVirtual(function* () {
    const supervisor = supervise([child("a", 9)]);
    yield;
    supervisor.terminate();
    assertThrows(() => supervisor.startChild(child("b", 1)), Error, "has ended or is ending");
    yield* supervisor.finish();
  }));

Deno.test("stopChild() cancels a restart, and a supervisor without other children ends", () =>
  runVirtual(function* (coro) {
    const supervisor = supervise([child("a", 1, "transient", true)], { ...quiet, backoff: 5, within: 10 });
    yield* coro.sleep(2);
    assertEquals(states(supervisor), ["a restarting 0"]);
    assertEquals([yield* supervisor.stopChild("a"), coro.scheduler.now()], [true, 2]);
    yield* supervisor.finish();
    assertEquals([coro.scheduler.now(), states(supervisor)], [2, ["a stopped 0"]]);
  }));

Deno.test("a cleanup that fails while stopChild() waits is reported, and the child was stopped", () =>
  inLab(async (lab) => {
    await lab.scheduler.spawn(function* (coro): Body {
      const supervisor = supervise([child("keep", 5), {
        name: "bad",
        *target(self: Coro): Body {
          try {
            yield* self.sleep(99);
          } finally {
            yield* call(failing());
          }
        },
      }]);
      yield* coro.sleep(1);
      assertEquals(yield* supervisor.stopChild("bad"), true);
      yield;
      assertEquals(states(supervisor), ["keep running 0", "bad stopped 0"]);
      yield* supervisor.finish();
    }).value();
    assertEquals(lab.takeReported(), ["cleanup fails"]);
  }));

Deno.test("a child may stop itself, and start and stop others", () =>
  runVirtual(function* (coro) {
    const supervisor: Supervisor<unknown> = supervise([{
      name: "boss",
      restart: "permanent",
      *target(self: Coro): Body {
        supervisor.startChild(child("worker", 9));
        yield* self.sleep(1);
        assertEquals(yield* supervisor.stopChild("worker"), true);
        yield* supervisor.stopChild(self);
      },
    }], quiet);
    yield* supervisor.finish();
    assertEquals([coro.scheduler.now(), states(supervisor)], [1, ["boss stopped 0", "worker stopped 0"]]);
  }));

Deno.test("a strategy restarts its group, but no temporary child and none that was stopped", () =>
  runVirtual(function* (coro) {
    for (const strategy of ["one-for-all", "rest-for-one"] as const) {
      const log: unknown[] = [];
      const supervisor = supervise([
        child("first", 20),
        { ...child("bad", 2, "transient", true) },
        child("stopped", 20),
        child("temporary", 20, "temporary"),
        child("ended", 1),
      ], {
        strategy,
        maxRestarts: 1,
        onRestart: (child, error, restarts) => log.push(`${child.name} ${(error as Error).message} ${restarts}`),
      });
      supervisor.startChild(child("late", 20));
      supervisor.startChild(child("late and ended", 1));
      yield* coro.sleep(1);
      yield* supervisor.stopChild("stopped");
      yield* coro.sleep(1.5);
      const all = strategy === "one-for-all";
      assertEquals(log, [
        ...all ? ["first bad fails 1"] : [],
        "bad bad fails 1",
        "ended bad fails 1",
        "late bad fails 1",
      ]);
      assertEquals(states(supervisor), [
        `first running ${all ? 1 : 0}`,
        "bad running 1",
        "stopped stopped 0",
        "temporary stopped 0",
        "ended running 1",
        "late running 1",
        "late and ended returned 0",
      ]);
      supervisor.terminate();
      yield* supervisor.finish();
      assertEquals(supervisor.children().map(({ state }) => state).includes("running"), false);
    }
  }));

Deno.test("children that were added are listed for some time after their end, and leave nothing behind", () =>
  runVirtual(function* (coro) {
    const supervisor = supervise([child("keep", 1e6)]);
    for (let n = 0; n < 500; n++) {
      supervisor.startChild(child(`c${n}`, 1, "temporary"));
      if (n % 50 === 49) yield* coro.sleep(2);
    }
    const listed = states(supervisor);
    assertEquals([listed.length, listed[0], listed[1], listed.at(-1)], [
      65,
      "keep running 0",
      "c436 returned 0",
      "c499 returned 0",
    ]);
    supervisor.terminate();
    yield* supervisor.finish();
  }));

Deno.test("no child survives a supervisor that is terminated before its first step", () =>
  runVirtual(function* (coro) {
    const supervisor = supervise([child("a", 99)]);
    const [a, b] = [supervisor.children()[0].coro, supervisor.startChild(child("b", 99))];
    supervisor.terminate();
    yield* supervisor.finish();
    yield* coro.sleep(1);
    assertEquals([a.isAlive(), b.isAlive(), coro.scheduler.stats().live], [false, false, 1]);
  }));

Deno.test("supervise() throws for unknown and wrong options", () => {
  const wrong = (options: unknown) => () => supervise([], options as SuperviseOptions);
  assertThrows(wrong({ onRestart: 5 }), TypeError, "'onRestart' must be a function: current value is 5");
  assertThrows(wrong({ maxRestart: 5 }), TypeError, 'current value is "maxRestart"');
});

Deno.test("after random starts, stops and failures no child is left, and every state is right (200 seeds)", async () => {
  for (let seed = 1; seed <= 200; seed++) {
    let state = seed;
    const random = (n: number): number => (state = Math.imul(state, 1103515245) + 12345 >>> 0) / 65_536 % n | 0;
    const scheduler = new Scheduler({ clock: new VirtualClock(), shuffle: seed });
    const reported: string[] = [];
    scheduler.onError = (error) => reported.push((error as Error).message);
    let running = 0;
    let restarts = 0;
    const spec = (): ChildSpec => ({
      name: `c${random(4)}`,
      restart: ([undefined, "permanent", "transient", "temporary"] as const)[random(4)],
      *target(coro: Coro): Body {
        running++;
        try {
          yield* coro.sleep(random(5));
          if (random(3) === 0) throw new Error("boom");
        } finally {
          try {
            if (random(2)) yield* coro.sleep(random(2));
          } finally {
            running--;
          }
        }
      },
    });
    const lines = await printed(() =>
      scheduler.spawn(function* (coro): Body {
        const supervisor = supervise(Array.from({ length: random(4) }, spec), {
          strategy: (["one-for-one", "one-for-all", "rest-for-one"] as const)[random(3)],
          maxRestarts: 8,
          backoff: random(2),
          onRestart: () => restarts++,
        });
        const stoppers: Coro[] = [];
        for (let n = 0; n < 20; n++) {
          if (supervisor.isAlive() && random(2)) {
            try {
              supervisor.startChild(spec());
            } catch (error) {
              // It is just giving up.
              assert((error as Error).message.includes("has ended or is ending"));
            }
          }
          if (random(4) === 0) {
            const children = supervisor.children();
            const which = random(2) && children.length > 0 ? children[random(children.length)].coro : `c${random(4)}`;
            stoppers.push(
              new Coro(function* () {
                const meant = which instanceof Coro
                  ? [which]
                  : supervisor.children().filter(({ name }) => which === name).map(({ coro }) => coro);
                const stopped = yield* supervisor.stopChild(which);
                if (stopped) assert(meant.some((coro) => !coro.isAlive()), "the one that was stopped has ended");
              }),
            );
          }
          for (const { coro, state } of supervisor.children()) {
            if (state === "returned" || state === "failed" || state === "stopped") assert(!coro.isAlive(), state);
          }
          if (random(2)) yield* coro.sleep(random(3));
          if (random(15) === 0) supervisor.terminate();
        }
        if (random(2)) supervisor.terminate();
        try {
          // Permanent children restart until the limit is reached.
          yield* supervisor.finish();
        } catch (error) {
          assertInstanceOf(error, SupervisionError);
          assertEquals(error instanceof SupervisionError && error.failures.length, 9);
        }
        for (const stopper of stoppers) yield* stopper.finish();
        const left = supervisor.children().filter(({ state }) => state === "running" || state === "restarting");
        assertEquals(left, [], `seed ${seed}`);
        const total = supervisor.children().reduce((sum, child) => sum + child.restarts, 0);
        assertEquals(total, restarts, `seed ${seed}`);
      }).value()
    );
    for (const line of lines) assert(line.endsWith("Error: boom and is not restarted"), line);
    assertEquals([running, scheduler.stats().live], [0, 0], `seed ${seed}`);
    // It may give up before anything waits for it.
    const others = reported.filter((message) => message !== "boom" && !message.startsWith("Cannot keep the children"));
    assertEquals(others, [], `seed ${seed}`);
    await scheduler.terminate();
  }
});
