/** `select`: the first of several named cases; and what `withTimeout` takes. */
import { AsyncLocalStorage } from "node:async_hooks";
import {
  all,
  Condition,
  Coro,
  current,
  DeadlockError,
  Lock,
  Queue,
  race,
  select,
  sleep,
  TimeoutError,
  until,
  withTimeout,
} from "@asyncoro/asyncoro";
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

Deno.test("of several that are settled before the coroutine runs, the first one wins, and the others go back", () =>
  inLab(async (lab) => {
    const locks = [new Lock(), new Lock(), new Lock()];
    const holder = lab.scheduler.spawn(function* (self) {
      for (const lock of locks) yield* lock.acquire();
      yield* self.sleep(1);
      for (const index of [1, 2, 0]) locks[index].release();
      yield* self.sleep(1);
      assertEquals(locks.map((lock) => lock.locked()), [false, true, false]);
    });
    await lab.scheduler.spawn(function* (self) {
      const [key] = yield* select({ a: locks[0].acquire(), b: locks[1].acquire(), c: locks[2].acquire() });
      assertEquals(key, "b");
      yield* self.sleep(2);
      locks[1].release();
    }).value();
    await holder.value();
  }));

Deno.test("a select of plain operations begins and may end in the step of its yield, in the order of its cases", () =>
  inLab(async (lab) => {
    await lab.scheduler.spawn(function* (coro) {
      const { switches } = lab.scheduler.stats();
      coro.send("message");
      const lock = new Lock();
      assertEquals(yield* select({ message: coro.receive(), lock: lock.acquire() }), ["message", "message"]);
      assertEquals(yield* select({ message: coro.receive(), lock: lock.acquire() }), ["lock", true]);
      assertEquals(yield* all(coro.sleep(0, 1), race(coro.receive(0, 2), coro.sleep(0, 3))), [1, 2]);
      assertEquals(lock.locked(), true);
      lock.release();
      assertEquals(coro.mailbox!.length, 0);
      // The last one has a race in it, which needs a fiber.
      assertEquals(lab.scheduler.stats().switches - switches < 5, true);
    }).value();
  }));

Deno.test("all of plain operations: a limit of one of them, and a failure, end it", () =>
  inLab(async (lab) => {
    const queue = new Queue<number>(2);
    const coro = lab.scheduler.spawn(function* (self) {
      queue.tryPut(1);
      try {
        yield* all(queue.get(), queue.get(2), self.sleep(5));
      } catch (error) {
        assertInstanceOf(error, TimeoutError);
        return [lab.clock.now(), queue.tryGet()];
      }
    });
    assertEquals(await coro.value(), [2, 1]);
    assertEquals(queue.statistics(), { size: 0, putting: 0, getting: 0, dropped: 0 });
  }));

Deno.test("a coroutine in a select is found in a deadlock, and is not while one of its cases has a limit", () =>
  inLab(async (lab) => {
    const coros: Coro[] = [];
    const lock = new Lock("shared");
    for (const other of [1, 0]) {
      coros.push(lab.scheduler.spawn(function* () {
        if (other === 1) yield* lock.acquire();
        yield;
        try {
          yield* select({ other: coros[other].finish(1), lock: other === 0 ? lock.acquire() : coros[other].finish() });
        } catch (error) {
          assertInstanceOf(error, TimeoutError);
        }
        yield* select({ end: coros[other].finish(), lock: other === 0 ? lock.acquire() : coros[other].finish() });
      }) as Coro);
    }
    const ends = await Promise.allSettled(coros.map((coro) => coro.value()));
    for (const end of ends) assertInstanceOf((end as PromiseRejectedResult).reason, DeadlockError);
    assertEquals(lab.clock.now(), 1);
    lab.takeReported();
  }));

Deno.test("a promise that was not waited for as an earlier case came first is released", () =>
  inLab(async (lab) => {
    await lab.scheduler.spawn(function* (coro) {
      const wait = until(new Promise(() => {}));
      coro.send("message");
      assertEquals(yield* select({ message: coro.receive(), wait }), ["message", "message"]);
      assertStrictEquals((wait as unknown as { reaction: unknown }).reaction, null);
    }).value();
  }));

Deno.test("messages that several receives were granted return in their order when the whole is cut short", () =>
  inLab(async (lab) => {
    const coro = lab.scheduler.spawn(function* (self) {
      try {
        yield* all(self.receive(), self.receive(), self.receive(), self.sleep(9));
      } catch {
        return [yield* self.receive(0), yield* self.receive(0), yield* self.receive(0)];
      }
    });
    lab.scheduler.spawn(function* (self) {
      yield* self.sleep(1);
      for (let i = 1; i <= 3; i++) coro.send(i);
      coro.throw(new Error("boom"));
    });
    assertEquals(await coro.value(), [1, 2, 3]);
  }));

Deno.test("a case whose time is up may still have to wait for a lock", () =>
  inLab(async (lab) => {
    const condition = new Condition();
    lab.scheduler.spawn(function* (self) {
      yield;
      yield* condition.acquire();
      yield* self.sleep(3);
      condition.release();
    });
    await lab.scheduler.spawn(function* (self) {
      yield* condition.acquire();
      assertEquals(yield* select({ wait: condition.wait(1), pause: self.sleep(9) }), ["wait", false]);
      assertEquals(lab.clock.now(), 3);
      condition.release();
    }).value();
  }));

Deno.test("what a case calls when its time is up is called in the context of the coroutine", () =>
  inLab(async (lab) => {
    const stored = new AsyncLocalStorage<string>();
    const log: unknown[] = [];
    const work = (signal: AbortSignal) => {
      signal.addEventListener("abort", () => log.push([stored.getStore(), current().name]));
      return new Promise(() => {});
    };
    const coros = ["one", "two"].map((name) =>
      stored.run(name, () =>
        lab.scheduler.spawnWith({ name }, function* (self) {
          try {
            yield* select({ work: until(work, 1), pause: self.sleep(9) });
          } catch (error) {
            assertInstanceOf(error, TimeoutError);
          }
        }))
    );
    for (const coro of coros) await coro.value();
    assertEquals(log, [["one", "one"], ["two", "two"]]);
  }));

Deno.test("code that a losing case calls may cut the whole short", () =>
  inLab(async (lab) => {
    const queue = new Queue<number>(1);
    const work = (signal: AbortSignal) => {
      signal.addEventListener("abort", () => lab.at(`${coro.terminate()}`));
      return new Promise(() => {});
    };
    const coro: Coro = lab.scheduler.spawn(function* (self): Generator<unknown, void, unknown> {
      try {
        yield* select({ a: queue.get(), b: until(work), c: self.sleep(1), d: queue.get(), e: until(work) });
        lab.at("goes on");
      } finally {
        yield* self.sleep(1);
        lab.at("cleaned up");
      }
    });
    await coro.value();
    assertEquals(lab.takeLog(), ["1 true", "1 true", "2 cleaned up"]);
    assertEquals(queue.statistics().getting, 0);
  }));
