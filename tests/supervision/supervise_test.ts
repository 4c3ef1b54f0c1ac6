import { Coro, MonitorException, Scheduler } from "@asyncoro/asyncoro";
import { VirtualClock } from "@asyncoro/asyncoro/testing";
import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { SupervisionError } from "../../core/supervision/errors.ts";
import type { ChildSpec, SuperviseOptions } from "../../core/supervision/options.ts";
import { supervise } from "../../core/supervision/supervise.ts";
import { inLab, type Lab } from "../helpers/lab.ts";

// deno-lint-ignore no-explicit-any -- one that does not return takes this type too
type Body = Generator<unknown, any, unknown>;

/** A child that logs its starts and ends, and fails at the given times after its start, one for every start. */
function child(lab: Lab, name: string, failures: number[], lifetime = 100): ChildSpec {
  let starts = 0;
  return {
    name,
    *target(coro: Coro): Body {
      lab.at(`${name} starts`);
      const failAfter = failures[starts++];
      let ended = false;
      try {
        yield* coro.sleep(failAfter ?? lifetime);
        ended = true;
        if (failAfter !== undefined) throw new Error(`${name} fails`);
        lab.at(`${name} returns`);
        return name;
      } finally {
        if (!ended) lab.at(`${name} stops`);
      }
    },
  };
}

function fail(message: string): never {
  throw new Error(message);
}

/** Runs a supervisor to its end; returns its result or error. */
async function supervised(lab: Lab, children: ChildSpec[], options?: SuperviseOptions): Promise<unknown> {
  return await lab.scheduler.spawn(function* (): Body {
    try {
      return yield* supervise(children, options).finish();
    } catch (error) {
      return error;
    }
  }).value();
}

Deno.test("supervise() ends with the results when every child has ended normally", async () => {
  await inLab(async (lab) => {
    assertEquals(await supervised(lab, [child(lab, "a", [], 2), child(lab, "b", [], 1)]), ["a", "b"]);
    assertEquals(lab.takeLog(), ["0 a starts", "0 b starts", "1 b returns", "2 a returns"]);
    assertEquals(await supervised(lab, []), []);
  });
});

Deno.test("supervise() passes arguments and names on", async () => {
  await inLab(async (lab) => {
    const target = function* worker(coro: Coro, a: number, b: number): Body {
      yield;
      return `${coro.name} ${a + b}`;
    };
    assertEquals(await supervised(lab, [{ target, args: [1, 2] }, { target, args: [3, 4], name: "other" }]), [
      "worker 3",
      "other 7",
    ]);
  });
});

Deno.test("one-for-one restarts the child that failed, in place", async () => {
  await inLab(async (lab) => {
    const seen: Coro[] = [];
    let starts = 0;
    const flaky: ChildSpec = {
      *target(coro: Coro): Body {
        seen.push(coro);
        if (++starts === 1) {
          coro.send("kept");
          assert(coro.register("flaky"));
          throw new Error("first");
        }
        assertStrictEquals(yield* Coro.locate("flaky", 0), coro);
        return yield* coro.receive(0);
      },
    };
    assertEquals(await supervised(lab, [flaky, child(lab, "b", [], 3)]), ["kept", "b"]);
    assertEquals(seen.length, 2);
    assertStrictEquals(seen[0], seen[1]);
    assertEquals(lab.takeLog(), ["0 b starts", "3 b returns"]);
  });
});

Deno.test("one-for-all stops the others, the last first, and restarts all in order", async () => {
  await inLab(async (lab) => {
    const children = [child(lab, "a", [], 9), child(lab, "b", [2], 9), child(lab, "c", [], 1), child(lab, "d", [], 9)];
    assertEquals(await supervised(lab, children, { strategy: "one-for-all" }), ["a", "b", "c", "d"]);
    assertEquals(lab.takeLog(), [
      ...["0 a starts", "0 b starts", "0 c starts", "0 d starts", "1 c returns"],
      ...["2 d stops", "2 a stops", "2 a starts", "2 b starts", "2 c starts", "2 d starts", "3 c returns"],
      ...["11 a returns", "11 b returns", "11 d returns"],
    ]);
  });
});

