/** Waiting for several without cancelling any. */
import {
  ALL_COMPLETED,
  createTask,
  FIRST_COMPLETED,
  FIRST_EXCEPTION,
  type Future,
  sleep,
  type Task,
  wait,
} from "@asyncoro/asyncoro/asyncio";
import { assertEquals, assertThrows } from "@std/assert";
import { loopTest } from "./loop_lab.ts";
import { errorOf, stateOf, textOf } from "./outcomes.ts";

const sleeper = (seconds: number): Task<number> => createTask(sleep(seconds, seconds));
const failing = (seconds: number): Task<never> =>
  createTask(function* () {
    yield* sleep(seconds);
    throw new Error(`failed ${seconds}`);
  });

loopTest("wait() returns two sets of the same futures, when all are done", function* ({ loop }) {
  const tasks = [sleeper(2), sleeper(1)];
  const [done, pending] = yield* wait(tasks);
  assertEquals([done, pending], [new Set(tasks), new Set()]);
  assertEquals(loop.time(), 2);
});

loopTest("wait() for the first goes on when one is done", function* ({ loop }) {
  const [quick, slow] = [sleeper(1), sleeper(2)];
  const [done, pending] = yield* wait([slow, quick], { returnWhen: FIRST_COMPLETED });
  assertEquals([done, pending, loop.time()], [new Set([quick]), new Set([slow]), 1]);
  assertEquals((yield* wait(pending))[0], new Set([slow]));
});

loopTest("wait() for the first returns all that are done by then", function* () {
  const tasks = [sleeper(1), sleeper(1), sleeper(2)];
  const [done, pending] = yield* wait(tasks, { returnWhen: FIRST_COMPLETED });
  assertEquals([done.size, pending.size], [2, 1]);
  yield* wait(pending);
});

loopTest("wait() for the first failure goes on when one has failed", function* ({ loop }) {
  const tasks = [sleeper(1), failing(2), sleeper(3)];
  const [done, pending] = yield* wait<Future>(tasks, { returnWhen: FIRST_EXCEPTION });
  assertEquals([done, pending, loop.time()], [new Set<Future>(tasks.slice(0, 2)), new Set<Future>([tasks[2]]), 2]);
  yield* tasks[2];
});

loopTest("wait() for the first failure waits for all if none fails, and a cancellation is none", function* ({ loop }) {
  const tasks = [sleeper(1), sleeper(2), sleeper(3)];
  loop.callLater(0.5, () => tasks[0].cancel());
  const [done, pending] = yield* wait(tasks, { returnWhen: FIRST_EXCEPTION });
  assertEquals([done.size, pending.size, loop.time()], [3, 0, 3]);
});

loopTest("wait() for all does not end with a failure", function* () {
  const tasks = [failing(1), sleeper(2)];
  const [done] = yield* wait<Future>(tasks, { returnWhen: ALL_COMPLETED });
  assertEquals([...done].map(stateOf), ["failed 1", "gave 2"]);
});

loopTest("wait() throws no error of what it waits for", function* () {
  const task = failing(1);
  const [done] = yield* wait([task]);
  assertEquals([...done], [task]);
  assertEquals(textOf(task.exception()), "failed 1");
});

loopTest("wait() goes on when time is up, without an error, and cancels nothing", function* ({ loop }) {
  const tasks = [sleeper(1), sleeper(9)];
  const [done, pending] = yield* wait(tasks, { timeout: 2 });
  assertEquals([done, pending, loop.time()], [new Set([tasks[0]]), new Set([tasks[1]]), 2]);
  assertEquals(tasks[1].cancelling(), 0);
  yield* tasks[1];
});

loopTest("wait() with no time checks once", function* () {
  const done = sleeper(0);
  yield* done;
  const slow = sleeper(1);
  for (const timeout of [0, -1]) {
    assertEquals(yield* wait([done, slow], { timeout }), [new Set([done]), new Set([slow])]);
  }
  yield* slow;
});

