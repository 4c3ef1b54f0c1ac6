/** Queue: getters and putters that are cancelled lose no item and no room. */
import { Coro, race, sleep as bareSleep, withTimeout } from "@asyncoro/asyncoro";
import {
  createTask,
  gather,
  LifoQueue,
  PriorityQueue,
  Queue,
  sleep,
  taskGroup,
  waitFor,
} from "@asyncoro/asyncoro/asyncio";
import { assert, assertEquals } from "@std/assert";
import { loopTest } from "./loop_lab.ts";
import { outcomeOf, turns } from "./outcome.ts";

const IDLE = { size: 0, getters: 0, putters: 0, unfinished: 0 };

loopTest("a getter that is cancelled while it waits is removed from the queue", function* () {
  const queue = new Queue<string>();
  const [first, second] = [createTask(queue.get()), createTask(queue.get())];
  yield* sleep(0);
  first.cancel();
  yield* sleep(0);
  assertEquals([first.cancelled(), queue.statistics().getters], [true, 1]);
  yield* queue.put("a");
  assertEquals(yield* second, "a");
});

loopTest("a getter that is cancelled before its first step takes nothing", function* () {
  const queue = new Queue<string>();
  queue.putNowait("a");
  const task = createTask(queue.get());
  task.cancel();
  assertEquals([yield* outcomeOf(task), queue.getNowait()], ["CancelledError", "a"]);
});

loopTest("a getter that is cancelled when it was woken leaves its item, and the order stays", function* () {
  const queue = new Queue<number>();
  const reader = createTask(queue.get());
  yield* sleep(0);
  queue.putNowait(1);
  queue.putNowait(2);
  reader.cancel();
  assertEquals(yield* outcomeOf(reader), "CancelledError");
  assertEquals([yield* queue.get(), yield* queue.get()], [1, 2]);
});

for (const order of ["put, then cancelled", "cancelled, then put"]) {
  loopTest(`${order} in one iteration: the next getter has the item`, function* () {
    const queue = new Queue<number>();
    const [first, second] = [createTask(queue.get()), createTask(queue.get())];
    yield* sleep(0);
    if (order.startsWith("put")) queue.putNowait(1);
    first.cancel();
    if (order.startsWith("cancelled")) queue.putNowait(1);
    assertEquals([yield* outcomeOf(first), yield* second], ["CancelledError", 1]);
    assertEquals(queue.statistics(), { ...IDLE, unfinished: 1 });
  });

  loopTest(
    `taken, with a putter ${order.replace("put", "woken")} in one iteration: the next putter has the room`,
    function* () {
      const queue = new Queue<number>(1);
      queue.putNowait(0);
      const [first, second] = [createTask(queue.put(1)), createTask(queue.put(2))];
      yield* sleep(0);
      if (order.startsWith("put")) queue.getNowait();
      first.cancel();
      if (order.startsWith("cancelled")) queue.getNowait();
      assertEquals([yield* outcomeOf(first), yield* second], ["CancelledError", undefined]);
      assertEquals([queue.getNowait(), queue.statistics()], [2, { ...IDLE, unfinished: 2 }]);
    },
  );
}

loopTest("one of three getters is cancelled when two items were put: the other two have them", function* () {
  const queue = new Queue<number>();
  yield* taskGroup(function* (group) {
    const readers = [1, 2, 3].map(() => group.createTask(queue.get()));
    yield* sleep(0);
    queue.putNowait(1);
    queue.putNowait(2);
    readers[0].cancel();
    assertEquals(yield* outcomeOf(readers[0]), "CancelledError");
    assertEquals(new Set([yield* readers[1], yield* readers[2]]), new Set([1, 2]));
  });
  assertEquals(queue.empty(), true);
});

loopTest("all getters that were woken are cancelled: those behind them have the items", function* () {
  const queue = new Queue<number>();
  const readers = [1, 2, 3, 4].map(() => createTask(queue.get()));
  yield* sleep(0);
  queue.putNowait(1);
  queue.putNowait(2);
  readers[0].cancel();
  readers[1].cancel();
  assertEquals([yield* readers[2], yield* readers[3]], [1, 2]);
});

