/** acquireMany() and tryAcquire(): several permits at once, nobody is overtaken, and nothing is lost. */
import {
  BoundedSemaphore,
  Coro,
  DeadlockError,
  Lock,
  race,
  RLock,
  Semaphore,
  sleep,
  TimeoutError,
} from "@asyncoro/asyncoro";
import * as asyncio from "@asyncoro/asyncoro/asyncio";
import { runVirtual } from "@asyncoro/asyncoro/testing";
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";

type Body<T = void> = Generator<unknown, T, unknown>;

/** Acquires in a coroutine of its own, and notes it. */
function acquirer(semaphore: Semaphore, n: number, log: string[], limit?: number): Coro<unknown> {
  return new Coro(function* (): Body {
    try {
      yield* semaphore.acquireMany(n, limit);
      log.push(`${n}`);
    } catch (error) {
      assert(error instanceof TimeoutError, `${error}`);
      log.push(`${n} too late`);
    }
  });
}

for (const make of [Semaphore, BoundedSemaphore]) {
  const { name } = make;

  Deno.test(`${name}.acquireMany() takes several permits at once, and does not wait if they are free`, () =>
    runVirtual(function* (): Body {
      const semaphore = new make(5);
      yield* semaphore.acquireMany(3);
      assertEquals(semaphore.statistics(), { value: 2, waiters: 0 });
      yield* semaphore.acquireMany(2, 0);
      assertEquals(semaphore.locked(), true);
      semaphore.release(5);
      assertEquals(semaphore.statistics(), { value: 5, waiters: 0 });
    }));

  Deno.test(`${name}: a large acquireMany() that waits is not overtaken`, () =>
    runVirtual(function* (): Body {
      const semaphore = new make(5);
      const log: string[] = [];
      yield* semaphore.acquireMany(5);
      acquirer(semaphore, 4, log);
      acquirer(semaphore, 1, log);
      const single = new Coro(function* (): Body {
        yield* semaphore.acquire();
        log.push("acquire");
      });
      yield;
      semaphore.release(3);
      yield;
      assertEquals([log, semaphore.statistics()], [[], { value: 3, waiters: 3 }]);
      assertEquals([semaphore.locked(), semaphore.tryAcquire(), yield* semaphore.acquire(false)], [true, false, false]);
      semaphore.release(2);
      yield* sleep(0.1);
      assertEquals([log, semaphore.statistics()], [["4", "1"], { value: 0, waiters: 1 }]);
      semaphore.release();
      yield* single.finish();
      assertEquals(semaphore.statistics(), { value: 0, waiters: 0 });
    }));

  Deno.test(`${name}: one release may grant to several, and each gets all or nothing`, () =>
    runVirtual(function* (): Body {
      const semaphore = new make(6);
      const log: string[] = [];
      yield* semaphore.acquireMany(6);
      for (const n of [2, 1, 3, 1]) acquirer(semaphore, n, log);
      yield;
      semaphore.release(5);
      yield;
      assertEquals([log, semaphore.statistics()], [["2", "1"], { value: 2, waiters: 2 }]);
      semaphore.release(1);
      yield;
      assertEquals([log, semaphore.statistics()], [["2", "1", "3"], { value: 0, waiters: 1 }]);
      semaphore.release(1);
      yield;
      assertEquals(log, ["2", "1", "3", "1"]);
    }));

  Deno.test(`${name}: when the first that waits leaves, those behind it go on`, () =>
    runVirtual(function* (): Body {
      for (const how of ["terminate", "throw", "limit"]) {
        const semaphore = new make(5);
        const log: string[] = [];
        yield* semaphore.acquireMany(3);
        const first = new Coro(function* (): Body {
          try {
            yield* semaphore.acquireMany(4, how === "limit" ? 1 : undefined);
          } catch (error) {
            log.push((error as Error).name);
          }
        });
        yield;
        acquirer(semaphore, 1, log);
        acquirer(semaphore, 1, log);
        acquirer(semaphore, 1, log);
        yield;
        assertEquals(semaphore.statistics(), { value: 2, waiters: 4 });
        if (how === "terminate") first.terminate();
        if (how === "throw") first.throw(new Error("stop"));
        yield* sleep(2);
        assertEquals(log.filter((each) => each === "1").length, 2);
        assertEquals(semaphore.statistics(), { value: 0, waiters: 1 });
        semaphore.release(3);
        yield* sleep(0.1);
        assertEquals(semaphore.statistics(), { value: 2, waiters: 0 });
      }
    }));

  Deno.test(`${name}: permits that were granted go back when the wait is cut short`, () =>
    runVirtual(function* (): Body {
      const semaphore = new make(4);
      const log: string[] = [];
      yield* semaphore.acquireMany(4);
      const first = acquirer(semaphore, 3, log);
      acquirer(semaphore, 2, log);
      yield;
      semaphore.release(4);
      assertEquals(semaphore.statistics(), { value: 1, waiters: 1 });
      first.terminate();
      yield* sleep(0.1);
      assertEquals([log, semaphore.statistics()], [["2"], { value: 2, waiters: 0 }]);
      semaphore.release(2);
      assertEquals(yield* race(sleep(0), semaphore.acquireMany(4)), undefined);
      assertEquals(semaphore.statistics(), { value: 4, waiters: 0 });
    }));

  Deno.test(`${name}.acquireMany(): too late is a TimeoutError`, () =>
    runVirtual(function* (coro): Body {
      const semaphore = new make(2, "seats");
      yield* semaphore.acquire();
      const log: string[] = [];
      yield* acquirer(semaphore, 2, log, 3).finish();
      assertEquals([log, coro.scheduler.now()], [["2 too late"], 3]);
      try {
        yield* semaphore.acquireMany(2, 0);
      } catch (error) {
        assert(error instanceof TimeoutError);
        log.push(`${(error as Error).message}`);
      }
      assert(/^Time is up: .*semaphore 'seats' did not have 2 permits in time$/.test(log[1]), log[1]);
      assertEquals(semaphore.statistics(), { value: 1, waiters: 0 });
    }));

  Deno.test(`${name}.tryAcquire() takes what is free`, () => {
    const semaphore = new make(3);
    assertEquals([semaphore.tryAcquire(2), semaphore.tryAcquire(2), semaphore.tryAcquire()], [true, false, true]);
    assertEquals([semaphore.tryAcquire(), semaphore.statistics()], [false, { value: 0, waiters: 0 }]);
    semaphore.release(3);
    for (const n of [0, -1, 1.5, NaN]) {
      assertThrows(() => semaphore.tryAcquire(n), RangeError, "Cannot acquire permits as 'n' must be");
      assertThrows(() => semaphore.acquireMany(n), RangeError, "Cannot acquire permits as 'n' must be");
    }
    assertThrows(() => semaphore.acquireMany("2" as unknown as number), TypeError);
    assertThrows(() => semaphore.acquireMany(1, "2" as unknown as number), TypeError, "Cannot acquire permits");
    assertEquals(semaphore.statistics(), { value: 3, waiters: 0 });
  });
}

