/**
 * Condition: which waiters are notified, and that every wait ends holding the lock, however it ends.
 */
import { all, call, Condition, type Coro, Lock, race, RLock, sleep, withTimeout } from "@asyncoro/asyncoro";
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { inLab, type Lab, settle } from "../helpers/lab.ts";

/** Waits for one notification and logs the result while it holds the lock. */
function* waiter(coro: Coro, lab: Lab, changed: Condition, name: string): Generator<unknown, void, unknown> {
  yield* changed.acquire();
  try {
    const notified = yield* changed.wait();
    assertEquals(changed.statistics().lock.owner, coro);
    lab.at(`${name} ${notified}`);
  } finally {
    changed.release();
  }
}

/** Notifies `n` waiters. */
function* notifier(_coro: Coro, changed: Condition, n: number): Generator<unknown, void, unknown> {
  using _ = yield* changed.hold();
  changed.notify(n);
}

const LOCKS: [string, () => Condition][] = [
  ["an RLock of its own", () => new Condition()],
  ["a Lock", () => new Condition(new Lock("shared"))],
  ["an RLock", () => new Condition(new RLock("shared"))],
];

for (const [kind, make] of LOCKS) {
  Deno.test(`Condition with ${kind} notifies in the order of waiting, as many as asked for`, () =>
    inLab(async (lab) => {
      const changed = make();
      for (const name of ["a", "b", "c", "d"]) lab.scheduler.spawn(waiter, lab, changed, name);
      await settle();
      assertEquals(changed.statistics().waiters, 4);
      assert(!changed.locked());
      await lab.scheduler.spawn(notifier, changed, 1).value();
      await settle();
      assertEquals(lab.takeLog(), ["0 a true"]);
      await lab.scheduler.spawn(notifier, changed, 0).value();
      await settle();
      assertEquals(lab.takeLog(), []);
      await lab.scheduler.spawn(notifier, changed, 2).value();
      await settle();
      assertEquals(lab.takeLog(), ["0 b true", "0 c true"]);
      await lab.scheduler.spawn(notifier, changed, 7).value();
      await lab.scheduler.join();
      assertEquals(lab.takeLog(), ["0 d true"]);
      assertEquals(changed.statistics().waiters, 0);
      assert(!changed.locked());
    }));

  Deno.test(`Condition with ${kind}: a notification wakes operations that wait, not later ones`, () =>
    inLab(async (lab) => {
      const changed = make();
      await lab.scheduler.spawn(notifier, changed, 1).value();
      await lab.scheduler.spawn(function* () {
        using _ = yield* changed.hold();
        assertEquals(yield* changed.wait(1), false);
        assertEquals(lab.clock.now(), 1);
        changed.notifyAll();
        assertEquals(yield* changed.wait(1), false);
        assertEquals(yield* changed.wait(0), false);
        assertEquals(yield* changed.wait(-1), false);
        assertEquals(lab.clock.now(), 2);
      }).value();
      assert(!changed.locked());
    }));

  Deno.test(`Condition with ${kind}: a coroutine that waits again gets the lock after the one that holds it`, () =>
    inLab(async (lab) => {
      const changed = make();
      const late = function* (coro: Coro) {
        yield* changed.acquire();
        assertEquals(yield* changed.wait(1), false);
        assertEquals(changed.statistics().lock.owner, coro);
        lab.at("timed out, with the lock");
        changed.release();
      };
      const inTime = function* (coro: Coro) {
        yield* changed.acquire();
        assertEquals(yield* changed.wait(2), true);
        assertEquals(changed.statistics().lock.owner, coro);
        lab.at("notified, with the lock");
        changed.release();
      };
      lab.scheduler.spawn(late);
      lab.scheduler.spawn(inTime);
      lab.scheduler.spawn(function* () {
        yield* sleep(0.5);
        yield* changed.acquire();
        changed.notify(0);
        yield* sleep(1);
        changed.notify();
        yield* sleep(1.5);
        lab.at("released");
        changed.release();
      });
      lab.scheduler.spawn(function* () {
        yield* sleep(1.6);
        using _ = yield* changed.hold();
        lab.at("came last");
      });
      await lab.scheduler.join();
      assertEquals(lab.log, ["3 released", "3 timed out, with the lock", "3 notified, with the lock", "3 came last"]);
    }));

  Deno.test(`Condition with ${kind}: an interrupted wait acquires the lock again before finally blocks run`, () =>
    inLab(async (lab) => {
      const interrupts: [string, (coro: Coro) => void][] = [
        ["throw", (coro) => coro.throw(new Error("stop"))],
        ["terminate", (coro) => coro.terminate()],
        ["race", (coro) => coro.send("enough")],
        ["withTimeout", () => {}],
      ];
      const ends: Record<string, unknown> = {
        throw: "stop",
        terminate: true,
        race: "enough",
        withTimeout: "Time is up: the work did not end within 1 seconds",
      };
      for (const [how, interrupt] of interrupts) {
        const changed = make();
        const victim = lab.scheduler.spawn(function* (coro) {
          yield* changed.acquire();
          try {
            if (how === "race") yield* race(changed.wait(), coro.receive());
            else if (how === "withTimeout") yield* withTimeout(1, changed.wait());
            else yield* changed.wait();
          } finally {
            assertEquals(changed.statistics().lock.owner, coro);
            lab.note(`${how} with the lock`);
            changed.release();
          }
        });
        const end = victim.value().catch((error: Error) => error.message);
        await lab.scheduler.spawn(function* () {
          yield* sleep(0.5);
          yield* changed.acquire();
          interrupt(victim as Coro);
          interrupt(victim as Coro);
          yield* sleep(10);
          assertEquals(lab.takeLog(), []);
          changed.release();
        }).value();
        assertEquals(await end, ends[how]);
        // The second error found a coroutine that had ended.
        assertEquals(lab.takeReported(), how === "throw" ? ["stop"] : []);
        assertEquals(lab.takeLog(), [`${how} with the lock`]);
        assertEquals(changed.statistics().waiters, 0);
        assert(!changed.locked());
      }
    }));

  Deno.test(`Condition with ${kind}: waitFor() calls its predicate at once and after every notification`, () =>
    inLab(async (lab) => {
      const changed = make();
      let stock = 0;
      const taker = lab.scheduler.spawn(function* () {
        using _ = yield* changed.hold();
        assertEquals(yield* changed.waitFor(() => true), true);
        assertEquals([yield* changed.waitFor(() => 0, 0), yield* changed.waitFor(() => "ready")], [0, "ready"]);
        assertEquals(yield* changed.waitFor(() => stock >= 3), true);
        lab.at("three");
        assertEquals(yield* changed.waitFor(() => stock >= 5, 1.5), false);
        lab.at("no five");
        assertEquals(yield* changed.waitFor(() => stock >= 4, { seconds: 5 }), true);
        lab.at("four");
        yield* changed.waitFor(() => {
          throw new RangeError("in the predicate");
        });
      });
      lab.scheduler.spawn(function* () {
        for (;;) {
          yield* sleep(1);
          using _ = yield* changed.hold();
          if (lab.clock.now() !== 4) stock++;
          changed.notifyAll();
          if (stock === 4) return;
        }
      });
      await assertRejects(() => taker.value(), RangeError, "in the predicate");
      assertEquals(lab.log, ["3 three", "4.5 no five", "5 four"]);
      assert(!changed.locked());
      assertEquals(changed.statistics().waiters, 0);
    }));

  Deno.test(`Condition with ${kind}: misuse throws and changes nothing`, () =>
    inLab(async (lab) => {
      const changed = make();
      const text =
        /Cannot (wait on|notify) a condition.* as \S+ does not hold its lock: current owner is (nobody|owner\/\d+)/;
      const refuses = (act: () => unknown) => {
        const error = assertThrows(act, Error);
        assert(
          text.test((error as Error).message.replace("code outside coroutines", "code")),
          (error as Error).message,
        );
      };
      lab.scheduler.spawnWith({ name: "owner" }, function* () {
        yield* sleep(1);
        using _ = yield* changed.hold();
        yield* sleep(1);
      });
      await lab.scheduler.spawn(function* () {
        for (const time of [0, 1.5]) {
          yield* sleep(time);
          refuses(() => changed.wait());
          refuses(() => changed.waitFor(() => true));
          refuses(() => changed.notify());
          refuses(() => changed.notifyAll());
        }
      }).value();
      for (const act of [() => changed.wait(), () => changed.notify(), () => changed.notifyAll()]) refuses(act);
      await lab.scheduler.spawn(function* () {
        yield* changed.acquire();
        const wait = changed.wait();
        assertThrows(() => changed.notify(-1), RangeError, "must be an integer of 0 or more: current value is -1");
        assertThrows(() => changed.notify(0.5), RangeError, "Cannot notify coroutines as 'n'");
        assertThrows(
          () => changed.wait("1" as unknown as number),
          TypeError,
          "Cannot wait on a condition as 'timeout'",
        );
        assertThrows(
          () => changed.waitFor(true as unknown as () => boolean),
          TypeError,
          "'predicate' must be a function: current value is true",
        );
        changed.release();
        let message = "";
        try {
          yield* wait;
        } catch (error) {
          message = (error as Error).message;
        }
        assert(text.test(message), message);
        assert(!changed.locked());
      }).value();
      assertEquals(changed.statistics().waiters, 0);
    }));

  Deno.test(`Condition with ${kind}: a notification passes on if its coroutine is interrupted before it runs`, () =>
    inLab(async (lab) => {
      for (const interrupt of ["throw", "terminate", "queued throw", "queued terminate"]) {
        const changed = make();
        const first = lab.scheduler.spawn(waiter, lab, changed, "first");
        lab.scheduler.spawn(waiter, lab, changed, "second");
        await settle();
        const end = first.value().catch(() => {});
        await lab.scheduler.spawn(function* () {
          yield* changed.acquire();
          changed.notify();
          // Before the release it waits in the lock's queue; after it, it owns the lock.
          if (!interrupt.startsWith("queued")) changed.release();
          if (interrupt.endsWith("throw")) first.throw(new Error("stop"));
          else first.terminate();
          if (interrupt.startsWith("queued")) changed.release();
        }).value();
        await end;
        await lab.scheduler.join();
        assertEquals(lab.takeLog().map((line) => line.replace(/^\S+ /, "")), ["second true"], interrupt);
        assert(!changed.locked());
      }
    }));
}

