/**
 * `until`: promises in coroutines, late, rejected and abandoned.
 */
import { race, run, sleep, TimeoutError, until } from "@asyncoro/asyncoro";
import { assertEquals, assertInstanceOf, assertRejects, assertStrictEquals, assertThrows } from "@std/assert";
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
          assertEquals((error as Error).message, "until() timed out: the promise was not settled in time");
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
      `Cannot wait as until() takes a promise: current value is ${words}`,
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