Deno.test("rest-for-one restarts the child that failed and those after it", async () => {
  await inLab(async (lab) => {
    const children = [child(lab, "a", [], 9), child(lab, "b", [2], 9), child(lab, "c", [], 9)];
    assertEquals(await supervised(lab, children, { strategy: "rest-for-one" }), ["a", "b", "c"]);
    assertEquals(lab.takeLog(), [
      ...["0 a starts", "0 b starts", "0 c starts", "2 c stops", "2 b starts", "2 c starts"],
      ...["9 a returns", "11 b returns", "11 c returns"],
    ]);
  });
});

Deno.test("each stopped child has ended before the next is stopped, and all before any restart", async () => {
  await inLab(async (lab) => {
    const slow = (name: string): ChildSpec => ({
      *target(coro: Coro): Body {
        try {
          yield* coro.sleep(5);
        } finally {
          lab.at(`${name} cleans up`);
          yield* coro.sleep(1);
          lab.at(`${name} is clean`);
        }
      },
    });
    await supervised(lab, [slow("a"), child(lab, "b", [1], 1), slow("c")], { strategy: "one-for-all" });
    assertEquals(lab.takeLog().slice(0, 6), [
      "0 b starts",
      "1 c cleans up",
      "2 c is clean",
      "2 a cleans up",
      "3 a is clean",
      "3 b starts",
    ]);
  });
});

Deno.test("supervise() gives up with the failures in order after stopping the others", async () => {
  await inLab(async (lab) => {
    const error = await supervised(lab, [child(lab, "a", []), child(lab, "b", [1, 1, 1, 1, 1])]);
    assert(error instanceof SupervisionError);
    const { name, message, failures, cause } = error as SupervisionError;
    assertEquals(name, "SupervisionError");
    assertEquals(failures.map((failure) => (failure as Error).message), Array(4).fill("b fails"));
    assertStrictEquals(cause, failures[3]);
    assert(message.startsWith("Cannot keep the children running as there were 4 failures within 5 seconds"), message);
    assertEquals(message.split("\n").length, 5);
    assertEquals(lab.takeLog(), [
      "0 a starts",
      ...[0, 1, 2, 3].map((time) => `${time} b starts`),
      "4 a stops",
    ]);
  });
});

Deno.test("failures count for the time given by within", async () => {
  await inLab(async (lab) => {
    // Failures at 2, 4, 6, 8: never more than two within four seconds.
    const steady = child(lab, "a", [2, 2, 2, 2], 1);
    assertEquals(await supervised(lab, [steady], { maxRestarts: 2, within: 4 }), ["a"]);
    const error = await supervised(lab, [child(lab, "b", [2, 2, 2, 2], 1)], { maxRestarts: 2, within: 4.1 });
    assertEquals((error as SupervisionError).failures.length, 3);
    const none = await supervised(lab, [child(lab, "c", [1], 1)], { maxRestarts: 0 });
    assertEquals((none as SupervisionError).failures.length, 1);
    assertEquals(await supervised(lab, [child(lab, "d", Array(99).fill(0), 1)], { maxRestarts: Infinity }), ["d"]);
    const ever = await supervised(lab, [child(lab, "e", [50, 50, 50], 1)], { maxRestarts: 2, within: Infinity });
    assertEquals((ever as SupervisionError).failures.length, 3);
  });
});

