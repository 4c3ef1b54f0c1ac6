/** Queue: waiting until every item has been processed. */
import { race, sleep as bareSleep } from "@asyncoro/asyncoro";
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
import { assertEquals, assertThrows } from "@std/assert";
import { loopTest } from "./loop_lab.ts";
import { outcomeOf, turns } from "./outcome.ts";

for (const Kind of [Queue, LifoQueue, PriorityQueue]) {
  const { name } = Kind;

  Deno.test(`${name}: taskDone() more often than items were put is an error`, () => {
    const queue = new Kind<number>();
    assertThrows(() => queue.taskDone(), RangeError, "Cannot count another item of a queue of 0 as done");
    queue.putNowait(1);
    queue.taskDone();
    assertThrows(() => queue.taskDone(), RangeError);
    assertEquals(queue.statistics(), { size: 1, getters: 0, putters: 0, unfinished: 0 });
  });

  loopTest(`${name}: join() of a queue into which nothing was put gives no task a turn`, function* (lab) {
    const queue = new Kind<number>();
    lab.loop.callSoon(lab.noting("others"));
    yield* queue.join();
    yield* queue.join();
    assertEquals(lab.log, []);
  });

  loopTest(`${name}: join() waits until workers have processed all items`, function* () {
    const queue = new Kind<number>();
    for (let n = 0; n < 100; n++) queue.putNowait(n);
    let sum = 0;
    let running = true;
    function* work() {
      while (running) {
        sum += yield* queue.get();
        queue.taskDone();
      }
    }
    yield* taskGroup(function* (group) {
      const workers = [group.createTask(work()), group.createTask(work())];
      yield* queue.join();
      assertEquals([sum, queue.statistics().unfinished], [4950, 0]);
      running = false;
      for (const _ of workers) queue.putNowait(0);
    });
  });
}

loopTest("an item that was taken still counts, until taskDone()", function* () {
  const queue = new Queue<number>();
  queue.putNowait(1);
  const join = createTask(queue.join());
  yield* queue.get();
  yield* sleep(1);
  assertEquals([join.done(), queue.statistics().unfinished], [false, 1]);
  queue.taskDone();
  yield* join;
});

loopTest("a putter that waits for room does not count until it has put its item", function* () {
  const queue = new Queue<number>(1);
  queue.putNowait(1);
  const putter = createTask(queue.put(2));
  yield* sleep(0);
  assertEquals(queue.statistics().unfinished, 1);
  queue.getNowait();
  queue.taskDone();
  yield* putter;
  assertEquals(queue.statistics().unfinished, 1);
});

loopTest("join() waits also for what is put while it waits", function* ({ loop }) {
  const queue = new Queue<number>();
  queue.putNowait(1);
  const join = createTask(queue.join());
  yield* sleep(0);
  queue.putNowait(2);
  queue.getNowait();
  queue.taskDone();
  yield* turns(2);
  assertEquals(join.done(), false);
  loop.callLater(1, () => {
    queue.getNowait();
    queue.taskDone();
  });
  yield* join;
  assertEquals(loop.time(), 1);
});

loopTest("all that wait in join() go on together, in the order in which they came", function* ({ log }) {
  const queue = new Queue<number>();
  queue.putNowait(1);
  const joins = [1, 2, 3].map((n) =>
    createTask(function* () {
      yield* queue.join();
      log.push(n);
    })
  );
  yield* sleep(0);
  queue.taskDone();
  // Those in join() were released, although there is something to do again.
  queue.putNowait(2);
  yield* gather(joins);
  assertEquals(log, [1, 2, 3]);
});

loopTest("join() can be cancelled and limited, without effect on the others", function* ({ loop }) {
  const queue = new Queue<number>();
  queue.putNowait(1);
  const [cancelled, patient] = [createTask(queue.join()), createTask(queue.join())];
  yield* sleep(0);
  cancelled.cancel();
  assertEquals(yield* outcomeOf(cancelled), "CancelledError");
  assertEquals(yield* outcomeOf(waitFor(queue.join(), 1)), "TimeoutError");
  yield* race(queue.join(), bareSleep(1));
  assertEquals([loop.time(), patient.done()], [2, false]);
  queue.taskDone();
  yield* patient;
});
