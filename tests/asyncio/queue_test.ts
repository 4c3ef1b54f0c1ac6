/** Queue: items from task to task, first in, first out. */
import { all, Coro } from "@asyncoro/asyncoro";
import {
  createTask,
  Event,
  gather,
  LifoQueue,
  PriorityQueue,
  Queue,
  run,
  sleep,
  taskGroup,
} from "@asyncoro/asyncoro/asyncio";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { loopTest } from "./loop_lab.ts";
import { turns } from "./outcome.ts";

const IDLE = { size: 0, getters: 0, putters: 0, unfinished: 0 };

loopTest("a queue returns its items in the order in which they were put", function* () {
  const queue = new Queue<number>();
  for (const n of [1, 3, 2]) yield* queue.put(n);
  assertEquals([yield* queue.get(), yield* queue.get(), yield* queue.get()], [1, 3, 2]);
});

loopTest("empty(), full() and qsize() describe its content", function* () {
  const queue = new Queue<number>(2);
  const seen = [];
  for (const n of [1, 2]) {
    seen.push([queue.empty(), queue.full(), queue.qsize()]);
    yield* queue.put(n);
  }
  seen.push([queue.empty(), queue.full(), queue.qsize()]);
  assertEquals(seen, [[true, false, 0], [false, false, 1], [false, true, 2]]);
  assertEquals([queue.maxsize, `${queue}`], [2, "a queue of 2 of 2"]);
});

for (const maxsize of [0, -1, -Infinity]) {
  Deno.test(`a queue with a maxsize of ${maxsize} is never full`, () => {
    const queue = new Queue<number>(maxsize);
    for (let n = 0; n < 1000; n++) queue.putNowait(n);
    assertEquals([queue.full(), queue.qsize(), queue.maxsize], [false, 1000, maxsize]);
  });
}

Deno.test("a maxsize may have a fraction, and must be a number", () => {
  const queue = new Queue<number>(1.3);
  queue.putNowait(1);
  assertEquals(queue.full(), false);
  queue.putNowait(2);
  assertEquals(queue.full(), true);
  assertThrows(() => queue.putNowait(3), Error, "full");
  for (const maxsize of ["2", NaN, null]) {
    assertThrows(() => new Queue(maxsize as never), TypeError, "Cannot create a queue as 'maxsize' must be a number");
  }
});

Deno.test("getNowait() of an empty queue and putNowait() into a full one are errors", () => {
  const queue = new Queue<number>(1);
  const caught = (action: () => unknown) => {
    try {
      return action();
    } catch (error) {
      return [(error as Error).name, (error as Error).message];
    }
  };
  assertEquals(caught(() => queue.getNowait()), [
    "QueueEmpty",
    "Cannot get an item from a queue of 0 of 1 as it is empty",
  ]);
  queue.putNowait(1);
  assertEquals(caught(() => queue.putNowait(2)), [
    "QueueFull",
    "Cannot put an item into a queue of 1 of 1 as it is full",
  ]);
  assertEquals(caught(() => queue.getNowait()), 1);
  assertEquals(queue.statistics(), { ...IDLE, unfinished: 1 });
});

loopTest("get() and put() that need not wait give no other task a turn", function* (lab) {
  const queue = new Queue<number>(1);
  lab.loop.callSoon(lab.noting("others"));
  yield* queue.put(1);
  assertEquals([yield* queue.get(), lab.log], [1, []]);
});

loopTest("get() waits until a callback puts an item", function* ({ loop }) {
  const queue = new Queue<number>();
  const started = new Event();
  const task = createTask(function* () {
    started.set();
    return yield* queue.get();
  });
  yield* started.wait();
  assertEquals([task.done(), queue.statistics()], [false, { ...IDLE, getters: 1 }]);
  loop.callLater(1, () => queue.putNowait(7));
  assertEquals([yield* task, loop.time()], [7, 1]);
});

