/** `select`: the first of several named cases; and what `withTimeout` takes. */
import { Coro, Lock, race, select, sleep, TimeoutError, withTimeout } from "@asyncoro/asyncoro";
import { assertEquals, assertInstanceOf, assertStrictEquals, assertThrows } from "@std/assert";
import { inLab } from "../helpers/lab.ts";

Deno.test("select gives the key and the value of the case that ends first", () =>
  inLab(async (lab) => {
    await lab.scheduler.spawn(function* (coro) {
      const other = new Coro(function* (self) {
        return yield* self.sleep(3, "coroutine");
      });
      const cases = () => ({
        operation: coro.sleep(2, "operation"),
        generator: (function* () {
          return yield* coro.sleep(1, "generator");
        })(),
        coroutine: other,
        promise: new Promise<string>(() => {}),
      });
      assertEquals(yield* select(cases()), ["generator", "generator"]);
      assertEquals(yield* select({ coroutine: other, promise: new Promise(() => {}) }), ["coroutine", "coroutine"]);
      assertEquals(yield* select({ promise: Promise.resolve(1), 7: sleep(9) }), ["promise", 1]);
      assertEquals(yield* select({ 7: sleep(1), 8: sleep(2) }), ["7", undefined]);
    }).value();
  }));

Deno.test("losers are cancelled and lose nothing", () =>
  inLab(async (lab) => {
    const lock = new Lock();
    await lab.scheduler.spawn(function* (coro) {
      coro.send("one");
      coro.send("two");
      yield* lock.acquire();
      const [key] = yield* select({ now: coro.sleep(0), message: coro.receive(), lock: lock.acquire() });
      assertEquals(key, "now");
      assertEquals([yield* coro.receive(0), yield* coro.receive(0)], ["one", "two"]);
      lock.release();
      assertEquals(lock.locked(), false);
    }).value();
  }));

Deno.test("a select that is cut short gives back what its winner was granted", () =>
  inLab(async (lab) => {
    const coro = lab.scheduler.spawn(function* (self) {
      try {
        yield* select({ message: self.receive(), pause: self.sleep(9) });
      } catch {
        return yield* self.receive(0);
      }
    });
    lab.scheduler.spawn(function* (self) {
      yield* self.sleep(1);
      coro.send("kept");
      coro.throw(new Error("boom"));
    });
    assertEquals(await coro.value(), "kept");
  }));

Deno.test("a case that fails fails the whole", () =>
  inLab(async (lab) => {
    const error = new Error("boom");
    const coro = lab.scheduler.spawn(function* () {
      yield* select({ bad: Promise.reject(error), pause: sleep(9) });
    });
    assertStrictEquals(await coro.value().catch((thrown) => thrown), error);
  }));

Deno.test("select refuses bad cases at the call", () => {
  assertThrows(() => select({}), TypeError, "Cannot select as 'cases' is empty");
  for (const bad of [null, undefined, 5, [sleep(1)], sleep(1)]) {
    assertThrows(() => select(bad as never), TypeError, "Cannot select as 'cases' must be a plain object");
  }
  assertThrows(() => select({ bad: 5 as never }), TypeError, "Cannot wait for 5");
});

Deno.test("withTimeout takes what race takes: coroutines go on after a timeout", () =>
  inLab(async (lab) => {
    await lab.scheduler.spawn(function* () {
      const other = new Coro(function* (self) {
        return yield* self.sleep(2, "value");
      });
      try {
        yield* withTimeout(1, other);
        throw new Error("not reached");
      } catch (error) {
        assertInstanceOf(error, TimeoutError);
      }
      assertEquals(yield* withTimeout(5, other), "value");
      assertEquals(yield* withTimeout(5, Promise.resolve("promise")), "promise");
      const failing = new Coro(function* () {
        throw new Error("boom");
      });
      try {
        yield* race(withTimeout(5, failing), sleep(9));
        throw new Error("not reached");
      } catch (error) {
        assertEquals((error as Error).message, "boom");
      }
    }).value();
    assertThrows(() => withTimeout(1, 5 as never), TypeError, "Cannot wait for 5");
  }));