Deno.test("acquireMany() above what a BoundedSemaphore can ever have is a RangeError", () => {
  const semaphore = new BoundedSemaphore(2, "seats");
  const text = "Cannot acquire 3 permits of bounded semaphore 'seats' as it never has more than it began with";
  assertThrows(() => semaphore.acquireMany(3), RangeError, text);
  assertThrows(() => semaphore.tryAcquire(3), RangeError, text);
  assertEquals(semaphore.statistics(), { value: 2, waiters: 0 });
});

Deno.test("acquireMany() of a Semaphore waits for more permits than there ever were", () =>
  runVirtual(function* (): Body {
    const semaphore = new Semaphore(2);
    const log: string[] = [];
    const coro = acquirer(semaphore, 5, log);
    yield;
    assertEquals(semaphore.tryAcquire(5), false);
    semaphore.release(3);
    yield* coro.finish();
    assertEquals(log, ["5"]);
  }));

Deno.test("BoundedSemaphore.release() counts the free permits while a large acquireMany() waits", () =>
  runVirtual(function* (): Body {
    const semaphore = new BoundedSemaphore(3);
    yield* semaphore.acquire();
    const coro = acquirer(semaphore, 3, []);
    yield;
    assertEquals(semaphore.statistics(), { value: 2, waiters: 1 });
    assertThrows(() => semaphore.release(2), RangeError);
    semaphore.release();
    yield* coro.finish();
    semaphore.release(3);
    assertThrows(() => semaphore.release(), RangeError);
  }));

