/**
 * Deadlocks are reported with their cycle, and a lock whose owner has ended passes to the next waiter.
 */
import {
  all,
  Condition,
  Coro,
  DeadlockError,
  Lock,
  race,
  RLock,
  run,
  Semaphore,
  sleep,
  withTimeout,
} from "@asyncoro/asyncoro";
import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { inLab, settle } from "../helpers/lab.ts";

/** Takes two locks, with a pause in between. */
function* both(_coro: Coro, first: Lock | RLock, second: Lock | RLock): Generator<unknown, string, unknown> {
  using _a = yield* first.hold();
  yield* sleep(0.01);
  using _b = yield* second.hold();
  return "had both";
}

for (const make of [Lock, RLock]) {
  Deno.test(`two ${make.name}s taken in opposite order are a DeadlockError that shows the cycle`, () =>
    inLab(async (lab) => {
      const [left, right] = [new make("left"), new make("right")];
      const kind = make === Lock ? "lock" : "rlock";
      // Unrelated coroutines do not hide the deadlock.
      const bystander = lab.scheduler.spawn(function* (coro) {
        yield* coro.sleep(1000);
      });
      const one = lab.scheduler.spawnWith({ name: "one" }, both, left, right);
      const two = lab.scheduler.spawnWith({ name: "two" }, both, right, left);
      const waits = lab.scheduler.spawnWith({ name: "three" }, function* () {
        yield* left.acquire();
        left.release();
      });
      const error = await assertRejects(() => one.value(), DeadlockError);
      assertEquals(error.message.split("\n").slice(1), [
        `  ${one} waits for ${kind} 'right' held by ${two}`,
        `  ${two} waits for ${kind} 'left' held by ${one}`,
        `  ${waits} waits for ${kind} 'left' held by ${one}`,
      ]);
      assertEquals(error.waiting.map((each: { coro: Coro }) => each.coro), [one, two, waits] as unknown[]);
      assert(lab.clock.now() < 1 && bystander.isAlive());
      const fromInside = lab.scheduler.spawn(function* () {
        yield* two.finish();
      });
      await assertRejects(() => fromInside.value(), DeadlockError);
      // The coroutines stay as they are, and can still be interrupted.
      one.terminate();
      assertEquals(await two.value(), "had both");
      assertEquals(right.statistics().waiters, 0);
    }));
}

Deno.test("a deadlock is found of coroutines that waited before, though many others have waited since", () =>
  inLab(async (lab) => {
    const [gate, left, right] = [new Lock("gate"), new Lock("left"), new Lock("right")];
    let passed = 0;
    const pass = function* (): Generator<unknown, void, unknown> {
      yield* gate.acquire();
      yield;
      gate.release();
      passed++;
    };
    const crossed = function* (_coro: Coro, first: Lock, second: Lock): Generator<unknown, void, unknown> {
      yield* pass();
      // Nothing is idle until the others have passed the gate as well.
      while (passed < 1_000) yield;
      using _a = yield* first.hold();
      yield;
      using _b = yield* second.hold();
    };
    lab.scheduler.spawn(pass);
    lab.scheduler.spawn(function* (coro) {
      yield* coro.sleep(1000);
    });
    const one = lab.scheduler.spawn(crossed, left, right);
    const two = lab.scheduler.spawn(crossed, right, left);
    lab.scheduler.spawn(function* (coro) {
      while (passed < 3) yield;
      for (let i = 0; i < 1_000; i++) coro.scheduler.spawn(pass);
    });
    const error = await assertRejects(() => one.value(), DeadlockError);
    assertEquals(new Set(error.waiting.map((each: { coro: Coro }) => `${each.coro}`)), new Set([`${one}`, `${two}`]));
    assert(lab.clock.now() < 1);
    one.terminate();
    await two.value();
  }));

Deno.test("a deadlock by locks is reported on a real clock too, while timers and promises are pending", async () => {
  const [left, right] = [new Lock("left"), new Lock("right")];
  const pair: Coro<string>[] = [];
  const timer = setTimeout(() => {}, 10_000);
  const error = await assertRejects(() =>
    run(function* () {
      pair.push(new Coro(both, left, right), new Coro(both, right, left));
      for (const each of pair) yield* each.finish();
    }), DeadlockError);
  clearTimeout(timer);
  assertMatch(error.message, /waits for lock 'right' held by both\/\d+\n.* waits for lock 'left' held by both\/\d+/);
  pair[0].terminate();
  assertEquals(await pair[1].value(), "had both");
});

