import {
  all,
  call,
  Coro,
  HotSwapException,
  type MonitorException,
  race,
  Scheduler,
  until,
  withTimeout,
} from "@asyncoro/asyncoro";
import { runVirtual, VirtualClock } from "@asyncoro/asyncoro/testing";
import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { inLab } from "../helpers/lab.ts";

// deno-lint-ignore no-explicit-any -- one that does not return takes this type too
type Body = Generator<unknown, any, unknown>;

function* replacement(coro: Coro): Body {
  return `replaced at ${coro.scheduler.now()}`;
}

/** A swappable coroutine that runs `body` and throws again what it catches. */
function swappable(act: (coro: Coro) => Body): Coro {
  return new Coro(function* swappable(coro: Coro): Body {
    coro.hotSwappable(true);
    return yield* act(coro);
  }) as Coro;
}

Deno.test("a swap is accepted at once in every wait of the outermost generator", async () => {
  const waits: Record<string, (coro: Coro) => Body> = {
    *sleep(coro) {
      yield* coro.sleep(100);
    },
    *"sleep without end"(coro) {
      yield* coro.sleep();
    },
    *receive(coro) {
      yield* coro.receive();
    },
    *"plain yield of receive"(coro) {
      yield coro.receive(100);
    },
    *"finish of another"(coro) {
      const other = new Coro(function* (other) {
        yield* other.sleep(1000);
      });
      other.setDaemon();
      void coro;
      yield* other.finish();
    },
    *race(coro) {
      yield* race(coro.sleep(100), coro.receive());
    },
    *all(coro) {
      yield* all(coro.sleep(100), coro.receive());
    },
    *"giving way"() {
      for (;;) yield;
    },
  };
  for (const [name, act] of Object.entries(waits)) {
    await runVirtual(function* (coro) {
      const worker = swappable(act);
      yield* coro.sleep(0);
      for (let i = 0; i < 5; i++) yield;
      assert(worker.hotSwap(replacement), name);
      assertEquals(yield* worker.finish(1), "replaced at 0", name);
    });
  }
});

Deno.test("a swap waits while it is not possible, and is proposed right after", async () => {
  const busy: Record<string, (coro: Coro) => Body> = {
    *"yield generator"(coro) {
      yield (function* () {
        yield* coro.sleep(3);
      })();
      yield* coro.sleep(100);
    },
    *call(coro) {
      yield* call((function* () {
        yield* coro.sleep(3);
      })());
      yield* coro.sleep(100);
    },
    *withTimeout(coro) {
      yield* withTimeout(50, coro.sleep(3));
      yield* coro.sleep(100);
    },
    *"not swappable"(coro) {
      coro.hotSwappable(false);
      yield* coro.sleep(3);
      coro.hotSwappable(true);
      yield* coro.sleep(100);
    },
    *"race of subroutines"(coro) {
      yield* race(
        (function* () {
          yield* call((function* () {
            yield* coro.sleep(3);
          })());
        })(),
        coro.sleep(50),
      );
      yield* coro.sleep(100);
    },
  };
  for (const [name, act] of Object.entries(busy)) {
    await runVirtual(function* (coro) {
      const worker = swappable(act);
      yield* coro.sleep(1);
      assert(worker.hotSwap(replacement), name);
      assertEquals(yield* worker.finish(), "replaced at 3", name);
    });
  }
});

Deno.test("a swap waits for pending I/O, and its result is not lost", async () => {
  await inLab(async (lab) => {
    const { promise, resolve } = Promise.withResolvers<string>();
    const worker = lab.scheduler.spawn(function* (coro): Body {
      coro.hotSwappable(true);
      lab.note(`read ${yield* until(promise)}`);
      yield* coro.sleep();
    });
    await lab.scheduler.spawn(function* () {
      for (let i = 0; i < 3; i++) yield;
      worker.hotSwap(function* () {
        lab.note("replaced");
      });
      for (let i = 0; i < 3; i++) yield;
      lab.note("not yet");
      resolve("data");
    }).value();
    await worker.value();
    assertEquals(lab.takeLog(), ["not yet", "read data", "replaced"]);
  });
});

