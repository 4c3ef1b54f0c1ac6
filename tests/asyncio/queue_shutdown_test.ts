/** Queue: shutdown, at once or when what is in it was taken. */
import { race, sleep as bareSleep } from "@asyncoro/asyncoro";
import { createTask, gather, LifoQueue, PriorityQueue, Queue, sleep } from "@asyncoro/asyncoro/asyncio";
import { assertEquals, assertThrows } from "@std/assert";
import { loopTest } from "./loop_lab.ts";
import { outcomeOf, turns } from "./outcome.ts";

const IDLE = { size: 0, getters: 0, putters: 0, unfinished: 0 };

/** Neither putting nor getting is possible. */
function* isClosed(queue: Queue<string>): Generator<unknown, void, unknown> {
  assertEquals(yield* outcomeOf(queue.put("x")), "QueueShutDown");
  assertEquals(yield* outcomeOf(queue.get()), "QueueShutDown");
  assertThrows(() => queue.putNowait("x"), Error, "Cannot use a queue of 0");
  assertThrows(() => queue.getNowait(), Error, "any more as it was shut down");
}

for (const Kind of [Queue, LifoQueue, PriorityQueue]) {
  const { name } = Kind;

  loopTest(`${name}: shutting down an empty queue ends the waits for an item`, function* () {
    const queue = new Kind<string>();
    const getters = [createTask(queue.get()), createTask(queue.get())];
    yield* sleep(0);
    queue.shutdown();
    yield* queue.join();
    yield* sleep(0);
    assertEquals(getters.map((task) => task.done()), [true, true]);
    assertEquals(yield* gather(getters.map(outcomeOf)), ["QueueShutDown", "QueueShutDown"]);
    yield* isClosed(queue);
    assertEquals(queue.statistics(), IDLE);
  });

  loopTest(`${name}: what is in it when it is shut down can be taken, and nothing can be put`, function* () {
    const queue = new Kind<string>(1);
    queue.putNowait("data");
    const [join, put] = [createTask(queue.join()), createTask(queue.put("data2"))];
    yield* sleep(0);
    assertEquals(put.done(), false);
    queue.shutdown();
    assertEquals(queue.qsize(), 1);
    yield* sleep(0);
    assertEquals([put.done(), yield* outcomeOf(put)], [true, "QueueShutDown"]);
    assertEquals(yield* outcomeOf(queue.put("x")), "QueueShutDown");
    assertThrows(() => queue.putNowait("x"), Error, "shut down");
    assertEquals(yield* queue.get(), "data");
    yield* turns(2);
    assertEquals(join.done(), false);
    yield* isClosed(queue);
    queue.taskDone();
    yield* sleep(0);
    assertEquals(join.done(), true);
    assertThrows(() => queue.taskDone(), RangeError);
  });

  loopTest(`${name}: an immediate shutdown discards its items, which count as done`, function* () {
    const queue = new Kind<string>();
    queue.putNowait("data");
    const join = createTask(queue.join());
    yield* sleep(0);
    queue.shutdown(true);
    assertEquals(queue.statistics(), IDLE);
    yield* sleep(0);
    assertEquals(join.done(), true);
    yield* isClosed(queue);
    assertThrows(() => queue.taskDone(), RangeError);
  });

  loopTest(`${name}: items that were taken before an immediate shutdown must still be processed`, function* () {
    const queue = new Kind<string>();
    queue.putNowait("data");
    queue.putNowait("data");
    const join = createTask(queue.join());
    assertEquals(yield* queue.get(), "data");
    queue.shutdown(true);
    assertEquals(queue.statistics(), { ...IDLE, unfinished: 1 });
    yield* turns(2);
    assertEquals(join.done(), false);
    yield* isClosed(queue);
    queue.taskDone();
    assertThrows(() => queue.taskDone(), RangeError);
    yield* sleep(0);
    assertEquals(join.done(), true);
  });
}