Deno.test("a Lock acquired twice by one coroutine is a deadlock with itself", () =>
  inLab(async (lab) => {
    const lock = new Lock("mine");
    const coro = lab.scheduler.spawnWith({ name: "twice" }, function* () {
      using _a = yield* lock.hold();
      using _b = yield* lock.hold();
    });
    await assertRejects(() => coro.value(), DeadlockError, `${coro} waits for lock 'mine' held by ${coro}`);
    coro.terminate();
    await coro.value();
  }));

Deno.test("deadlocks through branches, finish() and a condition that waits for its lock are found", () =>
  inLab(async (lab) => {
    const [left, right] = [new Lock("left"), new Lock("right")];
    const branches = lab.scheduler.spawn(function* (coro) {
      yield* all(both(coro, left, right), both(coro, right, left));
    });
    await assertRejects(() => branches.value(), DeadlockError);
    branches.terminate();
    await branches.value();

    const bystander = lab.scheduler.spawn(function* () {
      yield* sleep(1000);
    });
    const changed = new Condition(null, "changed");
    const waits: Coro = lab.scheduler.spawnWith({ name: "waits" }, function* () {
      using _ = yield* changed.hold();
      yield* changed.wait(1);
    });
    const holds = lab.scheduler.spawnWith({ name: "holds" }, function* () {
      yield* sleep(0.5);
      using _ = yield* changed.hold();
      yield* waits.finish();
    });
    const error = await assertRejects(() => holds.value(), DeadlockError);
    assertEquals(error.message.split("\n").slice(1).sort(), [
      `  ${holds} waits for the end of ${waits}`,
      `  ${waits} waits for rlock 'changed' held by ${holds}`,
    ]);
    assert(lab.clock.now() < 2 && bystander.isAlive());
    // The coroutine got the error too, and that released the lock.
    await waits.value();
    assert(!changed.locked());
  }));

Deno.test("no deadlock is reported where a coroutine can still go on", () =>
  inLab(async (lab) => {
    const [left, right] = [new Lock("left"), new Lock("right")];
    const patient = lab.scheduler.spawn(function* () {
      using _ = yield* left.hold();
      yield* sleep(0.01);
      return yield* right.acquire(true, 5);
    });
    const stubborn = lab.scheduler.spawn(both, right, left);
    assertEquals(await stubborn.value(), "had both");
    assertEquals([await patient.value(), lab.clock.now()], [false, 5.01]);

    // A branch that sleeps will release what the other branch, and another coroutine, wait for.
    const mixed = lab.scheduler.spawn(function* () {
      yield* all(
        function* () {
          using _ = yield* left.hold();
          yield* sleep(1);
        }(),
        function* () {
          yield* sleep(0.1);
          using _ = yield* right.hold();
        }(),
      );
    });
    const other = lab.scheduler.spawn(function* () {
      using _r = yield* right.hold();
      yield* sleep(0.2);
      using _l = yield* left.hold();
    });
    await Promise.all([mixed.value(), other.value()]);

    const limited = lab.scheduler.spawn(function* () {
      using _ = yield* left.hold();
      try {
        yield* withTimeout(1, left.acquire());
      } catch {
        return yield* race(left.acquire(), sleep(1));
      }
    });
    assertEquals(await limited.value(), undefined);
  }));

Deno.test("semaphores have no owner: a wait for a permit is reported only when nothing is left that could release one", () =>
  inLab(async (lab) => {
    const seats = new Semaphore(0, "seats");
    const coro = lab.scheduler.spawnWith({ name: "guest" }, function* () {
      yield* seats.acquire();
    });
    await assertRejects(() => coro.value(), DeadlockError, `${coro} waits for a permit of semaphore 'seats'`);
    seats.release();
    await coro.value();
  }));

