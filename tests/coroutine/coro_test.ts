/**
 * A coroutine: creation, names and flags, sleeping and resuming, messages to itself.
 */
import { Coro, type CoroFunction, current, race, run, Scheduler, sleep, TimeoutError } from "@asyncoro/asyncoro";
import { assert, assertEquals, assertNotEquals, assertRejects, assertStrictEquals, assertThrows } from "@std/assert";
import { inLab, settle, thrownBy } from "../helpers/lab.ts";

Deno.test("new Coro runs from the next turn on, with its arguments", async () => {
  const log: unknown[] = [];
  const coro = new Coro(
    function* (self: Coro, a: number, b: string) {
      log.push(self, a, b);
      yield;
      return a;
    },
    1,
    "two",
  );
  assertEquals(log, []);
  assertEquals(coro.isAlive(), true);
  assertEquals(await coro.value(), 1);
  assertEquals(log, [coro, 1, "two"]);
  assertEquals(coro.isAlive(), false);
});

Deno.test("a target that is not a generator function is a TypeError with the value passed", () => {
  const scheduler = new Scheduler();
  function* generator(): Generator<unknown, void, unknown> {}
  class Target {}
  const wrong: [unknown, string][] = [
    [undefined, "undefined"],
    [null, "null"],
    ["main", '"main"'],
    [5, "5"],
    [{}, "an object"],
    [generator(), "an object of Generator"],
    [[][Symbol.iterator](), "an object of Array Iterator"],
    [async function load() {}, "the async function 'load'"],
    [async () => {}, "the async function"],
    [async function* stream() {}, "the async generator function 'stream'"],
    [() => {}, "the function"],
    [function plain() {}, "the function 'plain'"],
    [Target, "the class 'Target'"],
  ];
  for (const [target, words] of wrong) {
    for (
      const create of [
        () => new Coro(target as CoroFunction),
        () => scheduler.spawn(target as CoroFunction),
        () => scheduler.spawnWith({}, target as CoroFunction),
        () => run(target as CoroFunction),
      ]
    ) {
      const error = thrownBy(create);
      assert(error instanceof TypeError, String(error));
      const start = "Cannot create a coroutine as 'target' must be a generator function: current value is ";
      assert(error.message.startsWith(start + words), error.message);
    }
  }
  assertEquals(scheduler.stats().live, 0);
  assertEquals(scheduler.stats().spawned, 0);
});

Deno.test("the error for an async function as target says what to do", () => {
  const error = assertThrows(() => new Coro((async () => {}) as unknown as CoroFunction), TypeError);
  assert(error.message.endsWith("write function* and yield* until(promise)"), error.message);
});

Deno.test("bound generator functions and generator methods are coroutine functions", async () => {
  const object = {
    base: 10,
    *method(_: Coro, n: number): Generator<unknown, number, unknown> {
      yield;
      return this.base + n;
    },
  };
  assertEquals(await run(object.method.bind(object), 5), 15);
});

Deno.test("arguments whose default value throws make the constructor throw, and nothing else changes", () =>
  inLab(async ({ scheduler }) => {
    const fail = (): number => {
      throw new Error("default");
    };
    assertThrows(() => scheduler.spawn(function* (_: Coro, _n: number = fail()) {}), Error, "default");
    assertEquals(scheduler.stats().live, 0);
    await scheduler.join();
  }));

Deno.test("inside a coroutine new Coro joins that coroutine's scheduler, elsewhere the default one", () =>
  inLab(async ({ scheduler }) => {
    const child = await scheduler.spawn(function* () {
      yield;
      return new Coro(function* () {});
    }).value();
    assertStrictEquals(child.scheduler, scheduler);
    await child.value();
    const outside = new Coro(function* () {});
    assertStrictEquals(outside.scheduler, Scheduler.instance());
    await outside.value();
  }));

