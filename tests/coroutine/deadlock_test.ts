/**
 * Deadlocks: detected where they are certain, and nowhere else.
 */
import {
  all,
  call,
  Coro,
  DeadlockError,
  Lock,
  map,
  race,
  Scheduler,
  scope,
  select,
  shield,
  sleep,
  until,
  withTimeout,
} from "@asyncoro/asyncoro";
import { VirtualClock } from "@asyncoro/asyncoro/testing";
import { assert, assertEquals, assertInstanceOf, assertMatch, assertRejects } from "@std/assert";
import { inLab, settle } from "../helpers/lab.ts";
import { runProgram } from "../helpers/program.ts";

function* finishOf(other: () => Coro): Generator<unknown, unknown, unknown> {
  return yield* other().finish();
}

/** Coroutines that each wait for the end of the next one; the last waits for the first. */
function ring(scheduler: Scheduler, size: number): Coro[] {
  const coros: Coro[] = [];
  for (let i = 0; i < size; i++) {
    coros.push(scheduler.spawnWith({ name: `ring${i}` }, function* () {
      yield;
      yield* finishOf(() => coros[(i + 1) % size]);
    }));
  }
  return coros;
}

// --- (a) a closed set ---------------------------------------------------------------------------------------

for (const clock of ["host", "virtual"] as const) {
  const make = () => new Scheduler(clock === "virtual" ? { clock: new VirtualClock() } : {});

  Deno.test(`(a) coroutines that finish each other in a ring fail with DeadlockError: ${clock} clock`, async () => {
    for (const size of [1, 2, 3, 10]) {
      const scheduler = make();
      // None of these hides the deadlock.
      const timer = scheduler.spawnWith({ name: "timer", daemon: true }, function* () {
        yield* sleep(1000);
      });
      const host = scheduler.spawnWith({ name: "host", daemon: true }, function* () {
        yield new Promise(() => {});
      });
      const receiver = scheduler.spawnWith({ name: "receiver", daemon: true }, function* (coro) {
        yield* coro.receive();
      });
      const coros = ring(scheduler, size);
      const errors = await Promise.all(coros.map((coro) => coro.value().catch((error) => error)));
      for (const error of errors) {
        assertInstanceOf(error, DeadlockError);
        const waiting = (error as DeadlockError).waiting;
        assertEquals(waiting.length, size);
        const start = coros.indexOf(waiting[0].coro);
        waiting.forEach(({ coro, waitsFor }, i) => {
          assertEquals(coro.id, coros[(start + i) % size].id);
          assertEquals(waitsFor, `the end of ${coros[(start + i + 1) % size]}`);
        });
        assertMatch((error as Error).message, /^Deadlock: .*\n {2}ring\d+\/\d+ waits for the end of ring\d+\/\d+/);
      }
      assertEquals([timer.isAlive(), host.isAlive(), receiver.isAlive()], [true, true, true]);
      await scheduler.terminate();
    }
  });

  Deno.test(`(a) a coroutine that catches the DeadlockError may resolve it: ${clock} clock`, async () => {
    const scheduler = make();
    const log: string[] = [];
    let second: Coro | null = null;
    const first = scheduler.spawn(function* first() {
      try {
        yield* finishOf(() => second!);
      } catch (error) {
        log.push((error as Error).name);
      }
      return "first";
    });
    second = scheduler.spawn(function* second() {
      try {
        return yield* first.finish();
      } catch (error) {
        log.push((error as Error).name);
        return yield* first.finish();
      }
    }) as Coro;
    assertEquals(await second.value(), "first");
    assertEquals(await first.value(), "first");
    assertEquals(log, ["DeadlockError", "DeadlockError"]);
    await scheduler.terminate();
  });
}

Deno.test("(a) coroutines that depend on the closed set are listed after the cycle", () =>
  inLab(async ({ scheduler }) => {
    const coros: Coro[] = [];
    const outer = scheduler.spawnWith({ name: "outer" }, function* () {
      yield;
      yield* coros[0].finish();
    });
    coros.push(...ring(scheduler, 2));
    const [first] = await Promise.allSettled([outer, ...coros].map((coro) => coro.value()));
    const error = (first as PromiseRejectedResult).reason as DeadlockError;
    assertInstanceOf(error, DeadlockError);
    assertEquals(error.waiting.map(({ coro }) => coro.name).slice(0, 2).sort(), ["ring0", "ring1"]);
    assertEquals(error.waiting[2].coro.name, "outer");
  }));