Deno.test("a coroutine that ends while it holds locks is reported, and its locks pass on", () =>
  inLab(async (lab) => {
    const locks = [new Lock("a"), new RLock("b"), new Lock("c")];
    const ends: Record<string, (coro: Coro) => Generator<unknown, unknown, unknown>> = {
      *returns() {
        for (const lock of locks) yield* lock.acquire();
        yield* locks[1].acquire();
        yield* sleep(1);
      },
      *fails() {
        for (const lock of locks) yield* lock.acquire();
        yield* sleep(1);
        throw new Error("failed");
      },
      *terminated(coro) {
        for (const lock of locks) yield* lock.acquire();
        coro.terminate();
        yield;
      },
    };
    for (const [name, body] of Object.entries(ends)) {
      const holder = lab.scheduler.spawnWith({ name }, body);
      const next = lab.scheduler.spawn(function* () {
        for (const lock of locks) {
          using _ = yield* lock.hold();
        }
        return lab.clock.now();
      });
      const end = holder.value().catch(() => {});
      assertEquals(typeof await next.value(), "number");
      await end;
      assertEquals(
        lab.takeReported().sort(),
        ["lock 'a'", "lock 'c'", "rlock 'b'"].map((lock) =>
          `Coroutine ${holder} ended while it held ${lock}: it is released`
        ),
      );
      for (const lock of locks) assertEquals([lock.locked(), lock.statistics().waiters], [false, 0]);
    }
  }));

Deno.test("onError may release what the coroutine held, and nothing passes on twice", () =>
  inLab(async (lab) => {
    const locks = [new Lock("a"), new Lock("b"), new Lock("c")];
    let count = 0;
    lab.scheduler.onError = () => {
      if (count++ === 0) { for (const lock of locks) if (lock.locked()) lock.release(); }
    };
    lab.scheduler.spawn(function* () {
      for (const lock of locks) yield* lock.acquire();
      yield* sleep(1);
    });
    for (let i = 0; i < 2; i++) {
      lab.scheduler.spawn(function* () {
        for (const lock of locks.toReversed()) {
          yield* lock.acquire();
          lab.note(`${i} in`);
          yield;
          lab.note(`${i} out`);
          lock.release();
        }
      });
    }
    await lab.scheduler.join();
    assertEquals(count, 1);
    assertEquals(lab.log.length, 12);
    for (let i = 0; i < 2; i++) assertEquals(lab.log.filter((line) => line.startsWith(`${i}`)).length, 6);
    for (const lock of locks) assertEquals(lock.statistics(), { locked: false, owner: null, waiters: 0 });
  }));

Deno.test("with debug the report contains the call site that acquired the lock", () =>
  inLab(async (lab) => {
    const lock = new Lock("a");
    const condition = new Condition(null, "b");
    await lab.scheduler.spawn(function* () {
      yield* lock.acquire();
      yield condition.hold();
    }).value();
    const reported = lab.takeReported();
    assertEquals(reported.length, 2);
    for (const text of reported) {
      assertMatch(text, /held (rlock 'b'|lock 'a') \(acquired at .*sync_deadlock_test\.[jt]s:\d+:\d+\)?\)/);
    }
  }, { debug: true }));

Deno.test("dump() shows which lock a coroutine waits for, its owner, and the deadline", () =>
  inLab(async (lab) => {
    lab.clock.autoAdvance = false;
    const lock = new Lock("door");
    const seats = new Semaphore(0, "seats");
    const holder = lab.scheduler.spawnWith({ name: "holder" }, function* (coro) {
      using _ = yield* lock.hold();
      yield* coro.receive();
    });
    lab.scheduler.spawn(function* () {
      yield* lock.acquire(true, 20);
    });
    lab.scheduler.spawn(function* () {
      using _ = yield* lock.hold();
    });
    lab.scheduler.spawn(function* () {
      yield* seats.acquire();
    });
    await settle();
    assertEquals(
      lab.scheduler.dump().map(({ operation, waitsFor, deadline }) => `${operation}: ${waitsFor}, ${deadline}`),
      [
        "receive: a message, null",
        `acquire: lock 'door' held by ${holder}, 20`,
        `hold: lock 'door' held by ${holder}, null`,
        "acquire: a permit of semaphore 'seats', null",
      ],
    );
    for (const coro of lab.scheduler.coros()) coro.terminate();
  }));
