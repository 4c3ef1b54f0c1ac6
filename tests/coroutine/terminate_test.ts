/**
 * Termination: from every state, through every kind of frame, with cleanup that waits, fails or refuses.
 */
import {
  all,
  call,
  type Coro,
  MonitorException,
  race,
  Scheduler,
  sleep,
  TimeoutError,
  withTimeout,
} from "@asyncoro/asyncoro";
import { VirtualClock } from "@asyncoro/asyncoro/testing";
import { assert, assertEquals, assertInstanceOf, assertRejects } from "@std/assert";
import { inLab, type Lab, settle } from "../helpers/lab.ts";

/** A generator that waits for ever and logs its cleanup, which waits `pause` seconds. */
function* guarded(lab: Lab, name: string, pause = 0): Generator<unknown, void, unknown> {
  try {
    yield* sleep(1e6);
    lab.at(`${name} went on`);
  } finally {
    lab.at(`${name} begins`);
    if (pause > 0) yield* sleep(pause);
    lab.at(`${name} ends`);
  }
}

/** Calls `act` at a given time, in a coroutine of its own. */
function later(scheduler: Scheduler, seconds: number, act: () => void): void {
  scheduler.spawn(function* later() {
    yield* sleep(seconds);
    act();
  });
}

Deno.test("terminate ends a coroutine that has not started without running it", () =>
  inLab(async ({ scheduler, log }) => {
    const coro = scheduler.spawn(function* () {
      try {
        log.push("ran");
        yield;
      } finally {
        log.push("cleaned");
      }
    });
    assertEquals(coro.terminate(), true);
    assertEquals(await coro.value(), undefined);
    assertEquals(log, []);
  }));

Deno.test("the finally of a coroutine that is ready, sleeps, receives or joins runs at once when it is terminated", () =>
  inLab(async (lab) => {
    const { scheduler, clock } = lab;
    const waits: [string, (coro: Coro) => Generator<unknown, unknown, unknown>][] = [
      ["sleep", function* (coro) {
        yield* coro.sleep(100);
      }],
      ["sleep for good", function* (coro) {
        yield* coro.sleep();
      }],
      ["plain sleep", function* (coro) {
        yield coro.sleep(100);
      }],
      ["receive", function* (coro) {
        yield* coro.receive();
      }],
      ["receive with a timeout", function* (coro) {
        yield* coro.receive(100);
      }],
      ["withTimeout", function* (coro) {
        yield* withTimeout(50, coro.receive());
      }],
      ["race", function* (coro) {
        yield* race(coro.receive(), sleep(100));
      }],
      ["all", function* (coro) {
        yield* all(coro.receive(), sleep(100));
      }],
    ];
    for (const [name, wait] of waits) {
      const coro = scheduler.spawn(function* (self) {
        try {
          yield* wait(self);
          lab.note(`${name} went on`);
        } finally {
          lab.note(`${name} cleaned`);
        }
      });
      const start = clock.now();
      later(scheduler, 1, () => assertEquals(coro.terminate(), true));
      await coro.value();
      assertEquals(clock.now() - start, 1, name);
      assertEquals(lab.takeLog(), [`${name} cleaned`]);
      assertEquals(coro.terminate(), false);
      assertEquals([coro.isAlive(), scheduler.stats().hostOperations, scheduler.stats().timers], [false, 0, 0], name);
    }
  }));

Deno.test("the finally of a coroutine that is ready or awaits a promise runs at once when it is terminated", () =>
  inLab(async (lab) => {
    const never = new Promise(() => {});
    for (const value of [undefined, 1, never]) {
      const coro = lab.scheduler.spawn(function* () {
        try {
          for (;;) yield value;
        } finally {
          lab.note("cleaned");
        }
      });
      await settle();
      assertEquals([coro.terminate(), coro.terminate()], [true, true]);
      await coro.value();
      assertEquals(lab.takeLog(), ["cleaned"]);
      assertEquals(lab.scheduler.stats().hostOperations, 0);
    }
  }));

