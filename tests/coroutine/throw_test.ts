/**
 * `throw`: in a coroutine in every state, in order, and without losing what was granted to its wait.
 */
import {
  all,
  call,
  type Coro,
  race,
  type Scheduler,
  sleep,
  TimeoutError,
  until,
  withTimeout,
} from "@asyncoro/asyncoro";
import { assert, assertEquals, assertRejects, assertStrictEquals, assertThrows } from "@std/assert";
import { inLab, settle } from "../helpers/lab.ts";

function later(scheduler: Scheduler, seconds: number, act: () => void): void {
  scheduler.spawn(function* later() {
    yield* sleep(seconds);
    act();
  });
}

/** Returns the message of the error that `body` throws. */
function* caught(body: Generator<unknown, unknown, unknown>): Generator<unknown, string, unknown> {
  try {
    return `no error but ${yield* body}`;
  } catch (error) {
    return (error as Error).message;
  }
}

const WAITS: Readonly<Record<string, (coro: Coro) => Generator<unknown, unknown, unknown>>> = {
  "sleep": function* (coro) {
    yield* coro.sleep(100);
  },
  "plain sleep": function* (coro) {
    yield coro.sleep(100);
  },
  "sleep for good": function* (coro) {
    yield* coro.sleep();
  },
  "finish": function* (coro) {
    const other = coro.scheduler.spawn(function* (self) {
      yield* self.receive();
    });
    try {
      yield* other.finish();
    } finally {
      assertEquals(other.completionWaiters.length, 0);
      other.terminate();
    }
  },
  "receive": function* (coro) {
    yield* coro.receive();
  },
  "plain receive with a timeout": function* (coro) {
    yield coro.receive(100);
  },
  "a subroutine": function* (coro) {
    yield (function* () {
      yield* coro.receive();
    })();
  },
  "a call": function* (coro) {
    yield* call((function* () {
      yield* coro.receive();
    })());
  },
  "withTimeout": function* (coro) {
    yield* withTimeout(100, coro.receive());
  },
  "race": function* (coro) {
    yield* race(coro.receive(), sleep(100));
  },
  "all": function* (coro) {
    yield* all(coro.receive(), sleep(100));
  },
};

for (const [name, wait] of Object.entries(WAITS)) {
  Deno.test(`throw reaches a coroutine that waits in ${name}, at that point, and the wait has ended`, () =>
    inLab(async ({ scheduler, clock }) => {
      const boom = new Error("boom");
      const coro = scheduler.spawn(function* (self) {
        try {
          yield* wait(self);
          return "no error";
        } catch (error) {
          assertStrictEquals(error, boom);
        }
        const stats = scheduler.stats();
        assertEquals([stats.timers, stats.hostOperations], [0, 0]);
        return yield* self.receive(1, clock.now());
      });
      later(scheduler, 1, () => assertEquals(coro.throw(boom), true));
      assertEquals(await coro.value(), 1);
    }));
}

Deno.test("throw in a coroutine that awaits a promise; the promise has no effect later", () =>
  inLab(async ({ scheduler }) => {
    const gate = Promise.withResolvers<string>();
    const coro = scheduler.spawn(function* () {
      const first = yield* caught((function* () {
        return yield* until(gate.promise);
      })());
      const second = yield* sleep(1);
      return [first, second];
    });
    const end = coro.value();
    await settle();
    coro.throw(new Error("boom"));
    gate.resolve("late");
    assertEquals(await end, ["boom", undefined]);
  }));

Deno.test("an error for a coroutine that is ready is thrown at its yield", () =>
  inLab(async ({ scheduler }) => {
    for (const value of [undefined, 1]) {
      const coro = scheduler.spawn(function* () {
        return yield* caught((function* () {
          for (;;) yield value;
        })());
      });
      await settle();
      assertEquals(coro.throw(new Error("boom")), true);
      assertEquals(await coro.value(), "boom");
    }
  }));