for (const make of [Lock, RLock]) {
  Deno.test(`${make.name}.tryAcquire() acquires it if it is free, for the running coroutine`, () =>
    runVirtual(function* (coro): Body {
      const lock = new make("door");
      assertEquals([lock.tryAcquire(), lock.statistics().owner], [true, coro]);
      const other = new Coro(function* (): Body<boolean> {
        return lock.tryAcquire();
      });
      assertEquals(yield* other.finish(), false);
      const waiting = new Coro(function* (): Body<boolean> {
        return yield* lock.acquire();
      });
      yield;
      lock.release();
      // It belongs to the one that waited already.
      assertEquals([lock.statistics().owner, lock.tryAcquire()], [waiting, false]);
      waiting.terminate();
      yield;
      assertEquals(lock.tryAcquire(), true);
      lock.release();
    }));

  Deno.test(`${make.name}.tryAcquire() needs a coroutine`, () => {
    const lock = new make("door");
    assertThrows(() => lock.tryAcquire(), Error, "lock 'door' outside a coroutine: use it inside");
    assertEquals(lock.locked(), false);
  });
}

Deno.test("Lock.tryAcquire() is not re-entrant, RLock.tryAcquire() is", () =>
  runVirtual(function* (): Body {
    const [lock, rlock] = [new Lock(), new RLock()];
    assertEquals([lock.tryAcquire(), lock.tryAcquire()], [true, false]);
    assertEquals([rlock.tryAcquire(), rlock.tryAcquire(), rlock.statistics().depth], [true, true, 2]);
    rlock.release();
    rlock.release();
    lock.release();
    assertEquals([lock.locked(), rlock.locked()], [false, false]);
  }));

Deno.test("a lock that was acquired by tryAcquire() may be part of a deadlock", async () => {
  const error: unknown = await assertRejects(() =>
    runVirtual(function* (coro): Body {
      coro.scheduler.onError = () => {};
      const lock = new Lock("door");
      const other = coro.scheduler.spawnWith({ name: "other" }, function* (): Body {
        yield* lock.acquire();
      });
      lock.tryAcquire();
      yield* other.finish();
    }), DeadlockError);
  assert((error as Error).message.includes("lock 'door' held by"), `${error}`);
});

Deno.test("a lock that was acquired by tryAcquire() passes on when its owner ends, and that is reported", () =>
  runVirtual(function* (coro): Body {
    const reported: unknown[] = [];
    coro.scheduler.onError = (error) => reported.push(error);
    const lock = new Lock("door");
    yield* coro.scheduler.spawn(function* (): Body {
      lock.tryAcquire();
    }).finish();
    assertEquals([lock.locked(), reported.length], [false, 1]);
  }));

Deno.test("a wait for permits is described", async () => {
  const error: unknown = await assertRejects(() =>
    runVirtual(function* (): Body {
      yield* new Semaphore(1, "seats").acquireMany(3);
    }), DeadlockError);
  assertEquals((error as DeadlockError).waiting.map(({ waitsFor }) => waitsFor), ["3 permits of semaphore 'seats'"]);
});

Deno.test("asyncio's semaphores do not let tryAcquire() overtake a task that was granted and has not run", () =>
  runVirtual(function* (): Body {
    const semaphore = new asyncio.Semaphore(1);
    yield* semaphore.acquire();
    const task = new Coro(function* (): Body {
      yield* semaphore.acquire();
    });
    yield;
    semaphore.release(2);
    assertEquals(semaphore.tryAcquire(), false);
    yield* task.finish();
    assertEquals(semaphore.tryAcquire(), true);
  }));
