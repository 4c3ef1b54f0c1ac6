/**
 * An error is delivered or reported exactly once, also if a wait that was given it is cut short.
 */
import { all, call, type Coro, type MonitorException, race, sleep, until, withTimeout } from "@asyncoro/asyncoro";
import { assert, assertEquals } from "@std/assert";
import { inLab, type Lab } from "../helpers/lab.ts";

/** A coroutine that calls `act` at second 1 and fails in the same step. */
function failing({ scheduler }: Lab, before: () => void, message = "boom"): Coro<void> {
  return scheduler.spawn(function* failing() {
    yield* sleep(1);
    before();
    throw new Error(message);
  });
}

/** Ways to cut a wait short in the turn in which it is given the error; each waits for `failing`. */
const CUTS: Record<string, (lab: Lab, wait: (failing: Coro) => unknown) => Coro> = {
  "loses a race"(lab, wait) {
    return lab.scheduler.spawn(function* (coro) {
      const target = failing(lab, () => coro.send("result"));
      assertEquals(yield race(coro.receive(), wait(target) as Coro), "result");
    });
  },
  "loses a nested race"(lab, wait) {
    return lab.scheduler.spawn(function* (coro) {
      const target = failing(lab, () => coro.send("result"));
      assertEquals(yield race(coro.receive(), all(race(sleep(9), wait(target) as Coro), sleep(9))), "result");
    });
  },
  "is terminated"(lab, wait) {
    const waiting: Coro = lab.scheduler.spawn(function* () {
      yield wait(failing(lab, () => waiting.terminate()));
    });
    return waiting;
  },
  "is thrown at"(lab, wait) {
    const waiting: Coro = lab.scheduler.spawn(function* () {
      try {
        yield wait(failing(lab, () => waiting.throw(new Error("other"))));
      } catch (error) {
        assertEquals((error as Error).message, "other");
      }
    });
    return waiting;
  },
  "is late"(lab, wait) {
    return lab.scheduler.spawn(function* () {
      const target = lab.scheduler.spawn(function* failing() {
        yield* sleep(1);
        throw new Error("boom");
      });
      try {
        yield* withTimeout(1, waitIn(wait(target)));
      } catch (error) {
        assertEquals((error as Error).name, "TimeoutError");
      }
    });
  },
  "is swapped"(lab, wait) {
    const waiting: Coro = lab.scheduler.spawn(function* (coro) {
      coro.hotSwappable(true);
      yield wait(failing(lab, () => waiting.hotSwap(function* () {})));
    });
    return waiting;
  },
};

function* waitIn(wait: unknown): Generator<unknown, void, unknown> {
  yield wait;
}

/** Waits for the end of a coroutine. */
const WAITS: Record<string, (failing: Coro) => unknown> = {
  "finish()": (failing) => failing.finish(),
  "finish() with a limit": (failing) => failing.finish(60),
  "a race": (failing) => race(failing, sleep(60)),
  "all": (failing) => all(failing.finish(), sleep(60)),
  "withTimeout()": (failing) => withTimeout(60, failing.finish()),
  "a race of withTimeout()": (failing) => race(withTimeout(60, failing.finish()), sleep(60)),
  "a race of a generator that waits": (failing) => race(waitIn(failing.finish()), sleep(60)),
  "a subroutine": (failing) => call(waitIn(failing.finish())),
};

for (const [cut, make] of Object.entries(CUTS)) {
  for (const [what, wait] of Object.entries(WAITS)) {
    Deno.test(`a failure given to ${what} is reported once if that ${cut} before it throws the error`, () =>
      inLab(async (lab) => {
        make(lab, wait);
        await lab.scheduler.join();
        assertEquals(lab.takeReported(), ["boom"]);
      }));
  }
}

Deno.test("a failure that another wait has received is not reported", () =>
  inLab(async (lab) => {
    const caught: unknown[] = [];
    const waiting: Coro = lab.scheduler.spawn(function* () {
      const target = failing(lab, () => waiting.terminate());
      lab.scheduler.spawn(function* () {
        try {
          yield* target.finish();
        } catch (error) {
          caught.push((error as Error).message);
        }
      });
      yield* target.finish();
    });
    await lab.scheduler.join();
    assertEquals(caught, ["boom"]);
  }));

Deno.test("a failure that a later wait or value() received is not reported though a wait was cut short", () =>
  inLab(async (lab) => {
    const waiting: Coro = lab.scheduler.spawn(function* () {
      const target = failing(lab, () => waiting.terminate());
      lab.log.push(await_(target.value()));
      yield* target.finish();
    });
    function await_(promise: Promise<unknown>): string {
      promise.catch((error) => lab.log.push(error.message));
      return "asked";
    }
    await lab.scheduler.join();
    assertEquals(lab.takeLog(), ["asked", "boom"]);
  }));

Deno.test("when two fail in one turn all() throws the first error, and the other is reported once", () =>
  inLab(async (lab) => {
    const caught = await lab.scheduler.spawn(function* () {
      const targets = [failing(lab, () => {}, "first"), failing(lab, () => {}, "second")];
      try {
        yield* all(targets);
      } catch (error) {
        return (error as Error).message;
      }
    }).value();
    await lab.scheduler.join();
    assertEquals([caught, ...lab.takeReported()], ["first", "second"]);
  }));

