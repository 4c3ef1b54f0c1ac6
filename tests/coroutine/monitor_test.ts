import { Coro, MonitorException, Scheduler } from "@asyncoro/asyncoro";
import { runVirtual, VirtualClock } from "@asyncoro/asyncoro/testing";
import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { inLab } from "../helpers/lab.ts";

const boom = new Error("boom");

Deno.test("monitoring a coroutine that has ended sends the same message at once", async () => {
  await inLab(async (lab) => {
    await lab.scheduler.spawn(function* (coro) {
      const returned = new Coro(function* () {
        return 42;
      });
      const terminated = new Coro(function* (self) {
        yield* self.sleep();
      });
      const failed = new Coro(function* () {
        throw boom;
      });
      yield;
      terminated.terminate();
      yield* coro.sleep(1);
      const outcomes = [];
      for (const ended of [returned, terminated, failed]) {
        assertEquals([yield* coro.monitor(ended), coro.mailbox!.length], [true, 1]);
        outcomes.push((yield* coro.receive<MonitorException>()).outcome);
      }
      assertEquals(outcomes, [{ kind: "return", value: 42 }, { kind: "terminate" }, { kind: "throw", error: boom }]);
    }).value();
    assertEquals(lab.takeReported(), ["boom"]);
  });
});

Deno.test("adding a monitor again has no effect; each of several monitors gets one message for each observed coroutine", async () => {
  await inLab(async (lab) => {
    const { scheduler } = lab;
    const observed = ["a", "b", "c"].map((name) =>
      scheduler.spawnWith({ name }, function* (coro) {
        yield* coro.receive();
        return name;
      })
    );
    const monitors = ["m", "n"].map((name) =>
      scheduler.spawnWith({ name }, function* (coro) {
        for (const each of observed) {
          assert(yield* coro.monitor(each));
          assert(each.notify(coro));
        }
        for (let i = 0; i < 3; i++) {
          const message = yield* coro.receive<MonitorException>();
          lab.note(`${name}: ${message.coro.name} ${message.args[1].join(" ")}`);
        }
        assertEquals(yield* coro.receive(0, "no more"), "no more");
      })
    );
    await scheduler.spawn(function* (coro) {
      yield* coro.sleep(1);
      for (const each of observed) each.send("go");
    }).value();
    for (const monitor of monitors) await monitor.value();
    const lines = ["a return a", "b return b", "c return c"];
    assertEquals(lab.takeLog().sort(), [...lines.map((line) => `m: ${line}`), ...lines.map((line) => `n: ${line}`)]);
  });
});

Deno.test("monitors get their message before finish() and value() return", async () => {
  await inLab(async (lab) => {
    const { scheduler } = lab;
    const observed = scheduler.spawn(function* (coro) {
      yield* coro.sleep(1);
      return "done";
    });
    scheduler.spawn(function* () {
      lab.note(`finish ${yield* observed.finish()}`);
    });
    scheduler.spawn(function* (coro) {
      yield* coro.monitor(observed);
      yield* coro.receive();
      lab.note("monitor");
    });
    await observed.value();
    assertEquals(lab.takeLog(), ["monitor", "finish done"]);
  });
});

Deno.test("monitor() and notify() return false for a monitor that has ended, and throw for anything but coroutines", async () => {
  await runVirtual(function* (coro) {
    const ended = new Coro(function* () {});
    yield* ended.finish();
    assertEquals([yield* ended.monitor(coro), coro.notify(ended)], [false, false]);
    assertThrows(() => coro.monitor(coro), TypeError, "by itself");
    assertThrows(() => coro.notify(coro), TypeError, "by itself");
    for (const wrong of [null, {}, 7, function* () {}] as unknown as Coro[]) {
      assertThrows(() => coro.monitor(wrong), TypeError, "Cannot monitor as 'observe' must be a coroutine");
      assertThrows(() => coro.notify(wrong), TypeError, "Cannot monitor as 'monitor' must be a coroutine");
    }
  });
});

Deno.test("a failure is reported once, unless a monitor lives or something waits for it", async () => {
  await inLab(async (lab) => {
    await lab.scheduler.spawn(function* (coro) {
      const fail = function* (self: Coro): Generator<unknown, void, unknown> {
        yield* self.sleep(2);
        throw boom;
      };
      const watched = new Coro(fail);
      yield* coro.monitor(watched);
      yield* coro.sleep(3);
      assertEquals(lab.reported, []);
      // A monitor that has ended before does not count.
      const abandoned = new Coro(fail);
      const monitor = new Coro(function* () {});
      assert(abandoned.notify(monitor));
      yield* coro.sleep(3);
      assertEquals(lab.takeReported(), ["boom"]);
      void abandoned;
    }).value();
  });
});