Deno.test("Condition.wait() releases an RLock at any depth and acquires it again to that depth", () =>
  inLab(async (lab) => {
    const lock = new RLock();
    const changed = new Condition(lock);
    const deep = function* (_coro: Coro, timeout: number | null) {
      for (let i = 0; i < 3; i++) yield* lock.acquire();
      lab.at(`${yield* changed.wait(timeout)} ${lock.statistics().depth}`);
      for (let i = 0; i < 3; i++) lock.release();
      assertThrows(() => lock.release());
    };
    lab.scheduler.spawn(deep, null);
    lab.scheduler.spawn(deep, 0.5);
    const victim = lab.scheduler.spawn(function* () {
      try {
        yield* call(twice());
      } finally {
        lab.at(`terminated ${lock.statistics().depth}`);
      }
    });
    function* twice() {
      using _a = yield* lock.hold();
      using _b = yield* lock.hold();
      try {
        yield* changed.wait();
      } finally {
        lab.at(`inside ${lock.statistics().depth}`);
      }
    }
    await lab.scheduler.spawn(function* () {
      yield* sleep(1);
      assertEquals(lock.statistics().locked, false);
      victim.terminate();
      yield* sleep(1);
      using _ = yield* changed.hold();
      changed.notifyAll();
    }).value();
    await lab.scheduler.join();
    assertEquals(lab.log, ["0.5 false 3", "1 inside 2", "1 terminated 0", "2 true 3"]);
  }));