Deno.test("an undelivered failure of a branch is reported once, that of a promise is not reported", () =>
  inLab(async (lab) => {
    const generators: Coro = lab.scheduler.spawn(function* () {
      function* branch(): Generator<unknown, void, unknown> {
        yield* sleep(1);
        // The step of this branch comes before that of the coroutine that waits for the race.
        generators.terminate();
        throw new Error("branch");
      }
      yield* race(branch(), sleep(60));
    });
    await generators.value();
    const { promise, reject } = Promise.withResolvers<void>();
    const promises = lab.scheduler.spawn(function* () {
      yield* race(until(promise), withTimeout(60, promise), race(promise, sleep(60)));
    });
    lab.scheduler.spawn(function* () {
      yield* sleep(1);
      reject(new Error("promise"));
      yield* until(promise.catch(() => {}));
      promises.terminate();
    });
    await promises.value().catch(() => {});
    assertEquals(lab.takeReported(), ["branch"]);
  }));

Deno.test("errors that are pending when a hot swap is accepted are thrown in the new generator", () =>
  inLab(async (lab) => {
    const target = lab.scheduler.spawn(function* (coro) {
      coro.hotSwappable(true);
      try {
        yield* sleep(60);
      } catch (error) {
        // Two errors are thrown: the second is due after the swap.
        lab.log.push((error as Error).message);
        throw proposal;
      }
    });
    let proposal: unknown;
    await lab.scheduler.spawn(function* () {
      yield* sleep(1);
      const probe = lab.scheduler.spawn(function* (coro) {
        coro.hotSwappable(true);
        try {
          yield* sleep(60);
        } catch (error) {
          proposal = error;
          throw error;
        }
      });
      yield;
      probe.hotSwap(function* () {});
      yield* probe.finish();
      target.throw(new Error("first"));
      target.throw(new Error("second"));
      try {
        yield* target.finish();
      } catch (error) {
        lab.log.push((error as Error).message);
      }
    }).value();
    assertEquals(lab.takeLog(), ["first", "second"]);
  }));

Deno.test("a failure is reported if its only monitors end in the same turn without receiving the message", () =>
  inLab(async (lab) => {
    for (const sorted of [false, true]) {
      const monitor: Coro = lab.scheduler.spawn(function* (coro) {
        yield* coro.monitor(failing(lab, () => monitor.terminate(), `unheard ${sorted}`));
        yield* sorted ? coro.sleep(60) : coro.receive();
      });
      await lab.scheduler.join();
    }
    assertEquals(lab.takeReported(), ["unheard false", "unheard true"]);
  }));

Deno.test("a failure that a monitor received before it ended in the same turn is not reported", () =>
  inLab(async (lab) => {
    const outcome = await lab.scheduler.spawn(function* (coro) {
      yield* coro.monitor(failing(lab, () => {}));
      return (yield* coro.receive<MonitorException>()).outcome.kind;
    }).value();
    assertEquals(outcome, "throw");
  }));

Deno.test("an error of cleanup is thrown once, whatever ends the cleanup of the frames below", () =>
  inLab(async (lab) => {
    function* frame(message: string, wait: number): Generator<unknown, void, unknown> {
      try {
        yield* sleep(60);
      } finally {
        yield* sleep(wait);
        // deno-lint-ignore no-unsafe-finally -- it is what the test is about
        throw new Error(message);
      }
    }
    const target = lab.scheduler.spawn(function* () {
      try {
        yield* call(frame("upper", 0.1));
      } finally {
        yield* sleep(60);
      }
    });
    await lab.scheduler.spawn(function* () {
      yield* sleep(1);
      target.terminate(1);
      // Its grace is over and an error is thrown in it in the same turn.
      yield* sleep(1);
      target.throw(new Error("thrown"));
      try {
        yield* target.finish();
      } catch (error) {
        lab.log.push((error as Error).message);
      }
    }).value();
    assertEquals([...lab.takeLog(), ...lab.takeReported()].sort(), ["thrown", "upper"]);
  }));

for (const [child, parent] of [[4, 7], [4, 6], [7, 0], [0, 7], [4, 4]]) {
  Deno.test(`a failure at priority ${child} is not reported if what is ready at priority ${parent} handles it`, () =>
    inLab(async (lab) => {
      const { scheduler } = lab;
      let stopped = false;
      const busy = function* () {
        while (!stopped) yield;
      };
      // The parent is behind many others of its level while the most and the least urgent level are always ready.
      scheduler.spawnWith({ priority: 0 }, busy);
      scheduler.spawnWith({ priority: 7 }, busy);
      for (let i = 0; i < 200; i++) scheduler.spawnWith({ priority: parent }, busy);
      const failing = scheduler.spawnWith({ priority: child }, function* () {
        throw new Error("boom");
      });
      const caught = await scheduler.spawnWith({ priority: parent }, function* () {
        try {
          yield* failing.finish();
        } catch (error) {
          return (error as Error).message;
        } finally {
          stopped = true;
        }
      }).value();
      assertEquals([caught, lab.reported], ["boom", []]);
    }));
}

Deno.test("a failure is reported though other coroutines are always ready at every priority", () =>
  inLab(async (lab) => {
    const { scheduler } = lab;
    let steps = 0;
    for (let priority = 0; priority < 8; priority++) {
      for (let i = 0; i < 20; i++) {
        scheduler.spawnWith({ priority }, function* () {
          while (lab.reported.length === 0) {
            steps++;
            yield;
          }
        });
      }
    }
    scheduler.spawn(function* () {
      throw new Error("boom");
    });
    await scheduler.join();
    assertEquals(lab.takeReported(), ["boom"]);
    // Each level that is not the most urgent gets one of 61 * 7 steps.
    assert(steps < 62 * 7 * 50, `${steps} steps`);
  }));
