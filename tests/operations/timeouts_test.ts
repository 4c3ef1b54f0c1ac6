/**
 * `withTimeout`: deadlines around operations, generators and promises, and deadlines within deadlines.
 */
import { call, type Coro, race, sleep, TimeoutError, withTimeout } from "@asyncoro/asyncoro";
import { assert, assertEquals, assertInstanceOf, assertRejects, assertStrictEquals, assertThrows } from "@std/assert";
import { inLab, type Lab, settle } from "../helpers/lab.ts";

/** The value of `body`, or the name of the error it throws. */
function* outcome(body: Generator<unknown, unknown, unknown>): Generator<unknown, unknown, unknown> {
  try {
    return yield* body;
  } catch (error) {
    return (error as Error).name;
  }
}

function* guarded(lab: Lab, name: string, pause = 0): Generator<unknown, string, unknown> {
  try {
    yield* sleep(1e6);
    return "not reached";
  } finally {
    lab.at(`${name} begins`);
    if (pause > 0) yield* sleep(pause);
    lab.at(`${name} ends`);
  }
}

Deno.test("withTimeout returns the value of its work, if that is in time", () =>
  inLab(async ({ scheduler, clock }) => {
    function* work(): Generator<unknown, string, unknown> {
      yield* sleep(1);
      return "worked";
    }
    const boom = new Error("boom");
    const results = await scheduler.spawn(function* (coro) {
      coro.send("message");
      const error = yield* (function* () {
        try {
          yield* withTimeout(
            5,
            (function* () {
              yield;
              throw boom;
            })(),
          );
        } catch (error) {
          return error;
        }
      })();
      assertStrictEquals(error, boom);
      const plain: unknown = yield withTimeout(2, work());
      return [
        yield* withTimeout(2, work()),
        plain,
        yield* withTimeout(2, coro.receive()),
        yield* withTimeout(2, Promise.resolve("kept")),
        yield* withTimeout(null, work()),
        yield* withTimeout(undefined, work()),
        yield* withTimeout(Infinity, work()),
        yield* withTimeout({ seconds: 2 }, work()),
      ];
    }).value();
    assertEquals(results, ["worked", "worked", "message", "kept", "worked", "worked", "worked", "worked"]);
    assertEquals(clock.now(), 6);
    assertEquals(scheduler.stats().timers, 0);
  }));

Deno.test("withTimeout throws TimeoutError when its work is late, and the work is cancelled and cleaned up", () =>
  inLab(async (lab) => {
    const { scheduler } = lab;
    await scheduler.spawn(function* (coro) {
      const error = yield* (function* () {
        try {
          yield* withTimeout(2, guarded(lab, "work", 1));
        } catch (error) {
          lab.at("caught");
          return error;
        }
      })();
      assertInstanceOf(error, TimeoutError);
      assertEquals((error as Error).message, "Time is up: the work did not end within 2 seconds");
      const waits = [coro.receive(), coro.sleep(), sleep(9), race(coro.receive(), sleep(9))];
      for (const wait of waits) {
        assertEquals(
          yield* outcome((function* () {
            yield* withTimeout(0.001, wait);
          })()),
          "TimeoutError",
        );
        const { timers, hostOperations } = scheduler.stats();
        assertEquals([timers, hostOperations], [0, 0]);
      }
      coro.send("later");
      assertEquals(yield* coro.receive(0), "later");
    }).value();
    assertEquals(lab.log, ["2 work begins", "3 work ends", "3 caught"]);
  }));

Deno.test("a promise that is late goes on, and its rejection is handled", () =>
  inLab(async ({ scheduler, clock }) => {
    const gate = Promise.withResolvers<void>();
    const end = scheduler.spawn(function* () {
      return yield* outcome((function* () {
        yield* withTimeout(1, gate.promise);
      })());
    }).value();
    // Virtual time does not advance by itself while a promise is awaited.
    await settle();
    assertEquals(clock.now(), 0);
    await clock.advance(1);
    assertEquals(await end, "TimeoutError");
    gate.reject(new Error("late"));
    await settle();
  }));

