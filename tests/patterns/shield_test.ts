/** `shield`: what must not be cut short. */
import {
  Coro,
  DeadlockError,
  type Operation,
  Queue,
  race,
  Scheduler,
  scope,
  Semaphore,
  shield,
  sleep,
  TimeoutError,
  until,
  withTimeout,
} from "@asyncoro/asyncoro";
import { assert, assertEquals, assertInstanceOf, assertRejects, assertStrictEquals, assertThrows } from "@std/assert";
import { inLab, type Lab } from "../helpers/lab.ts";

/** Work that notes how it ends. */
function* work(lab: Lab, seconds: number, cleanup = 0): Generator<unknown, string, unknown> {
  let how = "cut short";
  try {
    yield* sleep(seconds);
    how = "done";
    return "result";
  } finally {
    if (cleanup > 0) yield* sleep(cleanup);
    lab.at(how);
  }
}

Deno.test("shield gives the value of its work, and throws its error", () =>
  inLab(async (lab) => {
    const error = new Error("boom");
    const failing = lab.scheduler.spawn(function* () {
      yield* shield((function* () {
        yield* sleep(1);
        throw error;
      })());
    });
    assertStrictEquals(await failing.value().catch((thrown) => thrown), error);
    const values = await lab.scheduler.spawn(function* () {
      return [yield* shield(work(lab, 1)), yield* shield(sleep(1)), yield* shield(until(Promise.resolve(5)))];
    }).value();
    assertEquals(values, ["result", undefined, 5]);
    assertEquals(lab.takeLog(), ["2 done"]);
  }));

Deno.test("an error thrown into the coroutine waits until the work has ended, and takes effect at that yield", () =>
  inLab(async (lab) => {
    const coro = lab.scheduler.spawn(function* () {
      try {
        yield* shield(work(lab, 3));
        lab.at("not reached");
      } catch (error) {
        lab.at((error as Error).message);
      }
      try {
        yield* sleep(1);
      } catch (error) {
        lab.at((error as Error).message);
      }
    });
    lab.scheduler.spawn(function* (self) {
      yield* self.sleep(1);
      coro.throw(new Error("first"));
      coro.throw(new Error("second"));
    });
    await coro.value();
    assertEquals(lab.takeLog(), ["3 done", "3 first", "3 second"]);
  }));

Deno.test("a deadline waits until the work has ended", () =>
  inLab(async (lab) => {
    await lab.scheduler.spawn(function* () {
      try {
        yield* withTimeout(1, shield(work(lab, 10)));
      } catch (error) {
        assertInstanceOf(error, TimeoutError);
        lab.at("late");
      }
    }).value();
    assertEquals(lab.takeLog(), ["10 done", "10 late"]);
  }));

Deno.test("a deadline that was held back gives cleanup its whole grace", () =>
  inLab(async (lab) => {
    await assertRejects(() =>
      lab.scheduler.spawn(function* () {
        yield* withTimeout(
          1,
          (function* () {
            try {
              yield* shield(work(lab, 10));
            } finally {
              yield* sleep(4);
              lab.at("cleaned up");
              yield* sleep(2);
              lab.at("not reached");
            }
          })(),
        );
      }).value(), TimeoutError);
    assertEquals(lab.takeLog(), ["10 done", "14 cleaned up"]);
    assertEquals(lab.scheduler.now(), 15);
  }));

Deno.test("termination waits until the work has ended", () =>
  inLab(async (lab) => {
    const coro = lab.scheduler.spawn(function* () {
      try {
        yield* shield(work(lab, 3));
        lab.at("not reached");
      } finally {
        yield* sleep(1);
        lab.at("finally");
      }
    });
    lab.scheduler.spawn(function* (self) {
      yield* self.sleep(1);
      coro.terminate();
      coro.terminate();
    });
    await coro.value();
    assertEquals(lab.takeLog(), ["3 done", "4 finally"]);
  }));

Deno.test("a termination waits no longer than its grace, and a second one may shorten it", () =>
  inLab(async (lab) => {
    for (const again of [false, true]) {
      const start = lab.scheduler.now();
      const coro = lab.scheduler.spawn(function* () {
        yield* shield(work(lab, 100), again ? 1000 : undefined);
      });
      lab.scheduler.spawn(function* (self) {
        yield* self.sleep(1);
        coro.terminate(again ? 50 : 7);
        yield* self.sleep(1);
        if (again) coro.terminate(6);
      });
      await coro.value();
      assertEquals(lab.takeLog(), [`${start + 8} cut short`]);
    }
  }));

Deno.test("in cleanup of a termination, what is shielded ends with the grace at the latest", () =>
  inLab(async (lab) => {
    for (const [seconds, how] of [[3, "4 done"], [30, "10 cut short"]] as const) {
      const coro = lab.scheduler.spawn(function* () {
        try {
          yield* sleep(1000);
        } finally {
          yield* shield(work(lab, seconds));
        }
      });
      lab.scheduler.spawn(function* (self) {
        yield* self.sleep(1);
        coro.terminate(5);
      });
      await coro.value();
      assertEquals(lab.takeLog(), [how]);
    }
  }));

