/** Queue: items in order, waits in order, capacities, overflow, closing, and errors. */
import {
  all,
  Coro,
  DeadlockError,
  type Overflow,
  Queue,
  QueueClosedError,
  QueueFullError,
  race,
  run,
  Scheduler,
  sleep,
  TimeoutError,
} from "@asyncoro/asyncoro";
import { runVirtual } from "@asyncoro/asyncoro/testing";
import { assert, assertEquals, assertRejects, assertStrictEquals, assertThrows } from "@std/assert";
import { inLab, settle, thrownBy } from "../helpers/lab.ts";

type Body<T = void> = Generator<unknown, T, unknown>;

const IDLE = { size: 0, putting: 0, getting: 0, dropped: 0 };

/** Runs an operation and returns its value, or the error that it threw. */
function* outcomeOf(make: () => Body<unknown> | Iterable<unknown>): Body<unknown> {
  try {
    return yield* make() as Body<unknown>;
  } catch (error) {
    return error;
  }
}

Deno.test("Queue gives items in the order in which they were put", () =>
  runVirtual(function* () {
    const queue = new Queue<number>(3);
    for (const n of [1, 2, 3]) assertEquals(yield* queue.put(n), true);
    assertEquals([yield* queue.get(), yield* queue.get(), yield* queue.get()], [1, 2, 3]);
  }));

Deno.test("Queue.put() waits while the queue is full, and those that wait are served in order", () =>
  inLab(async (lab) => {
    const queue = new Queue<string>(1);
    for (const name of ["a", "b", "c"]) {
      lab.scheduler.spawn(function* (): Body {
        yield* queue.put(name);
        lab.at(`put ${name}`);
      });
    }
    lab.scheduler.spawn(function* (): Body {
      yield* sleep(1);
      assertEquals(queue.statistics(), { size: 1, putting: 2, getting: 0, dropped: 0 });
      for (let i = 0; i < 3; i++) {
        lab.at(`got ${yield* queue.get()}`);
        yield* sleep(1);
      }
    });
    await lab.scheduler.join();
    assertEquals(lab.takeLog(), ["0 put a", "1 got a", "1 put b", "2 got b", "2 put c", "3 got c"]);
    assertEquals(queue.statistics(), IDLE);
  }));

Deno.test("Queue.get() waits while the queue is empty, and those that wait are served in order", () =>
  inLab(async (lab) => {
    const queue = new Queue<number>(5);
    for (const name of ["first", "second"]) {
      lab.scheduler.spawn(function* (): Body {
        lab.note(`${name} ${yield* queue.get()}`);
      });
    }
    await settle();
    assertEquals(queue.statistics().getting, 2);
    lab.scheduler.spawn(function* (): Body {
      yield* queue.put(1);
      yield* queue.put(2);
    });
    await lab.scheduler.join();
    assertEquals(lab.takeLog(), ["first 1", "second 2"]);
  }));

Deno.test("an item belongs to a get that waits at once: no later get overtakes it", () =>
  runVirtual(function* (): Body {
    const queue = new Queue<string>(5);
    const waiting = new Coro(function* () {
      return yield* queue.get();
    });
    yield;
    yield* queue.put("a");
    assertEquals(queue.tryGet(), undefined);
    assertEquals(queue.size, 0);
    yield* queue.put("b");
    assertEquals(yield* queue.get(), "b");
    assertEquals(yield* waiting.finish(), "a");
  }));

Deno.test("room belongs to a put that waits at once: no later put overtakes it", () =>
  runVirtual(function* (): Body {
    const queue = new Queue<string>(1);
    yield* queue.put("a");
    const waiting = new Coro(function* () {
      return yield* queue.put("b");
    });
    yield;
    assertEquals(yield* queue.get(), "a");
    assertEquals(queue.tryPut("c"), false);
    assertEquals(yield* waiting.finish(), true);
    assertEquals(queue.tryGet(), "b");
  }));

