/**
 * Lock, RLock, Event, Semaphore and BoundedSemaphore: which waiter is granted, in which order, and the errors of
 * misuse.
 */
import {
  all,
  BoundedSemaphore,
  type Coro,
  Event,
  Lock,
  Operation,
  race,
  RLock,
  run,
  Semaphore,
  sleep,
} from "@asyncoro/asyncoro";
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { inLab, type Lab, settle } from "../helpers/lab.ts";

type TestedLock = Lock | RLock | Semaphore;

const LOCKS: [string, () => TestedLock][] = [
  ["Lock", () => new Lock()],
  ["RLock", () => new RLock()],
  ["Semaphore", () => new Semaphore()],
  ["BoundedSemaphore", () => new BoundedSemaphore()],
];

/** Acquires it, logs that, holds it for a second and releases it. */
function* user(_coro: Coro, lab: Lab, acquirable: TestedLock, name: string): Generator<unknown, void, unknown> {
  yield* acquirable.acquire();
  lab.at(name);
  yield* sleep(1);
  acquirable.release();
}

for (const [kind, make] of LOCKS) {
  Deno.test(`${kind} is granted in the order of arrival`, () =>
    inLab(async (lab) => {
      const acquirable = make();
      for (const name of ["a", "b", "c", "d"]) lab.scheduler.spawn(user, lab, acquirable, name);
      await lab.scheduler.join();
      assertEquals(lab.log, ["0 a", "1 b", "2 c", "3 d"]);
      assertEquals(acquirable.statistics().waiters, 0);
      assert(!acquirable.locked());
    }));

  Deno.test(`${kind} is granted to a waiter, not to a releaser that acquires again at once`, () =>
    inLab(async (lab) => {
      const acquirable = make();
      const greedy = function* (_coro: Coro, name: string) {
        for (let i = 0; i < 3; i++) {
          yield* acquirable.acquire();
          lab.note(name);
          if (i === 0 && name === "a") yield;
          acquirable.release();
        }
      };
      lab.scheduler.spawn(greedy, "a");
      lab.scheduler.spawn(greedy, "b");
      await lab.scheduler.join();
      assertEquals(lab.log.join(""), "ababab");
    }));

  Deno.test(`${kind}.acquire() does not wait with blocking false or no time, and returns false on timeout`, () =>
    inLab(async (lab) => {
      const acquirable = make();
      lab.scheduler.spawn(user, lab, acquirable, "holder");
      await lab.scheduler.spawn(function* () {
        const answers = [];
        for (const timeout of [0, -1, -Infinity, { milliseconds: 0 }]) {
          answers.push(yield* acquirable.acquire(true, timeout));
        }
        answers.push(yield* acquirable.acquire(false), yield* acquirable.acquire(false, 10));
        assertEquals(answers, [false, false, false, false, false, false]);
        assertEquals(lab.clock.now(), 0);
        assertEquals(yield* acquirable.acquire(true, 0.5), false);
        assertEquals(lab.clock.now(), 0.5);
        assertEquals(acquirable.statistics().waiters, 0);
        assertEquals(yield* acquirable.acquire(true, 0.6), true);
        assertEquals(lab.clock.now(), 1);
        acquirable.release();
        assertEquals(yield* acquirable.acquire(false), true);
        acquirable.release();
        assertEquals(yield* acquirable.acquire(true, -1), true);
        acquirable.release();
        assertEquals(yield acquirable.acquire(), true);
        acquirable.release();
      }).value();
    }));

  Deno.test(`${kind}.hold() releases at the end of the block, also after an error`, () =>
    inLab(async (lab) => {
      const acquirable = make();
      await lab.scheduler.spawn(function* () {
        {
          using _ = yield* acquirable.hold();
          assert(acquirable.locked());
        }
        assert(!acquirable.locked());
        try {
          using _ = yield* acquirable.hold();
          throw new Error("inside");
        } catch {
          assert(!acquirable.locked());
        }
        const held = yield* acquirable.hold();
        held[Symbol.dispose]();
        held[Symbol.dispose]();
        assert(!acquirable.locked());
      }).value();
      const stuck = lab.scheduler.spawn(function* (coro) {
        using _ = yield* acquirable.hold();
        yield* coro.receive();
      });
      await settle();
      assert(acquirable.locked());
      stuck.terminate();
      await stuck.value();
      assert(!acquirable.locked());
    }));

  Deno.test(`${kind} rejects an invalid timeout and a 'blocking' that is not a boolean`, () => {
    const acquirable = make();
    assertThrows(
      () => acquirable.acquire(true, "1s" as unknown as number),
      TypeError,
      `Cannot acquire as 'timeout' must be a number of seconds or a duration: current value is "1s"`,
    );
    assertThrows(
      () => acquirable.acquire(5 as unknown as boolean),
      TypeError,
      "Cannot acquire as 'blocking' must be a boolean: current value is 5, the timeout is the second argument",
    );
  });

  Deno.test(`${kind} is released when all() or race() had acquired it and fails`, () =>
    inLab(async (lab) => {
      const acquirable = make();
      await lab.scheduler.spawn(function* () {
        const fails = function* () {
          yield* sleep(1);
          throw new Error("other branch");
        };
        try {
          yield* all(acquirable.acquire(), fails());
        } catch {
          lab.note("failed");
        }
        assert(!acquirable.locked());
        try {
          yield* all(acquirable.hold(), fails());
        } catch {
          lab.note("failed");
        }
        assert(!acquirable.locked());
        assertEquals(yield* race(acquirable.acquire(), sleep(1)), true);
        assert(acquirable.locked());
        acquirable.release();
      }).value();
      assertEquals(lab.log, ["failed", "failed"]);
    }));

  Deno.test(`${kind} in branches of one coroutine neither deadlocks nor is reported as deadlocked`, () =>
    inLab(async (lab) => {
      const acquirable = make();
      const branch = function* () {
        using _ = yield* acquirable.hold();
        yield* sleep(1);
      };
      await lab.scheduler.spawn(function* () {
        yield* all(branch(), branch(), branch());
      }).value();
      assertEquals(acquirable.statistics().waiters, 0);
      assert(!acquirable.locked());
    }));
}