Deno.test("backoff doubles with each failure that counts, and does not count towards within", async () => {
  await inLab(async (lab) => {
    const error = await supervised(lab, [child(lab, "a", Array(9).fill(0))], { backoff: 2, maxRestarts: 4, within: 5 });
    assertEquals((error as SupervisionError).failures.length, 5);
    // Pauses of 2, 4, then no more than `within`.
    assertEquals(lab.takeLog(), [0, 2, 6, 11, 16].map((time) => `${time} a starts`));
    const start = lab.clock.now();
    // A failure that no longer counts does not lengthen the next pause.
    assertEquals(await supervised(lab, [child(lab, "b", [10, 10], 1)], { backoff: { seconds: 1 } }), ["b"]);
    assertEquals(
      lab.takeLog(),
      [0, 11, 22].map((time) => `${start + time} b starts`).concat(`${start + 23} b returns`),
    );
  });
});

Deno.test("the other children are supervised during the backoff of one", async () => {
  await inLab(async (lab) => {
    const children = [child(lab, "a", [1], 1), child(lab, "b", [2], 1)];
    assertEquals(await supervised(lab, children, { backoff: 3 }), ["a", "b"]);
    assertEquals(lab.takeLog(), [
      ...["0 a starts", "0 b starts", "4 a starts", "5 a returns", "5 b starts", "6 b returns"],
    ]);
  });
});

Deno.test("a failure during a backoff also restarts the children that wait", async () => {
  await inLab(async (lab) => {
    const children = [child(lab, "a", [2], 1), child(lab, "b", [1], 1)];
    assertEquals(await supervised(lab, children, { strategy: "rest-for-one", backoff: 3 }), ["a", "b"]);
    assertEquals(lab.takeLog(), ["0 a starts", "0 b starts", "5 a starts", "5 b starts", "6 a returns", "6 b returns"]);
  });
});

Deno.test("children that fail in the same turn are each counted and restarted once", async () => {
  await inLab(async (lab) => {
    for (const strategy of ["one-for-one", "one-for-all", "rest-for-one"] as const) {
      const children = ["a", "b", "c"].map((name) => child(lab, name, [1], 1));
      assertEquals(await supervised(lab, children, { strategy }), ["a", "b", "c"], strategy);
      const log = lab.takeLog();
      assertEquals(log.filter((line) => line.includes("starts")).length, 6, `${strategy}: ${log}`);
      const error = await supervised(lab, ["a", "b", "c"].map((name) => child(lab, name, [1], 1)), {
        strategy,
        maxRestarts: 2,
      });
      assertEquals((error as SupervisionError).failures.length, 3, strategy);
      lab.takeLog();
    }
  });
});

Deno.test("cleanup that fails while a child is stopped is reported and does not count as its failure", async () => {
  await inLab(async (lab) => {
    let starts = 0;
    const failing: ChildSpec = {
      name: "failing",
      *target(coro: Coro): Body {
        if (++starts > 1) return "well";
        try {
          yield* coro.sleep(9);
        } finally {
          fail("cleanup");
        }
      },
    };
    const result = await supervised(lab, [failing, child(lab, "b", [1], 1)], { strategy: "one-for-all" });
    assertEquals([result, lab.takeReported()], [["well", "b"], ["cleanup"]]);
  });
});

Deno.test("a child that is terminated has ended normally", async () => {
  await inLab(async (lab) => {
    const victim: ChildSpec = {
      *target(coro: Coro): Body {
        coro.register("victim");
        yield* coro.sleep(99);
      },
    };
    lab.scheduler.spawn(function* () {
      (yield* Coro.locate("victim"))!.terminate();
    });
    assertEquals(await supervised(lab, [victim, child(lab, "b", [], 1)]), [undefined, "b"]);
  });
});

Deno.test("a child that another monitor restarted first is not restarted again", async () => {
  await inLab(async (lab) => {
    let starts = 0;
    const shared: ChildSpec = {
      *target(coro: Coro): Body {
        starts++;
        coro.register("shared");
        yield* coro.sleep(1);
        throw new Error("boom");
      },
    };
    // Both get the message at once; the one of higher priority acts first.
    lab.scheduler.spawnWith({ priority: 0 }, function* (coro) {
      const worker = (yield* Coro.locate("shared"))!;
      yield* coro.monitor(worker);
      yield* coro.receive<MonitorException>();
      assert(worker.hotSwap(function* () {
        yield;
        return "by another";
      }));
    });
    assertEquals([await supervised(lab, [shared]), starts], [["by another"], 1]);
  });
});