Deno.test("with capacity 0 a put ends when its item was taken", () =>
  inLab(async (lab) => {
    const queue = new Queue<string>(0);
    lab.scheduler.spawn(function* (): Body {
      yield* queue.put("a");
      lab.at("put a");
      yield* queue.put("b");
      lab.at("put b");
    });
    lab.scheduler.spawn(function* (): Body {
      yield* sleep(1);
      assertEquals([queue.size, queue.statistics().putting], [0, 1]);
      lab.at(`got ${yield* queue.get()}`);
      yield* sleep(1);
      lab.at(`got ${yield* queue.get()}`);
    });
    await lab.scheduler.join();
    assertEquals(lab.takeLog(), ["1 got a", "1 put a", "2 got b", "2 put b"]);
  }));

Deno.test("with capacity 0 tryPut() needs a get that waits, and tryGet() a put that waits", () =>
  runVirtual(function* (): Body {
    const queue = new Queue<string>(0);
    assertEquals([queue.tryPut("a"), queue.tryGet()], [false, undefined]);
    const getter = new Coro(function* () {
      return yield* queue.get();
    });
    yield;
    assertEquals([queue.tryPut("b"), queue.tryPut("c")], [true, false]);
    assertEquals(yield* getter.finish(), "b");
    const putter = new Coro(function* () {
      return yield* queue.put("d");
    });
    yield;
    assertEquals([queue.tryGet(), queue.tryGet()], ["d", undefined]);
    assertEquals(yield* putter.finish(), true);
    assertEquals(queue.statistics(), IDLE);
  }));

Deno.test("a queue of Infinity is never full", () =>
  runVirtual(function* (): Body {
    const queue = new Queue<number>(Infinity);
    for (let n = 0; n < 5_000; n++) assertEquals(yield* queue.put(n, 0), true);
    for (let n = 0; n < 5_000; n++) assertEquals(queue.tryGet(), n);
    assertEquals(queue.capacity, Infinity);
  }));

Deno.test("a capacity is 0, Infinity or a positive integer: anything else is a RangeError", () => {
  for (const capacity of [-1, 1.5, NaN, -Infinity, "2", null, undefined, 2n, 2 ** 53]) {
    assertThrows(() => new Queue(capacity as number), RangeError, "Cannot create a queue as 'capacity' must be");
  }
  assertEquals(new Queue(0).capacity, 0);
});

Deno.test("Queue checks its options", () => {
  const invalid = (options: unknown) => thrownBy(() => new Queue(1, options as Record<string, never>));
  for (const options of [{ overflow: "drop" }, { overflow: 1 }, { name: 1 }, { policy: "wait" }, null, "wait"]) {
    assert(invalid(options) instanceof TypeError, JSON.stringify(options));
  }
  assertEquals(
    invalid({ overflow: "drop" }).message,
    "Cannot create a queue as 'overflow' must be one of wait, drop-oldest, drop-newest, throw: " +
      'current value is "drop"',
  );
  assertEquals(
    invalid({ size: 1 }).message,
    "Cannot create a queue as there is no option 'size': use overflow, name",
  );
  assertEquals([new Queue(1, { name: "jobs" }).name, String(new Queue(1, { name: "jobs" }))], ["jobs", "queue 'jobs'"]);
  assertEquals([new Queue(1).name, String(new Queue(1))], [undefined, "a queue"]);
});

Deno.test("put() and get() check their limit at the call", () => {
  const queue = new Queue<number>(1);
  assertThrows(() => queue.put(1, "soon" as unknown as number), TypeError, "Cannot put an item");
  assertThrows(() => queue.get(NaN), TypeError, "Cannot get an item");
  assertThrows(() => queue.items({ seconds: "1" } as unknown as number), TypeError, "Cannot get items");
});

Deno.test("too late is a TimeoutError, for put() and get() alike, and leaves nothing behind", () =>
  runVirtual(function* (coro): Body {
    const queue = new Queue<string>(1, { name: "jobs" });
    const late = (yield* outcomeOf(() => queue.get(2))) as Error;
    assert(late instanceof TimeoutError);
    assertEquals([late.message, coro.scheduler.now()], ["Time is up: queue 'jobs' had no item within 2 seconds", 2]);
    yield* queue.put("a");
    const full = (yield* outcomeOf(() => queue.put("b", { milliseconds: 500 }))) as Error;
    assert(full instanceof TimeoutError);
    assertEquals([full.message, coro.scheduler.now()], [
      "Time is up: queue 'jobs' had no room within 0.5 seconds",
      2.5,
    ]);
    assertEquals(queue.statistics(), { ...IDLE, size: 1 });
    assertEquals([queue.tryGet(), queue.tryGet()], ["a", undefined]);
  }));