Deno.test("ids are never reused, names come from the function or are given", () =>
  inLab(async ({ scheduler }) => {
    const ids = new Set<number>();
    for (let round = 0; round < 50; round++) {
      const coros = [1, 2, 3].map(() => scheduler.spawn(function* () {}));
      for (const coro of coros) ids.add(coro.id);
      await Promise.all(coros.map((coro) => coro.value()));
    }
    assertEquals(ids.size, 150);
    const named = scheduler.spawn(function* worker() {});
    assertEquals([named.name, String(named)], ["worker", `worker/${named.id}`]);
    named.name = "renamed";
    assertEquals(`${named}`, `renamed/${named.id}`);
    assertEquals(scheduler.spawn(function* () {}).name, "anonymous");
    assertEquals(scheduler.spawnWith({ name: "given" }, function* worker() {}).name, "given");
    await scheduler.join();
  }));

Deno.test("current() and Scheduler.curCoro() are the running coroutine", () =>
  inLab(async ({ scheduler }) => {
    assertEquals(Scheduler.curCoro(), null);
    assertThrows(() => current(), Error, "Cannot tell the current coroutine as none is running");
    function* helper(coro: Coro): Generator<unknown, void, unknown> {
      yield* sleep(1);
      assertStrictEquals(current(), coro);
    }
    await scheduler.spawn(function* (coro) {
      assertStrictEquals(current(), coro);
      assertStrictEquals(Scheduler.curCoro(), coro);
      yield* helper(coro);
      yield helper(coro);
      yield* race(helper(coro), helper(coro));
      assertStrictEquals(current(), coro);
      yield* sleep(0);
      yield Promise.resolve();
      assertStrictEquals(current(), coro);
    }).value();
    assertEquals(Scheduler.curCoro(), null);
  }));

// --- sleep, suspend, resume ---------------------------------------------------------------------------------

Deno.test("sleep returns its alarm value when the time is up, undefined by default", () =>
  inLab(async ({ scheduler, clock }) => {
    const values = await scheduler.spawn(function* (coro) {
      return [yield* coro.sleep(1), yield* coro.sleep(1, "alarm"), yield* coro.suspend(1, null), clock.now()];
    }).value();
    assertEquals(values, [undefined, "alarm", null, 3]);
  }));

Deno.test("sleep of zero or less returns its alarm value at once, without suspending", () =>
  inLab(async ({ scheduler, log }) => {
    scheduler.spawn(function* (coro) {
      log.push(
        yield* coro.sleep<string>(0, "zero"),
        yield* coro.sleep<string>(-1, "minus"),
        yield* coro.suspend<string>({ seconds: 0 }, "none"),
      );
      log.push(yield coro.sleep(0, "plain"));
    });
    scheduler.spawn(function* () {
      log.push("other");
    });
    await scheduler.join();
    assertEquals(log, ["zero", "minus", "none", "plain", "other"]);
  }));

Deno.test("sleep without a limit waits for resume, and returns its value", () =>
  inLab(async ({ scheduler, clock }) => {
    for (const timeout of [undefined, null, Infinity, 1000]) {
      for (const method of ["sleep", "suspend"] as const) {
        const sleeper = scheduler.spawn(function* (coro) {
          return yield* coro[method](timeout, "alarm");
        });
        scheduler.spawn(function* (coro) {
          yield* coro.sleep(3);
          assertEquals(sleeper.resume("update"), true);
        });
        const start = clock.now();
        assertEquals(await sleeper.value(), "update");
        assertEquals(clock.now() - start, 3);
      }
    }
  }));

Deno.test("wakeup is resume, and code outside may call it", async () => {
  const sleeper = new Coro(function* (coro: Coro) {
    return yield* coro.sleep();
  });
  assertEquals(sleeper.wakeup("not started"), false);
  await settle();
  assertEquals([sleeper.wakeup("up"), sleeper.wakeup("again")], [true, false]);
  assertEquals(await sleeper.value(), "up");
  assertEquals(sleeper.wakeup("ended"), false);
});

