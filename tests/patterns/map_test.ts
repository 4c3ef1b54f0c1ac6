/** `map`: the same work for many items, some at a time. */
import { type Coro, map, Queue, race, sleep, TimeoutError, until, withTimeout } from "@asyncoro/asyncoro";
import { assertEquals, assertInstanceOf, assertRejects, assertStrictEquals, assertThrows } from "@std/assert";
import { inLab, type Lab } from "../helpers/lab.ts";

/** Items that note when they are taken and when the source is closed. */
function* source(lab: Lab, count: number): Generator<number, void, unknown> {
  try {
    for (let i = 0; i < count; i++) {
      lab.at(`take ${i}`);
      yield i;
    }
  } finally {
    lab.at("closed");
  }
}

/** The same, asynchronous; each item comes after a second. */
async function* slowSource(lab: Lab, count: number): AsyncGenerator<number, void, unknown> {
  try {
    for (let i = 0; i < count; i++) {
      await lab.scheduler.spawn(function* () {
        yield* sleep(1);
      }).value();
      yield i;
    }
  } finally {
    lab.at("closed");
  }
}

function* double(coro: Coro, item: number): Generator<unknown, number, unknown> {
  yield* coro.sleep(10 - item);
  return item * 2;
}

Deno.test("map gives the results in the order of the items, with the index of each", () =>
  inLab(async (lab) => {
    const results = await lab.scheduler.spawn(function* () {
      const doubled = yield* map([3, 1, 2], double);
      const indexed = yield* map(new Set(["a", "b"]), function* (_coro, item, index) {
        return item + index;
      });
      const texts = yield* map("ab", function* (coro, letter) {
        yield* coro.sleep(1);
        return letter.toUpperCase();
      });
      return [doubled, indexed, texts];
    }).value();
    assertEquals(results, [[6, 2, 4], ["a0", "b1"], ["A", "B"]]);
    assertEquals(lab.scheduler.now(), 10);
  }));

Deno.test("map of nothing is an empty array", () =>
  inLab(async (lab) => {
    assertEquals(
      await lab.scheduler.spawn(function* () {
        return yield* map([], double);
      }).value(),
      [],
    );
  }));

Deno.test("a result is what the function returns, undefined included, or undefined if it was terminated", () =>
  inLab(async (lab) => {
    assertEquals(
      await lab.scheduler.spawn(function* () {
        return yield* map([1, 2], function* (coro, item) {
          yield* coro.sleep(item, "last value");
          if (item === 2) coro.terminate();
          yield;
        });
      }).value(),
      [undefined, undefined],
    );
  }));

Deno.test("at most concurrency run, and no item is taken before it can run", () =>
  inLab(async (lab) => {
    let running = 0;
    await lab.scheduler.spawn(function* () {
      yield* map(source(lab, 4), function* (coro, item) {
        running++;
        lab.at(`begin ${item}, ${running} run`);
        yield* coro.sleep(item === 0 ? 5 : 2);
        running--;
      }, { concurrency: 2 });
    }).value();
    assertEquals(lab.takeLog(), [
      "0 take 0",
      "0 take 1",
      "0 begin 0, 1 run",
      "0 begin 1, 2 run",
      "2 take 2",
      "2 begin 2, 2 run",
      "4 take 3",
      "4 begin 3, 2 run",
      "5 closed",
    ]);
  }));

Deno.test("eight run by default, or all with Infinity", () =>
  inLab(async (lab) => {
    for (const [options, most] of [[undefined, 8], [{ concurrency: Infinity }, 20], [{ concurrency: 1 }, 1]] as const) {
      let running = 0, seen = 0;
      await lab.scheduler.spawn(function* () {
        yield* map(Array(20).keys(), function* (coro) {
          seen = Math.max(seen, ++running);
          yield* coro.sleep(1);
          running--;
        }, options);
      }).value();
      assertEquals(seen, most);
    }
  }));

Deno.test("an asynchronous source is waited for, while the others run", () =>
  inLab(async (lab) => {
    const results = await lab.scheduler.spawn(function* () {
      return yield* map(slowSource(lab, 3), double);
    }).value();
    assertEquals(results, [0, 2, 4]);
    assertEquals(lab.takeLog(), ["3 closed"]);
    assertEquals(lab.scheduler.now(), 11);
  }));

Deno.test("the first failure terminates the rest, closes the source and is thrown; only the first", () =>
  inLab(async (lab) => {
    const first = new Error("first");
    const workers: Coro[] = [];
    const failing = lab.scheduler.spawn(function* () {
      yield* map(source(lab, 9), function* (coro, item): Generator<unknown, void, unknown> {
        workers.push(coro);
        try {
          yield* coro.sleep(item + 1);
          if (item === 0) return;
          // It fails before it is unwound, in the same turn.
          workers[2].throw(new Error("second"));
          throw first;
        } catch (error) {
          lab.at(`${item} failed: ${(error as Error).message}`);
          throw error;
        } finally {
          if (item === 3) yield* coro.sleep(1);
          lab.at(`end ${item}`);
        }
      }, { concurrency: 3 });
    });
    assertStrictEquals(await failing.value().catch((error) => error), first);
    assertEquals(lab.takeLog().filter((line) => !line.includes("take")), [
      "1 end 0",
      "2 1 failed: first",
      "2 end 1",
      "2 2 failed: second",
      "2 end 2",
      "2 closed",
      "3 end 3",
    ]);
  }));