Deno.test("a limit of zero does not wait", () =>
  runVirtual(function* (coro): Body {
    for (const capacity of [0, 1]) {
      const queue = new Queue<string>(capacity);
      assert((yield* outcomeOf(() => queue.get(0))) instanceof TimeoutError);
      if (capacity === 1) assertEquals(yield* queue.put("a", 0), true);
      assert((yield* outcomeOf(() => queue.put("b", -1))) instanceof TimeoutError);
      if (capacity === 1) assertEquals(yield* queue.get(0), "a");
      assertEquals(queue.statistics(), IDLE);
    }
    assertEquals(coro.scheduler.now(), 0);
  }));

Deno.test('"drop-oldest" drops the first item for the new one', () =>
  runVirtual(function* (): Body {
    const queue = new Queue<number>(2, { overflow: "drop-oldest" });
    for (const n of [1, 2, 3]) assertEquals(yield* queue.put(n), true);
    assertEquals(queue.tryPut(4), true);
    assertEquals(queue.statistics(), { size: 2, putting: 0, getting: 0, dropped: 2 });
    assertEquals([queue.tryGet(), queue.tryGet(), queue.tryGet()], [3, 4, undefined]);
  }));

Deno.test('"drop-newest" drops the new item, and put() is false', () =>
  runVirtual(function* (): Body {
    const queue = new Queue<number>(2, { overflow: "drop-newest" });
    assertEquals([yield* queue.put(1), yield* queue.put(2), yield* queue.put(3)], [true, true, false]);
    assertEquals(queue.tryPut(4), false);
    assertEquals(queue.statistics(), { size: 2, putting: 0, getting: 0, dropped: 2 });
    assertEquals([queue.tryGet(), queue.tryGet(), queue.tryGet()], [1, 2, undefined]);
  }));

Deno.test('"throw" is a QueueFullError, for put() and tryPut()', () =>
  runVirtual(function* (): Body {
    const queue = new Queue<number>(1, { overflow: "throw", name: "jobs" });
    yield* queue.put(1);
    const operation = queue.put(2);
    const error = (yield* outcomeOf(() => operation)) as Error;
    assert(error instanceof QueueFullError);
    assertEquals(error.name, "QueueFullError");
    assertThrows(() => queue.tryPut(3), QueueFullError, "queue 'jobs' as it is full: current value of 'capacity' is 1");
    assertEquals(queue.statistics(), { ...IDLE, size: 1 });
  }));

for (const overflow of ["drop-oldest", "drop-newest", "throw"] as Overflow[]) {
  Deno.test(`with capacity 0 and "${overflow}" an item is handed over, or there is no room`, () =>
    runVirtual(function* (): Body {
      const queue = new Queue<number>(0, { overflow });
      const getter = new Coro(function* () {
        return yield* queue.get();
      });
      yield;
      assertEquals(yield* queue.put(1), true);
      assertEquals(yield* getter.finish(), 1);
      const outcome = yield* outcomeOf(() => queue.put(2));
      if (overflow === "throw") assert(outcome instanceof QueueFullError);
      else assertEquals([outcome, queue.tryPut(3)], [false, false]);
      assertEquals(queue.statistics(), { ...IDLE, dropped: overflow === "throw" ? 0 : 2 });
    }));
}