loopTest("an immediate shutdown ends putters and getters alike", function* () {
  const full = new Queue<string>(1);
  full.putNowait("data");
  const empty = new Queue<string>();
  const tasks = [createTask(full.put("a")), createTask(full.put("b")), createTask(empty.get())];
  yield* sleep(0);
  full.shutdown(true);
  empty.shutdown(true);
  assertEquals(yield* gather(tasks.map((task) => outcomeOf<unknown>(task))), Array(3).fill("QueueShutDown"));
  assertEquals([full.statistics(), empty.statistics()], [IDLE, IDLE]);
});

loopTest("a second shutdown changes nothing, and an immediate one still discards the items", function* () {
  const queue = new Queue<string>();
  queue.putNowait("a");
  queue.putNowait("b");
  queue.shutdown();
  queue.shutdown();
  assertEquals(yield* queue.get(), "a");
  queue.shutdown(true);
  assertEquals(queue.statistics(), { ...IDLE, unfinished: 1 });
  queue.shutdown();
  yield* isClosed(queue);
  queue.taskDone();
  yield* queue.join();
});

loopTest("a getter that was woken for an item gets it, although the queue was shut down meanwhile", function* () {
  const queue = new Queue<string>();
  const [first, second] = [createTask(queue.get()), createTask(queue.get())];
  yield* sleep(0);
  queue.putNowait("a");
  queue.shutdown();
  assertEquals([yield* outcomeOf(first), yield* outcomeOf(second)], ["a", "QueueShutDown"]);
});

loopTest("a getter that was woken for an item throws if the item was discarded", function* () {
  const queue = new Queue<string>();
  const getter = createTask(queue.get());
  yield* sleep(0);
  queue.putNowait("a");
  queue.shutdown(true);
  assertEquals(yield* outcomeOf(getter), "QueueShutDown");
});

loopTest("a putter that was woken for room throws after a shutdown, and puts nothing", function* () {
  const queue = new Queue<string>(1);
  queue.putNowait("a");
  const putter = createTask(queue.put("b"));
  yield* sleep(0);
  assertEquals(queue.getNowait(), "a");
  queue.shutdown();
  assertEquals([yield* outcomeOf(putter), queue.qsize()], ["QueueShutDown", 0]);
});

loopTest("a task that is cancelled when the queue is shut down is cancelled", function* () {
  const queue = new Queue<string>();
  const getters = [createTask(queue.get()), createTask(queue.get())];
  yield* sleep(0);
  queue.shutdown();
  getters[0].cancel();
  assertEquals(yield* gather(getters.map(outcomeOf)), ["CancelledError", "QueueShutDown"]);
});

loopTest("join() of a queue that is shut down waits for what was put before", function* ({ loop }) {
  const queue = new Queue<string>();
  queue.putNowait("a");
  queue.shutdown();
  loop.callLater(1, () => {
    queue.getNowait();
    queue.taskDone();
  });
  yield* queue.join();
  assertEquals(loop.time(), 1);
});

loopTest("workers that loop until the queue is shut down end when it is empty", function* ({ log }) {
  const queue = new Queue<string>();
  const workers = [1, 2].map(() =>
    createTask(function* () {
      for (;;) {
        log.push(yield* queue.get());
        queue.taskDone();
      }
    })
  );
  for (const item of ["a", "b", "c"]) yield* queue.put(item);
  queue.shutdown();
  yield* queue.join();
  assertEquals(yield* gather(workers.map(outcomeOf)), ["QueueShutDown", "QueueShutDown"]);
  assertEquals(log, ["a", "b", "c"]);
});

loopTest("plain yield and race() throw after a shutdown as well", function* ({ loop }) {
  const queue = new Queue<string>(1);
  const plain = createTask(function* (): Generator<unknown, unknown, unknown> {
    return yield queue.get();
  });
  const raced = createTask(function* () {
    return yield* race(queue.get(), bareSleep(5));
  });
  loop.callLater(1, () => queue.shutdown());
  assertEquals([yield* outcomeOf(plain), yield* outcomeOf(raced)], ["QueueShutDown", "QueueShutDown"]);
  assertEquals(loop.time(), 1);
});