Deno.test("a swap of a coroutine that has not started waits until the coroutine allows it", async () => {
  await runVirtual(function* () {
    let started = false;
    const worker = new Coro(function* (self): Body {
      started = true;
      self.hotSwappable(true);
      yield* self.sleep(100);
    });
    assert(worker.hotSwap(replacement));
    assertEquals([yield* worker.finish(), started], ["replaced at 0", true]);
  });
});

Deno.test("a coroutine may swap itself, at its next yield", async () => {
  await runVirtual(function* () {
    const log: string[] = [];
    const worker = new Coro(function* (self): Body {
      self.hotSwappable(true);
      assert(self.hotSwap(replacement));
      log.push("still here");
      yield;
      log.push("never");
    });
    assertEquals([yield* worker.finish(), log], ["replaced at 0", ["still here"]]);
  });
});

Deno.test("HotSwapException carries the new generator, not started; throwing it again accepts", async () => {
  await inLab(async (lab) => {
    await lab.scheduler.spawn(function* (coro) {
      const worker = new Coro(function* (self): Body {
        self.hotSwappable(true);
        try {
          yield* self.receive();
        } catch (error) {
          if (!(error instanceof HotSwapException)) throw error;
          assertEquals(error.name, "HotSwapException");
          assertStrictEquals(error.args[0], error.generator);
          assertEquals(Object.prototype.toString.call(error.generator), "[object Generator]");
          yield* self.sleep(2);
          lab.at("handing over");
          self.send("state");
          throw error;
        } finally {
          lab.at("finally");
        }
      });
      yield* coro.sleep(1);
      worker.hotSwap(function* successor(self, extra: string) {
        lab.at("started");
        return [yield* self.receive(0), extra];
      }, "argument");
      assertEquals(lab.log, []);
      assertEquals([yield* worker.finish(), worker.name], [["state", "argument"], "successor"]);
    }).value();
    assertEquals(lab.takeLog(), ["3 handing over", "3 finally", "3 started"]);
  });
});

Deno.test("catching the exception refuses, and so does returning", async () => {
  await runVirtual(function* (coro) {
    const stubborn = new Coro(function* (self): Body {
      self.hotSwappable(true);
      const caught = [];
      for (let i = 0; i < 2; i++) {
        try {
          yield* self.receive();
        } catch (error) {
          caught.push((error as Error).name);
        }
      }
      return caught;
    });
    const leaving = new Coro(function* (self): Body {
      self.hotSwappable(true);
      try {
        yield* self.receive();
      } catch {
        return "left";
      }
    });
    yield;
    assertEquals([stubborn.hotSwap(replacement), leaving.hotSwap(replacement)], [true, true]);
    yield* coro.sleep(1);
    assert(stubborn.hotSwap(replacement));
    assertEquals([yield* stubborn.finish(), yield* leaving.finish()], [
      ["HotSwapException", "HotSwapException"],
      "left",
    ]);
  });
});

Deno.test("another error thrown instead ends the coroutine as usual", async () => {
  await runVirtual(function* (coro) {
    const worker = new Coro(function* (self): Body {
      self.hotSwappable(true);
      try {
        yield* self.receive();
      } catch (error) {
        throw new Error("no", { cause: error });
      }
    });
    yield* coro.monitor(worker);
    worker.hotSwap(replacement);
    const { outcome } = yield* coro.receive<MonitorException>();
    assertEquals(outcome.kind === "throw" && (outcome.error as Error).message, "no");
  });
});

Deno.test("a newer request replaces one that waits", async () => {
  await runVirtual(function* (coro) {
    let made = 0;
    const numbered = function* (_self: Coro, n: number): Body {
      made++;
      return n;
    };
    const worker = swappable(function* (self) {
      yield* call((function* () {
        yield* self.sleep(1);
      })());
      yield* self.sleep(100);
    });
    yield;
    for (const n of [1, 2, 3]) assert(worker.hotSwap(numbered, n));
    assertEquals([yield* worker.finish(), made], [3, 1]);
    void coro;
  });
});