Deno.test("close() fails puts that wait, and what is in the queue can still be taken", () =>
  runVirtual(function* (): Body {
    const queue = new Queue<number>(2, { name: "jobs" });
    yield* queue.put(1);
    yield* queue.put(2);
    const waiting = new Coro(function* () {
      return yield* outcomeOf(() => queue.put(3));
    });
    yield;
    assertEquals(queue.closed, false);
    queue.close();
    assertEquals([queue.closed, queue.size], [true, 2]);
    const error = (yield* waiting.finish()) as Error;
    assert(error instanceof QueueClosedError);
    assertEquals(
      [error.name, error.message],
      ["QueueClosedError", "Cannot put an item into queue 'jobs' as it is closed: put all items before close()"],
    );
    assert((yield* outcomeOf(() => queue.put(4))) instanceof QueueClosedError);
    assertThrows(() => queue.tryPut(4), QueueClosedError);
    assertEquals([yield* queue.get(), queue.tryGet()], [1, 2]);
    assert((yield* outcomeOf(() => queue.get())) instanceof QueueClosedError);
    assertEquals(queue.tryGet(), undefined);
    assertEquals(queue.statistics(), IDLE);
  }));

Deno.test("close(error) is what get() fails with when the queue is empty, the very object", () =>
  runVirtual(function* (): Body {
    const queue = new Queue<number>(2);
    yield* queue.put(1);
    const failure = new Error("the source broke");
    queue.close(failure);
    assertEquals(yield* queue.get(), 1);
    assertStrictEquals(yield* outcomeOf(() => queue.get()), failure);
    assertEquals(queue.tryGet(), undefined);
    const refused = (yield* outcomeOf(() => queue.put(1))) as Error;
    assert(refused instanceof QueueClosedError);
    assertStrictEquals(refused.cause, failure);
  }));

Deno.test("close() ends gets that wait", () =>
  runVirtual(function* (): Body {
    for (const failure of [undefined, new Error("broken")]) {
      const queue = new Queue<number>(2);
      const waiting = [1, 2].map(() =>
        new Coro(function* () {
          return yield* outcomeOf(() => queue.get());
        })
      );
      yield;
      queue.close(failure);
      for (const coro of waiting) {
        const error = yield* coro.finish();
        if (failure === undefined) assert(error instanceof QueueClosedError);
        else assertStrictEquals(error, failure);
      }
      assertEquals(queue.statistics(), IDLE);
    }
  }));

Deno.test("closing twice: the first stands", () =>
  runVirtual(function* (): Body {
    const first = new Error("first");
    const failed = new Queue<number>(1);
    failed.close(first);
    failed.close(new Error("second"));
    failed.close();
    assertStrictEquals(yield* outcomeOf(() => failed.get()), first);
    const ended = new Queue<number>(1);
    ended.close();
    ended.close(new Error("late"));
    assert((yield* outcomeOf(() => ended.get())) instanceof QueueClosedError);
  }));

Deno.test("close() of a rendezvous fails its puts: their items are not in the queue", () =>
  runVirtual(function* (): Body {
    const queue = new Queue<number>(0);
    const putter = new Coro(function* () {
      return yield* outcomeOf(() => queue.put(1));
    });
    yield;
    queue.close();
    assert((yield* putter.finish()) instanceof QueueClosedError);
    assertEquals(queue.tryGet(), undefined);
  }));

Deno.test("items() gives the items until the queue is closed and empty", () =>
  runVirtual(function* (): Body {
    const queue = new Queue<number>(2);
    new Coro(function* (): Body {
      for (const n of [1, 2, 3, 4, 5]) yield* queue.put(n);
      queue.close();
    });
    const seen: number[] = [];
    assertEquals(yield* queue.items().forEach((n) => seen.push(n)), 5);
    assertEquals(seen, [1, 2, 3, 4, 5]);
    assertEquals(yield* queue.items().next(), null);
  }));

Deno.test("items() ends while it waits when the queue is closed", () =>
  runVirtual(function* (): Body {
    const queue = new Queue<number>(2);
    const reader = new Coro(function* () {
      return yield* queue.items().forEach(() => {});
    });
    yield* sleep(1);
    queue.close();
    assertEquals(yield* reader.finish(), 0);
  }));

Deno.test("items() throws the error that the queue was closed with", () =>
  runVirtual(function* (): Body {
    const queue = new Queue<number>(2);
    const failure = new Error("broken");
    yield* queue.put(1);
    queue.close(failure);
    const seen: number[] = [];
    assertStrictEquals(yield* outcomeOf(() => queue.items().forEach((n) => seen.push(n))), failure);
    assertEquals(seen, [1]);
  }));