Deno.test("a second resume before the coroutine has run returns false and has no effect", () =>
  inLab(async ({ scheduler }) => {
    const sleeper = scheduler.spawn(function* (coro) {
      const first = yield* coro.sleep(10);
      const second = yield* coro.sleep(5, "alarm");
      return [first, second];
    });
    scheduler.spawn(function* (coro) {
      yield* coro.sleep(1);
      assertEquals([sleeper.resume(1), sleeper.resume(2), sleeper.wakeup(3)], [true, false, false]);
    });
    assertEquals(await sleeper.value(), [1, "alarm"]);
  }));

Deno.test("resume wakes only a coroutine in sleep or suspend", () =>
  inLab(async ({ scheduler, clock }) => {
    const gate = Promise.withResolvers<string>();
    const target = scheduler.spawn(function* stays() {
      yield* sleep(50);
    });
    const others = {
      receiver: scheduler.spawn(function* (coro) {
        return yield* coro.receive(20, "alarm");
      }),
      awaiter: scheduler.spawn(function* () {
        return (yield gate.promise) as string;
      }),
      waiter: scheduler.spawn(function* () {
        return yield* target.finish();
      }),
      runner: scheduler.spawn(function* (coro) {
        assertEquals(coro.resume("self"), false);
        yield;
        return "done";
      }),
    };
    const unstarted = scheduler.spawn(function* (coro) {
      return yield* coro.sleep(20, "alarm");
    });
    assertEquals(unstarted.resume("early"), false);
    const check = scheduler.spawn(function* (coro) {
      yield;
      yield;
      for (const [name, other] of Object.entries(others)) assertEquals(other.resume("no"), false, name);
      gate.resolve("kept");
      yield* coro.sleep(60);
      for (const [name, other] of Object.entries(others)) assertEquals(other.resume("no"), false, name);
    });
    await check.value();
    const results = await Promise.all(Object.values(others).map((other) => other.value()));
    assertEquals(results, ["alarm", "kept", undefined, "done"]);
    assertEquals(await unstarted.value(), "alarm");
    assertEquals(clock.now(), 60);
  }));

Deno.test("a late resume never ends a later wait", () =>
  inLab(async ({ scheduler, clock }) => {
    const sleeper = scheduler.spawn(function* (coro) {
      const first = yield* coro.sleep(1, "late");
      const message = yield* coro.receive(10, "none");
      const second = yield* coro.sleep(1, "again");
      return [first, message, second, clock.now()];
    });
    const answers: boolean[] = [];
    scheduler.spawn(function* (coro) {
      yield* coro.sleep(2);
      answers.push(sleeper.resume("too late"));
    });
    assertEquals(await sleeper.value(), ["late", "none", "again", 12]);
    assertEquals(answers, [false]);
  }));

Deno.test("resume in the turn in which the timer fires: the first wins, the other has no effect", () =>
  inLab(async ({ scheduler }) => {
    const answers: boolean[] = [];
    // It sleeps until the same moment; the timer set earlier fires first.
    const resumer = (before: boolean) =>
      function* (coro: Coro): Generator<unknown, unknown, unknown> {
        let sleeper: Coro | null = null;
        const make = () =>
          sleeper = scheduler.spawn(function* (self) {
            const first = yield* self.sleep(1, "alarm");
            const second = yield* self.receive(1, "alarm");
            return [first, second];
          });
        if (!before) {
          make();
          yield;
        }
        const wait = coro.sleep(1);
        if (before) {
          make();
          // The timer of the resuming coroutine is set before the new coroutine has started.
        }
        yield* wait;
        answers.push(sleeper!.resume("resumed"));
        return yield* sleeper!.finish();
      };
    assertEquals(await scheduler.spawn(resumer(true)).value(), ["resumed", "alarm"]);
    assertEquals(await scheduler.spawn(resumer(false)).value(), ["alarm", "alarm"]);
    assertEquals(answers, [true, false]);
  }));