Deno.test("zero or less gives what is available without waiting", () =>
  inLab(async ({ scheduler, clock, log }) => {
    function* quick(): Generator<unknown, string, unknown> {
      yield* sleep(0);
      return "quick";
    }
    function* slow(): Generator<unknown, string, unknown> {
      try {
        yield* sleep(1);
        return "slow";
      } finally {
        log.push("cleaned");
      }
    }
    const results = await scheduler.spawn(function* (coro) {
      coro.send("message");
      const results: unknown[] = [];
      for (const timeout of [0, -1, { seconds: 0 }]) {
        results.push(
          yield* outcome((function* () {
            return yield* withTimeout(timeout, quick());
          })()),
        );
        results.push(
          yield* outcome((function* () {
            return yield* withTimeout(timeout, slow());
          })()),
        );
        results.push(
          yield* outcome((function* () {
            return yield* withTimeout(timeout, coro.receive());
          })()),
        );
      }
      return results;
    }).value();
    const late = "TimeoutError";
    assertEquals(results, ["quick", late, "message", "quick", late, late, "quick", late, late]);
    assertEquals(log, ["cleaned", "cleaned", "cleaned"]);
    assertEquals(clock.now(), 0);
  }));

Deno.test("nested deadlines: the inner one is caught inside, the outer one ends both, innermost first", () =>
  inLab(async (lab) => {
    const { scheduler } = lab;
    function* nest(outer: number, inner: number): Generator<unknown, unknown, unknown> {
      return yield* withTimeout(
        outer,
        (function* () {
          try {
            return yield* withTimeout(inner, guarded(lab, "inner"));
          } catch (error) {
            lab.at(`inner ${(error as Error).message}`);
            return "inner was late";
          } finally {
            lab.at("middle");
          }
        })(),
      );
    }
    const spawnNest = (outer: number, inner: number) =>
      scheduler.spawn(function* () {
        return yield* outcome(nest(outer, inner));
      }).value();
    assertEquals(await spawnNest(5, 1), "inner was late");
    const message = "Time is up: the work did not end within 1 seconds";
    assertEquals(lab.takeLog(), ["1 inner begins", "1 inner ends", `1 inner ${message}`, "1 middle"]);
    assertEquals(await spawnNest(1, 5), "TimeoutError");
    assertEquals(lab.takeLog(), ["2 inner begins", "2 inner ends", "2 middle"]);
    assertEquals(await spawnNest(1, 1), "TimeoutError");
    assertEquals(lab.takeLog(), ["3 inner begins", "3 inner ends", "3 middle"]);
  }));

Deno.test("the outer deadline counts while the inner work is being cleaned up", () =>
  inLab(async (lab) => {
    const result = await lab.scheduler.spawn(function* () {
      return yield* outcome((function* () {
        return yield* withTimeout(
          2,
          (function* () {
            try {
              yield* withTimeout(1, guarded(lab, "inner", 3));
            } catch {
              lab.at("caught inside");
            }
            lab.at("went on");
            yield* sleep(10);
          })(),
        );
      })());
    }).value();
    assertEquals(result, "TimeoutError");
    assertEquals(lab.log, ["1 inner begins", "4 inner ends"]);
    assertEquals(lab.clock.now(), 4);
  }));

Deno.test("cleanup after a deadline is cut short after five seconds", () =>
  inLab(async (lab) => {
    const result = await lab.scheduler.spawn(function* () {
      return yield* outcome((function* () {
        yield* withTimeout(1, guarded(lab, "work", 100));
      })());
    }).value();
    assertEquals(result, "TimeoutError");
    assertEquals([lab.log, lab.clock.now()], [["1 work begins"], 6]);
  }));

Deno.test("a failure of the cleanup after a deadline takes precedence", () =>
  inLab(async (lab) => {
    const end = lab.scheduler.spawn(function* () {
      yield* withTimeout(
        1,
        (function* () {
          try {
            yield* sleep(100);
          } finally {
            // deno-lint-ignore no-unsafe-finally -- what this test is about
            throw new Error("cleanup failed");
          }
        })(),
      );
    }).value();
    await assertRejects(() => end, Error, "cleanup failed");
  }));

