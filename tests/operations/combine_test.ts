/**
 * `race` and `all`: over operations, generators, coroutines and promises, in all forms.
 */
import { all, call, Coro, type Operation, race, sleep, TimeoutError, until, withTimeout } from "@asyncoro/asyncoro";
import { runVirtual } from "@asyncoro/asyncoro/testing";
import { assert, assertEquals, assertRejects, assertStrictEquals, assertThrows } from "@std/assert";
import { inLab, type Lab, settle } from "../helpers/lab.ts";

/** Fails to compile if the types differ. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends (<T>() => T extends B ? 1 : 2) ? true : false;

function* after<T>(seconds: number, value: T): Generator<unknown, T, unknown> {
  yield* sleep(seconds);
  return value;
}

// deno-lint-ignore require-yield
function* fail(error: Error): Generator<unknown, never, unknown> {
  throw error;
}

function* failAfter(seconds: number, error: Error): Generator<unknown, never, unknown> {
  yield* sleep(seconds);
  throw error;
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

Deno.test("race and all are typed in every form", () => {
  const check = (coro: Coro<boolean>, operation: Operation<string>): void => {
    const either = race(operation, after(1, 2), coro, Promise.resolve(null));
    const inArray = race([operation, after(1, 2)]);
    const tuple = all(operation, after(1, 2), coro, Promise.resolve(null));
    const ofArray = all([operation, after(1, 2)]);
    const many = all([1, 2, 3].map((n) => after(n, n)));
    const record = all({ text: operation, count: after(1, 2), flag: coro });
    const types: [
      Same<typeof either, Operation<string | number | boolean | null>>,
      Same<typeof inArray, Operation<string | number>>,
      Same<typeof tuple, Operation<[string, number, boolean, null]>>,
      Same<typeof ofArray, Operation<[string, number]>>,
      Same<typeof many, Operation<number[]>>,
      Same<typeof record, Operation<{ text: string; count: number; flag: boolean }>>,
    ] = [true, true, true, true, true, true];
    void types;
  };
  assertEquals(typeof check, "function");
});

Deno.test("race returns the value of the first, whatever the kind of item", () =>
  inLab(async ({ scheduler, clock }) => {
    const slow = scheduler.spawn(function* slow() {
      yield* sleep(50);
      return "slow";
    });
    const quick = scheduler.spawn(function* quick() {
      yield* sleep(1);
      return "quick";
    });
    await scheduler.spawn(function* (coro) {
      assertEquals(yield* race(after(2, "two"), after(1, "one"), after(3, "three")), "one");
      assertEquals(yield* race([coro.sleep(2, "two"), coro.sleep(1, "one")]), "one");
      assertEquals(yield* race(slow, quick), "quick");
      assertEquals(yield race(slow, after(1, "generator")), "generator");
      assertEquals(yield* race(slow, Promise.resolve("promise")), "promise");
      assertEquals(yield* race(slow, call(after(1, "called"))), "called");
      assertEquals(yield* race(slow, race(slow, race(after(1, "deep")))), "deep");
      assertEquals(yield* race(after(1, "only")), "only");
    }).value();
    assertEquals(slow.isAlive(), true);
    assertEquals(await slow.value(), "slow");
    assertEquals(clock.now(), 50);
  }));

Deno.test("all returns the values in the shape of its arguments, and runs its items at the same time", () =>
  inLab(async ({ scheduler, clock }) => {
    const child = scheduler.spawn(function* () {
      yield* sleep(3);
      return "child";
    });
    await scheduler.spawn(function* (coro) {
      assertEquals(
        yield* all(after(2, "two"), coro.sleep(1, "one"), child, Promise.resolve("kept"), coro.sleep(0, "at once")),
        ["two", "one", "child", "kept", "at once"],
      );
      assertEquals(clock.now(), 3);
      assertEquals(yield* all([after(1, 1), after(0, 2)]), [1, 2]);
      assertEquals(yield* all({ a: after(1, 1), b: coro.sleep(2, 2), c: child }), { a: 1, b: 2, c: "child" });
      assertEquals(yield all({ a: after(1, 1) }), { a: 1 });
      assertEquals(yield* all(), []);
      assertEquals(yield* all([]), []);
      assertEquals(yield* all({}), {});
      assertEquals(yield* all(all(after(1, 1), after(1, 2)), race(after(1, 3), after(2, 4))), [[1, 2], 3]);
    }).value();
  }));

Deno.test("race of nothing, and items that cannot be waited for, are refused at the call", () => {
  assertThrows(() => race(), TypeError, "Cannot race nothing");
  assertThrows(() => race([]), TypeError, "Cannot race nothing");
  const wrong: [unknown, string][] = [[5, "5"], [undefined, "undefined"], [function* () {}, "the generator function"]];
  for (const [item, words] of wrong) {
    for (const combine of [race, all] as ((...items: unknown[]) => unknown)[]) {
      assertThrows(() => combine(sleep(1), item), TypeError, `Cannot wait for ${words}`);
      assertThrows(() => combine([sleep(1), item]), TypeError, `Cannot wait for ${words}`);
    }
    assertThrows(() => all({ a: sleep(1), b: item as Operation<void> }), TypeError, `Cannot wait for ${words}`);
  }
  assertThrows(() => race(after(1, 1), [after(1, 1)] as never), TypeError, "Cannot wait for an array of 1");
});

Deno.test("an operation that was yielded before fails the whole, and the rest is cleaned up", () =>
  inLab(async (lab) => {
    await lab.scheduler.spawn(function* () {
      const used = sleep(0);
      yield* used;
      for (const combine of [race, all] as ((...items: unknown[]) => Operation<unknown>)[]) {
        const same = sleep(5);
        for (const items of [[guarded(lab, "other"), used], [same, same, guarded(lab, "other")]]) {
          try {
            yield* combine(...items);
            throw new Error("not refused");
          } catch (error) {
            assert(error instanceof TypeError && error.message.includes("Cannot yield 'sleep' again"), String(error));
          }
        }
      }
    }).value();
    assertEquals(lab.scheduler.stats().live, 0);
  }));

Deno.test("losing operations and generators are cancelled and cleaned up before the race gives its value", () =>
  inLab(async (lab) => {
    const result = await lab.scheduler.spawn(function* () {
      const result = yield* race(guarded(lab, "a", 1), after(1, "winner"), guarded(lab, "b", 2), sleep(50));
      lab.at("goes on");
      return result;
    }).value();
    assertEquals(result, "winner");
    assertEquals(lab.log.toSorted(), ["1 a begins", "1 b begins", "2 a ends", "3 b ends", "3 goes on"]);
    assertEquals(lab.clock.now(), 3);
  }));

Deno.test("cleanup of losers is cut short after five seconds", () =>
  inLab(async (lab) => {
    await lab.scheduler.spawn(function* () {
      yield* race(guarded(lab, "a", 100), after(1, "winner"));
    }).value();
    assertEquals(lab.clock.now(), 6);
  }));

Deno.test("losing coroutines and promises are no longer waited for, and nothing of the wait is retained", () =>
  inLab(async ({ scheduler }) => {
    const gate = Promise.withResolvers<void>();
    const slow = scheduler.spawn(function* () {
      yield* sleep(5);
      throw new Error("slow failed");
    });
    const slowEnd = assertRejects(() => slow.value(), Error, "slow failed");
    await scheduler.spawn(function* (coro) {
      for (let i = 0; i < 100; i++) yield* race(slow, gate.promise, coro.sleep(0));
      assertEquals(slow.completionWaiters.length, 1);
      assertEquals(scheduler.stats().hostOperations, 0);
    }).value();
    await slowEnd;
  }));

Deno.test("the first failure fails the whole, the same object, after the rest is cleaned up", () =>
  inLab(async (lab) => {
    const boom = new Error("boom");
    for (const combine of [race, all] as ((...items: unknown[]) => Operation<unknown>)[]) {
      const start = lab.clock.now();
      const coro = lab.scheduler.spawn(function* () {
        try {
          yield* combine(guarded(lab, "other", 1), failAfter(1, boom), after(50, "slow"));
        } catch (error) {
          assertStrictEquals(error, boom);
          return lab.clock.now() - start;
        }
      });
      assertEquals(await coro.value(), 2);
      assertEquals(lab.takeLog().length, 2);
    }
  }));

Deno.test("a failing coroutine and a rejected promise fail the whole, the same object", () =>
  inLab(async ({ scheduler }) => {
    const boom = new Error("boom");
    for (const combine of [race, all] as ((...items: unknown[]) => Operation<unknown>)[]) {
      const caught = await scheduler.spawn(function* () {
        const caught: unknown[] = [];
        const failing = scheduler.spawn(function* () {
          yield;
          throw boom;
        });
        for (const item of [failing, failing, Promise.reject(boom), fail(boom)]) {
          try {
            yield* combine(sleep(5), item);
          } catch (error) {
            caught.push(error);
          }
        }
        return caught;
      }).value();
      assertEquals(caught.length, 4);
      for (const error of caught) assertStrictEquals(error, boom);
    }
  }));

Deno.test("a second failure, of cleanup, is reported and does not replace the first", () =>
  inLab(async (lab) => {
    function* fragile(): Generator<unknown, void, unknown> {
      try {
        yield* sleep(100);
      } finally {
        // deno-lint-ignore no-unsafe-finally -- what this test is about
        throw new Error("cleanup failed");
      }
    }
    const lost = lab.scheduler.spawn(function* () {
      yield* all(fragile(), failAfter(1, new Error("first")));
    });
    await assertRejects(() => lost.value(), Error, "first");
    assertEquals(lab.takeReported(), ["cleanup failed"]);
    const won = lab.scheduler.spawn(function* () {
      return yield* race(fragile(), after(1, "won"));
    });
    assertEquals(await won.value(), "won");
    assertEquals(lab.takeReported(), ["cleanup failed"]);
  }));

Deno.test("losing receives give back: messages stay in the mailbox, in order", () =>
  inLab(async ({ scheduler }) => {
    const receiver = scheduler.spawn(function* (coro) {
      const got: unknown[] = [];
      got.push(yield* race(coro.receive(), sleep(100)));
      got.push(yield* race(coro.receive(), coro.receive(), coro.receive()));
      got.push(yield* race(coro.sleep(0, "at once"), coro.receive()));
      got.push(yield* race(coro.receive(), coro.sleep(0, "at once")));
      for (;;) {
        const message = yield* coro.receive(0, "empty");
        got.push(message);
        if (message === "empty") return got;
      }
    });
    for (let i = 1; i <= 6; i++) receiver.send(i);
    const got = await receiver.value();
    const numbers = got.filter((message) => typeof message === "number");
    assertEquals(numbers, [1, 2, 3, 4, 5, 6]);
    assertEquals(got.at(-1), "empty");
  }));

Deno.test("a failing all gives back the messages that its receives had got, in order", () =>
  inLab(async ({ scheduler }) => {
    const receiver = scheduler.spawn(function* (coro) {
      try {
        yield* all(coro.receive(), coro.receive(), failAfter(2, new Error("boom")), coro.receive());
      } catch {
        // Only the remaining messages matter.
      }
      const got: unknown[] = [];
      for (let i = 0; i < 4; i++) got.push(yield* coro.receive(0, "empty"));
      return got;
    });
    scheduler.spawn(function* () {
      yield* sleep(1);
      receiver.send(1);
      receiver.send(2);
      yield* sleep(2);
    });
    receiver.send(0);
    assertEquals(await receiver.value(), [0, 1, 2, "empty"]);
  }));

Deno.test("two receives of one coroutine are served first come, first served", () =>
  inLab(async ({ scheduler }) => {
    const receiver = scheduler.spawn(function* (coro) {
      return yield* all(coro.receive(), coro.receive(), coro.receive());
    });
    scheduler.spawn(function* () {
      for (let i = 0; i < 3; i++) {
        yield* sleep(1);
        receiver.send(i);
      }
    });
    assertEquals(await receiver.value(), [0, 1, 2]);
  }));

Deno.test("resume ends the sleep of a branch, the first that sleeps", () =>
  inLab(async ({ scheduler }) => {
    const sleeper = scheduler.spawn(function* (coro) {
      return yield* all(after(1, "other"), coro.sleep(50, "alarm"), coro.suspend());
    });
    scheduler.spawn(function* () {
      yield* sleep(2);
      assertEquals([sleeper.resume("one"), sleeper.resume("two"), sleeper.resume("three")], [true, true, false]);
    });
    assertEquals(await sleeper.value(), ["other", "one", "two"]);
  }));

Deno.test("current(), receive and send mean the coroutine itself inside a branch", () =>
  inLab(async ({ scheduler }) => {
    await scheduler.spawn(function* (coro) {
      const got = yield* all(
        (function* () {
          return yield* coro.receive();
        })(),
        (function* () {
          coro.send("to myself");
          yield;
          return "sent";
        })(),
      );
      assertEquals(got, ["to myself", "sent"]);
    }).value();
  }));

Deno.test("several items that end in the same turn: one winner, each item is settled once", () =>
  inLab(async ({ scheduler }) => {
    const log: string[] = [];
    function* item(name: string): Generator<unknown, string, unknown> {
      try {
        yield* sleep(1);
        return name;
      } finally {
        log.push(name);
      }
    }
    const winner = await scheduler.spawn(function* () {
      return yield* race(item("a"), item("b"), item("c"));
    }).value();
    assertEquals(winner, "a");
    assertEquals(log.toSorted(), ["a", "b", "c"]);
  }));

Deno.test("a deadline around a race cleans the branches up, a deadline in a branch stays there", () =>
  inLab(async (lab) => {
    const result = await lab.scheduler.spawn(function* () {
      try {
        yield* withTimeout(2, all(guarded(lab, "a", 1), guarded(lab, "b", 1)));
      } catch (error) {
        assert(error instanceof TimeoutError);
        lab.at("outer deadline");
      }
      return yield* race(
        after(5, "slow"),
        (function* () {
          try {
            yield* withTimeout(1, guarded(lab, "c"));
          } catch {
            return "inner deadline";
          }
        })(),
      );
    }).value();
    assertEquals(result, "inner deadline");
    assertEquals(lab.log.slice(4), ["3 outer deadline", "4 c begins", "4 c ends"]);
  }));

Deno.test("a thousand branches", () =>
  inLab(async ({ scheduler }) => {
    const count = 1000;
    const values = await scheduler.spawn(function* () {
      yield* race(Array.from({ length: count }, (_, i) => after(1 + i, i)));
      return yield* all(Array.from({ length: count }, (_, i) => after((i * 7919 % count) / 10, i)));
    }).value();
    assertEquals(values, Array.from({ length: count }, (_, i) => i));
    assertEquals(scheduler.stats().timers, 0);
  }));

Deno.test("the result rule holds for race and all", () =>
  inLab(async ({ scheduler }) => {
    const raced = await scheduler.spawn(function* () {
      yield* race(after(1, "raced"), after(2, "late"));
    }).value();
    assertEquals(raced, "raced");
    const both = await scheduler.spawn(function* () {
      yield all(after(1, 1), after(2, 2));
    }).value();
    assertEquals(both, [1, 2]);
  }));

Deno.test("a race inside a subroutine and in cleanup code", () =>
  inLab(async (lab) => {
    const coro = lab.scheduler.spawn(function* () {
      yield* call((function* () {
        try {
          return yield* race(after(10, "x"), sleep(20));
        } finally {
          lab.at(String(yield* race(after(1, "in the cleanup"), guarded(lab, "loser"))));
        }
      })());
    });
    await settle();
    coro.terminate();
    await coro.value();
    assertEquals(lab.log.length, 3);
    assertEquals(lab.log[2].endsWith("in the cleanup"), true);
  }));

Deno.test("until in a race: the promise of the loser is released", () =>
  inLab(async ({ scheduler }) => {
    const never = new Promise<void>(() => {});
    await scheduler.spawn(function* () {
      yield* race(until(never), Promise.resolve());
      assertEquals(scheduler.stats().hostOperations, 0);
    }).value();
  }));

Deno.test("all and race of very many items take time in proportion", async () => {
  await runVirtual(function* (coro) {
    const many = 40_000;
    const start = performance.now();
    const coros = Array.from({ length: many }, (_, i) =>
      new Coro(function* (each) {
        yield* each.sleep(1);
        return i;
      }));
    assertEquals((yield* all(coros)).length, many);
    yield* race(Array.from({ length: many }, (_, i) => coro.sleep(i + 1)));
    assert(performance.now() - start < 10_000, `took ${performance.now() - start} ms`);
  });
});

Deno.test("a dump shows the waits of the first branches only", async () => {
  await runVirtual(function* (coro) {
    const waiter = new Coro(function* (self) {
      yield* all(Array.from({ length: 12 }, () => self.sleep(5)));
    });
    yield* coro.sleep(1);
    const info = coro.scheduler.dump().find(({ id }) => id === waiter.id);
    assertEquals(info?.waitsFor, `all of ${"sleep, ".repeat(10)}and 2 more`);
    yield* waiter.finish();
  });
});