Deno.test("terminating the supervisor terminates the children, last first, and waits for their cleanup", async () => {
  await inLab(async (lab) => {
    const tidy = (name: string): ChildSpec => ({
      name,
      *target(coro: Coro): Body {
        try {
          yield* coro.sleep(99);
        } finally {
          yield* coro.sleep(1);
          lab.at(`${name} is clean`);
        }
      },
    });
    await lab.scheduler.spawn(function* (coro) {
      const supervisor = supervise([tidy("a"), tidy("b")]);
      yield* coro.sleep(1);
      assert(supervisor.terminate());
      yield* supervisor.finish();
      lab.at("ended");
      assertEquals(lab.scheduler.stats().live, 1);
    }).value();
    assertEquals(lab.takeLog(), ["2 b is clean", "3 a is clean", "3 ended"]);
  });
});

Deno.test("no child outlives a supervisor whose grace is over, whatever it waits for", async () => {
  for (const options of [{}, { strategy: "one-for-all", backoff: 1 }] as SuperviseOptions[]) {
    for (const when of [0, 0.5, 1, 1.5, 2, 3]) {
      await inLab(async (lab) => {
        await lab.scheduler.spawn(function* (coro) {
          const slow: ChildSpec = {
            *target(coro: Coro): Body {
              try {
                yield* coro.sleep(99);
              } finally {
                yield* coro.sleep(99);
              }
            },
          };
          const supervisor = supervise([slow, child(lab, "b", [1, 1, 1], 9), slow, slow], options);
          yield* coro.sleep(when);
          supervisor.terminate(0.5);
          yield* supervisor.finish();
          yield* coro.sleep(6);
          assertEquals(lab.scheduler.stats().live, 1, `at ${when}`);
        }).value();
        lab.takeLog();
        // A coroutine that fails in the turn in which the supervisor ends is no longer supervised.
        const reported = lab.takeReported();
        assertEquals(reported, Number.isInteger(when) ? [] : ["b fails"].slice(0, reported.length));
      });
    }
  }
});

Deno.test("an error thrown in the supervisor ends it and stops the children", async () => {
  await inLab(async (lab) => {
    await lab.scheduler.spawn(function* (coro) {
      const supervisor = supervise([child(lab, "a", [])]);
      yield* coro.sleep(1);
      supervisor.throw(new Error("mutiny"));
      let message = "";
      try {
        yield* supervisor.finish();
      } catch (error) {
        message = (error as Error).message;
      }
      assertEquals([message, lab.scheduler.stats().live], ["mutiny", 1]);
    }).value();
    assertEquals(lab.takeLog(), ["0 a starts", "1 a stops"]);
  });
});

Deno.test("a target that throws when it is called counts as a failure of its child", async () => {
  await inLab(async (lab) => {
    let calls = 0;
    const target = function* (
      _coro: Coro,
      _option = (() => {
        if (++calls < 3) throw new Error("bad default");
      })(),
    ): Body {
      yield;
      return calls;
    };
    assertEquals(await supervised(lab, [{ target }]), [3]);
    calls = -9;
    const error = await supervised(lab, [{ target, name: "failing" }]);
    assert(error instanceof SupervisionError);
    assert((error as Error).message.includes("  failing: Error: bad default"));
  });
});

Deno.test("messages of others to the supervisor are ignored", async () => {
  await inLab(async (lab) => {
    await lab.scheduler.spawn(function* (coro) {
      const supervisor = supervise([child(lab, "a", [], 2)]);
      for (const message of [null, "hello", new MonitorException(coro, { kind: "terminate" })]) {
        supervisor.send(message);
      }
      assertEquals(yield* supervisor.finish(), ["a"]);
    }).value();
  });
});