Deno.test("subroutines called by yield and by call are unwound frame by frame, innermost first, each cleanup to its end", () =>
  inLab(async (lab) => {
    function* frame(depth: number): Generator<unknown, void, unknown> {
      try {
        if (depth === 0) yield* sleep(1e6);
        else if (depth % 2 === 0) yield frame(depth - 1);
        else yield* call(frame(depth - 1));
        lab.note(`${depth} went on`);
      } finally {
        lab.at(`${depth} begins`);
        yield* sleep(0.5);
        lab.at(`${depth} ends`);
      }
    }
    const coro = lab.scheduler.spawn(function* (self) {
      yield "last";
      yield frame(3);
      yield* self.sleep(1);
      lab.note("main went on");
    });
    later(lab.scheduler, 1, () => coro.terminate());
    assertEquals(await coro.value(), "last");
    assertEquals(lab.log, [
      "1 0 begins",
      "1.5 0 ends",
      "1.5 1 begins",
      "2 1 ends",
      "2 2 begins",
      "2.5 2 ends",
      "2.5 3 begins",
      "3 3 ends",
    ]);
  }));

Deno.test("a helper under yield* is unwound by the engine, innermost first", () =>
  inLab(async (lab) => {
    const coro = lab.scheduler.spawn(function* () {
      try {
        yield* guarded(lab, "inner");
      } finally {
        lab.at("outer");
      }
    });
    later(lab.scheduler, 1, () => coro.terminate());
    await coro.value();
    assertEquals(lab.log, ["1 inner begins", "1 inner ends", "1 outer"]);
  }));

Deno.test("no coroutine survives its termination, even where the engine resumes an outer generator under yield*", () =>
  inLab(async (lab) => {
    const { scheduler, clock } = lab;
    const coro = scheduler.spawn(function* () {
      try {
        yield* guarded(lab, "inner", 1);
        for (;;) yield* sleep(1);
      } finally {
        lab.at("outer");
      }
    });
    later(scheduler, 1, () => coro.terminate(3));
    await coro.value();
    assertEquals(clock.now(), 4);
    assertEquals(lab.log, ["1 inner begins", "2 inner ends", "4 outer"]);
  }));

Deno.test("finally blocks may do anything: receive, spawn, finish, race, call subroutines", () =>
  inLab(async (lab) => {
    const { scheduler } = lab;
    const coro = scheduler.spawn(function* (self) {
      try {
        yield* self.receive();
        yield* self.receive();
      } finally {
        lab.note(String(yield* self.receive()));
        const child = scheduler.spawn(function* () {
          yield* sleep(1);
          return "child";
        });
        lab.note(yield* child.finish());
        lab.note(String(yield* race(sleep(10), self.sleep(1, "raced"))));
        lab.note(
          yield* call((function* () {
            yield;
            return "called";
          })()),
        );
        try {
          yield Promise.reject(new Error("refused"));
        } catch (error) {
          lab.note((error as Error).message);
        }
      }
    });
    later(scheduler, 1, () => {
      coro.send("first");
      coro.terminate();
      coro.send("second");
    });
    await coro.value();
    assertEquals(lab.log, ["first", "child", "raced", "called", "refused"]);
  }));

Deno.test("terminate(0) honours no wait in finally, but every finally runs", () =>
  inLab(async (lab) => {
    const coro = lab.scheduler.spawn(function* () {
      try {
        yield* call(guarded(lab, "inner", 100));
      } finally {
        lab.at("outer begins");
        try {
          yield* sleep(100);
          lab.at("outer went on");
        } finally {
          lab.at("nested");
        }
      }
    });
    later(lab.scheduler, 1, () => coro.terminate(0));
    await coro.value();
    assertEquals(lab.log, ["1 inner begins", "1 outer begins", "1 nested"]);
    assertEquals(lab.clock.now(), 1);
  }));