Deno.test("a released lock belongs to the next waiter at once, before that runs", () =>
  inLab(async (lab) => {
    const lock = new Lock("door");
    await lab.scheduler.spawn(function* (coro) {
      assertEquals(lock.statistics(), { locked: false, owner: null, waiters: 0 });
      yield* lock.acquire();
      assertEquals(lock.statistics(), { locked: true, owner: coro, waiters: 0 });
      const next = lab.scheduler.spawn(user, lab, lock, "next");
      yield* sleep(0.1);
      assertEquals(lock.statistics(), { locked: true, owner: coro, waiters: 1 });
      assert(Object.isFrozen(lock.statistics()));
      lock.release();
      assertEquals(lock.statistics(), { locked: true, owner: next, waiters: 0 });
      assertEquals(yield* lock.acquire(false), false);
    }).value();
    await lab.scheduler.join();
  }));

Deno.test("Lock is not re-entrant and may be released by any code", () =>
  inLab(async (lab) => {
    const lock = new Lock();
    const holder = lab.scheduler.spawn(function* (coro) {
      yield* lock.acquire();
      assertEquals(yield* lock.acquire(true, 1), false);
      yield* coro.receive();
    });
    await settle();
    await lab.scheduler.spawn(function* () {
      yield* sleep(2);
      lock.release();
      yield* lock.acquire();
    }).value();
    assertEquals(lab.takeReported().length, 1);
    assert(!lock.locked());
    holder.send("end");
    await holder.value();
    await lab.scheduler.spawn(function* (coro) {
      yield* lock.acquire();
      yield* coro.sleep(1);
    }).value().catch(() => {});
    lab.takeReported();
  }));