Deno.test("supervise() throws for wrong arguments, and starts nothing", async () => {
  const scheduler = new Scheduler({ clock: new VirtualClock() });
  await scheduler.spawn(function* () {
    const target = function* (): Body {};
    const wrong = (children: unknown, options?: unknown) => () =>
      supervise(children as ChildSpec[], options as SuperviseOptions);
    assertThrows(wrong(null), TypeError, "Cannot supervise as 'children' must be an array: current value is null");
    assertThrows(wrong([7]), TypeError, "Cannot supervise as a child must be an object with a 'target'");
    assertThrows(wrong([{ target: () => {} }]), TypeError, "'target' must be a generator function");
    assertThrows(wrong([{ target, args: 7 }]), TypeError, "'args' must be an array: current value is 7");
    assertThrows(wrong([{ target, name: 7 }]), TypeError, "'name' must be a string: current value is 7");
    assertThrows(wrong([], null), TypeError, "'options' must be an object: current value is null");
    assertThrows(
      wrong([], { strategy: "all" }),
      TypeError,
      'must be one of one-for-one, one-for-all, rest-for-one: current value is "all"',
    );
    for (const maxRestarts of [-1, 1.5, NaN, "3", null]) {
      assertThrows(wrong([], { maxRestarts }), RangeError, "'maxRestarts' must be an integer of 0 or more");
    }
    for (const within of [0, -1]) assertThrows(wrong([], { within }), RangeError, "'within' must be more than 0");
    for (const backoff of [-1, Infinity, null]) assertThrows(wrong([], { backoff }), RangeError, "'backoff' must be");
    assertThrows(wrong([], { within: "5" }), TypeError, "Cannot supervise as 'within' must be a number of seconds");
    assertThrows(wrong([], { backoff: NaN }), TypeError, "Cannot supervise as 'backoff' must be a number of seconds");
    assertEquals(scheduler.stats().live, 1);
    yield;
  }).value();
  await scheduler.terminate();
});

Deno.test("after any failures no child is left, and each has ended normally or the supervisor gave up (500 seeds)", async () => {
  for (let seed = 1; seed <= 500; seed++) {
    let state = seed;
    const random = (n: number): number => (state = Math.imul(state, 1103515245) + 12345 >>> 0) % 65_536 % n;
    const scheduler = new Scheduler({ clock: new VirtualClock(), shuffle: seed });
    const reported: string[] = [];
    // Children that fail by themselves while they are stopped at the end.
    scheduler.onError = (error) => reported.push((error as Error).message);
    let running = 0;
    const target = function* (coro: Coro): Body {
      running++;
      try {
        yield* coro.sleep(random(4));
        if (random(2)) throw new Error("boom");
        return "well";
      } finally {
        // A termination cuts the cleanup after a failure short.
        try {
          if (random(2)) yield* coro.sleep(random(3));
        } finally {
          running--;
        }
      }
    };
    const strategy = (["one-for-one", "one-for-all", "rest-for-one"] as const)[random(3)];
    const supervisor = scheduler.spawn(function* (): Body {
      try {
        return yield* supervise([{ target }, { target }, { target }], { strategy, backoff: random(2), maxRestarts: 5 })
          .finish();
      } catch (error) {
        return error;
      }
    });
    const result = await supervisor.value();
    assertEquals(running, 0, `seed ${seed}`);
    assertEquals(reported.filter((message) => message !== "boom"), [], `seed ${seed}`);
    assertEquals(scheduler.stats().live, 0, `seed ${seed}`);
    if (result instanceof SupervisionError) assertEquals(result.failures.length, 6, `seed ${seed}`);
    else assertEquals(result, ["well", "well", "well"], `seed ${seed}`);
    await scheduler.terminate();
  }
});