Deno.test("when the grace has passed the wait in finally is cut short", () =>
  inLab(async (lab) => {
    const coro = lab.scheduler.spawn(function* () {
      try {
        yield* guarded(lab, "inner", 100);
      } finally {
        lab.at("outer");
      }
    });
    later(lab.scheduler, 1, () => coro.terminate({ seconds: 2 }));
    await coro.value();
    assertEquals(lab.log, ["1 inner begins", "3 outer"]);
  }));

Deno.test("the default grace is five seconds, Infinity and null are no limit", () =>
  inLab(async (lab) => {
    for (const [grace, seconds] of [[undefined, 6], [Infinity, 101], [null, 101]] as const) {
      const start = lab.clock.now();
      const coro = lab.scheduler.spawn(function* () {
        yield* guarded(lab, "coro", 100);
      });
      later(lab.scheduler, 1, () => coro.terminate(grace));
      await coro.value();
      assertEquals(lab.clock.now() - start, seconds);
    }
  }));

Deno.test("a shorter second terminate shortens the grace, a longer one does not lengthen it", () =>
  inLab(async (lab) => {
    const { scheduler, clock } = lab;
    for (const [first, second, end] of [[10, 1, 3], [2, 100, 3], [10, 0, 2]] as const) {
      const start = clock.now();
      const coro = scheduler.spawn(function* () {
        yield* guarded(lab, "coro", 1000);
      });
      later(scheduler, 1, () => assertEquals(coro.terminate(first), true));
      later(scheduler, 2, () => assertEquals(coro.terminate(second), true));
      await coro.value();
      assertEquals(clock.now() - start, end, `${first} ${second}`);
    }
  }));

Deno.test("terminating again before it has run has no effect", () =>
  inLab(async (lab) => {
    const coro = lab.scheduler.spawn(function* () {
      yield* guarded(lab, "coro", 1);
    });
    later(lab.scheduler, 1, () => assertEquals([coro.terminate(), coro.terminate()], [true, true]));
    await coro.value();
    assertEquals(lab.log, ["1 coro begins", "2 coro ends"]);
    assertEquals([coro.terminate(), coro.terminate()], [false, false]);
  }));

Deno.test("a finally that swallows the return with continue in an endless loop does not survive", () =>
  inLab(async (lab) => {
    let rounds = 0;
    const stubborn = lab.scheduler.spawn(function* stubborn() {
      for (;;) {
        try {
          yield* sleep(1);
        } finally {
          rounds++;
          // deno-lint-ignore no-unsafe-finally -- what this test is about
          continue;
        }
      }
    });
    later(lab.scheduler, 10.5, () => stubborn.terminate(3));
    await stubborn.value();
    assert(rounds > 10);
    const [report] = lab.takeReported();
    assert(report.startsWith(`Cannot close a generator of ${stubborn}`), report);
    assert(lab.clock.now() >= 13.5 && lab.clock.now() < 14);
  }));

Deno.test("the same with plain yields, so that it is always ready", () =>
  inLab(async (lab) => {
    const stubborn = lab.scheduler.spawn(function* stubborn() {
      for (;;) {
        try {
          yield;
        } finally {
          // deno-lint-ignore no-unsafe-finally -- what this test is about
          continue;
        }
      }
    });
    await settle();
    stubborn.terminate(0);
    await stubborn.value();
    assertEquals(lab.takeReported().length, 1);
  }));

Deno.test("a finally that throws is reported, and the scheduler goes on", () =>
  inLab(async (lab) => {
    const { scheduler } = lab;
    const coro = scheduler.spawn(function* () {
      yield "last";
      try {
        yield* call((function* () {
          try {
            yield* sleep(100);
          } finally {
            // deno-lint-ignore no-unsafe-finally -- what this test is about
            throw new Error("inner cleanup");
          }
        })());
      } finally {
        lab.note("outer cleaned");
        // deno-lint-ignore no-unsafe-finally -- what this test is about
        throw new Error("outer cleanup");
      }
    });
    later(scheduler, 1, () => coro.terminate());
    assertEquals(await coro.value(), "last");
    assertEquals(lab.log, ["outer cleaned"]);
    assertEquals(lab.takeReported().sort(), ["inner cleanup", "outer cleanup"]);
    assertEquals(
      await scheduler.spawn(function* () {
        yield;
        return "fine";
      }).value(),
      "fine",
    );
  }));