Deno.test("the loss of a race is held back, too", () =>
  inLab(async (lab) => {
    const gave = await lab.scheduler.spawn(function* (coro) {
      return yield* race(shield(work(lab, 10)), coro.sleep(1, "first"));
    }).value();
    assertEquals(gave, "first");
    assertEquals(lab.takeLog(), ["10 done"]);
    assertEquals(lab.scheduler.now(), 10);
  }));

Deno.test("limit counts from the first interruption; then the work is cancelled and cleans up", () =>
  inLab(async (lab) => {
    const coro = lab.scheduler.spawn(function* () {
      try {
        yield* shield(work(lab, 100, 3), 2);
      } catch (error) {
        lab.at((error as Error).message);
      }
    });
    lab.scheduler.spawn(function* (self) {
      yield* self.sleep(10);
      coro.throw(new Error("first"));
      yield* self.sleep(1);
      coro.throw(new Error("second"));
    });
    await coro.value();
    assertEquals(lab.takeLog(), ["15 cut short", "15 first"]);
    assertEquals(lab.takeReported(), ["second"]);
  }));

Deno.test("a limit of zero shields nothing, and work without interruption is not limited", () =>
  inLab(async (lab) => {
    await lab.scheduler.spawn(function* () {
      yield* shield(work(lab, 10), 1);
      yield* race(shield(work(lab, 10), 0), sleep(1));
    }).value();
    assertEquals(lab.takeLog(), ["10 done", "11 cut short"]);
  }));

Deno.test("a signal as limit lifts the shield when it aborts, and is left without listeners", () =>
  inLab(async (lab) => {
    const controller = new AbortController();
    const { signal } = controller;
    let listeners = 0;
    const add = signal.addEventListener.bind(signal), remove = signal.removeEventListener.bind(signal);
    signal.addEventListener = ((...args: Parameters<typeof add>) => (listeners++, add(...args))) as typeof add;
    signal.removeEventListener =
      ((...args: Parameters<typeof remove>) => (listeners--, remove(...args))) as typeof remove;
    const end = lab.scheduler.spawn(function* () {
      yield* shield(work(lab, 1), { signal });
      yield* withTimeout(1, shield(work(lab, 100), signal));
    }).value();
    lab.scheduler.spawn(function* (self) {
      yield* self.sleep(5);
      controller.abort(new Error("not thrown"));
    });
    await assertRejects(() => end, TimeoutError);
    assertEquals(lab.takeLog(), ["1 done", "5 cut short"]);
    assertEquals(listeners, 0);
    await lab.scheduler.spawn(function* () {
      yield* race(shield(work(lab, 10), signal), sleep(1));
    }).value();
    assertEquals(lab.takeLog(), ["6 cut short"]);
  }));

Deno.test("an interruption that came before ends the wait before the work begins", () =>
  inLab(async (lab) => {
    await lab.scheduler.spawn(function* (coro) {
      coro.terminate();
      yield* shield(work(lab, 10));
      lab.at("not reached");
    }).value();
    assertEquals(lab.takeLog(), []);
  }));

Deno.test("a message that shielded work has taken goes back when the coroutine is thrown into", () =>
  inLab(async (lab) => {
    const coro = lab.scheduler.spawn(function* (self) {
      try {
        yield* shield(self.receive());
      } catch {
        return yield* self.receive(0);
      }
    });
    lab.scheduler.spawn(function* (self) {
      yield* self.sleep(1);
      coro.throw(new Error("boom"));
      yield* self.sleep(1);
      coro.send("kept");
    });
    assertEquals(await coro.value(), "kept");
  }));

Deno.test("work that is cut short while it waits gives back nothing, as it was granted nothing", () =>
  inLab(async ({ scheduler }) => {
    const cuts: Record<string, (coro: Coro, signal: AbortController) => void> = {
      throw: (coro) => coro.throw(new Error("cut short")),
      terminate: (coro) => coro.terminate(0),
      signal(coro, controller) {
        coro.throw(new Error("cut short"));
        controller.abort();
      },
    };
    for (const cut of Object.values(cuts)) {
      const controller = new AbortController();
      const permits = new Semaphore(3);
      const queue = new Queue<number>(1);
      const limit = { timeout: cut === cuts.signal ? 100 : 0, signal: controller.signal };
      const waits = [() => permits.acquireMany(3), () => queue.get()];
      await scheduler.spawn(function* () {
        yield* permits.acquire();
        const coros = waits.map((wait) =>
          new Coro(function* () {
            try {
              yield* shield<unknown>(wait(), limit);
            } catch { /* It was cut short. */ }
          })
        );
        yield* sleep(1);
        for (const coro of coros) cut(coro, controller);
        for (const coro of coros) yield* coro.finish();
        assertEquals(permits.statistics(), { value: 2, waiters: 0 });
        assertEquals(queue.statistics(), { size: 0, putting: 0, getting: 0, dropped: 0 });
      }).value();
    }
  }));

