/**
 * The host's asynchronous context: every step of a coroutine runs in the context in which it was created, no matter what
 * wakes it.
 *
 * The tests store a name; `here()` returns the current one. The host passes it on with its own promises.
 */
import {
  all,
  call,
  CategorizeMessages,
  Channel,
  Condition,
  Coro,
  Event,
  Lock,
  MonitorException,
  race,
  run,
  Scheduler,
  Semaphore,
  sleep,
  supervise,
  until,
  withTimeout,
} from "@asyncoro/asyncoro";
import { VirtualClock } from "@asyncoro/asyncoro/testing";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { AsyncLocalStorage } from "node:async_hooks";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import type { Drivable, Driver } from "../../core/host/driver.ts";
import { inLab, settle } from "../helpers/lab.ts";
import { runProgram } from "../helpers/program.ts";

// deno-lint-ignore no-explicit-any -- what a generator gets differs from test to test
type Body = Generator<unknown, any, any>;

const names = new AsyncLocalStorage<string>();

function here(): string | undefined {
  return names.getStore();
}

/** The current name after a turn of the host. */
async function hereLater(): Promise<string | undefined> {
  await new Promise((resolve) => setTimeout(resolve, 1));
  return here();
}

/** Runs a coroutine that is created in the context of this name. */
function runAs<R>(name: string, target: (coro: Coro) => Generator<unknown, R, unknown>): Promise<R> {
  return names.run(name, () => run(target));
}

/** Creates a coroutine in the context of this name, on the running scheduler or the default one. */
function spawnAs<R>(name: string, target: (coro: Coro) => Generator<unknown, R, unknown>): Coro<R> {
  return names.run(name, () => new Coro(target)) as Coro<R>;
}

Deno.test("concurrent coroutines have their own contexts, and so have promises that they create", async () => {
  const found = await Promise.all(["a", "b", "c", "d"].map((name) =>
    runAs(name, function* (coro) {
      const seen = [here()];
      yield* coro.sleep(0.001);
      seen.push(here());
      yield;
      seen.push(here(), yield* until(hereLater()), here());
      return [name, ...new Set(seen)];
    })
  ));
  assertEquals(found, ["a", "b", "c", "d"].map((name) => [name, name]));
});

Deno.test("a coroutine created outside any context has none, among others that have one", async () => {
  const [none, one] = await Promise.all([
    run(function* (coro) {
      yield* coro.sleep(0.001);
      return [here(), yield* until(hereLater())];
    }),
    runAs("one", function* (coro) {
      yield* coro.sleep(0.001);
      return [here(), yield* until(hereLater())];
    }),
  ]);
  assertEquals([none, one], [[undefined, undefined], ["one", "one"]]);
});

Deno.test("a child has the context in which it is created", async () => {
  const found = await runAs("parent", function* (): Body {
    const child = function* (coro: Coro): Body {
      yield* coro.sleep(0.001);
      return [
        here(),
        yield* new Coro(function* () {
          yield;
          return here();
        }).finish(),
      ];
    };
    const plain = new Coro(child);
    const inner = names.run("inner", () => new Coro(child));
    const spawned = names.run("spawned", () => plain.scheduler.spawnWith({ name: "spawned" }, child));
    return [yield* plain.finish(), yield* inner.finish(), yield* spawned.finish(), here()];
  });
  assertEquals(found, [["parent", "parent"], ["inner", "inner"], ["spawned", "spawned"], "parent"]);
});

Deno.test("a child has no context if it is created outside any, whatever its parent has", async () => {
  const found = await runAs("parent", function* (): Body {
    const child = names.run(undefined!, () =>
      new Coro(function* () {
        yield;
        return here();
      }));
    return [yield* child.finish(), here()];
  });
  assertEquals(found, [undefined, "parent"]);
});

Deno.test("branches, subroutines and work under a deadline have the context of their coroutine", async () => {
  const found = await runAs("one", function* (): Body {
    function* part(): Body {
      yield* sleep(0.001);
      return here();
    }
    const raced = yield* race(part(), sleep(10));
    const [left, right] = yield* all(part(), call(part()));
    const limited = yield* withTimeout(1, part());
    const plain = yield part();
    return [raced, left, right, limited, plain, here()];
  });
  assertEquals(new Set(found), new Set(["one"]));
});