Deno.test("a source that throws is a failure, and is not closed", () =>
  inLab(async (lab) => {
    const error = new Error("source");
    const closed: string[] = [];
    for (const kind of ["next", "rejected", "iterator"]) {
      const items = {
        [Symbol.asyncIterator]() {
          if (kind === "iterator") throw error;
          let count = 0;
          return {
            next(): Promise<IteratorResult<number>> {
              if (count++ === 0) return Promise.resolve({ done: false, value: 1 });
              if (kind === "next") throw error;
              return Promise.reject(error);
            },
            return() {
              closed.push(kind);
              return Promise.resolve({ done: true as const, value: undefined });
            },
          };
        },
      };
      const coro = lab.scheduler.spawn(function* () {
        yield* map(items, function* (coro) {
          try {
            yield* coro.sleep(9);
          } finally {
            lab.at("terminated");
          }
        });
      });
      assertStrictEquals(await coro.value().catch((thrown) => thrown), error);
    }
    assertEquals([closed, lab.takeLog()], [[], ["0 terminated"]]);
  }));

Deno.test("however map is cut short, the source is closed and nothing is left", () =>
  inLab(async (lab) => {
    for (const how of ["terminate", "deadline", "race", "throw"]) {
      // Beside a promise that is pending, virtual time stands still for a while.
      const sources = how === "terminate" ? [source, slowSource] : [source];
      for (const make of sources) {
        const coro = lab.scheduler.spawn(function* (self) {
          const work = map(make(lab, 99), double, { concurrency: 2 });
          if (how === "deadline") yield* withTimeout(2.5, work);
          else if (how === "race") yield* race(work, self.sleep(2.5));
          else yield* work;
        });
        lab.scheduler.spawn(function* (self) {
          yield* self.sleep(2.5);
          if (how === "terminate") coro.terminate();
          if (how === "throw") coro.throw(new Error("thrown"));
        });
        const outcome = await coro.value().catch((error) => error.name);
        assertEquals(outcome, how === "deadline" ? "TimeoutError" : how === "throw" ? "Error" : undefined);
        await lab.scheduler.join();
        // The pending item of an asynchronous source is not waited for.
        await new Promise((resolve) => setTimeout(resolve));
        assertEquals(lab.takeLog().filter((line) => line.endsWith("closed")).length, 1, how);
      }
    }
  }));

Deno.test("a source whose next item never comes does not hold the end up", () =>
  inLab(async (lab) => {
    const stuck = {
      [Symbol.asyncIterator]: () => ({
        next: () => new Promise<IteratorResult<number>>(() => {}),
        return: () => Promise.reject(new Error("handled")),
      }),
    };
    await assertRejects(() =>
      lab.scheduler.spawn(function* () {
        yield* withTimeout(1, map(stuck, double));
      }).value(), TimeoutError);
    assertEquals(lab.scheduler.now(), 1);
  }));

Deno.test("the close of a source is waited for, and its error is reported", () =>
  inLab(async (lab) => {
    const gate = Promise.withResolvers<IteratorResult<number>>();
    const items = {
      [Symbol.asyncIterator]: () => ({
        next: () => Promise.resolve({ done: false, value: 1 }),
        return: () => gate.promise,
      }),
    };
    const error = new Error("boom");
    const end = lab.scheduler.spawn(function* () {
      yield* map(items, function* (): Generator<unknown, void, unknown> {
        lab.scheduler.spawn(function* (self) {
          yield* self.sleep(1);
          gate.reject(new Error("close"));
          yield* until(Promise.resolve());
        });
        throw error;
      }, { concurrency: 1 });
    }).value();
    assertStrictEquals(await end.catch((thrown) => thrown), error);
    assertEquals(lab.takeReported(), ["close"]);
    assertEquals(lab.scheduler.now(), 1);
  }));

Deno.test("map refuses bad arguments at the call", () => {
  for (const bad of [null, undefined, 5, {}]) {
    assertThrows(() => map(bad as never, double), TypeError, "Cannot map as 'items' must be iterable");
  }
  assertThrows(() => map([1], (() => {}) as never), TypeError, "Cannot map as 'fn' must be a generator function");
  for (const bad of [0, -1, 1.5, NaN, "8"]) {
    assertThrows(() => map([1], double, { concurrency: bad as number }), RangeError, "'concurrency' must be");
  }
  assertThrows(() => map([1], double, { concurency: 5 } as never), TypeError, "there is no option 'concurency'");
  assertThrows(() => map([1], double, 5 as never), TypeError, "'options' must be an object");
});

Deno.test("items of a source that are plain promises are passed on as they are", () =>
  inLab(async (lab) => {
    const results = await lab.scheduler.spawn(function* () {
      return yield* map([Promise.resolve(1)], function* (_coro, item) {
        assertInstanceOf(item, Promise);
        return yield* until(item);
      });
    }).value();
    assertEquals(results, [1]);
  }));

Deno.test("map over the items of a queue takes none that it has no use for, however it ends", () =>
  inLab(async (lab) => {
    for (const how of ["end", "fail", "time out"]) {
      await lab.scheduler.spawn(function* () {
        const queue = new Queue<number | null>(5);
        for (const item of [1, null, 3]) queue.tryPut(item);
        const work = map(queue.items(), function* (_coro, item, index) {
          yield* sleep(1);
          if (how === "fail" && index === 2) throw new Error("third");
          return item;
        }, { concurrency: 4 });
        if (how === "end") {
          queue.close();
          return assertEquals(yield* work, [1, null, 3]);
        }
        try {
          yield* withTimeout(2, work);
        } catch (error) {
          assertEquals((error as Error).message === "third", how === "fail");
        }
        assertEquals(queue.statistics().getting, 0);
        queue.tryPut(4);
        assertEquals(queue.tryGet(), 4);
      }).value();
      assertEquals([...lab.scheduler.coros()], []);
    }
  }));