Deno.test("Lock is released from outside coroutines too", () =>
  inLab(async (lab) => {
    const lock = new Lock();
    const coro = lab.scheduler.spawn(function* (coro) {
      yield* lock.acquire();
      yield* coro.receive();
      yield* lock.acquire();
      lock.release();
      return "done";
    });
    await settle();
    lock.release();
    assert(!lock.locked());
    coro.send("go on");
    assertEquals(await coro.value(), "done");
  }));

Deno.test("RLock counts: others get it when it has been released as often as acquired", () =>
  inLab(async (lab) => {
    const lock = new RLock();
    lab.scheduler.spawn(function* (coro) {
      for (let i = 0; i < 3; i++) assertEquals(yield* lock.acquire(), true);
      assertEquals(yield* lock.acquire(false), true);
      assertEquals(lock.statistics(), { locked: true, owner: coro, depth: 4, waiters: 0 });
      for (let i = 0; i < 4; i++) {
        yield* sleep(1);
        lock.release();
      }
    });
    lab.scheduler.spawn(user, lab, lock, "other");
    await lab.scheduler.join();
    assertEquals(lab.log, ["4 other"]);
  }));

Deno.test("RLock is granted to all branches of its owner, whether they came before or after it was granted", () =>
  inLab(async (lab) => {
    const lock = new RLock();
    lab.scheduler.spawn(function* () {
      yield* lock.acquire();
      lab.at("first");
      yield* sleep(1);
      lock.release();
    });
    lab.scheduler.spawn(function* () {
      yield* all(lock.acquire(), lock.acquire(), lock.acquire());
      lab.at(`depth ${lock.statistics().depth}`);
      for (let i = 0; i < 3; i++) lock.release();
    });
    await settle();
    lab.scheduler.spawn(user, lab, lock, "last");
    await lab.scheduler.join();
    assertEquals(lab.log, ["0 first", "1 depth 3", "1 last"]);
  }));

Deno.test("Event.set() wakes all waiters, even if clear() follows at once", () =>
  inLab(async (lab) => {
    const event = new Event("ready");
    for (const name of ["a", "b", "c"]) {
      lab.scheduler.spawn(function* () {
        lab.at(`${name} ${yield* event.wait()}`);
        lab.at(`${name} ${yield* event.wait(1)}`);
      });
    }
    await settle();
    assertEquals(event.statistics(), { set: false, waiters: 3 });
    event.set();
    event.clear();
    assertEquals(event.isSet(), false);
    await lab.scheduler.join();
    assertEquals(lab.log, ["0 a true", "0 b true", "0 c true", "1 a false", "1 b false", "1 c false"]);
    assertEquals(event.statistics(), { set: false, waiters: 0 });
    event.set();
    assert(event.isSet());
    await lab.scheduler.spawn(function* () {
      assertEquals(yield* event.wait(), true);
      assertEquals(yield* event.wait(0), true);
      event.clear();
      assertEquals(yield* event.wait(0), false);
      assertEquals(yield* event.wait(-1), false);
    }).value();
    assertThrows(() => event.wait(NaN), TypeError, "Cannot wait for an event as 'timeout' must be a number");
  }));

Deno.test("Semaphore.release(n) grants to the first n waiters and keeps the rest", () =>
  inLab(async (lab) => {
    const seats = new Semaphore(0, "seats");
    for (const name of ["a", "b", "c"]) {
      lab.scheduler.spawn(function* () {
        yield* seats.acquire();
        lab.note(name);
      });
    }
    await settle();
    seats.release(2);
    assertEquals(seats.statistics(), { value: 0, waiters: 1 });
    await settle();
    assertEquals(lab.takeLog(), ["a", "b"]);
    seats.release(5);
    assertEquals(seats.statistics(), { value: 4, waiters: 0 });
    await settle();
    assertEquals(lab.takeLog(), ["c"]);
  }));