Deno.test("a coroutine that failed has ended, and keeps messages sent to it while a monitor lives", async () => {
  await inLab(async (lab) => {
    const { scheduler } = lab;
    const failed = scheduler.spawn(function* worker(): Generator<unknown, void, unknown> {
      throw boom;
    });
    const monitor = scheduler.spawn(function* (coro) {
      yield* coro.monitor(failed);
      yield* coro.sleep(10);
    });
    monitor.setDaemon();
    await scheduler.join();
    assertEquals(failed.isAlive(), false);
    assertEquals([failed.send("kept"), failed.resume(), failed.throw(boom), failed.terminate()], [
      true,
      false,
      false,
      false,
    ]);
    assertEquals(scheduler.stats().live, 1);
    await scheduler.spawn(function* (coro) {
      assertEquals(yield* failed.deliver("kept too"), 1);
      let error: unknown;
      try {
        yield* failed.finish();
      } catch (failure) {
        error = failure;
      }
      assertStrictEquals(error, boom);
      yield* coro.sleep(20);
      assertEquals([failed.send("late"), yield* failed.deliver("late"), failed.mailbox], [false, -1, null]);
      assertEquals(failed.hotSwap(function* () {}), false);
    }).value();
  });
});

Deno.test("a monitor restarts a failed coroutine: same id, mailbox, monitors and daemon flag, finish() is pending again", async () => {
  await inLab(async (lab) => {
    const { scheduler } = lab;
    const worker = scheduler.spawnWith({ daemon: true }, function* worker(): Generator<unknown, unknown, unknown> {
      throw boom;
    });
    const { id } = worker;
    await scheduler.spawn(function* (coro) {
      yield* coro.monitor(worker);
      assert((yield* coro.receive()) instanceof MonitorException);
      worker.send("sent while it was down");
      const second = function* second(self: Coro): Generator<unknown, unknown, unknown> {
        lab.note(`${yield* self.receive()}`);
        throw new Error("again");
      };
      assert(worker.hotSwap(second));
      assertEquals([worker.id, worker.name, worker.daemon, worker.isAlive()], [id, "second", true, true]);
      const waiter = new Coro(function* () {
        try {
          yield* worker.finish();
        } catch (error) {
          lab.note(`finish: ${(error as Error).message}`);
        }
      });
      const end = yield* coro.receive<MonitorException>();
      assertStrictEquals(end.coro, worker);
      yield* waiter.finish();
      assert(worker.hotSwap(function* () {
        return "well";
      }));
      assertEquals(yield* worker.finish(), "well");
      assertEquals((yield* coro.receive<MonitorException>()).outcome, { kind: "return", value: "well" });
      assertEquals(worker.hotSwap(second), false);
    }).value();
    assertEquals(lab.takeLog(), ["sent while it was down", "finish: again"]);
  });
});

Deno.test("hotSwap() does not restart a coroutine that returned, was terminated, or has no living monitor", async () => {
  await inLab(async (lab) => {
    await lab.scheduler.spawn(function* (coro) {
      const again = function* (): Generator<unknown, void, unknown> {
        lab.note("ran again");
      };
      const returned = new Coro(function* (): Generator<unknown, void, unknown> {});
      const terminated = new Coro(function* (self): Generator<unknown, void, unknown> {
        yield* self.sleep();
      });
      const alone = new Coro(function* (): Generator<unknown, void, unknown> {
        throw boom;
      });
      for (const each of [returned, terminated]) yield* coro.monitor(each);
      yield* coro.sleep(1);
      terminated.terminate();
      yield* coro.sleep(1);
      for (const each of [returned, terminated, alone]) assertEquals(each.hotSwap(again), false);
      // A monitor that is added later may restart it as well.
      yield* coro.monitor(alone);
      assert(alone.hotSwap(again));
      yield* alone.finish();
    }).value();
    assertEquals([lab.takeReported(), lab.takeLog()], [["boom"], ["ran again"]]);
  });
});

Deno.test("a restart that the scheduler refuses has no effect", async () => {
  const scheduler = new Scheduler({ clock: new VirtualClock() });
  const elsewhere = new Scheduler({ clock: new VirtualClock() });
  const monitor = elsewhere.spawn(function* (coro) {
    yield* coro.receive();
  });
  const worker = scheduler.spawn(function* (): Generator<unknown, void, unknown> {
    throw boom;
  });
  worker.notify(monitor as Coro);
  await scheduler.join();
  await scheduler.terminate();
  assertThrows(() => worker.hotSwap(function* () {}), Error, "has been terminated");
  assertEquals([worker.isAlive(), scheduler.stats().live], [false, 0]);
  await elsewhere.terminate();
});

Deno.test("a monitor of another scheduler gets the message", async () => {
  const [here, there] = [1, 2].map(() => new Scheduler({ clock: new VirtualClock() }));
  const observed = there.spawn(function* (coro) {
    return yield* coro.receive();
  });
  const monitor = here.spawn(function* (coro) {
    yield* coro.monitor(observed as Coro);
    observed.send("value");
    return (yield* coro.receive<MonitorException>()).outcome;
  });
  assertEquals(await monitor.value(), { kind: "return", value: "value" });
  await here.terminate();
  await there.terminate();
});