loopTest("a getter whose cancellation is taken back before it is thrown has its item", function* () {
  const queue = new Queue<number>();
  const reader = createTask(queue.get());
  yield* sleep(0);
  queue.putNowait(1);
  reader.cancel();
  reader.uncancel();
  assertEquals(yield* reader, 1);
});

loopTest("a putter that is cancelled while it waits puts nothing", function* () {
  const queue = new Queue<string>(1);
  const [a, b, c] = ["a", "b", "c"].map((item) => createTask(queue.put(item)));
  yield* sleep(0);
  assertEquals([a.done(), b.done(), queue.statistics().putters], [true, false, 2]);
  c.cancel();
  yield* sleep(0);
  assertEquals([c.cancelled(), queue.statistics().putters], [true, 1]);
  assertEquals(queue.getNowait(), "a");
  yield* sleep(0);
  assertEquals(queue.getNowait(), "b");
  yield* b;
  assertEquals(queue.statistics(), { ...IDLE, unfinished: 2 });
});

loopTest("a putter that is cancelled when it was woken puts nothing, and may try again", function* () {
  const queue = new Queue<number>(1);
  queue.putNowait(1);
  const writer = createTask(queue.put(2));
  yield* sleep(0);
  assertEquals(queue.getNowait(), 1);
  writer.cancel();
  assertEquals([yield* outcomeOf(writer), queue.qsize()], ["CancelledError", 0]);
  yield* createTask(queue.put(2));
  assertEquals([queue.getNowait(), queue.qsize()], [2, 0]);
});

loopTest("a getter that is cancelled in the iteration after its item was taken has it", function* ({ loop }) {
  const queue = new Queue<number>();
  const reader = createTask(function* () {
    const item = yield* queue.get();
    try {
      yield* sleep(1);
    } finally {
      queue.putNowait(item);
    }
  });
  yield* sleep(0);
  queue.putNowait(1);
  yield* sleep(0);
  loop.callSoon(() => reader.cancel());
  assertEquals([yield* outcomeOf(reader), queue.getNowait()], ["CancelledError", 1]);
});

loopTest("waitFor(get()) that is too late is removed from the queue, and loses no later item", function* ({ loop }) {
  const queue = new Queue<number>();
  assertEquals(yield* outcomeOf(waitFor(queue.get(), 0.1)), "TimeoutError");
  assertEquals([loop.time(), queue.statistics()], [0.1, IDLE]);
  queue.putNowait(1);
  assertEquals(yield* queue.get(), 1);
});

for (const first of ["put", "timeout"]) {
  loopTest(
    `an item and a timeout at the same instant, ${first} first: waitFor() has the item or the queue has`,
    function* ({ loop }) {
      const queue = new Queue<number>();
      if (first === "put") loop.callLater(1, () => queue.putNowait(1));
      const reader = createTask(waitFor(queue.get(), 1));
      yield* sleep(0);
      if (first === "timeout") loop.callLater(1, () => queue.putNowait(1));
      const outcome = yield* outcomeOf(reader);
      yield* turns(2);
      assert(outcome === 1 || outcome === "TimeoutError", `${outcome}`);
      assertEquals([queue.qsize(), queue.statistics().getters], [outcome === 1 ? 0 : 1, 0]);
    },
  );
}

loopTest("waitFor(get()) in a loop, against a slow producer, loses no item", function* () {
  const queue = new Queue<number>();
  const producer = createTask(function* () {
    for (let n = 0; n < 100; n++) {
      yield* sleep((n * 7) % 5);
      yield* queue.put(n);
    }
  });
  const items: number[] = [];
  let timeouts = 0;
  while (items.length < 100) {
    const item = yield* outcomeOf(waitFor(queue.get(), 1));
    if (typeof item === "number") items.push(item);
    else timeouts++;
  }
  assertEquals(items, Array.from({ length: 100 }, (_, n) => n));
  assert(timeouts > 50, `${timeouts}`);
  yield* producer;
});