loopTest("put() waits until a callback takes an item", function* ({ loop }) {
  const queue = new Queue<number>(1);
  const task = createTask(function* () {
    yield* queue.put(1);
    yield* queue.put(2);
  });
  yield* sleep(0);
  assertEquals([task.done(), queue.statistics()], [false, { ...IDLE, size: 1, putters: 1, unfinished: 1 }]);
  loop.callLater(1, () => queue.getNowait());
  yield* task;
  assertEquals([loop.time(), queue.getNowait()], [1, 2]);
});

loopTest("a task that puts more than there is room for goes on as items are taken", function* ({ log }) {
  const queue = new Queue<number>(2);
  const task = createTask(function* () {
    for (const n of [0, 1, 2]) {
      yield* queue.put(n);
      log.push(n);
    }
  });
  yield* turns(2);
  assertEquals(log, [0, 1]);
  assertEquals(yield* queue.get(), 0);
  yield* sleep(0);
  assertEquals([log, task.done()], [[0, 1, 2], true]);
  assertEquals([yield* queue.get(), yield* queue.get()], [1, 2]);
});

loopTest("getters get items in the order in which they came", function* () {
  const queue = new Queue<number>();
  const getters = [1, 2, 3].map(() => createTask(queue.get()));
  yield* sleep(0);
  for (const n of [10, 20, 30]) queue.putNowait(n);
  assertEquals(yield* gather(getters), [10, 20, 30]);
});

loopTest("putters put in the order in which they came", function* () {
  const queue = new Queue<string>(1);
  const putters = ["a", "b", "c"].map((item) => createTask(queue.put(item)));
  const items = [];
  for (let i = 0; i < 3; i++) items.push(yield* queue.get());
  assertEquals(items, ["a", "b", "c"]);
  yield* gather(putters);
});

loopTest("an item is in the queue until the getter that was woken runs, and a quicker one may take it", function* () {
  const queue = new Queue<string>();
  const waiting = createTask(queue.get());
  yield* sleep(0);
  queue.putNowait("first");
  assertEquals(queue.statistics(), { size: 1, getters: 0, putters: 0, unfinished: 1 });
  assertEquals(queue.getNowait(), "first");
  yield* turns(2);
  assertEquals([waiting.done(), queue.statistics().getters], [false, 1]);
  queue.putNowait("second");
  assertEquals(yield* waiting, "second");
});

loopTest("room is free until the putter that was woken runs, and a quicker one may take it", function* () {
  const queue = new Queue<string>(1);
  queue.putNowait("first");
  const waiting = createTask(queue.put("slow"));
  yield* sleep(0);
  assertEquals(queue.getNowait(), "first");
  queue.putNowait("quick");
  yield* turns(2);
  assertEquals([waiting.done(), queue.statistics().putters], [false, 1]);
  assertEquals([yield* queue.get(), yield* queue.get()], ["quick", "slow"]);
  yield* waiting;
});

loopTest("as many getters are woken as items are put, and no more", function* ({ log }) {
  const queue = new Queue<number>();
  const getters = [1, 2, 3].map((n) =>
    createTask(function* () {
      log.push([n, yield* queue.get()]);
    })
  );
  yield* sleep(0);
  queue.putNowait(10);
  queue.putNowait(20);
  yield* turns(2);
  assertEquals([log, queue.statistics().getters], [[[1, 10], [2, 20]], 1]);
  queue.putNowait(30);
  yield* gather(getters);
});

loopTest("all that wait to put go on when the queue is emptied", function* () {
  const queue = new Queue<number>(2);
  yield* taskGroup(function* (group) {
    group.createTask(function* () {
      yield* sleep(0);
      for (let left = queue.qsize(); left > 0; left--) queue.getNowait();
    });
    for (const n of [0, 1, 2, 3]) group.createTask(queue.put(n));
  });
  assertEquals([queue.getNowait(), queue.getNowait()], [2, 3]);
});