Deno.test("id, mailbox, monitors and waiters stay; the new generator allows further swaps", async () => {
  await inLab(async (lab) => {
    const { scheduler } = lab;
    const worker = scheduler.spawn(function* one(coro): Body {
      coro.hotSwappable(true);
      yield* coro.sleep();
    });
    const { id } = worker;
    const joined = worker.value();
    const watcher = scheduler.spawn(function* (coro) {
      yield* coro.monitor(worker as Coro);
      return (yield* coro.receive<MonitorException>()).outcome;
    });
    await scheduler.spawn(function* (coro) {
      yield* coro.sleep(1);
      worker.send("a");
      worker.send("b");
      worker.hotSwap(function* two(self) {
        lab.note(`two ${yield* self.receive()}`);
        yield* self.sleep();
      });
      yield* coro.sleep(1);
      worker.hotSwap(function* three(self) {
        return `three ${yield* self.receive()}`;
      });
    }).value();
    assertEquals([await joined, await watcher.value()], ["three b", { kind: "return", value: "three b" }]);
    assertEquals([worker.id, worker.name, lab.takeLog()], [id, "three", ["two a"]]);
  });
});

Deno.test("a message or a sleep cut short by a swap is not lost", async () => {
  await runVirtual(function* (coro) {
    const worker = swappable(function* (self) {
      yield* self.receive();
    });
    yield;
    worker.send("first");
    worker.send("second");
    worker.hotSwap(function* (self) {
      return [yield* self.receive(0), yield* self.receive(0), yield* self.receive(0, "end")];
    });
    assertEquals(yield* worker.finish(), ["first", "second", "end"]);
    void coro;
  });
});

Deno.test("errors and terminations come before a swap that waits", async () => {
  await inLab(async (lab) => {
    await lab.scheduler.spawn(function* (coro) {
      const thrownAt = swappable(function* (self) {
        try {
          yield* self.receive();
        } catch (error) {
          lab.note((error as Error).message);
        }
        yield* self.receive();
      });
      const terminated = swappable(function* (self) {
        try {
          yield* self.receive();
        } finally {
          yield* self.sleep(1);
          lab.note("cleaned up");
        }
      });
      yield;
      thrownAt.hotSwap(replacement);
      thrownAt.throw(new Error("first"));
      assertEquals(yield* thrownAt.finish(), "replaced at 0");
      terminated.hotSwap(replacement);
      terminated.terminate();
      assertEquals(yield* terminated.finish(), undefined);
      void coro;
    }).value();
    assertEquals(lab.takeLog(), ["first", "cleaned up"]);
  });
});

Deno.test("a swap requested during a termination has no effect", async () => {
  await runVirtual(function* (coro) {
    const worker = swappable(function* (self) {
      try {
        yield* self.receive();
      } finally {
        yield* self.sleep(2);
      }
    });
    yield;
    worker.terminate();
    yield* coro.sleep(1);
    worker.hotSwap(replacement);
    yield* worker.finish();
    assertEquals([coro.scheduler.now(), worker.isAlive()], [2, false]);
  });
});

Deno.test("hotSwap() of a coroutine that has ended returns false, and throws for a wrong target", async () => {
  await runVirtual(function* (coro) {
    const ended = new Coro(function* (): Body {});
    yield* ended.finish();
    assertEquals(ended.hotSwap(replacement), false);
    const worker = swappable(function* (self) {
      yield* self.sleep(1);
    });
    for (
      const wrong of [null, 7, () => {}, async () => {}, replacement(coro), {}] as unknown as (typeof replacement)[]
    ) {
      assertThrows(() => worker.hotSwap(wrong), TypeError, "'target' must be a generator function");
      assertThrows(() => ended.hotSwap(wrong), TypeError, "'target' must be a generator function");
    }
    const bad = function* (
      _self: Coro,
      option = (() => {
        throw new RangeError("bad default");
      })(),
    ): Body {
      void option;
    };
    assertThrows(() => worker.hotSwap(bad), RangeError, "bad default");
    assertEquals(yield* worker.finish(), undefined);
    assertThrows(() => worker.hotSwappable(true), Error, "Cannot set hotSwappable for another coroutine");
  });
});