Deno.test("a finally that returns another value does not change the result", () =>
  inLab(async (lab) => {
    const coro = lab.scheduler.spawn(function* () {
      yield "last";
      try {
        yield* sleep(100);
      } finally {
        // deno-lint-ignore no-unsafe-finally -- what this test is about
        return "instead";
      }
    });
    later(lab.scheduler, 1, () => coro.terminate());
    assertEquals(await coro.value(), "last");
  }));

Deno.test("a monitor is notified of the termination", () =>
  inLab(async (lab) => {
    const coro = lab.scheduler.spawn(function* () {
      yield* guarded(lab, "coro", 1);
    });
    const monitor = lab.scheduler.spawn(function* (self) {
      yield* self.monitor(coro);
      const message = yield* self.receive<MonitorException>();
      assertInstanceOf(message, MonitorException);
      return [message.outcome, message.coro === coro, lab.clock.now()];
    });
    later(lab.scheduler, 1, () => coro.terminate());
    assertEquals(await monitor.value(), [{ kind: "terminate" }, true, 2]);
  }));

// --- self-termination ---------------------------------------------------------------------------------------

Deno.test("a coroutine that terminates itself stops at its next yield, whatever that is", () =>
  inLab(async (lab) => {
    const { scheduler } = lab;
    const ended = scheduler.spawn(function* () {
      return "ended";
    });
    await ended.value();
    function* work(): Generator<unknown, void, unknown> {
      lab.note("the subroutine ran");
      yield;
    }
    const yields: [string, (coro: Coro) => Generator<unknown, unknown, unknown>][] = [
      ["nothing", function* () {
        yield;
      }],
      ["a value", function* () {
        yield 1;
      }],
      ["a sleep", function* (coro) {
        yield* coro.sleep(10);
      }],
      ["a sleep of zero", function* (coro) {
        yield* coro.sleep(0);
      }],
      ["a plain sleep of zero", function* (coro) {
        yield coro.sleep(0);
      }],
      ["a receive with a message there", function* (coro) {
        coro.send("there");
        yield* coro.receive();
      }],
      ["a plain receive with a message there", function* (coro) {
        coro.send("there");
        yield coro.receive();
      }],
      ["finish of one that has ended", function* () {
        yield* ended.finish();
      }],
      ["deliver", function* (coro) {
        yield* coro.deliver("x");
      }],
      ["all of nothing", function* () {
        yield* all();
      }],
      ["a promise", function* () {
        yield Promise.resolve();
      }],
      ["a subroutine", function* () {
        yield work();
      }],
      ["call", function* () {
        yield* call(work());
      }],
      ["withTimeout", function* () {
        yield* withTimeout(5, work());
      }],
      ["race", function* () {
        yield* race(work());
      }],
    ];
    for (const [name, next] of yields) {
      for (const inSubroutine of [false, true]) {
        const body = function* (coro: Coro): Generator<unknown, void, unknown> {
          try {
            assertEquals(coro.terminate(), true);
            lab.note("goes on to the next yield");
            yield* next(coro);
            lab.note("went past it");
          } finally {
            lab.note("cleaned");
          }
        };
        const coro = scheduler.spawn(function* (coro) {
          if (inSubroutine) {
            yield body(coro);
            lab.note("went past the subroutine");
          } else yield* body(coro);
        });
        await coro.value();
        assertEquals(lab.takeLog(), ["goes on to the next yield", "cleaned"], name);
      }
    }
  }));

