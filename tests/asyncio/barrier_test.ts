/** Barrier: a number of tasks wait for each other. */
import { Coro, race, sleep as bareSleep } from "@asyncoro/asyncoro";
import { Barrier, createTask, gather, sleep, type Task, waitFor } from "@asyncoro/asyncoro/asyncio";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { loopTest } from "./loop_lab.ts";
import { errorOf, outcomeOf, turns } from "./outcome.ts";

const EMPTY = { waiters: 0, broken: false };

function together<T>(count: number, make: (n: number) => Generator<unknown, T, unknown>): Task<T>[] {
  return Array.from({ length: count }, (_, n) => createTask(make(n)));
}

Deno.test("a barrier is for one or more", () => {
  assertEquals(new Barrier(5).statistics(), { parties: 5, ...EMPTY });
  for (const parties of [0, -4, 1.5]) {
    assertThrows(
      () => new Barrier(parties),
      RangeError,
      `'parties' must be a positive integer: current value is ${parties}`,
    );
  }
  assertThrows(() => new Barrier("2" as never), TypeError, "'parties' must be a positive integer");
});

loopTest("each task that passes gets a different number, in the order in which they came", function* () {
  const barrier = new Barrier(3);
  const tasks = [1, 2, 3].map(() => createTask(barrier.wait()));
  assertEquals(yield* gather(tasks), [0, 1, 2]);
  assertEquals(barrier.statistics(), { parties: 3, ...EMPTY });
});

loopTest("a barrier for one lets each task pass, any number of times", function* (lab) {
  const barrier = new Barrier(1);
  lab.loop.callSoon(lab.noting("others"));
  assertEquals([yield* barrier.wait(), yield* barrier.wait()], [0, 0]);
  assertEquals(lab.log, []);
  const tasks = [createTask(barrier.wait()), createTask(barrier.wait())];
  yield* sleep(0);
  assertEquals(tasks.map((task) => task.done() && task.result()), [0, 0]);
  assertEquals(barrier.statistics(), { parties: 1, ...EMPTY });
});

loopTest("tasks that come one by one are counted, and go on when the last has come", function* ({ log }) {
  const barrier = new Barrier(3);
  const enter = (n: number) =>
    createTask(function* () {
      log.push([n, yield* barrier.wait()]);
    });
  const tasks: Task<void>[] = [];
  for (const n of [1, 2]) {
    tasks.push(enter(n));
    yield* sleep(1);
    assertEquals([barrier.nWaiting, log], [n, []]);
  }
  tasks.push(enter(3));
  yield* gather(tasks);
  assertEquals(log, [[3, 2], [1, 0], [2, 1]]);
  assertEquals(barrier.statistics(), { parties: 3, ...EMPTY });
});

loopTest("the same tasks pass twice, the second time when all have passed once", function* ({ log }) {
  const barrier = new Barrier(5);
  const places = yield* gather(together(5, function* () {
    yield* barrier.wait();
    log.push("first");
    const place = yield* barrier.wait();
    log.push("second");
    return place;
  }));
  assertEquals(log, [...Array(5).fill("first"), ...Array(5).fill("second")]);
  assertEquals(places.toSorted(), [0, 1, 2, 3, 4]);
  assertEquals(barrier.statistics(), { parties: 5, ...EMPTY });
});

loopTest("many rounds: no task is a round ahead of another", function* () {
  const barrier = new Barrier(4);
  const rounds = [0, 0, 0, 0];
  yield* gather(together(4, function* (n) {
    for (let round = 0; round < 25; round++) {
      if (n === round % 4) yield* sleep(1);
      yield* barrier.wait();
      rounds[n]++;
      assert(Math.max(...rounds) - Math.min(...rounds) <= 1, `${rounds}`);
    }
  }));
  assertEquals(rounds, [25, 25, 25, 25]);
});

loopTest("twice as many tasks as it is for pass in two groups", function* ({ log }) {
  const barrier = new Barrier(3);
  yield* gather(together(6, function* (n) {
    yield* barrier.wait();
    log.push(n < 3 ? "first group" : "second group");
  }));
  assertEquals(log.toSorted(), [...Array(3).fill("first group"), ...Array(3).fill("second group")]);
  assertEquals(barrier.nWaiting, 0);
});

loopTest("a task that comes while others leave waits for the next group", function* ({ log }) {
  const [barrier, start] = [new Barrier(5), new Barrier(3)];
  let again = 2;
  yield* gather(together(5, function* () {
    yield* barrier.wait();
    if (again-- > 0) {
      yield* barrier.wait();
      log.push("early");
    } else {
      yield* start.wait();
      log.push("late");
      yield* barrier.wait();
    }
  }));
  assertEquals(log.slice(0, 3), ["late", "late", "late"]);
  assertEquals([barrier.nWaiting, start.nWaiting], [0, 0]);
});