Deno.test("a result in the very turn of the deadline: one of both, and a message is not lost", () =>
  inLab(async ({ scheduler }) => {
    for (const senderFirst of [true, false]) {
      let receiver: Coro | null = null;
      const spawnSender = () =>
        scheduler.spawn(function* () {
          yield* sleep(1);
          receiver!.send("message");
        });
      if (senderFirst) spawnSender();
      receiver = scheduler.spawn(function* (coro) {
        const first = yield* outcome((function* () {
          return yield* withTimeout(1, coro.receive());
        })());
        return [first, yield* coro.receive(1, "nothing")];
      });
      if (!senderFirst) spawnSender();
      const result = String(await receiver.value());
      assert(result === "message,nothing" || result === "TimeoutError,message", result);
    }
  }));

Deno.test("a deadline unwinds subroutines below it and leaves the callers above", () =>
  inLab(async (lab) => {
    function* frame(depth: number): Generator<unknown, string, unknown> {
      try {
        if (depth === 0) return yield* guarded(lab, "bottom", 0.5);
        return (yield frame(depth - 1)) as string;
      } finally {
        lab.at(`frame ${depth}`);
        yield* sleep(0.5);
      }
    }
    const result = await lab.scheduler.spawn(function* () {
      const result: unknown = yield (function* () {
        try {
          return yield* withTimeout(1, frame(2));
        } catch (error) {
          return (error as Error).name;
        } finally {
          lab.at("caller");
        }
      })();
      return [
        result,
        yield* call((function* () {
          yield* sleep(1);
          return "goes on";
        })()),
      ];
    }).value();
    assertEquals(result, ["TimeoutError", "goes on"]);
    assertEquals(lab.log, [
      "1 bottom begins",
      "1.5 bottom ends",
      "1.5 frame 0",
      "2 frame 1",
      "2.5 frame 2",
      "3 caller",
    ]);
  }));

Deno.test("cleanup may call subroutines and set deadlines of its own", () =>
  inLab(async (lab) => {
    function* work(): Generator<unknown, void, unknown> {
      try {
        yield* sleep(100);
      } finally {
        lab.at(
          String(
            yield* call((function* () {
              yield* sleep(0.5);
              return "called";
            })()),
          ),
        );
        lab.at(
          String(
            yield* outcome((function* () {
              yield* withTimeout(0.5, guarded(lab, "deep"));
            })()),
          ),
        );
        lab.at(String(yield race(sleep(10), sleep(1))));
      }
    }
    const result = await lab.scheduler.spawn(function* () {
      return yield* outcome((function* () {
        yield* withTimeout(1, work());
      })());
    }).value();
    assertEquals(result, "TimeoutError");
    assertEquals(lab.log, ["1.5 called", "2 deep begins", "2 deep ends", "2 TimeoutError", "3 undefined"]);
  }));

Deno.test("work that catches the deadline's error still ends", () =>
  inLab(async (lab) => {
    const result = await lab.scheduler.spawn(function* () {
      return yield* outcome((function* () {
        yield* withTimeout(
          1,
          (function* () {
            for (;;) {
              try {
                yield* sleep(1);
              } finally {
                // deno-lint-ignore no-unsafe-finally -- what this test is about
                continue;
              }
            }
          })(),
        );
      })());
    }).value();
    assertEquals(result, "Error");
    assert(lab.clock.now() >= 6 && lab.clock.now() <= 7);
  }));

Deno.test("withTimeout refuses other values than work, at the call", () => {
  for (
    const [work, words] of [[undefined, "undefined"], [5, "5"], [function* () {}, "the generator function"], [
      [],
      "an array of 0",
    ]]
  ) {
    const error = assertThrows(() => withTimeout(1, work as never), TypeError);
    assertEquals(error.message.startsWith(`Cannot wait for ${words}`), true, error.message);
  }
});

Deno.test("a hundred thousand deadlines that are not reached leave no timers behind", () =>
  inLab(async ({ scheduler }) => {
    await scheduler.spawn(function* (coro) {
      for (let i = 0; i < 20_000; i++) {
        coro.send(i);
        assertEquals(yield* withTimeout(30, coro.receive()), i);
      }
      assert(scheduler.stats().timers < 5);
    }).value();
  }));
