/**
 * `until`: promises in coroutines, late, rejected and abandoned.
 */
import { race, run, sleep, TimeoutError, until, withTimeout } from "@asyncoro/asyncoro";
import {
  assertEquals,
  assertInstanceOf,
  assertMatch,
  assertRejects,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import { inLab, settle } from "../helpers/lab.ts";

Deno.test("until returns the value and throws the rejection, the same object", async () => {
  const value = { a: 1 };
  const reason = new Error("rejected");
  await run(function* () {
    assertStrictEquals(yield* until(Promise.resolve(value)), value);
    assertStrictEquals(yield* until(Promise.resolve(value), 0.5), value);
    for (const rejected of [reason, "a string", undefined]) {
      try {
        yield* until(Promise.reject(rejected));
        throw new Error("not reached");
      } catch (error) {
        assertStrictEquals(error, rejected);
      }
    }
  });
});

Deno.test("until that is late throws TimeoutError, and a later outcome is dropped", () =>
  inLab(async ({ scheduler, clock }) => {
    for (const settleLate of ["resolve", "reject"] as const) {
      const gate = Promise.withResolvers<unknown>();
      const coro = scheduler.spawn(function* (self) {
        try {
          yield* until(gate.promise, 1);
        } catch (error) {
          assertInstanceOf(error, TimeoutError);
          assertEquals((error as Error).message, "the promise did not settle in time");
        }
        assertEquals(scheduler.stats().hostOperations, 0);
        return yield* self.receive(10, "untouched");
      });
      const end = coro.value();
      await settle();
      await clock.advance(1);
      gate[settleLate](new Error("late"));
      assertEquals(await end, "untouched");
    }
  }));

Deno.test("until with zero or less does not wait, whatever the promise", () =>
  inLab(async ({ scheduler }) => {
    await scheduler.spawn(function* (coro) {
      const thenable = { then: (done: (value: number) => void) => done(1) } as PromiseLike<number>;
      const makers = [
        () => Promise.resolve(1),
        () => Promise.reject(new Error("quiet")),
        () => thenable,
        () => new Promise(() => {}),
      ];
      for (const make of makers) {
        for (const timeout of [0, -1]) {
          try {
            yield* until<unknown>(make(), timeout);
            throw new Error("not reached");
          } catch (error) {
            assertInstanceOf(error, TimeoutError);
          }
          assertEquals(yield* coro.sleep(0.5, "not disturbed"), "not disturbed");
        }
      }
      assertEquals(scheduler.stats().hostOperations, 0);
    }).value();
  }));

Deno.test("until refuses other values than promises, at the call", () => {
  for (const [value, words] of [[undefined, "undefined"], [null, "null"], [5, "5"], [{}, "an object"], ["x", '"x"']]) {
    assertThrows(
      () => until(value as PromiseLike<unknown>),
      TypeError,
      `Cannot wait as until() takes a promise or a function that returns one: current value is ${words}`,
    );
  }
});

Deno.test("an awaited promise whose coroutine is terminated or thrown into is abandoned and leaves nothing behind", () =>
  inLab(async ({ scheduler }) => {
    for (const action of ["terminate", "throw"] as const) {
      const gate = Promise.withResolvers<void>();
      const coro = scheduler.spawn(function* () {
        yield gate.promise;
      });
      const end = coro.value().catch((error) => (error as Error).message);
      await settle();
      assertEquals(scheduler.stats().hostOperations, 1);
      if (action === "terminate") coro.terminate();
      else coro.throw(new Error("boom"));
      assertEquals(await end, action === "throw" ? "boom" : undefined);
      assertEquals(scheduler.stats().hostOperations, 0);
      gate.reject(new Error("nobody cares"));
      await settle();
    }
  }));

Deno.test("losing promises of a race may be rejected later, before and at once", () =>
  inLab(async ({ scheduler }) => {
    const gate = Promise.withResolvers<void>();
    const won = await scheduler.spawn(function* (coro) {
      const one = yield* race(coro.sleep(0, "first"), gate.promise, Promise.reject(new Error("never looked at")));
      const two = yield* race(sleep(0), until(gate.promise), Promise.reject(new Error("never looked at")));
      return [one, two];
    }).value();
    assertEquals(won, ["first", undefined]);
    gate.reject(new Error("late"));
    await settle();
  }));

Deno.test("a promise can be awaited by many coroutines and code outside at once", () =>
  inLab(async ({ scheduler }) => {
    const gate = Promise.withResolvers<number>();
    const coros = Array.from({ length: 100 }, (_, i) =>
      scheduler.spawn(function* () {
        return i + (yield* until(gate.promise));
      }));
    setTimeout(() => gate.resolve(1000), 2);
    assertEquals(await gate.promise, 1000);
    const values = await Promise.all(coros.map((coro) => coro.value()));
    assertEquals(values, coros.map((_, i) => 1000 + i));
  }));

Deno.test("run gives async code the result, and its rejection", async () => {
  assertEquals(
    await run(
      function* (_coro, a: number, b: number) {
        yield;
        return a + b;
      },
      1,
      2,
    ),
    3,
  );
  const boom = new Error("boom");
  const error = await run(function* () {
    yield;
    throw boom;
  }).catch((error) => error);
  assertStrictEquals(error, boom);
  await assertRejects(
    () =>
      run(function* () {
        yield Promise.reject(new RangeError("inner"));
      }),
    RangeError,
    "inner",
  );
});

// --- a function that returns a promise ----------------------------------------------------------------------------

Deno.test("until calls a function at the yield, and gives the value or the error of its promise", () =>
  inLab(async ({ scheduler }) => {
    await scheduler.spawn(function* () {
      let calls = 0;
      const operation = until((signal) => {
        assertInstanceOf(signal, AbortSignal);
        assertEquals(signal.aborted, false);
        calls++;
        return Promise.resolve("value");
      });
      assertEquals(calls, 0);
      assertEquals(yield* operation, "value");
      assertEquals(calls, 1);
      assertEquals(yield until(() => Promise.resolve(1)), 1);
      const errors = [
        () => Promise.reject(new Error("rejected")),
        () => {
          throw new Error("thrown");
        },
        () => 5,
      ];
      for (const fn of errors) {
        try {
          yield* until(fn as () => Promise<never>);
          throw new Error("not reached");
        } catch (error) {
          assertMatch((error as Error).message, /^(rejected|thrown|Cannot wait as the function .* value is 5)$/);
        }
      }
      assertEquals(scheduler.stats().hostOperations, 0);
    }).value();
  }));

Deno.test("the signal of until is aborted when its wait is cut short, in every way", () =>
  inLab(async ({ scheduler }) => {
    for (const how of ["timeout", "throw", "terminate", "race", "withTimeout", "ends"]) {
      let signal: AbortSignal | undefined;
      const start = (given: AbortSignal): Promise<unknown> => {
        signal = given;
        return how === "ends" ? Promise.resolve() : new Promise((_, reject) => {
          given.addEventListener("abort", () => reject(given.reason));
        });
      };
      const coro = scheduler.spawn(function* (self) {
        if (how === "timeout") yield* until(start, 1);
        else if (how === "race") yield* race(until(start), self.sleep(1));
        else if (how === "withTimeout") yield* withTimeout(1, until(start));
        else yield* until(start);
      });
      scheduler.spawn(function* (self) {
        yield* self.sleep(1);
        if (how === "throw") coro.throw(new Error("thrown"));
        if (how === "terminate") coro.terminate();
      });
      const error = await coro.value().catch((thrown) => thrown);
      assertEquals(signal!.aborted, how !== "ends", how);
      if (how === "timeout") assertInstanceOf(signal!.reason, TimeoutError);
      else if (how !== "ends") assertEquals((signal!.reason as Error).name, "AbortError");
      assertEquals(error?.name, { timeout: "TimeoutError", withTimeout: "TimeoutError", throw: "Error" }[how]);
      await scheduler.join();
    }
  }));

Deno.test("a value that nobody gets aborts the signal, too", () =>
  inLab(async ({ scheduler }) => {
    const gate = Promise.withResolvers<string>();
    let signal: AbortSignal | undefined;
    const coro = scheduler.spawn(function* () {
      yield* until((given) => {
        signal = given;
        return gate.promise;
      });
    });
    const end = coro.value();
    await settle();
    gate.resolve("value");
    await gate.promise;
    await null;
    coro.terminate();
    await end;
    assertEquals(signal!.aborted, true);
  }));

Deno.test("until does not call the function when it could not wait, or when a race is decided before", () =>
  inLab(async ({ scheduler }) => {
    const never = (): Promise<never> => {
      throw new Error("it was called");
    };
    await scheduler.spawn(function* (coro) {
      for (const timeout of [0, -1]) {
        try {
          yield* until(never, timeout);
        } catch (error) {
          assertInstanceOf(error, TimeoutError);
        }
      }
      yield* race(coro.sleep(0), until(never));
      until(never);
    }).value();
  }));

Deno.test("a signal as the limit of until ends the wait and aborts the function's signal, with its reason", () =>
  inLab(async ({ scheduler }) => {
    const reason = new Error("enough");
    for (const spelling of ["yield*", "yield"]) {
      const controller = new AbortController();
      const seen: AbortSignal[] = [];
      const start = (signal: AbortSignal): Promise<never> => {
        seen.push(signal);
        return new Promise(() => {});
      };
      const coro = scheduler.spawn(function* () {
        if (spelling === "yield") yield until(start, controller.signal);
        else yield* until(start, { timeout: 60, signal: controller.signal });
      });
      scheduler.spawn(function* (self) {
        yield* self.sleep(1);
        controller.abort(reason);
      });
      assertStrictEquals(await coro.value().catch((error) => error), reason);
      assertEquals(seen.map((signal) => signal.reason), [reason]);
      // One that is aborted already ends it before the function is called.
      const late = scheduler.spawn(function* () {
        yield* until(start, controller.signal);
      });
      assertStrictEquals(await late.value().catch((error) => error), reason);
      assertEquals(seen.length, 1);
    }
  }));