Deno.test("a coroutine that has not started fails at its first line", () =>
  inLab(async ({ scheduler, log }) => {
    const boom = new Error("boom");
    const coro = scheduler.spawn(function* () {
      try {
        log.push("ran");
        yield;
      } catch {
        log.push("caught");
      }
    });
    assertEquals(coro.throw(boom), true);
    assertStrictEquals(await coro.value().catch((error) => error), boom);
    assertEquals(log, []);
  }));

Deno.test("throw in the running coroutine, or in one that has ended, returns false", () =>
  inLab(async ({ scheduler }) => {
    const coro = scheduler.spawn(function* (self) {
      assertEquals(self.throw(new Error("self")), false);
      yield (function* () {
        assertEquals(self.throw(new Error("self")), false);
        yield;
      })();
      yield* race((function* () {
        assertEquals(self.throw(new Error("self")), false);
        yield;
      })());
      return "fine";
    });
    assertEquals(await coro.value(), "fine");
    assertEquals(coro.throw(new Error("late")), false);
  }));

Deno.test("throwing anything but an error is a TypeError with the value, and has no effect", () =>
  inLab(async ({ scheduler }) => {
    const coro = scheduler.spawn(function* sleeper(self) {
      return yield* self.sleep(1, "slept");
    });
    for (
      const [value, words] of [[undefined, "undefined"], ["boom", '"boom"'], [{}, "an object"], [null, "null"], [
        3,
        "3",
      ]]
    ) {
      assertThrows(
        () => coro.throw(value),
        TypeError,
        `Cannot throw in ${coro} as 'error' must be an Error: current value is ${words}, wrap it in one`,
      );
    }
    assertThrows(() => coro.throw(Error), TypeError, "must be an Error");
    assertEquals(await coro.value(), "slept");
    assertEquals(coro.throw(new DOMException("x")), false);
  }));

Deno.test("several errors are thrown in order, one in each step", () =>
  inLab(async ({ scheduler }) => {
    const coro = scheduler.spawn(function* (self) {
      const got: string[] = [];
      for (let i = 0; i < 3; i++) {
        got.push(
          yield* caught((function* () {
            yield* self.sleep(100);
          })()),
        );
      }
      got.push(String(yield* self.sleep(1, "none left")));
      return got;
    });
    later(scheduler, 1, () => {
      for (const name of ["one", "two", "three"]) assertEquals(coro.throw(new Error(name)), true);
    });
    assertEquals(await coro.value(), ["one", "two", "three", "none left"]);
  }));

Deno.test("a second error is thrown at the next yield, even if that need not wait", () =>
  inLab(async ({ scheduler }) => {
    function* sub(): Generator<unknown, void, unknown> {
      throw new Error("the subroutine ran");
    }
    const nexts: ((coro: Coro) => Generator<unknown, unknown, unknown>)[] = [
      function* (coro) {
        return yield* coro.sleep(0, "slept");
      },
      function* (coro) {
        return yield coro.receive();
      },
      function* () {
        yield* call(sub());
      },
      function* () {
        yield sub();
      },
    ];
    for (const next of nexts) {
      const coro = scheduler.spawn(function* (self) {
        const first = yield* caught((function* () {
          yield* sleep(100);
        })());
        const second = yield* caught(next(self));
        return [first, second, yield* self.receive(0, "none")];
      });
      later(scheduler, 1, () => {
        coro.throw(new Error("one"));
        coro.throw(new Error("two"));
        coro.send("message");
      });
      assertEquals(await coro.value(), ["one", "two", "message"]);
    }
  }));

Deno.test("the remaining errors are reported once each when the first one ends the coroutine", () =>
  inLab(async (lab) => {
    const { scheduler } = lab;
    const coro = scheduler.spawn(function* () {
      yield* sleep(100);
    });
    const end = assertRejects(() => coro.value(), Error, "one");
    later(scheduler, 1, () => {
      const one = new Error("one");
      for (const error of [one, new Error("two"), one, new Error("three")]) coro.throw(error);
    });
    await end;
    assertEquals(lab.takeReported(), ["two", "three"]);
  }));