loopTest("no task counts as waiting while tasks leave the barrier", function* () {
  const barrier = new Barrier(2);
  const first = createTask(barrier.wait());
  yield* sleep(0);
  const last = createTask(barrier.wait());
  const late = createTask(barrier.wait());
  yield* sleep(0);
  assertEquals([last.done(), barrier.nWaiting], [true, 0]);
  yield* first;
  yield* turns(3);
  assertEquals([late.done(), barrier.nWaiting], [false, 1]);
  assertEquals([yield* barrier.wait(), yield* late], [1, 0]);
});

loopTest("a task that is cancelled while it waits no longer counts, and another takes its place", function* ({ log }) {
  const barrier = new Barrier(3);
  const enter = (n: number) =>
    createTask(function* () {
      yield* barrier.wait();
      log.push(n);
    });
  const [first, second] = [enter(1), enter(2)];
  yield* sleep(0);
  assertEquals(barrier.nWaiting, 2);
  first.cancel();
  yield* sleep(0);
  assertEquals(barrier.nWaiting, 1);
  assertEquals(yield* outcomeOf(first), "CancelledError");
  const third = enter(3);
  yield* sleep(0);
  assertEquals(barrier.nWaiting, 2);
  yield* gather(second, third, enter(4));
  assertEquals(log.toSorted(), [2, 3, 4]);
  assertEquals(barrier.statistics(), { parties: 3, ...EMPTY });
});

loopTest("a task that is cancelled while it leaves holds up neither the others nor the next group", function* () {
  const barrier = new Barrier(3);
  const waiting = [createTask(barrier.wait()), createTask(barrier.wait())];
  yield* sleep(0);
  yield* barrier.wait();
  waiting[0].cancel();
  assertEquals(yield* gather(waiting.map(outcomeOf)), ["CancelledError", 1]);
  assertEquals(yield* gather(barrier.wait(), barrier.wait(), barrier.wait()), [0, 1, 2]);
});

loopTest("when all tasks are cancelled while they leave, the next group passes", function* () {
  const barrier = new Barrier(3);
  const waiting = [createTask(barrier.wait()), createTask(barrier.wait())];
  yield* sleep(0);
  yield* barrier.wait();
  for (const task of waiting) task.cancel();
  assertEquals(yield* gather(waiting.map(outcomeOf)), ["CancelledError", "CancelledError"]);
  assertEquals(yield* gather(barrier.wait(), barrier.wait(), barrier.wait()), [0, 1, 2]);
});

loopTest("a task that comes late and is cancelled before the others have left does not hold them up", function* () {
  const barrier = new Barrier(2);
  const first = createTask(barrier.wait());
  yield* sleep(0);
  const [last, late] = [createTask(barrier.wait()), createTask(barrier.wait())];
  yield* sleep(0);
  late.cancel();
  assertEquals(yield* gather([first, last, late].map(outcomeOf)), [0, 1, "CancelledError"]);
  assertEquals(barrier.nWaiting, 0);
  assertEquals(yield* gather(barrier.wait(), barrier.wait()), [0, 1]);
});

loopTest("waitFor() and race() remove a losing wait from the barrier", function* ({ loop }) {
  const barrier = new Barrier(2);
  assertEquals(yield* outcomeOf(waitFor(barrier.wait(), 2)), "TimeoutError");
  yield* race(barrier.wait(), bareSleep(1));
  assertEquals([loop.time(), barrier.statistics()], [3, { parties: 2, ...EMPTY }]);
});

loopTest("tasks and bare coroutines wait for each other, with plain yield too", function* () {
  const barrier = new Barrier(3);
  const coro = new Coro(function* () {
    return yield* barrier.wait();
  });
  const plain = createTask(function* (): Generator<unknown, unknown, unknown> {
    return yield barrier.wait();
  });
  const main = yield* barrier.wait();
  assertEquals([main, yield* plain, yield* coro.finish()].toSorted(), [0, 1, 2]);
});

loopTest("a barrier that cannot be filled is a deadlock, and a callback can break it", function* ({ loop }) {
  const barrier = new Barrier(2);
  loop.callLater(1, () => void createTask(barrier.abort()));
  const error = yield* errorOf(barrier.wait());
  assertEquals(error?.name, "BrokenBarrierError");
  assertEquals(loop.time(), 1);
});