Deno.test("a loop over items() throws the error that the queue was closed with", () =>
  runVirtual(function* (): Body {
    for (const waits of [true, false]) {
      const queue = new Queue<number>(2);
      const failure = new Error("broken");
      yield* queue.put(1);
      const seen: unknown[] = [];
      try {
        for (const next of queue.items()) {
          seen.push(yield* next);
          if (waits) new Coro(closing, queue, failure);
          else queue.close(failure);
        }
      } catch (error) {
        seen.push(error);
      }
      assertEquals(seen, [1, failure]);
    }
  }));

function* closing(_coro: Coro, queue: Queue<number>, failure: Error): Body {
  queue.close(failure);
}

Deno.test("items() goes through items that are null", () =>
  runVirtual(function* (): Body {
    const queue = new Queue<number | null>(Infinity);
    const seen: unknown[] = [];
    for (const item of [1, null, 2]) queue.tryPut(item);
    queue.close();
    assertEquals(yield* queue.items().forEach((item) => seen.push(item)), 3);
    assertEquals(seen, [1, null, 2]);
  }));

Deno.test("a loop over items() goes through items that are null and ends with the queue", () =>
  runVirtual(function* (): Body {
    const queue = new Queue<number | null>(Infinity);
    for (const item of [1, null, 2]) queue.tryPut(item);
    queue.close();
    const seen: unknown[] = [];
    for (const next of queue.items()) seen.push(yield* next);
    assertEquals(seen, [1, null, 2]);
  }));

Deno.test("leaving items(), or disposing of them, does not close the queue", () =>
  runVirtual(function* (): Body {
    const queue = new Queue<number>(Infinity);
    for (const item of [1, 2, 3]) queue.tryPut(item);
    for (const next of queue.items()) {
      assertEquals(yield* next, 1);
      break;
    }
    {
      using items = queue.items();
      assertEquals(yield* items.next(), 2);
    }
    assertEquals([queue.closed, yield* queue.get()], [false, 3]);
  }));

Deno.test("the limit of items() is for each item, and too late is a TimeoutError", () =>
  runVirtual(function* (coro): Body {
    const queue = new Queue<number>(2);
    new Coro(function* (): Body {
      for (const n of [1, 2, 3]) {
        yield* sleep(0.8);
        yield* queue.put(n);
      }
    });
    const seen: number[] = [];
    assert((yield* outcomeOf(() => queue.items(1).forEach((n) => seen.push(n)))) instanceof TimeoutError);
    assertEquals(seen, [1, 2, 3]);
    assertEquals(Math.round(coro.scheduler.now() * 10), 34);
  }));

Deno.test("items() can be taken in async code", async () => {
  const queue = new Queue<number>(Infinity);
  for (const n of [1, 2, 3]) queue.tryPut(n);
  queue.close();
  const seen: number[] = [];
  for await (const n of queue.items()) seen.push(n);
  assertEquals(seen, [1, 2, 3]);
});

Deno.test("the item of a granted get that was cut short stands at the head, even above the capacity", () =>
  runVirtual(function* (): Body {
    const queue = new Queue<string>(2);
    const getter = new Coro(function* () {
      return yield* queue.get();
    });
    yield;
    for (const item of ["a", "b", "c"]) assertEquals(queue.tryPut(item), true);
    getter.terminate();
    yield;
    assertEquals([queue.size, queue.tryPut("d")], [3, false]);
    assertEquals([queue.tryGet(), queue.tryGet(), queue.tryGet()], ["a", "b", "c"]);
  }));

Deno.test("items that go back stand in the order in which they were granted", () =>
  runVirtual(function* (): Body {
    for (const order of [[0, 1, 2], [2, 1, 0], [1, 0, 2], [2, 0, 1]]) {
      const queue = new Queue<string>(2);
      const getters = [1, 2, 3].map(() =>
        new Coro(function* () {
          return yield* queue.get();
        })
      );
      yield;
      for (const item of ["a", "b", "c", "d"]) queue.tryPut(item);
      for (const index of order) getters[index].terminate();
      yield;
      assertEquals([1, 2, 3, 4].map(() => queue.tryGet()), ["a", "b", "c", "d"], `${order}`);
    }
  }));