Deno.test("only the running coroutine may sleep, suspend or receive as itself", () =>
  inLab(async ({ scheduler }) => {
    const other = scheduler.spawn(function* other(coro) {
      yield* coro.sleep(5);
    });
    for (const method of ["sleep", "suspend", "receive", "recv"] as const) {
      const action = method === "sleep" || method === "suspend" ? "sleep" : "receive";
      assertThrows(
        () => other[method](1),
        Error,
        `Cannot ${action} for another coroutine: code outside coroutines asked ${other}, use `,
      );
      await scheduler.spawn(function* intruder(coro) {
        yield;
        assertThrows(() => other[method](1), Error, `${coro} asked ${other}, use`);
      }).value();
    }
    await scheduler.spawn(function* (coro) {
      let receive: unknown = null;
      const other = scheduler.spawn(function* () {
        yield* receive as ReturnType<Coro["receive"]>;
      });
      receive = coro.receive(1);
      const caught = yield* (function* () {
        try {
          yield* other.finish();
        } catch (error) {
          return error;
        }
      })();
      assert(caught instanceof Error && caught.message.includes("for another coroutine"));
    }).value();
  }));

Deno.test("sleep() suspends the current coroutine, and resume() wakes it", () =>
  inLab(async ({ scheduler, clock }) => {
    const sleeper = scheduler.spawn(function* () {
      yield* sleep(3);
      return clock.now();
    });
    scheduler.spawn(function* (coro) {
      yield* coro.sleep(1);
      assertEquals(sleeper.resume(), true);
    });
    assertEquals(await sleeper.value(), 1);
  }));

// --- messages, as far as the life of a coroutine is concerned ---------------------------------------------------

Deno.test("send queues for a coroutine that has not started, sleeps or waits for a promise", () =>
  inLab(async ({ scheduler }) => {
    const receiver = scheduler.spawn(function* (coro) {
      const got: unknown[] = [];
      yield* coro.sleep(5);
      yield new Promise((resolve) => setTimeout(resolve, 1));
      for (let i = 0; i < 3; i++) got.push(yield* coro.receive());
      return got;
    });
    assertEquals(receiver.send("before it started"), true);
    scheduler.spawn(function* (coro) {
      yield* coro.sleep(1);
      assertEquals(receiver.send("while it sleeps"), true);
      yield* coro.sleep(4.5);
      receiver.send("while it awaits");
    });
    assertEquals(await receiver.value(), ["before it started", "while it sleeps", "while it awaits"]);
    assertEquals(receiver.send("after its end"), false);
  }));

Deno.test("deliver returns 1 for a living coroutine and -1 for one that has ended", () =>
  inLab(async ({ scheduler }) => {
    await scheduler.spawn(function* (coro) {
      const dead = scheduler.spawn(function* () {});
      yield* dead.finish();
      const alive = scheduler.spawn(function* (self) {
        return yield* self.receive();
      });
      assertEquals([yield* dead.deliver("x"), yield* alive.deliver("y", 5), yield dead.deliver("z")], [-1, 1, -1]);
      assertEquals(yield* alive.finish(), "y");
      assertEquals(yield* coro.receive(0, "alarm"), "alarm");
    }).value();
  }));

Deno.test("receive takes the earliest message at once, in the order sent", () =>
  inLab(async ({ scheduler, clock }) => {
    const receiver = scheduler.spawn(function* (coro) {
      const got: unknown[] = [];
      for (let i = 0; i < 4; i++) got.push(yield* coro.receive(1, "alarm"));
      return [got, clock.now()];
    });
    for (const message of [undefined, 1, null]) receiver.send(message);
    assertEquals(await receiver.value(), [[undefined, 1, null, "alarm"], 1]);
  }));

Deno.test("a message sent in the turn of the timeout is not lost", () =>
  inLab(async ({ scheduler }) => {
    const receiver = scheduler.spawn(function* (coro) {
      const first = yield* coro.receive(1, "alarm");
      const second = yield* coro.receive(1, "nothing");
      return [first, second];
    });
    scheduler.spawn(function* (coro) {
      yield* coro.sleep(1);
      receiver.send("message");
    });
    const [first, second] = await receiver.value();
    assert(
      first === "message" && second === "nothing" || first === "alarm" && second === "message",
      `${first} ${second}`,
    );
  }));

