/** One after the other, as they are done. */
import { asCompleted, createTask, type Future, sleep, type Task, TimeoutError } from "@asyncoro/asyncoro/asyncio";
import { assert, assertEquals, assertInstanceOf, assertRejects, assertThrows } from "@std/assert";
import { inLoop, loopTest } from "./loop_lab.ts";
import { errorOf, stateOf, textOf } from "./outcomes.ts";

const sleeper = (seconds: number): Task<number> => createTask(sleep(seconds, seconds));

loopTest("asCompleted() yields the results in the order in which they come", function* (lab) {
  for (const next of asCompleted([sleep(3, "three"), sleep(1, "one"), sleep(2, "two")])) lab.at(yield* next);
  assertEquals(lab.log, ["1 one", "2 two", "3 three"]);
});

loopTest("asCompleted() runs everything from the start, also while one handles a result", function* ({ loop }) {
  const results: number[] = [];
  for (const next of asCompleted([sleeper(1), sleeper(2), sleeper(3)])) {
    results.push(yield* next);
    yield* sleep(1);
  }
  assertEquals([results, loop.time()], [[1, 2, 3], 4]);
});

loopTest("asCompleted() throws the error of what failed, and goes on with the others", function* () {
  function* fails() {
    yield* sleep(2);
    throw new Error("failed");
  }
  const seen: unknown[] = [];
  for (const next of asCompleted([sleep(3, "last"), fails(), sleep(1, "first")])) {
    try {
      seen.push(yield* next);
    } catch (error) {
      seen.push(textOf(error));
    }
  }
  assertEquals(seen, ["first", "failed", "last"]);
});

loopTest("asCompleted() throws that a task was cancelled", function* ({ loop }) {
  const [one, two] = [sleeper(5), sleeper(2)];
  loop.callLater(1, () => one.cancel("gone"));
  const [first, second] = asCompleted([one, two]);
  assertEquals([textOf(yield* errorOf(first)), yield* second], ["cancelled: gone", 2]);
});

loopTest("the waits of asCompleted() may be taken in any order: the first to wait gets the first result", function* () {
  const [a, b, c] = asCompleted([sleeper(1), sleeper(2), sleeper(3)]);
  const [third, first, second] = [c, a, b].map((next) => createTask(next));
  assertEquals([yield* third, yield* first, yield* second], [1, 2, 3]);
});

loopTest("asCompleted() takes one given twice once", function* () {
  const task = sleeper(1);
  function* body() {
    return yield* task;
  }
  const object = body();
  const results: number[] = [];
  for (const next of asCompleted([task, object, task, object])) results.push(yield* next);
  assertEquals(results, [1, 1]);
});

loopTest("asCompleted() takes whatever can be awaited, in any iterable", function* ({ loop }) {
  const future = loop.createFuture<string>();
  future.setResult("future");
  const several = new Set([future, Promise.resolve("promise"), sleep(1, "operation"), function* () {
    return "generator";
  }]);
  const results: unknown[] = [];
  for (const next of asCompleted(several)) results.push(yield* next);
  assertEquals(results.toSorted(), ["future", "generator", "operation", "promise"]);
});

loopTest("asCompleted() of nothing yields nothing", function* () {
  assertEquals([...asCompleted([])], []);
  assertEquals([...asCompleted([], { timeout: 5 })], []);
});

loopTest("when time is up, whatever is left throws TimeoutError and is not cancelled", function* ({ loop }) {
  const tasks = [sleeper(1), sleeper(5), sleeper(6)];
  const seen: unknown[] = [];
  for (const next of asCompleted(tasks, { timeout: 2 })) {
    try {
      seen.push(yield* next);
    } catch (error) {
      assertInstanceOf(error, TimeoutError);
      seen.push(loop.time());
    }
  }
  assertEquals([seen, tasks.map(stateOf)], [[1, 2, 2], ["gave 1", "pending", "pending"]]);
  yield* tasks[2];
});

loopTest("a limit that was not needed leaves no timer", function* ({ loop }) {
  for (const next of asCompleted([sleeper(1), sleeper(2)], { timeout: 100 })) yield* next;
  assertEquals([loop.time(), loop.scheduler.stats().timers], [2, 0]);
});

loopTest("a task that waits for the next result can be cancelled, and another gets the result", function* () {
  const [first, second] = asCompleted([sleeper(2), sleeper(5)]);
  const waiter = createTask(function* () {
    yield* first;
  });
  yield* sleep(1);
  waiter.cancel();
  assertEquals(textOf(yield* errorOf(waiter)), "cancelled");
  assertEquals(yield* second, 2);
  yield* sleep(5);
});

loopTest("asCompleted() can be iterated in several parts", function* () {
  const completions = asCompleted([sleeper(1), sleeper(2), sleeper(3)]);
  const results: number[] = [];
  for (const next of completions) {
    results.push(yield* next);
    break;
  }
  for (const next of completions) results.push(yield* next);
  assertEquals([results, [...completions]], [[1, 2, 3], []]);
});

loopTest(
  "asCompleted() refuses what is not a list, what cannot be awaited, and what is not a valid duration",
  function* ({ loop }) {
    for (const wrong of [sleep(1), loop.createFuture(), 42, null, "text"]) {
      assertThrows(() => asCompleted(wrong as never), TypeError, "takes a list");
    }
    assertThrows(() => asCompleted([42] as never), TypeError, "Cannot await 42");
    assertThrows(() => asCompleted([], { timeout: "1s" as never }), TypeError, 'current value is "1s"');
    yield* sleep(0);
  },
);

/** Runs an async function beside a loop that runs until it has ended. */
function inAsync(name: string, body: (loop: Parameters<Parameters<typeof inLoop>[0]>[0]["loop"]) => Promise<void>) {
  Deno.test(name, () =>
    inLoop(async ({ loop }) => {
      const end = loop.createFuture<void>();
      const ran = body(loop).finally(() => {
        end.setResult();
      });
      await loop.runUntilComplete(end);
      await ran;
    }));
}

inAsync("for await gives the very futures, each when it is done", async (loop) => {
  const tasks = [3, 1, 2].map((n) => loop.createTask(sleep(n, n)));
  const seen: Future[] = [];
  const completions = inside(loop, () => asCompleted(tasks));
  for await (const future of await completions) {
    assert(future.done());
    seen.push(future);
  }
  assertEquals(seen, [tasks[1], tasks[2], tasks[0]]);
});

inAsync("for await does not throw the error of what failed: its future has it", async (loop) => {
  const completions = inside(loop, () =>
    asCompleted([function* () {
      throw new Error("failed");
    }]));
  for await (const future of await completions) assertEquals(stateOf(future), "failed");
});

inAsync("for await throws TimeoutError when time is up", async (loop) => {
  const task = loop.createTask(sleep(5));
  const completions = await inside(loop, () => asCompleted([task], { timeout: 1 }));
  await assertRejects(async () => {
    for await (const _ of completions);
  }, TimeoutError);
  assertEquals(stateOf(task), "pending");
  await task;
});

/** Calls a function inside the loop. */
function inside<T>(loop: Parameters<Parameters<typeof inLoop>[0]>[0]["loop"], fn: () => T): Promise<T> {
  return new Promise((resolve, reject) =>
    void loop.callSoon(() => {
      try {
        resolve(fn());
      } catch (error) {
        reject(error);
      }
    })
  );
}