Deno.test("the losers of a race run their cleanup in the context of the coroutine", async () => {
  const seen: unknown[] = [];
  await runAs("one", function* (): Body {
    function* loser(): Body {
      try {
        yield* sleep(10);
      } finally {
        seen.push(here());
        yield* sleep(0.001);
        seen.push(here());
      }
    }
    const winner = spawnAs("winner", function* () {
      yield* sleep(0.001);
    });
    yield* race(loser(), winner.finish());
    seen.push(here());
  });
  assertEquals(seen, ["one", "one", "one"]);
});

Deno.test("cleanup runs in the coroutine's own context, no matter what terminates it or throws in it", async () => {
  const seen: unknown[] = [];
  const victim = () =>
    spawnAs("victim", function* (coro) {
      try {
        yield* coro.sleep();
      } finally {
        seen.push(here());
        yield* coro.sleep(0.001);
        seen.push(here(), yield* until(hereLater()));
      }
    });
  await runAs("killer", function* (): Body {
    yield* sleep(0.001);
    const terminated = victim();
    yield;
    terminated.terminate();
    yield* terminated.finish();
    const thrown = victim();
    yield;
    thrown.throw(new Error("expected"));
    try {
      yield* thrown.finish();
    } catch {
      // Expected.
    }
    seen.push(here());
  });
  assertEquals(seen, [...new Array(6).fill("victim"), "killer"]);
});

Deno.test("cleanup at the end of a scheduler runs in the context of each coroutine", async () => {
  const seen: unknown[] = [];
  const scheduler = new Scheduler();
  for (const name of ["a", "b"]) {
    names.run(name, () =>
      scheduler.spawn(function* (coro) {
        try {
          yield* coro.sleep();
        } finally {
          yield* coro.sleep(0.001);
          seen.push(here());
        }
      }));
  }
  await names.run("ender", async () => {
    await hereLater();
    await scheduler.terminate();
    seen.push(here());
  });
  assertEquals(seen, ["a", "b", "ender"]);
});

Deno.test("a coroutine that another one wakes, or sends a message, continues in its own context", async () => {
  const found = await runAs("waker", function* (): Body {
    const sleeper = spawnAs("sleeper", function* (coro) {
      return [yield* coro.sleep(), here()];
    });
    const receiver = spawnAs("receiver", function* (coro) {
      return [yield* coro.receive(), here()];
    });
    yield;
    sleeper.resume("resumed");
    receiver.send("sent");
    return [yield* sleeper.finish(), yield* receiver.finish(), here()];
  });
  assertEquals(found, [["resumed", "sleeper"], ["sent", "receiver"], "waker"]);
});

Deno.test("code outside coroutines that wakes them does not pass its context to them", async () => {
  const receivers = ["a", "b"].map((name) =>
    spawnAs(name, function* (coro) {
      return [yield* coro.receive(), here(), yield* until(hereLater())];
    })
  );
  const none = new Coro(function* (coro) {
    return [yield* coro.receive(), here(), yield* until(hereLater())];
  });
  await hereLater();
  const found = await names.run("outside", async () => {
    for (const coro of [...receivers, none]) coro.send("sent");
    return [await receivers[0].value(), await receivers[1].value(), await none.value(), here()];
  });
  assertEquals(found, [["sent", "a", "a"], ["sent", "b", "b"], ["sent", undefined, undefined], "outside"]);
});

Deno.test("a coroutine that gets a lock, a permit, a condition or an event continues in its own context", async () => {
  const [lock, semaphore, condition, event] = [new Lock(), new Semaphore(0), new Condition(), new Event()];
  const found = await runAs("giver", function* (): Body {
    yield* lock.acquire();
    const waits: ((coro: Coro) => Body)[] = [
      function* () {
        yield* lock.acquire();
        lock.release();
        return here();
      },
      function* () {
        yield* semaphore.acquire();
        return here();
      },
      function* () {
        yield* condition.acquire();
        yield* condition.wait();
        condition.release();
        return here();
      },
      function* () {
        yield* event.wait();
        return here();
      },
    ];
    const coros = waits.map((wait, index) => spawnAs(`taker ${index}`, wait));
    yield* sleep(0.001);
    lock.release();
    semaphore.release();
    yield* condition.acquire();
    condition.notify();
    condition.release();
    event.set();
    return [...(yield* all(coros)), here()];
  });
  assertEquals(found, ["taker 0", "taker 1", "taker 2", "taker 3", "giver"]);
});