Deno.test("(a) a wait with a limit for a coroutine that is dead already fails at once, as one without", () =>
  inLab(async (lab) => {
    const { scheduler, clock } = lab;
    scheduler.spawnWith({ daemon: true }, function* keeper() {
      yield* sleep(100);
    });
    const lock = new Lock();
    const dead = scheduler.spawn(function* waitsForItself() {
      yield* lock.acquire();
      yield* lock.acquire();
    });
    await assertRejects(() => dead.value(), DeadlockError);
    await assertRejects(() => dead.value(50), DeadlockError);
    for (const wait of [() => dead.finish(50), () => withTimeout(50, dead.finish())]) {
      const waiting = scheduler.spawn(function* () {
        yield* wait();
      });
      await assertRejects(() => waiting.value(), DeadlockError);
    }
    assertEquals(clock.now(), 0);
    await scheduler.terminate();
    assertEquals(lab.takeReported().length, 1); // the lock
  }));

Deno.test("(a) a closed set through subroutines, race, all and branches is found", () =>
  inLab(async ({ scheduler }) => {
    const shapes: ((other: () => Coro) => Generator<unknown, unknown, unknown>)[] = [
      function* (other) {
        yield finishOf(other);
      },
      function* (other) {
        yield* call(finishOf(other));
      },
      function* (other) {
        yield* race(other(), finishOf(other));
      },
      function* (other) {
        yield* all(other(), finishOf(other));
      },
      function* (other) {
        yield* withTimeout(null, finishOf(other));
      },
    ];
    for (const shape of shapes) {
      let second: Coro | null = null;
      const first = scheduler.spawn(function* () {
        yield;
        yield* shape(() => second!);
      });
      second = scheduler.spawn(function* () {
        yield* first.finish();
      });
      await Promise.all([first, second].map((coro) => assertRejects(() => coro.value(), DeadlockError)));
    }
  }));

Deno.test("a set with a wait that a timeout, a message, a promise or code outside may end is no deadlock", () =>
  inLab(async ({ scheduler, clock }) => {
    const openers: [string, (other: () => Coro) => Generator<unknown, unknown, unknown>][] = [
      ["timeout of finish", function* (other) {
        try {
          yield* other().finish(1);
        } catch (error) {
          return (error as Error).name;
        }
      }],
      ["deadline", function* (other) {
        try {
          yield* withTimeout(1, finishOf(other));
        } catch (error) {
          return (error as Error).name;
        }
      }],
      ["deadline further out", function* (other) {
        try {
          yield* withTimeout(
            1,
            (function* () {
              yield* call(finishOf(other));
            })(),
          );
        } catch (error) {
          return (error as Error).name;
        }
      }],
      ["race with a sleep", function* (other) {
        yield* race(other(), sleep(1));
        return "TimeoutError";
      }],
      ["race with a promise", function* (other) {
        yield* race(other(), new Promise((resolve) => setTimeout(resolve, 5)));
        return "TimeoutError";
      }],
    ];
    for (const [name, opener] of openers) {
      let second: Coro | null = null;
      const first = scheduler.spawn(function* () {
        return yield* opener(() => second!);
      });
      second = scheduler.spawn(function* () {
        return yield* first.finish();
      });
      assertEquals([await first.value(), await second.value()], ["TimeoutError", "TimeoutError"], name);
    }
    void clock;
  }));

Deno.test("waiting for a receiver, a sleeper or a daemon is no deadlock while code outside may wake it", async () => {
  const scheduler = new Scheduler();
  const receiver = scheduler.spawn(function* (coro) {
    return yield* coro.receive();
  });
  const waiter = scheduler.spawn(function* () {
    return yield* receiver.finish();
  });
  const joined = scheduler.join();
  const values = Promise.all([receiver.value(), waiter.value()]);
  await new Promise((resolve) => setTimeout(resolve, 30));
  receiver.send("from outside");
  assertEquals(await values, ["from outside", "from outside"]);
  await joined;
  await scheduler.terminate();
});

Deno.test("coroutines of a deadlock may still be woken or terminated", () =>
  inLab(async ({ scheduler }) => {
    const receiver = scheduler.spawn(function* (coro) {
      return yield* coro.receive();
    });
    const error = await receiver.value().catch((error) => error);
    assertInstanceOf(error, DeadlockError);
    assertEquals(receiver.isAlive(), true);
    assertEquals(receiver.send("woken"), true);
    assertEquals(await receiver.value(), "woken");
    const other = scheduler.spawn(function* (coro) {
      yield* coro.receive();
    });
    await assertRejects(() => scheduler.join(), DeadlockError);
    assertEquals([other.isAlive(), other.terminate()], [true, true]);
    await scheduler.join();
  }));

// --- (c) virtual time ----------------------------------------------------------------------------------------