loopTest("wait() takes a duration as its limit, and none", function* ({ loop }) {
  const task = sleeper(5);
  yield* wait([task], { timeout: { milliseconds: 1500 } });
  assertEquals(loop.time(), 1.5);
  yield* wait([task], { timeout: null });
  assertEquals(loop.time(), 5);
});

loopTest("a limit that was not needed leaves no timer", function* ({ loop }) {
  yield* wait([sleeper(1)], { timeout: 100 });
  assertEquals(loop.scheduler.stats().timers, 0);
});

loopTest("wait() for futures that are done gives others a turn", function* ({ loop, log }) {
  const future = loop.createFuture();
  future.setResult(1);
  loop.callSoon(() => log.push("callback"));
  yield* wait([future]);
  assertEquals(log, ["callback"]);
});

loopTest("wait() takes any iterable, and one given twice once", function* () {
  const [one, two] = [sleeper(1), sleeper(2)];
  assertEquals((yield* wait(new Set([one, two])))[0].size, 2);
  assertEquals((yield* wait([one, two, one]))[0].size, 2);
  assertEquals((yield* wait([one, two].values()))[0].size, 2);
  assertEquals((yield* wait(new Map([["key", one]]).values()))[0].size, 1);
});

loopTest("wait() takes futures and tasks, and nothing else", function* () {
  function* body() {}
  assertThrows(() => wait([body()] as never), TypeError, "make a task of it with createTask()");
  assertThrows(() => wait([body] as never), TypeError, "make a task of it with createTask()");
  assertThrows(() => wait([Promise.resolve()] as never), TypeError, "ensureFuture()");
  assertThrows(() => wait([42] as never), TypeError, "each must be a future or a task: current value is 42");
  const task = sleeper(0);
  assertThrows(() => wait(task as never), TypeError, "takes several, in a list");
  assertThrows(() => wait(body() as never), TypeError, "takes several, in a list");
  assertThrows(() => wait(null as never), TypeError, "takes several, in a list");
  assertThrows(() => wait("text" as never), TypeError, "takes several, in a list");
  assertThrows(() => wait([]), RangeError, "there is none: give at least one");
  yield* task;
});

loopTest("wait() names what is wrong with its options", function* () {
  const task = sleeper(0);
  assertThrows(() => wait([task], { returnWhen: "SOON" as never }), TypeError, 'current value is "SOON"');
  assertThrows(() => wait([task], { timeout: "1s" as never }), TypeError, 'current value is "1s"');
  assertThrows(() => wait([task], { timeout: NaN }), TypeError);
  yield* task;
});

loopTest("cancelling the waiter does not cancel the futures that it waits for", function* ({ loop }) {
  const tasks = [sleeper(2), sleeper(3)];
  const waiter = createTask(function* () {
    yield* wait(tasks, { timeout: 100 });
  });
  yield* sleep(1);
  waiter.cancel();
  assertEquals(textOf(yield* errorOf(waiter)), "cancelled");
  assertEquals(tasks.map((task) => [stateOf(task), task.cancelling()]), [["pending", 0], ["pending", 0]]);
  assertEquals(loop.scheduler.stats().timers, 2);
  assertEquals((yield* wait(tasks))[0].size, 2);
});

loopTest("a wait() for the first failure within another ends with the failure of its inner task", function* ({ loop }) {
  const inner = createTask(function* () {
    const [done] = yield* wait<Future>([sleeper(5), failing(1)], { returnWhen: FIRST_EXCEPTION });
    for (const each of done) each.result();
  });
  const [done] = yield* wait<Future>([inner, sleeper(9)], { returnWhen: FIRST_EXCEPTION });
  assertEquals([...done].map(stateOf), ["failed 1"]);
  assertEquals(loop.time(), 1);
  yield* sleep(9);
});

loopTest("many tasks may wait for one", function* ({ log }) {
  const task = sleeper(1);
  const waiters = [1, 2, 3].map((n) =>
    createTask(function* () {
      yield* wait([task]);
      log.push(n);
    })
  );
  yield* wait(waiters);
  assertEquals(log, [1, 2, 3]);
});