Deno.test("a predicate is called in the context of the coroutine that waits", async () => {
  const condition = new Condition();
  const seen: unknown[] = [];
  let ready = false;
  const waiter = spawnAs("waiter", function* () {
    yield* condition.acquire();
    yield* condition.waitFor(() => {
      seen.push(here());
      return ready;
    });
    condition.release();
  });
  await runAs("notifier", function* () {
    yield* sleep(0.001);
    yield* condition.acquire();
    ready = true;
    condition.notifyAll();
    condition.release();
    yield* waiter.finish();
  });
  assertEquals(seen, ["waiter", "waiter"]);
});

Deno.test("contexts are kept with priorities and in a shuffled order", async () => {
  for (const options of [{}, { shuffle: 7 }]) {
    const scheduler = new Scheduler({ clock: new VirtualClock(), ...options });
    const mixed = Array.from(
      { length: 40 },
      (_, index) =>
        names.run(`${index}`, () =>
          scheduler.spawnWith({ priority: index % 8 }, function* (coro) {
            const seen = new Set<string | undefined>();
            for (let i = 0; i < 20; i++) {
              seen.add(here());
              if (i % 5 === index % 5) yield* coro.sleep(index / 1000);
              else yield;
            }
            return [...seen];
          })),
    );
    assertEquals(await Promise.all(mixed.map((coro) => coro.value())), mixed.map((_, index) => [`${index}`]));
    await scheduler.terminate();
  }
});

Deno.test("a plain round robin changes the context with every step", async () => {
  const found = await Promise.all(["a", "b", undefined].map((name) =>
    names.run(name!, () =>
      run(function* () {
        const seen = new Set<unknown>();
        for (let i = 0; i < 2_000; i++) {
          seen.add(here());
          yield;
        }
        return [...seen];
      }))
  ));
  assertEquals(found, [["a"], ["b"], [undefined]]);
});

Deno.test("a scheduler created in a context does not pass it to its coroutines", async () => {
  const scheduler = names.run("maker", () => new Scheduler());
  const target = function* (coro: Coro): Body {
    yield* coro.sleep(0.001);
    return [here(), yield* until(hereLater())];
  };
  assertEquals(await scheduler.spawn(target).value(), [undefined, undefined]);
  assertEquals(await names.run("user", () => scheduler.spawn(target).value()), ["user", "user"]);
  await scheduler.terminate();
});

/** A driver that runs slices on request of the test, in the context of the test. */
class HandDriver implements Driver {
  readonly loop: Drivable;

  constructor(loop: Drivable) {
    this.loop = loop;
  }

  wake(): void {}
  update(): void {}
  stop(): void {}

  slice(): void {
    while (this.loop.slice(1, this.loop.now()));
  }
}

Deno.test("a slice restores the context", async () => {
  let driver!: HandDriver;
  const scheduler = new Scheduler({ driver: (loop) => driver = new HandDriver(loop) });
  const seen: unknown[] = [];
  const spawnStep = (name: string, stored: string | null) =>
    names.run(name, () =>
      scheduler.spawn(function* () {
        seen.push(here());
        if (stored !== null) names.enterWith(stored);
        yield;
        seen.push(here());
      }));
  spawnStep("a", null);
  spawnStep("b", "stored");
  names.run("host", () => {
    driver.slice();
    seen.push(here(), names.run("inner", here), here());
  });
  seen.push(here());
  spawnStep("c", null);
  driver.slice();
  seen.push(here());
  assertEquals(seen, ["a", "b", "a", "b", "host", "inner", "host", undefined, "c", "c", undefined]);
  const end = scheduler.terminate();
  driver.slice();
  await end;
});