Deno.test("a coroutine that terminates itself and then returns has returned", () =>
  inLab(async (lab) => {
    const coro = lab.scheduler.spawn(function* (coro) {
      yield;
      coro.terminate();
      return "returned";
    });
    assertEquals(await coro.value(), "returned");
    const failing = lab.scheduler.spawn(function* (coro) {
      yield;
      coro.terminate();
      throw new Error("failed");
    });
    await assertRejects(() => failing.value(), Error, "failed");
  }));

Deno.test("a coroutine that terminates itself inside a race ends, with the other branches", () =>
  inLab(async (lab) => {
    const coro = lab.scheduler.spawn(function* (coro) {
      try {
        yield* race(
          guarded(lab, "other"),
          (function* () {
            try {
              yield* sleep(1);
              coro.terminate();
              lab.note("goes on");
              yield* sleep(0);
              lab.note("went past");
            } finally {
              lab.note("cleaned");
            }
          })(),
        );
        lab.note("main went on");
      } finally {
        lab.note("main cleaned");
      }
    });
    await coro.value();
    assertEquals(lab.log.filter((event) => !event.includes("other")), ["goes on", "cleaned", "main cleaned"]);
    assertEquals(lab.log.filter((event) => event.includes("other")), ["1 other begins", "1 other ends"]);
  }));

// --- race, all, withTimeout ---------------------------------------------------------------------------------

for (const kind of ["race", "all"] as const) {
  Deno.test(`the branches of ${kind} run their cleanup before a terminated coroutine unwinds further`, () =>
    inLab(async (lab) => {
      const combine = kind === "race" ? race : all;
      const coro = lab.scheduler.spawn(function* () {
        try {
          yield* combine(guarded(lab, "a", 1), guarded(lab, "b", 2), sleep(1000));
        } finally {
          lab.at("main");
        }
      });
      later(lab.scheduler, 1, () => coro.terminate());
      await coro.value();
      assertEquals(lab.log.at(-1), "3 main");
      assertEquals(lab.log.slice(0, 2).sort(), ["1 a begins", "1 b begins"]);
      assertEquals(lab.log.slice(2), ["2 a ends", "3 b ends", "3 main"]);
    }));

  Deno.test(`the grace of terminate holds for the branches of ${kind} too`, () =>
    inLab(async (lab) => {
      const combine = kind === "race" ? race : all;
      for (const [grace, end] of [[0, 1], [2, 3]]) {
        const start = lab.clock.now();
        const coro = lab.scheduler.spawn(function* () {
          yield* combine(guarded(lab, "a", 100), guarded(lab, "b", 100));
        });
        later(lab.scheduler, 1, () => coro.terminate(grace));
        await coro.value();
        assertEquals(lab.clock.now() - start, end);
      }
    }));

  Deno.test(`a second, shorter terminate reaches the branches of ${kind}`, () =>
    inLab(async (lab) => {
      const combine = kind === "race" ? race : all;
      const coro = lab.scheduler.spawn(function* () {
        yield* combine(guarded(lab, "a", 100), guarded(lab, "b", 100));
      });
      later(lab.scheduler, 1, () => coro.terminate(50));
      later(lab.scheduler, 2, () => coro.terminate(1));
      await coro.value();
      assertEquals(lab.clock.now(), 3);
    }));
}

Deno.test("a nested race is cleaned up from the inside", () =>
  inLab(async (lab) => {
    const coro = lab.scheduler.spawn(function* () {
      try {
        yield* all(
          (function* () {
            try {
              yield* race(guarded(lab, "deep", 1), sleep(1000));
            } finally {
              lab.at("middle");
            }
          })(),
          sleep(1000),
        );
      } finally {
        lab.at("outer");
      }
    });
    later(lab.scheduler, 1, () => coro.terminate());
    await coro.value();
    assertEquals(lab.log, ["1 deep begins", "2 deep ends", "2 middle", "2 outer"]);
  }));