for (const maxsize of [0, 1, 3]) {
  loopTest(
    `producers and consumers of a queue of ${maxsize} hand over every item, each producer's in order`,
    function* () {
      const queue = new Queue<[number, number]>(maxsize);
      const seen: [number, number][] = [];
      yield* taskGroup(function* (group) {
        for (const producer of [0, 1, 2]) {
          group.createTask(function* () {
            for (let n = 0; n < 50; n++) yield* queue.put([producer, n]);
          });
        }
        for (let i = 0; i < 3; i++) {
          group.createTask(function* () {
            for (let n = 0; n < 50; n++) seen.push(yield* queue.get());
          });
        }
      });
      for (const producer of [0, 1, 2]) {
        const items = seen.filter((item) => item[0] === producer).map((item) => item[1]);
        assertEquals(items, Array.from({ length: 50 }, (_, n) => n));
      }
      assertEquals(queue.statistics(), { ...IDLE, unfinished: 150 });
    },
  );
}

loopTest("a task that loops on a queue which is never empty gives turns to the others", function* ({ log }) {
  const queue = new Queue<number>();
  let stopped = false;
  const loop = createTask(function* () {
    let count = 0;
    for (; !stopped && count < 1_000_000; count++) {
      queue.putNowait(count);
      yield* queue.get();
    }
    return count;
  });
  const other = createTask(function* () {
    for (let i = 0; i < 3; i++) {
      log.push(i);
      yield* sleep(0);
    }
    stopped = true;
  });
  yield* other;
  assertEquals(log, [0, 1, 2]);
  assert((yield* loop) < 1_000_000);
});

loopTest("a task that loops on a queue which is never full gives turns to the others", function* () {
  const queue = new Queue<number>();
  let stopped = false;
  const loop = createTask(function* () {
    while (!stopped && queue.qsize() < 1_000_000) yield* queue.put(0);
  });
  yield* turns(3);
  stopped = true;
  yield* loop;
  assert(queue.qsize() < 1_000_000);
});

loopTest("get() and put() work with plain yield, whether or not they wait", function* () {
  const queue = new Queue<number>(1);
  const getter = createTask(function* (): Generator<unknown, unknown[], unknown> {
    return [yield queue.get(), yield queue.get(), yield queue.get()];
  });
  const putter = createTask(function* (): Generator<unknown, unknown, unknown> {
    yield queue.put(1);
    yield queue.put(2);
    return yield queue.put(3);
  });
  assertEquals([yield* getter, yield* putter], [[1, 2, 3], undefined]);
});

loopTest("tasks and bare coroutines wait in one queue", function* () {
  const queue = new Queue<string>();
  const first = createTask(queue.get());
  const second = new Coro(function* () {
    return yield* queue.get();
  });
  const third = createTask(queue.get());
  yield* sleep(0);
  for (const item of ["a", "b", "c"]) queue.putNowait(item);
  assertEquals([yield* first, yield* second.finish(), yield* third], ["a", "b", "c"]);
});

loopTest("branches of all() get and put side by side", function* () {
  const queue = new Queue<number>(1);
  const got = yield* all(queue.get(), queue.put(1), queue.get(), queue.put(2));
  // The second get() finds the item before the first one, which was woken for it, has its turn.
  assertEquals(got, [2, undefined, 1, undefined]);
});

loopTest("get() and put() do nothing until they are yielded", function* () {
  const queue = new Queue<number>();
  queue.put(1);
  queue.get();
  yield* sleep(0);
  assertEquals(queue.statistics(), IDLE);
});

loopTest("undefined and null are items like others", function* () {
  for (const queue of [new Queue<unknown>(), new LifoQueue<unknown>(), new PriorityQueue<unknown>()]) {
    queue.putNowait(undefined);
    queue.putNowait(undefined);
    assertEquals([queue.qsize(), yield* queue.get(), queue.getNowait(), queue.empty()], [
      2,
      undefined,
      undefined,
      true,
    ]);
    queue.putNowait(null);
    assertEquals(queue.getNowait(), null);
  }
});

Deno.test("a queue that was made outside a loop serves several loops one after the other", async () => {
  const queue = new Queue<number>();
  queue.putNowait(1);
  assertEquals(await run(queue.get()), 1);
  await run(queue.put(2));
  assertEquals([await run(queue.get()), queue.statistics()], [2, { ...IDLE, unfinished: 2 }]);
});