loopTest("waitFor(put()) that is too late puts nothing", function* ({ loop }) {
  const queue = new Queue<number>(1);
  queue.putNowait(1);
  assertEquals(yield* outcomeOf(waitFor(queue.put(2), 2)), "TimeoutError");
  assertEquals([loop.time(), queue.statistics()], [2, { ...IDLE, size: 1, unfinished: 1 }]);
});

loopTest("race() and withTimeout() over get() lose no item", function* ({ loop }) {
  const [left, right] = [new Queue<string>(), new Queue<string>()];
  left.putNowait("left");
  right.putNowait("right");
  assertEquals(yield* race(left.get(), right.get()), "left");
  assertEquals([left.qsize(), right.qsize()], [0, 1]);
  right.getNowait();
  const both = createTask(function* () {
    return yield* race(left.get(), right.get());
  });
  yield* sleep(0);
  right.putNowait("r");
  left.putNowait("l");
  const won = yield* both;
  assertEquals([won, left.qsize() + right.qsize()], [won === "l" ? "l" : "r", 1]);
  assertEquals([left.statistics().getters, right.statistics().getters], [0, 0]);
  const empty = new Queue<string>();
  assertEquals(yield* outcomeOf(withTimeout(1, empty.get())), "TimeoutError");
  loop.callLater(1, () => empty.putNowait("in time or not"));
  const late = yield* outcomeOf(withTimeout(1, empty.get()));
  yield* sleep(1);
  assertEquals(empty.qsize(), late === "TimeoutError" ? 1 : 0);
});

loopTest("race() and withTimeout() over put() put the item or do not", function* () {
  const queue = new Queue<number>(1);
  queue.putNowait(0);
  yield* race(queue.put(1), bareSleep(1));
  assertEquals(yield* outcomeOf(withTimeout(1, queue.put(2))), "TimeoutError");
  assertEquals(queue.statistics(), { ...IDLE, size: 1, unfinished: 1 });
  queue.getNowait();
  yield* race(bareSleep(1), queue.put(3));
  assertEquals([queue.qsize(), queue.getNowait()], [1, 3]);
});

loopTest("a bare coroutine that is terminated when it was woken leaves the item to the next", function* () {
  const queue = new Queue<number>();
  const coro = new Coro(function* () {
    yield* queue.get();
  });
  const reader = createTask(queue.get());
  yield* sleep(0);
  queue.putNowait(1);
  coro.terminate();
  assertEquals(yield* reader, 1);
});

loopTest("a getter that waits by plain yield is cancelled like any other", function* () {
  const queue = new Queue<number>();
  const readers = [1, 2].map(() =>
    createTask(function* (): Generator<unknown, unknown, unknown> {
      return yield queue.get();
    })
  );
  yield* sleep(0);
  queue.putNowait(1);
  readers[0].cancel();
  assertEquals([yield* outcomeOf(readers[0]), yield* readers[1]], ["CancelledError", 1]);
});

for (const Kind of [Queue, LifoQueue, PriorityQueue]) {
  loopTest(
    `${Kind.name}: getters and putters that are cancelled at any moment lose no item and block no other`,
    function* () {
      for (let moment = 0; moment < 25; moment++) {
        const queue = new Kind<number>(1);
        const got: number[] = [];
        let put = 0;
        const getters = [0, 1, 2].map(() =>
          createTask(function* () {
            got.push(yield* queue.get());
          })
        );
        const putters = [0, 1, 2].map((n) =>
          createTask(function* () {
            yield* queue.put(n);
            put++;
          })
        );
        yield* turns(moment % 5);
        getters[1].cancel();
        yield* turns(Math.floor(moment / 5));
        putters[1].cancel();
        yield* turns(10);
        assertEquals(got.length + queue.qsize(), put);
        const { getters: waitForItems, putters: waitForRoom, unfinished } = queue.statistics();
        assertEquals(unfinished, put);
        assert(waitForItems === 0 || queue.empty(), "a getter waits for an item that is there");
        assert(waitForRoom === 0 || queue.full(), "a putter waits for room that is there");
        for (const task of [...getters, ...putters]) task.cancel();
        yield* gather([...getters, ...putters], { returnExceptions: true });
      }
    },
  );
}