Deno.test("(c) in virtual time: join, value and finish fail if they depend on coroutines that wait for ever", () =>
  inLab(async ({ scheduler }) => {
    const receiver = scheduler.spawnWith({ name: "receiver" }, function* (coro) {
      yield* coro.receive();
    });
    const sleeper = scheduler.spawnWith({ name: "sleeper" }, function* (coro) {
      yield* coro.sleep();
    });
    const waiter = scheduler.spawnWith({ name: "waiter" }, function* () {
      try {
        yield* receiver.finish();
      } catch (error) {
        return error;
      }
    });
    const error = await waiter.value();
    assertInstanceOf(error, DeadlockError);
    const lines = (error as DeadlockError).waiting.map(({ coro, waitsFor }) => `${coro.name}: ${waitsFor}`);
    assertEquals(
      lines.sort(),
      ["waiter: the end of receiver/101", "receiver: a message", "sleeper: sleep"].sort(),
    );
    await assertRejects(() => receiver.value(), DeadlockError);
    await assertRejects(() => scheduler.join(), DeadlockError);
    receiver.terminate();
    sleeper.terminate();
  }));

Deno.test("(c) no deadlock is reported while a timer, a promise or something ready is left", () =>
  inLab(async ({ scheduler, clock }) => {
    const receiver = scheduler.spawn(function* (coro) {
      return [yield* coro.receive(), yield* coro.receive(), yield* coro.receive()];
    });
    scheduler.spawn(function* () {
      yield* sleep(1000);
      receiver.send("timer");
      yield* until(new Promise((resolve) => setTimeout(resolve, 5)));
      receiver.send("promise");
      for (let i = 0; i < 50_000; i++) yield;
      receiver.send("ready");
    });
    assertEquals(await receiver.value(), ["timer", "promise", "ready"]);
    assertEquals(clock.now(), 1000);
  }));

// --- (b) the host's loop has run dry ---------------------------------------------------------------------------

Deno.test("(b) main() of a coroutine that waits for ever prints the deadlock with all waits, and exits with 1", async () => {
  const { code, stdout, stderr } = await runProgram(`
    import { Coro, main } from "@asyncoro/asyncoro";
    main(function* program(coro) {
      const child = new Coro(function* child(self) { yield* self.receive(); });
      try {
        yield* child.finish();
      } finally {
        console.log("cleaned");
      }
    });
  `);
  assertEquals([code, stdout], [1, "cleaned\n"]);
  assertMatch(stderr, /DeadlockError: Deadlock/);
  assertMatch(stderr, /child\/\d+ waits for a message/);
  assertMatch(stderr, /program\/\d+ waits for the end of child/);
  assertEquals(stderr.match(/Deadlock:/g)?.length, 1, stderr);
});

Deno.test("(b) main() with another coroutine that waits for ever", async () => {
  const { code, stdout, stderr } = await runProgram(`
    import { Coro, main } from "@asyncoro/asyncoro";
    main(function* program() {
      new Coro(function* child(self) { yield* self.receive(); });
      yield;
      console.log("main is done");
    });
  `);
  assertEquals([code, stdout], [1, "main is done\n"]);
  assertEquals(stderr.match(/Deadlock:/g)?.length, 1, stderr);
  assertMatch(stderr, /child\/\d+ waits for a message/);
});

Deno.test("(a) main() with coroutines that wait for each other, while a timer runs", async () => {
  const { code, stderr } = await runProgram(`
    import { Coro, main } from "@asyncoro/asyncoro";
    main(function* program() {
      new Coro(function* timer(coro) { coro.setDaemon(); yield* coro.sleep(100); });
      let a, b;
      a = new Coro(function* a() { yield; yield* b.finish(); });
      b = new Coro(function* b() { yield; yield* a.finish(); });
      yield* a.finish();
    });
  `);
  assertEquals(code, 1);
  assertMatch(stderr, /a\/\d+ waits for the end of b\/\d+\n\s+b\/\d+ waits for the end of a\/\d+/);
});

Deno.test("(b) without main: value() fails when the loop has run dry, by beforeunload", async () => {
  const { code, stdout, stderr } = await runProgram(`
    import { Coro, Scheduler } from "@asyncoro/asyncoro";
    const coro = new Coro(function* waits(self) { return yield* self.receive(); });
    coro.value().catch((error) => {
      console.log(error.name);
      coro.send("mended");
      return coro.value();
    }).then((value) => console.log(value));
    Scheduler.instance().join().catch((error) => console.log("join: " + error.name));
  `);
  assertEquals([code, stderr], [0, ""]);
  assertEquals(stdout.split("\n").filter(Boolean).sort(), ["DeadlockError", "join: DeadlockError", "mended"]);
});

Deno.test("(b) a program that ends while coroutines wait reports it, even if nothing waits for them", async () => {
  const { stderr } = await runProgram(`
    import { Coro } from "@asyncoro/asyncoro";
    new Coro(function* waits(self) { yield* self.receive(); });
  `);
  assertEquals(stderr.match(/Deadlock:/g)?.length, 1, stderr);
  assertMatch(stderr, /waits\/\d+ waits for a message/);
});