Deno.test("a monitor that has failed gets the message when it is restarted", async () => {
  await inLab(async (lab) => {
    await lab.scheduler.spawn(function* (coro) {
      const observed = new Coro(function* (self) {
        yield* self.sleep(2);
        return "late";
      });
      const monitor = new Coro(function* (self): Generator<unknown, unknown, unknown> {
        yield* self.monitor(observed);
        throw boom;
      });
      yield* coro.monitor(monitor);
      yield* observed.finish();
      assert(monitor.hotSwap(function* (self) {
        return (yield* self.receive<MonitorException>()).outcome;
      }));
      assertEquals(yield* monitor.finish(), { kind: "return", value: "late" });
    }).value();
  });
});

Deno.test("two coroutines that monitor each other and both fail can be collected", async () => {
  await inLab(async (lab) => {
    await lab.scheduler.spawn(function* (coro) {
      const fail = function* (self: Coro): Generator<unknown, void, unknown> {
        yield* self.sleep(1);
        throw boom;
      };
      const [a, b] = [new Coro(fail), new Coro(fail)];
      a.notify(b);
      b.notify(a);
      yield* coro.sleep(2);
      assertEquals([a.send(1), b.send(1), a.mailbox, b.mailbox], [false, false, null, null]);
    }).value();
    // The second got the message and failed in the same turn, so it has not received it; it had no living monitor.
    assertEquals(lab.takeReported(), ["boom", "boom"]);
  });
});

Deno.test("neither a monitor nor an observed coroutine with a long life keeps coroutines that ended", async () => {
  await runVirtual(function* (coro) {
    const lasting = new Coro(function* (self) {
      yield* self.receive();
    });
    const shortLived: WeakRef<Coro>[] = [];
    for (let i = 0; i < 1000; i++) {
      const each = new Coro(function* () {
        yield;
      }) as Coro;
      shortLived.push(new WeakRef(each));
      lasting.notify(each);
      yield* coro.monitor(each);
      yield* coro.receive();
    }
    // A turn of the host, as a WeakRef keeps its target until the current one is over.
    yield new Promise<void>((resolve) => setTimeout(resolve, 1));
    collectGarbage();
    const left = shortLived.filter((each) => each.deref() !== undefined).length;
    // A leak would keep nearly all of them. A conservative collector, as Bun's is, may leave a few.
    assert(left < ("Bun" in globalThis ? 100 : 10), `${left} of 1000 are left`);
    lasting.terminate();
  });
});

function collectGarbage(): void {
  setFlagsFromString("--expose-gc");
  runInNewContext("gc")();
}

Deno.test("every monitor gets exactly one message for every end (1,000 seeds)", async () => {
  for (let seed = 1; seed <= 1000; seed++) {
    let state = seed;
    const random = (n: number): number => (state = Math.imul(state, 1103515245) + 12345 >>> 0) % 65_536 % n;
    const scheduler = new Scheduler({ clock: new VirtualClock(), shuffle: seed });
    const reported: unknown[] = [];
    scheduler.onError = (error) => reported.push(error);
    const ends = new Map<Coro, number>();
    const observed = Array.from(
      { length: 5 },
      () =>
        scheduler.spawn(function* (coro): Generator<unknown, unknown, unknown> {
          yield* coro.sleep(random(4));
          if (random(2)) throw boom;
          return "value";
        }),
    );
    const watchers = Array.from({ length: 3 }, () =>
      scheduler.spawn(function* (coro) {
        const counts = new Map<Coro, number>();
        for (const each of observed) if (random(4)) yield* coro.monitor(each as Coro);
        for (;;) {
          const message = yield* coro.receive<MonitorException | null>(20, null);
          if (message === null) return counts;
          counts.set(message.coro, (counts.get(message.coro) ?? 0) + 1);
          // The first monitor that receives the message may restart it.
          if (message.outcome.kind === "throw" && random(2) && !message.coro.isAlive()) {
            message.coro.hotSwap(function* () {
              return "restarted";
            });
          }
        }
      }));
    scheduler.spawn(function* (coro) {
      for (let i = 0; i < 4; i++) {
        yield* coro.sleep(1);
        if (random(2)) observed[random(5)].terminate();
      }
    });
    await scheduler.join();
    for (const each of observed) ends.set(each as Coro, 0);
    for (const watcher of watchers) {
      for (const [coro, times] of await watcher.value()) {
        assert(times >= 1 && times <= 2, `seed ${seed}: notified ${times} times`);
        ends.set(coro, Math.max(ends.get(coro)!, times));
      }
    }
    assert(observed.every((each) => !each.isAlive()), `seed ${seed}`);
    await scheduler.terminate();
  }
});
