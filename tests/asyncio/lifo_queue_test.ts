/** LifoQueue: last in, first out. */
import { createTask, gather, LifoQueue, Queue, sleep } from "@asyncoro/asyncoro/asyncio";
import { assertEquals, assertInstanceOf, assertThrows } from "@std/assert";
import { loopTest } from "./loop_lab.ts";

loopTest("a LIFO queue returns the item first that was put last", function* () {
  const queue = new LifoQueue<number>();
  assertInstanceOf(queue, Queue);
  for (const n of [1, 3, 2]) yield* queue.put(n);
  assertEquals([yield* queue.get(), yield* queue.get(), yield* queue.get()], [2, 3, 1]);
});

loopTest("puts and gets in between keep the order of a stack", function* () {
  const queue = new LifoQueue<number>();
  queue.putNowait(1);
  queue.putNowait(2);
  const seen = [queue.getNowait()];
  queue.putNowait(3);
  seen.push(queue.getNowait(), queue.getNowait());
  assertEquals([seen, queue.empty()], [[2, 3, 1], true]);
  assertThrows(() => queue.getNowait(), Error, "empty");
});

loopTest("a getter that was woken gets what was put last when its turn comes", function* () {
  const queue = new LifoQueue<number>();
  const getters = [createTask(queue.get()), createTask(queue.get())];
  yield* sleep(0);
  for (const n of [1, 2, 3]) queue.putNowait(n);
  assertEquals([yield* gather(getters), queue.getNowait()], [[3, 2], 1]);
});

loopTest("tasks that wait for room put in the order in which they came", function* () {
  const queue = new LifoQueue<string>(1);
  const putters = ["a", "b", "c"].map((item) => createTask(queue.put(item)));
  const items = [];
  for (let i = 0; i < 3; i++) {
    yield* sleep(0);
    items.push(queue.getNowait());
  }
  yield* gather(putters);
  assertEquals(items, ["a", "b", "c"]);
});