Deno.test("Condition.wait() that a discarded race had won keeps the lock and passes the notification on", () =>
  inLab(async (lab) => {
    for (const make of ["wait", "waitFor"] as const) {
      const changed = new Condition();
      let ready = false;
      const first = lab.scheduler.spawn(function* (coro) {
        yield* changed.acquire();
        try {
          const op = make === "wait" ? changed.wait() : changed.waitFor(() => ready);
          yield* all(op, coro.receive());
        } finally {
          assertEquals(changed.statistics().lock.owner, coro);
          changed.release();
        }
      });
      await settle();
      lab.scheduler.spawn(waiter, lab, changed, "second");
      await settle();
      await lab.scheduler.spawn(function* () {
        using _ = yield* changed.hold();
        ready = true;
        changed.notify();
      }).value();
      await settle();
      assertEquals(lab.takeLog(), []);
      first.terminate();
      await lab.scheduler.join();
      assertEquals(lab.takeLog(), ["0 second true"]);
      assert(!changed.locked());
    }
  }));

Deno.test("Condition takes a Lock, an RLock or no lock, and dump() shows what it waits for", () =>
  inLab(async (lab) => {
    assertThrows(
      () => new Condition({} as unknown as Lock),
      TypeError,
      "Cannot create a condition as 'lock' must be a Lock or an RLock: current value is an object",
    );
    assertThrows(() => new Condition(null, 3 as unknown as string), TypeError, "'name' must be a string");
    assertEquals(`${new Condition()}`, "a condition");
    assertEquals(`${new Condition(new Lock("l"))}`, "a condition of lock 'l'");
    const stock = new Condition(null, "stock");
    lab.scheduler.spawn(waiter, lab, stock, "a");
    await settle();
    const seen = () => lab.scheduler.dump().map((each) => `${each.operation}: ${each.waitsFor}`);
    assertEquals(seen(), ["wait: condition 'stock'"]);
    const owner = lab.scheduler.spawnWith({ name: "owner" }, function* (coro) {
      yield* stock.acquire();
      stock.notify();
      yield* coro.receive();
      stock.release();
    });
    await settle();
    assertEquals(seen()[0], `wait: rlock 'stock' held by ${owner}`);
    for (const coro of lab.scheduler.coros()) coro.send("go on");
    await lab.scheduler.join();
  }));