Deno.test("a deadline inside a finally block holds during a termination", () =>
  inLab(async (lab) => {
    const coro = lab.scheduler.spawn(function* () {
      try {
        yield* sleep(1000);
      } finally {
        try {
          yield* withTimeout(1, guarded(lab, "slow", 0.5));
        } catch (error) {
          assertInstanceOf(error, TimeoutError);
          lab.at("timed out");
        }
        yield* sleep(1);
        lab.at("cleaned");
      }
    });
    later(lab.scheduler, 1, () => coro.terminate(20));
    await coro.value();
    assertEquals(lab.log, ["2 slow begins", "2.5 slow ends", "2.5 timed out", "3.5 cleaned"]);
  }));

Deno.test("the grace wins over a longer deadline inside a finally block", () =>
  inLab(async (lab) => {
    const coro = lab.scheduler.spawn(function* () {
      try {
        yield* sleep(1000);
      } finally {
        try {
          yield* withTimeout(100, guarded(lab, "slow"));
        } finally {
          lab.at("cleaned");
        }
      }
    });
    later(lab.scheduler, 1, () => coro.terminate(2));
    await coro.value();
    assertEquals(lab.log, ["3 slow begins", "3 slow ends", "3 cleaned"]);
  }));

Deno.test("terminate during the cleanup of a deadline ends the coroutine", () =>
  inLab(async (lab) => {
    const coro = lab.scheduler.spawn(function* () {
      try {
        yield* withTimeout(1, guarded(lab, "slow", 3));
        lab.note("went on");
      } catch {
        lab.note("caught");
      } finally {
        lab.at("outer");
      }
    });
    later(lab.scheduler, 2, () => coro.terminate());
    await coro.value();
    assertEquals(lab.log, ["1 slow begins", "4 slow ends", "4 outer"]);
  }));

Deno.test("a message granted to a terminated coroutine does not get into another mailbox", () =>
  inLab(async (lab) => {
    const other = lab.scheduler.spawn(function* (self) {
      return yield* self.receive(5, "alarm");
    });
    const coro = lab.scheduler.spawn(function* (self) {
      try {
        yield* self.receive();
        lab.note("received");
      } finally {
        lab.note(String(yield* self.receive(0, "none")));
      }
    });
    later(lab.scheduler, 1, () => {
      coro.send("message");
      coro.terminate();
    });
    await coro.value();
    assertEquals(lab.log, ["message"]);
    assertEquals(await other.value(), "alarm");
  }));

Deno.test("terminate from outside, many at once, leaves nothing behind", () =>
  inLab(async (lab) => {
    const coros = Array.from({ length: 1000 }, (_, i) =>
      lab.scheduler.spawn(function* (self) {
        try {
          if (i % 3 === 0) yield* self.receive();
          else if (i % 3 === 1) yield* sleep(1000);
          else yield* race(self.receive(), sleep(500));
        } finally {
          yield* sleep((i % 7) / 10);
        }
      }));
    later(lab.scheduler, 1, () => coros.forEach((coro) => coro.terminate()));
    await Promise.all(coros.map((coro) => coro.value()));
    assertEquals(lab.scheduler.stats().live, 0);
  }));

Deno.test("a grace that is over in the very turn in which the cleanup ends leaves no timer behind", async () => {
  for (let seed = 0; seed < 50; seed++) {
    const scheduler = new Scheduler({ clock: new VirtualClock(), shuffle: seed });
    const reported: unknown[] = [];
    scheduler.onError = (error) => reported.push(error);
    const coro = scheduler.spawn(function* () {
      yield* (function* () {
        try {
          yield* sleep(1000);
        } finally {
          yield* sleep(1);
        }
      })();
      // JavaScript resumes this generator, which ends in this step.
      yield;
      yield* sleep(1000);
    });
    const other = scheduler.spawn(function* () {
      yield;
      coro.terminate(1);
      yield* sleep(1);
      yield;
      assertEquals(scheduler.stats().timers, 0);
      yield* race(sleep(1), sleep(2));
      return scheduler.now();
    });
    assertEquals(await other.value(), 2, `seed ${seed}`);
    assertEquals([coro.isAlive(), reported], [false, []], `seed ${seed}`);
    await scheduler.terminate();
  }
});