Deno.test("an item that went from get to get goes back to its place", () =>
  runVirtual(function* (): Body {
    const queue = new Queue<string>(2);
    const [first, second, third] = [1, 2, 3].map(() =>
      new Coro(function* () {
        return yield* queue.get();
      })
    );
    yield;
    queue.tryPut("a");
    queue.tryPut("b");
    first.terminate();
    second.terminate();
    third.terminate();
    yield;
    assertEquals([queue.tryGet(), queue.tryGet(), queue.tryGet()], ["a", "b", undefined]);
  }));

Deno.test("an item that goes back is given to the next get that waits", () =>
  runVirtual(function* (): Body {
    const queue = new Queue<string>(2);
    const [first, second] = [1, 2].map(() =>
      new Coro(function* () {
        return yield* queue.get();
      })
    );
    yield;
    queue.tryPut("a");
    first.terminate();
    assertEquals(yield* second.finish(), "a");
    assertEquals(queue.statistics(), IDLE);
  }));

Deno.test("an item that goes back after close() can be taken", () =>
  runVirtual(function* (): Body {
    const queue = new Queue<string>(2);
    const getter = new Coro(function* () {
      return yield* queue.get();
    });
    yield;
    queue.tryPut("a");
    queue.close();
    getter.terminate();
    yield;
    assertEquals(yield* queue.items().next(), "a");
    assertEquals(yield* queue.items().next(), null);
  }));

Deno.test("the end that items() was given and that was cut short is no item", () =>
  runVirtual(function* (): Body {
    const queue = new Queue<string>(2);
    const reader = new Coro(function* () {
      return yield* queue.items().next();
    });
    yield;
    queue.close();
    reader.terminate();
    yield;
    assertEquals([queue.size, queue.tryGet()], [0, undefined]);
  }));

Deno.test("a put that was granted and is cut short is done", () =>
  runVirtual(function* (): Body {
    for (const capacity of [0, 1]) {
      const queue = new Queue<string>(capacity);
      if (capacity === 1) yield* queue.put("a");
      const putter = new Coro(function* () {
        return yield* queue.put("b");
      });
      yield;
      const first = queue.tryGet();
      putter.terminate();
      yield;
      assertEquals([first, queue.tryGet()], capacity === 1 ? ["a", "b"] : ["b", undefined]);
      assertEquals(queue.statistics(), IDLE);
    }
  }));

Deno.test("a put that waits and is cut short has not put its item", () =>
  runVirtual(function* (): Body {
    for (const capacity of [0, 1]) {
      const queue = new Queue<string>(capacity);
      if (capacity === 1) yield* queue.put("a");
      const putters = ["b", "c"].map((item) =>
        new Coro(function* () {
          return yield* queue.put(item);
        })
      );
      yield;
      putters[0].terminate();
      yield;
      assertEquals(queue.statistics().putting, 1);
      assertEquals([queue.tryGet(), queue.tryGet()], capacity === 1 ? ["a", "c"] : ["c", undefined]);
      assertEquals(yield* putters[1].finish(), true);
    }
  }));

Deno.test("a get that loses a race takes no item, and one whose race is cut short gives it back", () =>
  runVirtual(function* (): Body {
    const [left, right] = [new Queue<string>(2), new Queue<string>(2)];
    yield* left.put("a");
    yield* right.put("b");
    assertEquals(yield* race(left.get(), right.get()), "a");
    assertEquals([left.size, right.size], [0, 1]);
    const failing = (yield* outcomeOf(() =>
      all(
        right.get(),
        (function* (): Body {
          yield;
          throw new Error("failed");
        })(),
      )
    )) as Error;
    assertEquals([failing.message, right.tryGet()], ["failed", "b"]);
  }));