Deno.test("BoundedSemaphore never has more permits than it began with", () =>
  inLab(async (lab) => {
    const pool = new BoundedSemaphore(2, "pool");
    await lab.scheduler.spawn(function* () {
      yield* pool.acquire();
      assertThrows(
        () => pool.release(2),
        RangeError,
        "Cannot release 2 of bounded semaphore 'pool' as there would be more permits than the 2 it began with: " +
          "current value is 1",
      );
      assertEquals(pool.statistics().value, 1);
      const held = yield* pool.hold();
      pool.release(2);
      assertThrows(() => held[Symbol.dispose](), Error, "as no permit is taken: current value is 2");
    }).value();
  }));

Deno.test("semaphores reject invalid counts", () => {
  for (const make of [Semaphore, BoundedSemaphore]) {
    const text = "Cannot create a semaphore as 'value' must be an integer of 0 or more: current value is ";
    assertThrows(() => new make(-1), RangeError, `${text}-1`);
    assertThrows(() => new make(1.5), RangeError, `${text}1.5`);
    assertThrows(() => new make(NaN), RangeError, `${text}NaN`);
    assertThrows(() => new make("1" as unknown as number), TypeError, `${text}"1"`);
    const semaphore = new make(2);
    const release = "Cannot release permits as 'n' must be a positive integer: current value is ";
    assertThrows(() => semaphore.release(0), RangeError, `${release}0`);
    assertThrows(() => semaphore.release(-1), RangeError, `${release}-1`);
    assertThrows(() => semaphore.release(0.5), RangeError, `${release}0.5`);
    assertThrows(() => semaphore.release(Infinity), RangeError, `${release}Infinity`);
    assertThrows(() => semaphore.release(null as unknown as number), TypeError, `${release}null`);
    assertEquals(semaphore.statistics().value, 2);
  }
});

Deno.test("releasing a lock that is not held, or another coroutine's RLock, throws and changes nothing", () =>
  inLab(async (lab) => {
    const lock = new Lock("door");
    const nobody = "as it is not held: current owner is nobody";
    assertThrows(() => lock.release(), Error, `Cannot release lock 'door' ${nobody}`);
    assertThrows(() => new Lock().release(), Error, `Cannot release a lock ${nobody}`);
    const rlock = new RLock("tree");
    assertThrows(
      () => rlock.release(),
      Error,
      "Cannot release rlock 'tree' as code outside coroutines does not hold it: current owner is nobody",
    );
    const owner = lab.scheduler.spawnWith({ name: "owner" }, user, lab, rlock, "owner");
    await lab.scheduler.spawnWith({ name: "other" }, function* (other) {
      assertThrows(
        () => rlock.release(),
        Error,
        `Cannot release rlock 'tree' as ${other} does not hold it: current owner is ${owner}`,
      );
      yield* sleep(2);
      const held = yield* lock.hold();
      lock.release();
      assertThrows(
        () => held[Symbol.dispose](),
        Error,
        `Cannot release lock 'door' as ${other} does not hold it: current owner is nobody`,
      );
    }).value();
    assertEquals(lab.log, ["0 owner"]);
  }));

Deno.test("names must be strings", () => {
  for (const make of [Lock, RLock, Event]) {
    assertThrows(() => new make(5 as unknown as string), TypeError, "'name' must be a string: current value is 5");
  }
  assertEquals([`${new Lock("a")}`, `${new RLock()}`, `${new Event()}`], ["lock 'a'", "an rlock", "an event"]);
  assertEquals(`${new BoundedSemaphore(1, "b")}`, "bounded semaphore 'b'");
});

Deno.test("an acquire is an operation: it does nothing until yielded, and belongs to one yield", async () => {
  const lock = new Lock();
  const acquire = lock.acquire();
  assert(acquire instanceof Operation);
  assert(!lock.locked());
  const twice = run(function* () {
    yield* acquire;
    lock.release();
    yield* acquire;
  });
  await assertRejects(() => twice, TypeError, "Cannot yield 'acquire' again");
  assert(!lock.locked());
  assertThrows(() => lock.acquire()[Symbol.iterator]().next(), TypeError, "outside a coroutine");
  assert(!lock.locked());
});