Deno.test("a value stored in a step is dropped at its end, also among coroutines without a context", async () => {
  const seen: unknown[] = [];
  const storing = (name: string) =>
    function* (coro: Coro): Body {
      names.enterWith(`${name} stored`);
      seen.push(here());
      const child = new Coro(function* () {
        yield;
        return here();
      });
      const promise = hereLater();
      yield;
      seen.push(here(), yield* child.finish(), yield* until(promise));
      yield* coro.sleep(0.001);
      seen.push(here());
    };
  const watching = function* (): Body {
    for (let i = 0; i < 5; i++) {
      if (here() !== undefined) seen.push(`leak of ${here()}`);
      yield;
    }
  };
  await Promise.all([run(storing("none")), run(watching)]);
  assertEquals(seen.splice(0), ["none stored", undefined, "none stored", "none stored", undefined]);
  await Promise.all([runAs("one", storing("one")), run(watching)]);
  assertEquals(seen, ["one stored", "one", "one stored", "one stored", "one"]);
  assertEquals(here(), undefined);
});

Deno.test("a swapped or restarted generator keeps the context of its coroutine", async () => {
  const seen: unknown[] = [];
  const next = function* (coro: Coro): Body {
    seen.push(here());
    yield* coro.sleep(0.001);
    seen.push(here());
  };
  const swapped = spawnAs("swapped", function* (coro) {
    coro.hotSwappable(true);
    yield* coro.sleep();
  });
  const failing = spawnAs("failing", function* (coro) {
    yield* coro.receive();
    throw new Error("expected");
  });
  await runAs("other", function* (coro): Body {
    yield* coro.sleep(0.001);
    swapped.hotSwap(next);
    yield* swapped.finish();
    yield* coro.monitor(failing);
    failing.send("fail");
    const news = yield* coro.receive();
    if (news instanceof MonitorException) failing.hotSwap(next);
    yield* coro.receive();
    seen.push(here());
  });
  assertEquals(seen, ["swapped", "swapped", "failing", "failing", "other"]);
});

Deno.test("children of a supervisor have its context, however often they are restarted", async () => {
  const seen: unknown[] = [];
  const supervisor = names.run("supervisor", () =>
    supervise([{
      *target(coro: Coro): Body {
        seen.push(here());
        yield* coro.sleep(0.001);
        seen.push(here());
        if (seen.length < 4) throw new Error("expected");
      },
    }]));
  await runAs("other", function* () {
    yield* supervisor.finish();
  });
  assertEquals(seen, ["supervisor", "supervisor", "supervisor", "supervisor"]);
});

Deno.test("a child has the context of the code that made its supervisor or called startChild(), whoever starts it", async () => {
  const seen: string[] = [];
  function* child(coro: Coro, name: string): Body {
    seen.push(`${name} ${here()}`);
    yield* coro.sleep(0.001);
  }
  const supervisor = names.run("supervisor", () => {
    return supervise([{ target: child, args: ["first"], restart: "permanent" }], {
      maxRestarts: 2,
      onRestart: () => {},
    });
  });
  // It has children now, although the supervisor has not run.
  names.run("starter", () => supervisor.startChild({ target: child, args: ["second"], restart: "permanent" }));
  await runAs("other", function* () {
    yield* supervisor.finish();
  }).catch(() => {});
  assertEquals(new Set(seen), new Set(["first supervisor", "second starter"]));
  assertEquals(seen.length, 4);
});

Deno.test("functions of channels and categories run in the context of the coroutine that sends or receives", async () => {
  const seen: unknown[] = [];
  const channel = new Channel<string>("context", (_, message) => {
    seen.push(`transform ${here()}`);
    return message;
  });
  const receiver = spawnAs("receiver", function* (coro) {
    const categories = new CategorizeMessages(coro);
    categories.add((message) => {
      seen.push(`category ${here()}`);
      return message;
    });
    yield* channel.subscribe(coro);
    yield* categories.receive("first");
    yield* categories.receive("last");
  });
  // It waits for a subscriber, and sends in the step of that.
  await runAs("early", function* () {
    yield* channel.deliver("first", 1, 1);
  });
  await runAs("late", function* () {
    channel.send("last");
    yield* receiver.finish();
  });
  channel.close();
  assertEquals(seen, ["transform early", "category receiver", "transform late", "category receiver"]);
});