Deno.test('"drop-oldest" makes room also when items have come back', () =>
  runVirtual(function* (): Body {
    const queue = new Queue<string>(2, { overflow: "drop-oldest" });
    const getter = new Coro(function* () {
      return yield* queue.get();
    });
    yield;
    for (const item of ["a", "b", "c"]) queue.tryPut(item);
    getter.terminate();
    yield;
    assertEquals(queue.size, 3);
    queue.tryPut("d");
    assertEquals(queue.statistics(), { ...IDLE, size: 2, dropped: 2 });
    assertEquals([queue.tryGet(), queue.tryGet()], ["c", "d"]);
  }));

Deno.test("null and undefined are items like others", () =>
  runVirtual(function* (): Body {
    const queue = new Queue<unknown>(2);
    yield* queue.put(undefined);
    yield* queue.put(null);
    assertEquals([yield* queue.get(), yield* queue.get(), queue.size], [undefined, null, 0]);
  }));

Deno.test("a put and a get are operations: they do nothing until yielded, and belong to one yield", () =>
  runVirtual(function* (): Body {
    const queue = new Queue<number>(2);
    queue.put(1);
    queue.get();
    assertEquals(queue.statistics(), IDLE);
    const put = queue.put(2);
    yield put;
    assert((yield* outcomeOf(() => put)) instanceof TypeError);
    assertEquals(yield queue.get(), 2);
  }));

Deno.test("a coroutine that never waits at a queue gives others a turn", () =>
  runVirtual(function* (): Body {
    const queue = new Queue<number>(1);
    let turns = 0;
    const other = new Coro(function* (): Body {
      for (;;) {
        turns++;
        yield;
      }
    });
    for (let n = 0; n < 3_000; n++) {
      yield* queue.put(n);
      assertEquals(yield* queue.get(), n);
    }
    assert(turns > 3, `${turns}`);
    other.terminate();
  }));

Deno.test("coroutines of two schedulers share a queue", async () => {
  const queue = new Queue<number>(1);
  const [one, two] = [new Scheduler(), new Scheduler()];
  one.spawn(function* (): Body {
    for (let n = 0; n < 100; n++) yield* queue.put(n);
    queue.close();
  });
  const sum = await two.spawn(function* (): Body<number> {
    let sum = 0;
    yield* queue.items().forEach((n) => sum += n);
    return sum;
  }).value();
  assertEquals(sum, 4950);
});

Deno.test("a wait at a queue is in dump() and in a DeadlockError, with the queue's name", async () => {
  const [full, empty, nameless] = [new Queue(1, { name: "full" }), new Queue(1, { name: "empty" }), new Queue(0)];
  full.tryPut(1);
  const error: unknown = await assertRejects(() =>
    runVirtual(function* (coro): Body {
      coro.scheduler.spawn(function* (): Body {
        yield* full.put(2);
      });
      coro.scheduler.spawn(function* (): Body {
        yield* nameless.put(2);
      });
      yield* empty.get();
    }), DeadlockError);
  const waits = (error as DeadlockError).waiting.map(({ waitsFor }) => waitsFor);
  assertEquals(waits.sort(), ["an item in queue 'empty'", "room in a queue", "room in queue 'full'"]);
});

Deno.test("coroutines that wait at queues for each other are not declared dead: other code may put and get", () =>
  inLab(async (lab) => {
    const [one, two] = [new Queue<number>(1), new Queue<number>(1)];
    const sum = (from: Queue<number>, to: Queue<number>) =>
      function* (): Body<number> {
        const n = yield* from.get();
        yield* to.put(n + 1);
        return n;
      };
    const coros = [lab.scheduler.spawn(sum(one, two)), lab.scheduler.spawn(sum(two, one))];
    // Something outside the scheduler is pending, so that nothing is certain.
    const outside = lab.scheduler.spawn(function* (coro): Body {
      yield* coro.sleep(100);
      one.tryPut(1);
    });
    await outside.value();
    assertEquals([await coros[0].value(), await coros[1].value()], [1, 2]);
  }));

Deno.test("tryPut() and tryGet() work outside coroutines, and wake those that wait", async () => {
  const queue = new Queue<string>(1);
  const got = run(function* (): Body<string> {
    return yield* queue.get();
  });
  await settle();
  assertEquals(queue.tryPut("a"), true);
  assertEquals(await got, "a");
});