// --- finish and value -----------------------------------------------------------------------------------------

Deno.test("finish and value return the result to all waiters, before and after the end", () =>
  inLab(async ({ scheduler }) => {
    const result = { answer: 42 };
    const coro = scheduler.spawn(function* (self) {
      yield* self.sleep(1);
      return result;
    });
    const waiters = [1, 2, 3].map(() =>
      scheduler.spawn(function* () {
        return yield* coro.finish();
      })
    );
    for (const value of await Promise.all([coro.value(), coro.value(10), ...waiters.map((waiter) => waiter.value())])) {
      assertStrictEquals(value, result);
    }
    assertStrictEquals(await coro.value(), result);
    assertStrictEquals(await coro.value(0), result);
    assertStrictEquals(
      await scheduler.spawn(function* () {
        return yield* coro.finish(0);
      }).value(),
      result,
    );
  }));

Deno.test("finish and value with a timeout that passes throw TimeoutError and leave nothing behind", () =>
  inLab(async ({ scheduler, clock }) => {
    const coro = scheduler.spawn(function* slow(self) {
      yield* self.sleep(10);
      return "done";
    });
    const early = [coro.value(1), coro.value(0), coro.value(-1), coro.value({ milliseconds: 1 })];
    await Promise.all(early.map((each) => assertRejects(() => each, TimeoutError, `${coro} did not end in time`)));
    await scheduler.spawn(function* (self) {
      for (const timeout of [2, 0, -1]) {
        try {
          yield* coro.finish(timeout);
          throw new Error("not reached");
        } catch (error) {
          assertEquals([(error as Error).name, (error as Error).message], [
            "TimeoutError",
            `${coro} did not end in time`,
          ]);
        }
      }
      assertEquals(coro.completionWaiters.length, 0);
      yield* self.sleep(1);
    }).value();
    assertEquals(clock.now(), 4);
    assertEquals(await coro.value(100), "done");
    assertEquals(clock.now(), 10);
  }));

Deno.test("value() and finish() work for a coroutine of another scheduler", () =>
  inLab(async ({ scheduler, clock }) => {
    const other = new Scheduler({ name: "other", clock });
    const far = other.spawn(function* (coro) {
      yield* coro.sleep(2);
      return "far";
    });
    const near = scheduler.spawn(function* () {
      return [yield* far.finish(), yield far.value(), clock.now()];
    });
    assertEquals(await near.value(), ["far", "far", 2]);
    await other.terminate();
  }));

Deno.test("setDaemon changes what join waits for, from inside and from outside", () =>
  inLab(async ({ scheduler, clock }) => {
    const daemon = scheduler.spawn(function* (coro) {
      coro.setDaemon();
      yield* coro.sleep(100);
    });
    assertEquals(daemon.daemon, false);
    await scheduler.join();
    assertEquals(clock.now(), 0);
    assertEquals([daemon.daemon, daemon.isAlive()], [true, true]);
    daemon.setDaemon(false);
    daemon.setDaemon(false);
    assertEquals(scheduler.stats().daemons, 0);
    const joined = scheduler.join();
    await settle();
    daemon.setDaemon(true);
    await joined;
    const both = scheduler.spawnWith({ daemon: true }, function* (coro) {
      yield* coro.sleep(1);
      coro.setDaemon(false);
      yield* coro.sleep(1);
    });
    assertEquals(both.daemon, true);
    await scheduler.join();
    assertEquals(both.isAlive(), true);
  }));

Deno.test("coroutines live on after the one that created them has ended or was terminated", () =>
  inLab(async ({ scheduler }) => {
    let child: Coro | null = null;
    await scheduler.spawn(function* () {
      child = new Coro(function* (coro: Coro) {
        yield* coro.sleep(1);
        return "child";
      }) as Coro;
      yield;
    }).value();
    assertEquals(await child!.value(), "child");
    assertNotEquals(child!.id, 0);
  }));