Deno.test("a message granted in the step in which an error is thrown instead returns to the front", () =>
  inLab(async ({ scheduler }) => {
    for (const spelling of ["yield*", "yield", "withTimeout", "race", "race of two", "call"]) {
      const coro = scheduler.spawn(function* (self) {
        const error = yield* caught((function* () {
          if (spelling === "yield*") return yield* self.receive();
          if (spelling === "yield") return yield self.receive();
          if (spelling === "withTimeout") return yield* withTimeout(50, self.receive());
          if (spelling === "race") return yield* race(self.receive(), sleep(50));
          if (spelling === "race of two") return yield* race(self.receive(), self.receive());
          return yield* call((function* () {
            return yield* self.receive();
          })());
        })());
        const rest: unknown[] = [];
        for (let i = 0; i < 3; i++) rest.push(yield* self.receive(0, "none"));
        return [error, ...rest];
      });
      later(scheduler, 1, () => {
        coro.send(1);
        coro.throw(new Error("boom"));
        coro.send(2);
      });
      assertEquals(await coro.value(), ["boom", 1, 2, "none"], spelling);
    }
  }));

Deno.test("messages granted to all() return to the front in their order", () =>
  inLab(async ({ scheduler }) => {
    const coro = scheduler.spawn(function* (self) {
      const error = yield* caught((function* () {
        return yield* all(self.receive(), self.receive(), self.receive(), sleep(100));
      })());
      const rest: unknown[] = [];
      for (let i = 0; i < 4; i++) rest.push(yield* self.receive(0, "none"));
      return [error, ...rest];
    });
    later(scheduler, 1, () => {
      coro.send(1);
      coro.send(2);
    });
    later(scheduler, 2, () => {
      coro.send(3);
      coro.throw(new Error("boom"));
    });
    assertEquals(await coro.value(), ["boom", 1, 2, 3, "none"]);
  }));

Deno.test("messages just granted to several receives return to the front in their order", () =>
  inLab(async ({ scheduler }) => {
    for (const ending of ["throw", "deadline", "race"]) {
      const coro = scheduler.spawn(function* (self) {
        const receives = (function* () {
          return yield* all(self.receive(), self.receive(), self.receive(), sleep(100));
        })();
        const how = yield* caught((function* () {
          if (ending === "throw") return yield* receives;
          if (ending === "deadline") return yield* withTimeout(1, receives);
          return yield* race(self.sleep(50, "won"), receives);
        })());
        const rest: unknown[] = [];
        for (let i = 0; i < 4; i++) rest.push(yield* self.receive(0, "none"));
        return [how.slice(0, 4), ...rest];
      });
      later(scheduler, 1, () => {
        for (const message of [1, 2, 3]) coro.send(message);
        if (ending === "throw") coro.throw(new Error("boom"));
        else coro.resume("won");
      });
      const [how, ...rest] = await coro.value();
      assertEquals(rest, [1, 2, 3, "none"], `${ending} ${how}`);
    }
  }));

Deno.test("an alarm value is not put back as a message when an error is thrown instead", () =>
  inLab(async ({ scheduler }) => {
    const thrower = scheduler.spawn(function* (self) {
      yield* self.receive();
      yield* sleep(1);
      receiver.throw(new Error("boom"));
    });
    const receiver: Coro = scheduler.spawn(function* (self) {
      yield;
      const error = yield* caught((function* () {
        return yield* self.receive(1, "alarm");
      })());
      return [error, yield* self.receive(0, "none")];
    });
    thrower.send("go");
    const result = await receiver.value();
    assert(String(result) === "boom,none" || String(result) === "no error but alarm,none", String(result));
  }));

Deno.test("resume and throw in one turn: the error wins, the update is dropped", () =>
  inLab(async ({ scheduler }) => {
    const coro = scheduler.spawn(function* (self) {
      const error = yield* caught((function* () {
        return yield* self.sleep(100);
      })());
      return [error, yield* self.sleep(1, "alarm")];
    });
    later(scheduler, 1, () => {
      assertEquals(coro.resume("update"), true);
      assertEquals(coro.throw(new Error("boom")), true);
      assertEquals(coro.resume("again"), false);
    });
    assertEquals(await coro.value(), ["boom", "alarm"]);
  }));