Deno.test("a deliver that waited calls the transform in the context of its sender", async () => {
  const seen: unknown[] = [];
  const channel = new Channel<string>("waiting", (_, message) => {
    seen.push(here());
    return message;
  });
  const sender = spawnAs("sender", function* () {
    return yield* channel.deliver("hello", 1, 1);
  });
  await runAs("subscriber", function* (coro): Body {
    yield* coro.sleep(0.001);
    yield* channel.subscribe(coro);
    seen.push(yield* coro.receive(), here());
  });
  assertEquals(await sender.value(), 1);
  channel.close();
  assertEquals(seen, ["sender", "hello", "subscriber"]);
});

Deno.test("the hook for errors is called in the context of the coroutine that failed", async () => {
  const scheduler = new Scheduler();
  const seen: unknown[] = [];
  scheduler.onError = (error, coro) => seen.push([coro.name, (error as Error).message, here()]);
  const failing = function* (coro: Coro): Body {
    yield* coro.sleep(0.001);
    throw new Error("expected");
  };
  const cleaning = function* (coro: Coro): Body {
    try {
      yield* coro.sleep();
    } finally {
      // deno-lint-ignore no-unsafe-finally -- what the test is about
      throw new Error("in cleanup");
    }
  };
  names.run("a", () => scheduler.spawnWith({ name: "failing" }, failing));
  const victim = names.run("b", () => scheduler.spawnWith({ name: "cleaning" }, cleaning));
  names.run("c", () =>
    scheduler.spawn(function* (coro) {
      yield* coro.sleep(0.001);
      victim.terminate();
      yield* coro.sleep(0.001);
    }));
  await names.run("waiter", () => scheduler.join());
  await scheduler.terminate();
  assertEquals(seen.sort(), [["cleaning", "in cleanup", "b"], ["failing", "expected", "a"]]);
});

Deno.test("functions registered with atexit() run in the context in which they were registered", async () => {
  const scheduler = new Scheduler();
  const seen: unknown[] = [];
  scheduler.atexit(() => seen.push(here()));
  names.run("a", () =>
    scheduler.atexit(async () => {
      seen.push(await hereLater());
    }));
  await names.run("ender", () => scheduler.terminate());
  assertEquals(seen, [undefined, "a"]);
});

Deno.test("a promise resumes the coroutine that awaits it in the context of that", async () => {
  const coro = spawnAs("coro", function* (coro) {
    yield* coro.sleep(0.001);
    return here();
  });
  const failed = spawnAs("failed", function* (coro) {
    yield* coro.sleep(0.001);
    throw new Error("expected");
  });
  const found = await Promise.all(["x", "y"].map((name) =>
    names.run(name, async () => {
      const value = await coro.value();
      const before = here();
      await assertRejects(() => failed.value(), Error, "expected");
      return [value, before, here()];
    })
  ));
  assertEquals(found, [["coro", "x", "x"], ["coro", "y", "y"]]);
});

Deno.test("contexts are kept in virtual time", async () => {
  await inLab(async (lab) => {
    const coros = ["a", "b"].map((name) =>
      names.run(name, () =>
        lab.scheduler.spawn(function* (coro) {
          yield* coro.sleep(5);
          return [here(), yield* withTimeout(3, until(hereLater()))];
        }))
    );
    assertEquals(await Promise.all(coros.map((coro) => coro.value())), [["a", "a"], ["b", "b"]]);
  });
});

Deno.test("several storages are independent", async () => {
  const numbers = new AsyncLocalStorage<number>();
  const found = await Promise.all(
    [1, 2, 3].map((number) =>
      numbers.run(number, () =>
        runAs(`n${number}`, function* (coro) {
          yield* coro.sleep(0.001);
          const inner = names.run("inner", () =>
            new Coro(function* () {
              yield;
              return [here(), numbers.getStore()];
            }));
          return [here(), numbers.getStore(), ...yield* inner.finish()];
        }))
    ),
  );
  assertEquals(found, [1, 2, 3].map((number) => [`n${number}`, number, "inner", number]));
});