Deno.test("(b) daemons that wait are no deadlock", async () => {
  const { code, stdout, stderr } = await runProgram(`
    import { Coro } from "@asyncoro/asyncoro";
    new Coro(function* daemon(self) { self.setDaemon(); for (;;) yield* self.receive(); });
    new Coro(function* (self) { yield* self.sleep(0.01); console.log("done"); });
  `);
  assertEquals([code, stdout, stderr], [0, "done\n", ""]);
});

Deno.test("code outside that will wake a coroutine from a host timer keeps it from being taken for deadlocked", async () => {
  const { code, stdout, stderr } = await runProgram(`
    import { main } from "@asyncoro/asyncoro";
    main(function* (coro) {
      setTimeout(() => coro.send("from a timer"), 50);
      console.log(yield* coro.receive());
      setTimeout(() => coro.resume("resumed"), 50);
      console.log(yield* coro.sleep());
    });
  `);
  assertEquals([code, stdout, stderr], [0, "from a timer\nresumed\n", ""]);
});

// Each waits for several things, of which one ends first and the others never do.
const SEVERAL: Record<string, (lock: Lock) => Generator<unknown, unknown, unknown>> = {
  *all(lock) {
    yield* all(lock.acquire(), sleep(1));
  },
  *"all, in generators"(lock) {
    yield* all(call(takes(lock)), pauses());
  },
  *"all of coroutines"(lock) {
    yield* all(new Coro(taker(lock)), new Coro(pauses));
  },
  *"a race of alls"(lock) {
    yield* race(all(lock.acquire(), sleep(1)), lock.acquire());
  },
  *"a select of alls"(lock) {
    yield* select({ one: all(lock.acquire(), sleep(1)), other: lock.acquire() });
  },
  *shield(lock) {
    yield* shield(all(lock.acquire(), sleep(1)));
  },
  *scope(lock) {
    yield* scope(function* (scope) {
      scope.spawn(taker(lock));
      scope.spawn(pauses);
    });
  },
  *"a scope with a service"(lock) {
    yield* scope(function* (scope) {
      scope.spawn(taker(lock));
      scope.service(pauses);
    });
  },
  *map(lock) {
    yield* map([1, 2, 3], function* (_, n) {
      yield* n === 1 ? takes(lock) : pauses();
    });
  },
};

function* takes(lock: Lock): Generator<unknown, void, unknown> {
  yield* lock.acquire();
}

const taker = (lock: Lock) =>
  function* () {
    yield* takes(lock);
  };

function* pauses(): Generator<unknown, void, unknown> {
  yield* sleep(2);
}

for (const [name, waits] of Object.entries(SEVERAL)) {
  Deno.test(`(a) those that are left when one of several has ended are found: ${name}`, async () => {
    const scheduler = new Scheduler({ clock: new VirtualClock() });
    // Nothing is ready only between its sleeps, and it does not hide the deadlock.
    scheduler.spawnWith({ daemon: true }, function* () {
      for (;;) yield* sleep(10);
    });
    scheduler.onError = () => {};
    const coro = scheduler.spawn(function* () {
      const lock = new Lock("shared");
      using _ = yield* lock.hold();
      yield* waits(lock);
    });
    const error = await assertRejects(() => coro.value(100), DeadlockError, "waits for");
    assertMatch(error.message, /lock 'shared' held by/);
    await scheduler.terminate();
  });
}

Deno.test("ten thousand waits of one coroutine end one by one, and the searches are quick", async () => {
  const spawnAll = (time: (index: number) => number) =>
    Array.from({ length: 10_000 }, (_, index) =>
      new Coro(function* () {
        yield* scope(function* (scope) {
          scope.spawn(function* () {
            yield* sleep(time(index));
          });
        });
      }));
  const start = performance.now();
  for (const time of [(index: number) => 1 + index, (index: number) => 20_000 - index]) {
    const scheduler = new Scheduler({ clock: new VirtualClock() });
    await scheduler.spawn(function* () {
      yield* all(spawnAll(time));
    }).value();
  }
  assert(performance.now() - start < 30_000);
});

Deno.test("ten thousand coroutines that wait in a chain are no deadlock, and the search is quick", () =>
  inLab(async ({ scheduler }) => {
    const start = performance.now();
    let last: Coro = scheduler.spawn(function* (coro) {
      yield* coro.sleep(5);
      return "end";
    }) as Coro;
    for (let i = 0; i < 10_000; i++) {
      const next = last;
      last = scheduler.spawn(function* () {
        return yield* next.finish();
      }) as Coro;
    }
    assertEquals(await last.value(), "end");
    assert(performance.now() - start < 5_000);
    await settle();
    assert(last instanceof Coro);
  }));