Deno.test("an error thrown in the turn of a deadline does not close the caller", () =>
  inLab(async ({ scheduler }) => {
    for (const catches of ["not", "and goes on", "and returns"]) {
      let coro: Coro | null = null;
      // Its timer is set first, so that it throws before the turn of the deadline is over.
      scheduler.spawn(function* () {
        yield* sleep(1);
        coro!.throw(new Error("boom"));
      });
      coro = scheduler.spawn(function* (self) {
        const first = yield* caught((function* () {
          return yield* withTimeout(
            1,
            (function* () {
              try {
                return yield* self.receive();
              } catch (error) {
                if (catches === "not") throw error;
                if (catches === "and returns") return "boom";
                return yield* self.receive();
              }
            })(),
          );
        })());
        return [first, yield* self.sleep(1, "lives on")];
      });
      const [first, second] = await coro.value() as string[];
      assert(first.includes("boom") || first.includes("Time is up"), first);
      assertEquals(second, "lives on");
    }
  }));

Deno.test("errors thrown before a termination come first, errors thrown after it are reported", () =>
  inLab(async ({ scheduler, log }) => {
    const coro = scheduler.spawn(function* (self) {
      try {
        log.push(
          yield* caught((function* () {
            yield* sleep(100);
          })()),
        );
        yield* self.sleep(100);
        log.push("went on");
      } finally {
        log.push("cleaned");
      }
    });
    later(scheduler, 1, () => {
      coro.throw(new Error("before"));
      coro.terminate();
    });
    await coro.value();
    assertEquals(log, ["before", "cleaned"]);
  }));

Deno.test("an error thrown into cleanup that waits is reported as a failure of the cleanup", () =>
  inLab(async (lab) => {
    const { scheduler } = lab;
    const coro = scheduler.spawn(function* () {
      yield "last";
      try {
        yield* sleep(100);
      } finally {
        yield* sleep(100);
      }
    });
    later(scheduler, 1, () => coro.terminate(50));
    later(scheduler, 2, () => assertEquals(coro.throw(new Error("into the cleanup")), true));
    assertEquals(await coro.value(), "last");
    assertEquals(lab.takeReported(), ["into the cleanup"]);
    assertEquals(lab.clock.now(), 2);
  }));

Deno.test("an error thrown into cleanup can be caught there", () =>
  inLab(async ({ scheduler, log }) => {
    const coro = scheduler.spawn(function* () {
      try {
        yield* sleep(100);
      } finally {
        log.push(
          yield* caught((function* () {
            yield* sleep(100);
          })()),
        );
        yield* sleep(1);
        log.push("cleaned");
      }
    });
    later(scheduler, 1, () => coro.terminate(50));
    later(scheduler, 2, () => coro.throw(new Error("into the cleanup")));
    await coro.value();
    assertEquals(log, ["into the cleanup", "cleaned"]);
  }));

Deno.test("an error thrown in a coroutine in a race waits until the branches have run their cleanup", () =>
  inLab(async (lab) => {
    const { scheduler } = lab;
    function* branch(name: string): Generator<unknown, void, unknown> {
      try {
        yield* sleep(100);
      } finally {
        yield* sleep(1);
        lab.at(name);
      }
    }
    const coro = scheduler.spawn(function* () {
      lab.at(
        yield* caught((function* () {
          yield* race(branch("a"), branch("b"));
        })()),
      );
    });
    later(scheduler, 1, () => {
      coro.throw(new Error("boom"));
    });
    await coro.value();
    assertEquals(lab.log.at(-1), "2 boom");
    assertEquals(lab.log.length, 3);
  }));

Deno.test("a TimeoutError created by the program is an error like any other", () =>
  inLab(async ({ scheduler }) => {
    const coro = scheduler.spawn(function* () {
      yield* sleep(100);
    });
    later(scheduler, 1, () => coro.throw(new TimeoutError("own")));
    await assertRejects(() => coro.value(), TimeoutError, "own");
  }));