Deno.test("the first value that a process stores, in a step, is dropped at the end of the step", async () => {
  const { stdout, stderr } = await runProgram(`
    import { AsyncLocalStorage } from "node:async_hooks";
    import { Coro, run } from "@asyncoro/asyncoro";
    const names = new AsyncLocalStorage();
    const seen = [];
    const watch = function* () {
      for (let i = 0; i < 3; i++) {
        seen.push(names.getStore());
        yield;
      }
    };
    const store = function* () {
      yield;
      names.enterWith("stored");
      const child = new Coro(function* () {
        yield;
        return names.getStore();
      });
      yield;
      seen.push(names.getStore(), yield* child.finish());
    };
    await Promise.all([run(watch), run(store), run(watch)]);
    seen.push(names.getStore());
    console.log(JSON.stringify(seen.map((name) => name ?? "none")));
  `);
  assertEquals(stderr, "");
  assertEquals(JSON.parse(stdout).sort(), [...new Array(8).fill("none"), "stored"]);
});

/** Collects garbage. Bun's collector is conservative, so the caller checks many objects. */
async function collectGarbage(): Promise<void> {
  // A turn of the host, as a WeakRef keeps its target until the current one is over.
  await settle();
  setFlagsFromString("--expose-gc");
  runInNewContext("gc")();
}

const objects = new AsyncLocalStorage<object>();

/** Runs 200 coroutines, each in a context of its own; returns them and the stored values. */
async function runMany(scheduler: Scheduler, target: (coro: Coro) => Body): Promise<[Coro[], WeakRef<object>[]]> {
  const coros: Coro[] = [];
  const stored: WeakRef<object>[] = [];
  for (let i = 0; i < 200; i++) {
    const object = { i };
    stored.push(new WeakRef(object));
    objects.run(object, () => coros.push(scheduler.spawn(target)));
  }
  await scheduler.join();
  return [coros, stored];
}

const ends: Record<string, (coro: Coro) => Body> = {
  "has returned": function* (coro) {
    yield* coro.sleep(0.001);
  },
  "was terminated": function* (coro) {
    yield* coro.sleep(0.001);
    coro.terminate();
    yield;
  },
  "has failed": function* (coro) {
    yield* coro.sleep(0.001);
    throw new Error("expected");
  },
};

for (const [end, target] of Object.entries(ends)) {
  Deno.test(`a coroutine that ${end} no longer keeps its context, nor does its scheduler`, async () => {
    const scheduler = new Scheduler();
    scheduler.onError = () => {};
    // A coroutine that goes on, and sets one timer after the other.
    const runsOn = scheduler.spawnWith({ daemon: true }, function* (coro) {
      for (;;) yield* coro.sleep(0.002);
    });
    const [coros, stored] = await runMany(scheduler, target);
    await hereLater();
    await collectGarbage();
    const left = stored.filter((each) => each.deref() !== undefined).length;
    // A leak would keep all of them.
    assert(left < ("Bun" in globalThis ? 50 : 5), `${left} of ${coros.length} contexts are left`);
    runsOn.terminate();
    await scheduler.terminate();
  });
}

Deno.test("a scheduler that sets one timer after the other keeps no context of the code that woke it", async () => {
  const stored: WeakRef<object>[] = [];
  const schedulers = Array.from({ length: 100 }, (_, i) => {
    const object = { i };
    stored.push(new WeakRef(object));
    const scheduler = new Scheduler();
    objects.run(object, () => scheduler.spawn(function* () {}));
    scheduler.spawnWith({ daemon: true }, function* (coro) {
      for (;;) yield* coro.sleep(0.005);
    });
    return scheduler;
  });
  // The coroutines must go on, or no more timers would be set.
  const others = schedulers.map((scheduler) =>
    scheduler.spawn(function* (coro) {
      yield* coro.sleep();
    })
  );
  await new Promise((resolve) => setTimeout(resolve, 30));
  await collectGarbage();
  const left = stored.filter((each) => each.deref() !== undefined).length;
  assert(left < ("Bun" in globalThis ? 25 : 5), `${left} of 100 contexts are left`);
  for (const other of others) other.terminate();
  for (const scheduler of schedulers) await scheduler.terminate();
});
