/** PriorityQueue: the least item first. */
import { createTask, gather, PriorityQueue, Queue, sleep } from "@asyncoro/asyncoro/asyncio";
import { assertEquals, assertInstanceOf, assertThrows } from "@std/assert";
import * as fc from "fast-check";
import { loopTest } from "./loop_lab.ts";
import { outcomeOf } from "./outcome.ts";

/** The items of a priority queue, in the order of `get`. */
function sorted<T>(items: readonly T[], queue: PriorityQueue<T> = new PriorityQueue<T>()): T[] {
  for (const item of items) queue.putNowait(item);
  return Array.from(items, () => queue.getNowait());
}

loopTest("a priority queue returns the least item first", function* () {
  const queue = new PriorityQueue<number>();
  assertInstanceOf(queue, Queue);
  for (const n of [1, 3, 2]) yield* queue.put(n);
  assertEquals([yield* queue.get(), yield* queue.get(), yield* queue.get()], [1, 2, 3]);
});

Deno.test("numbers are in the order of numbers", () => {
  assertEquals(sorted([10, 9, -1, 2.5, Infinity, -Infinity]), [-Infinity, -1, 2.5, 9, 10, Infinity]);
  assertEquals(sorted([10n, 9n, -1n]), [-1n, 9n, 10n]);
});

Deno.test("strings are in the order of strings", () => {
  assertEquals(sorted(["b", "a", "B", "ab", "10", "9", ""]), ["", "10", "9", "B", "a", "ab", "b"]);
});

Deno.test("dates are in the order of time", () => {
  const [early, late] = [new Date(0), new Date(1)];
  assertEquals(sorted([late, early]), [early, late]);
});

Deno.test("lists are compared item by item, and the beginning of another comes before it", () => {
  const lists = [[2, "a"], [1, "b"], [10, ""], [1], [1, "a", 0], [1, "a"], []];
  assertEquals(sorted(lists), [[], [1], [1, "a"], [1, "a", 0], [1, "b"], [2, "a"], [10, ""]]);
  assertEquals(sorted([[1, [2, 1]], [1, [1, 9]], [0, [5]]]), [[0, [5]], [1, [1, 9]], [1, [2, 1]]]);
});

Deno.test("among equals the one that was put first comes first", () => {
  const items = Array.from({ length: 100 }, (_, n) => ({ priority: n % 3, n }));
  const queue = new PriorityQueue<{ priority: number; n: number }>(0, (a, b) => a.priority - b.priority);
  const expected = items.toSorted((a, b) => a.priority - b.priority || a.n - b.n);
  assertEquals(sorted(items, queue), expected);
});

Deno.test("equals keep their order when some are taken in between", () => {
  const queue = new PriorityQueue<[number, string]>(0, (a, b) => a[0] - b[0]);
  queue.putNowait([1, "a"]);
  queue.putNowait([1, "b"]);
  assertEquals(queue.getNowait(), [1, "a"]);
  queue.putNowait([1, "c"]);
  queue.putNowait([0, "d"]);
  assertEquals([queue.getNowait(), queue.getNowait(), queue.getNowait()], [[0, "d"], [1, "b"], [1, "c"]]);
});

Deno.test("a function may decide what comes first", () => {
  assertEquals(sorted([1, 3, 2], new PriorityQueue<number>(0, (a, b) => b - a)), [3, 2, 1]);
  assertEquals(
    sorted(["ccc", "a", "bb"], new PriorityQueue<string>(0, (a, b) => a.length - b.length)),
    ["a", "bb", "ccc"],
  );
  assertThrows(
    () => new PriorityQueue(0, "up" as never),
    TypeError,
    "'compare' must be a function: current value is \"up\"",
  );
});

Deno.test("10,000 random items come out in order", () => {
  let state = 1;
  const items = Array.from({ length: 10_000 }, () => state = (state * 48271) % 2147483647);
  assertEquals(sorted(items), items.toSorted((a, b) => a - b));
});

Deno.test("puts and gets in any order give what a sorted list gives", () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(fc.nat(9), fc.constant("get" as const)), { maxLength: 200 }), (program) => {
      const queue = new PriorityQueue<[number, number]>(0, (a, b) => a[0] - b[0]);
      const model: [number, number][] = [];
      program.forEach((step, number) => {
        if (step === "get") {
          if (model.length > 0) assertEquals(queue.getNowait(), model.shift());
          return;
        }
        queue.putNowait([step, number]);
        const at = model.findIndex((other) => other[0] > step);
        model.splice(at < 0 ? model.length : at, 0, [step, number]);
      });
      assertEquals(queue.qsize(), model.length);
    }),
    { numRuns: 300 },
  );
});

loopTest("a getter that was woken gets the least item there is when its turn comes", function* () {
  const queue = new PriorityQueue<number>();
  const getter = createTask(queue.get());
  yield* sleep(0);
  queue.putNowait(5);
  queue.putNowait(1);
  assertEquals([yield* getter, yield* queue.get()], [1, 5]);
});

loopTest("tasks that wait for room put in the order in which they came, whatever their items", function* () {
  const queue = new PriorityQueue<number>(1);
  queue.putNowait(5);
  const putters = [9, 1].map((n) => createTask(queue.put(n)));
  const items = [];
  for (let i = 0; i < 3; i++) {
    yield* sleep(0);
    items.push(queue.getNowait());
  }
  yield* gather(putters);
  assertEquals(items, [5, 9, 1]);
});

loopTest("a comparison that throws makes put or get throw, and changes nothing", function* () {
  let allowed = Infinity;
  const queue = new PriorityQueue<number>(0, (a, b) => {
    if (allowed-- <= 0) throw new RangeError("cannot compare");
    return a - b;
  });
  const items = Array.from({ length: 20 }, (_, n) => (n * 7) % 20 + 1);
  for (const item of items) queue.putNowait(item);
  for (const limit of [0, 1, 2, 3]) {
    allowed = limit;
    assertThrows(() => queue.putNowait(0), RangeError, "cannot compare");
    allowed = limit;
    assertEquals(yield* outcomeOf(queue.put(0)), "RangeError");
    allowed = limit;
    assertThrows(() => queue.getNowait(), RangeError, "cannot compare");
    allowed = limit;
    assertEquals(yield* outcomeOf(queue.get()), "RangeError");
    assertEquals(queue.statistics(), { size: 20, getters: 0, putters: 0, unfinished: 20 });
  }
  allowed = Infinity;
  assertEquals(Array.from(items, () => queue.getNowait()), items.toSorted((a, b) => a - b));
});