Deno.test("a failure of the work that the coroutine does not get is reported", () =>
  inLab(async (lab) => {
    const coro = lab.scheduler.spawn(function* () {
      yield* shield((function* () {
        yield* sleep(2);
        throw new Error("work failed");
      })());
    });
    lab.scheduler.spawn(function* (self) {
      yield* self.sleep(1);
      coro.terminate();
    });
    await coro.value();
    assertEquals(lab.takeReported(), ["work failed"]);
  }));

Deno.test("a scope in a shield is not interrupted, and a shield in a child of a scope holds the scope's end back", () =>
  inLab(async (lab) => {
    await assertRejects(() =>
      lab.scheduler.spawn(function* () {
        yield* withTimeout(
          1,
          shield(scope(function* (scope) {
            scope.spawn(function* () {
              yield* work(lab, 3);
            });
          })),
        );
      }).value(), TimeoutError);
    assertEquals(lab.takeLog(), ["3 done"]);
    await assertRejects(
      () =>
        lab.scheduler.spawn(function* () {
          yield* scope(function* (scope) {
            scope.spawn(function* () {
              yield* shield(work(lab, 3));
            });
            yield* sleep(1);
            throw new Error("boom");
          });
        }).value(),
      Error,
      "boom",
    );
    assertEquals(lab.takeLog(), ["6 done"]);
  }));

Deno.test("resume() and hot swap: a shielded sleep can be resumed, a swap waits", () =>
  inLab(async (lab) => {
    const coro: Coro = lab.scheduler.spawn(function* (self): Generator<unknown, unknown, unknown> {
      self.hotSwappable(true);
      lab.at(String(yield* shield(self.sleep(10))));
      yield* self.sleep(5);
      return "old";
    });
    lab.scheduler.spawn(function* (self) {
      yield* self.sleep(1);
      coro.hotSwap(function* swapped() {
        lab.at("swapped");
        yield;
        return "new";
      });
      yield* self.sleep(1);
      assertEquals(coro.resume("awake"), true);
    });
    assertEquals(await coro.value(), "new");
    assertEquals(lab.takeLog(), ["2 awake", "2 swapped"]);
  }));

Deno.test("coroutines that wait for each other inside shields are a deadlock", () =>
  inLab(async (lab) => {
    const one: Coro = lab.scheduler.spawn(function* one() {
      yield* shield(other.finish());
    });
    const other: Coro = lab.scheduler.spawn(function* other() {
      yield* shield(one.finish());
    });
    const ends = [one, other].map((coro) => assertRejects(() => coro.value(), DeadlockError));
    await Promise.all(ends);
  }));

Deno.test("a deadline that a shield holds back does not hide a deadlock; a limit of the shield ends the wait", () =>
  inLab(async (lab) => {
    const works: [string, (other: Coro) => Operation<unknown>, typeof DeadlockError | typeof TimeoutError][] = [
      ["held back", (other) => withTimeout(1, shield(other.finish())), DeadlockError],
      ["further out", (other) => withTimeout(1, shield(race(shield(other.finish())))), DeadlockError],
      ["with a limit", (other) => withTimeout(1, shield(other.finish(), 1)), TimeoutError],
      ["inside", (other) => shield(withTimeout(1, other.finish())), TimeoutError],
    ];
    for (const [name, work, failure] of works) {
      const unrelated = lab.scheduler.spawn(function* () {
        yield* sleep(1000);
      });
      const one: Coro = lab.scheduler.spawn(function* one() {
        yield* work(other);
      });
      const other: Coro = lab.scheduler.spawn(function* other() {
        yield* one.finish();
      });
      await Promise.all([one, other].map((coro) => assertRejects(() => coro.value(), failure, undefined, name)));
      assert(unrelated.isAlive(), name);
      unrelated.terminate();
      await lab.scheduler.join();
    }
  }));

Deno.test("a deadlock that is left when a race is decided against a shield is found", () =>
  inLab(async (lab) => {
    const unrelated = lab.scheduler.spawn(function* () {
      yield* sleep(1000);
    });
    const one: Coro = lab.scheduler.spawn(function* one() {
      return yield* race(
        shield(other.finish()),
        (function* () {
          yield* sleep(1);
          return "decided";
        })(),
      );
    });
    const other: Coro = lab.scheduler.spawn(function* other() {
      yield* one.finish();
    });
    await assertRejects(() => other.value(), DeadlockError);
    assertEquals(await one.value(), "decided");
    assert(unrelated.isAlive());
  }));

Deno.test("shield refuses bad arguments at the call", () => {
  assertThrows(() => shield(5 as never), TypeError, "Cannot wait for 5");
  assertThrows(() => shield(sleep(1), "x" as never), TypeError, "Cannot shield work as");
  assertThrows(() => shield(sleep(1), {}), TypeError, "Cannot shield work as");
  assertEquals(Scheduler.curCoro(), null);
});