Deno.test("a running counter is swapped again and again without losing a message (1,000 seeds)", async () => {
  for (let seed = 1; seed <= 1000; seed++) await swapCounter(seed);
});

async function swapCounter(seed: number): Promise<void> {
  let state = seed;
  const random = (n: number): number => (state = Math.imul(state, 1103515245) + 12345 >>> 0) % 65_536 % n;
  const scheduler = new Scheduler({ clock: new VirtualClock(), shuffle: seed });
  const total = 40;
  const seen: number[] = [];
  let versions = 0;
  const counter = function* (coro: Coro): Body {
    versions++;
    coro.hotSwappable(random(4) > 0);
    for (;;) {
      try {
        while (seen.length < total) {
          const way = random(4);
          let message: unknown;
          if (way === 0) message = yield* coro.receive();
          else if (way === 1) message = yield coro.receive(1, "alarm");
          else if (way === 2) message = yield* race(coro.receive(), coro.sleep(1, "alarm"));
          else {message = yield* call(function* () {
              return yield* coro.receive();
            }());}
          if (message !== "alarm") seen.push(message as number);
          if (random(3) === 0) yield;
          coro.hotSwappable(true);
        }
        return "all";
      } catch (error) {
        if (random(3) > 0) throw error;
      }
    }
  };
  const worker = scheduler.spawn(counter);
  for (let first = 0; first < 2; first++) {
    scheduler.spawn(function* (coro) {
      for (let i = first; i < total; i += 2) {
        worker.send(i);
        if (random(2)) yield* coro.sleep(random(2));
      }
    });
  }
  scheduler.spawn(function* (coro) {
    for (let i = 0; i < 20; i++) {
      yield* coro.sleep(random(2));
      worker.hotSwap(counter);
      if (random(2)) yield;
    }
  });
  await scheduler.join();
  assertEquals(await worker.value(), "all", `seed ${seed}`);
  assertEquals(seen.toSorted((a, b) => a - b), Array.from({ length: total }, (_, i) => i), `seed ${seed}`);
  assert(versions > 0);
  await scheduler.terminate();
}

Deno.test("a coroutine that terminates itself and then accepts a swap in the same step is terminated", async () => {
  await runVirtual(function* () {
    let started = false;
    const worker = swappable(function* (coro) {
      try {
        yield* coro.sleep();
      } catch (error) {
        assert(coro.terminate());
        throw error;
      }
    });
    yield;
    assert(worker.hotSwap(function* (coro: Coro): Body {
      started = true;
      yield* coro.sleep(1);
    }));
    yield* worker.finish(1);
    assertEquals(started, false);
    assertEquals(worker.isAlive(), false);
  });
});

Deno.test("a pending swap is proposed at the next yield once it is possible, even if that need not wait", async () => {
  await runVirtual(function* () {
    function* flag(coro: Coro): Body {
      yield* coro.sleep(1);
      coro.hotSwappable(true);
    }
    const ways: Record<string, (coro: Coro) => Body> = {
      *"in the outermost generator"(coro) {
        yield* coro.sleep(1);
        coro.hotSwappable(true);
        return yield* coro.receive();
      },
      *"in a subroutine that returns"(coro) {
        yield flag(coro);
        return yield* coro.receive();
      },
      *"in a call that throws"(coro) {
        try {
          yield* call((function* (): Body {
            yield* flag(coro);
            throw new Error("in the subroutine");
          })());
        } catch {
          return yield* coro.receive();
        }
      },
    };
    for (const [way, act] of Object.entries(ways)) {
      const coro = new Coro(act);
      yield;
      coro.hotSwap(function* (coro) {
        return `swapped, got ${yield* coro.receive()}`;
      });
      coro.send("the message");
      assertEquals(yield* coro.finish(), "swapped, got the message", way);
    }
  });
});
