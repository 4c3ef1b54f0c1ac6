/** Gathering: results in their order, failures, and what can be gathered. */
import { Coro } from "@asyncoro/asyncoro";
import { createTask, gather, newEventLoop, sleep, Task } from "@asyncoro/asyncoro/asyncio";
import { assert, assertEquals, assertRejects, assertStrictEquals, assertThrows } from "@std/assert";
import { inLoop, loopTest } from "./loop_lab.ts";
import { errorOf, stateOf, textOf } from "./outcomes.ts";

function* fails(after: number, message = "failed"): Generator<unknown, string, unknown> {
  yield* sleep(after);
  throw new Error(message);
}

loopTest("gather() returns the results in the order of its arguments, whichever is first", function* () {
  const gathered = gather(sleep(3, "slow"), sleep(1, "quick"), sleep(2, "middle"));
  const [slow, quick, middle]: [string, string, string] = yield* gathered;
  assertEquals([slow, quick, middle], ["slow", "quick", "middle"]);
});

loopTest("gather() takes a list, or the awaitables one by one, with options last", function* () {
  const three = () => [sleep(1, 1), sleep(1, 2), sleep(1, 3)] as const;
  assertEquals(yield* gather(three()), [1, 2, 3]);
  assertEquals(yield* gather(...three()), [1, 2, 3]);
  assertEquals(yield* gather(three(), { returnExceptions: true }), [1, 2, 3]);
});

loopTest("gather() runs its coroutines side by side", function* ({ loop }) {
  const start = loop.time();
  yield* gather(Array.from({ length: 100 }, () => sleep(1)));
  assertEquals(loop.time() - start, 1);
});

loopTest("gather() takes whatever can be awaited", function* ({ loop }) {
  const future = loop.createFuture<string>();
  loop.callLater(1, () => future.setResult("future"));
  function* body() {
    yield* sleep(1);
    return "generator";
  }
  const results = yield* gather(
    future,
    createTask(sleep(1, "task")),
    Promise.resolve("promise"),
    body(),
    body,
    sleep(1, "operation"),
    new Coro(function* () {
      return "coro";
    }),
  );
  assertEquals(results, ["future", "task", "promise", "generator", "generator", "operation", "coro"]);
});

loopTest("gather() of what is given twice runs it once and gives its result twice", function* ({ log }) {
  function* body() {
    yield* sleep(1);
    log.push("ran");
    return log.length;
  }
  const [object, other] = [body(), body()];
  assertEquals(yield* gather(object, other, object, other, object), [1, 2, 1, 2, 1]);
  assertEquals(log.length, 2);
});

loopTest("gather() of nothing is done at once", function* () {
  const gathered = gather([]);
  assertEquals([gathered.done(), gathered.result()], [true, []]);
  assertEquals(yield* gather(), []);
});

loopTest("gather() of futures that are done is done at once", function* ({ loop }) {
  const futures = [1, 2].map((n) => {
    const future = loop.createFuture<number>();
    future.setResult(n);
    return future;
  });
  const gathered = gather(futures);
  assertEquals([gathered.done(), yield* gathered], [true, [1, 2]]);
});

loopTest("gather() of a future that has failed has failed at once", function* ({ loop }) {
  const failed = loop.createFuture();
  failed.setException(new Error("failed"));
  const gathered = gather([createTask(sleep(1)), failed]);
  assertEquals(stateOf(gathered), "failed");
  yield* sleep(1);
});

loopTest("the first failure fails the whole at once, and the others go on", function* ({ loop }) {
  const others = [createTask(sleep(5, "later")), createTask(sleep(1, "before"))];
  const gathered = gather(others[0], fails(2), others[1]);
  assertEquals(textOf(yield* errorOf(gathered)), "failed");
  assertEquals([loop.time(), others.map(stateOf)], [2, ["pending", "gave before"]]);
  assertEquals(yield* others[0], "later");
});

loopTest("the error of a gather() is the very error of its child", function* () {
  const error = new TypeError("this one");
  const gathered = gather([function* () {
    throw error;
  }]);
  assertStrictEquals(yield* errorOf(gathered), error);
});

loopTest("failures after the first are not reported", function* () {
  // They would be reported at the end of the test.
  assertEquals(textOf(yield* errorOf(gather(fails(1, "first"), fails(2, "second"), fails(3, "third")))), "first");
  yield* sleep(5);
});

loopTest("of failures in one iteration the first argument's is the one", function* () {
  assertEquals(textOf(yield* errorOf(gather(fails(1, "one"), fails(1, "two")))), "one");
  yield* sleep(1);
});

loopTest("with returnExceptions errors come back among the results, when all are done", function* ({ loop }) {
  const results = yield* gather([sleep(1, "value"), fails(2), sleep(3, "more")], { returnExceptions: true });
  assertEquals(results.map((each) => each instanceof Error ? textOf(each) : each), ["value", "failed", "more"]);
  assertEquals(loop.time(), 3);
});

loopTest("a promise that is rejected fails the whole", function* () {
  const gathered = gather(Promise.reject(new Error("rejected")), sleep(1));
  assertEquals(textOf(yield* errorOf(gathered)), "rejected");
  yield* sleep(1);
});

loopTest("gathers can be nested", function* () {
  const gathered = gather(gather(sleep(1, 1), sleep(2, 2)), gather([]), gather([gather(sleep(3, 3))]));
  assertEquals(yield* gathered, [[1, 2], [], [[3]]]);
});

loopTest("a failure goes up through nested gathers", function* () {
  const inner = gather(sleep(3, "inner"), fails(1));
  const gathered = gather(sleep(3, "outer"), inner);
  assertEquals([textOf(yield* errorOf(gathered)), stateOf(inner)], ["failed", "failed"]);
  yield* sleep(3);
});

loopTest("gather() begins nothing if something among it cannot be awaited", function* ({ log }) {
  function* body() {
    log.push("ran");
  }
  for (const wrong of [42, null, undefined, "text", {}]) {
    assertThrows(() => gather(body, wrong as never), TypeError, "Cannot await");
  }
  yield* sleep(1);
  assertEquals(log, []);
});

Deno.test("gather() outside a loop belongs to the loop of its futures", () =>
  inLoop(async ({ loop }) => {
    const tasks = [1, 2].map((n) => loop.createTask(sleep(n, n)));
    const gathered = gather(tasks);
    assertStrictEquals(gathered.getLoop(), loop);
    assertEquals(await loop.runUntilComplete(gathered), [1, 2]);
  }));

Deno.test("futures of two loops cannot be gathered", () =>
  inLoop(async ({ loop }) => {
    const other = newEventLoop();
    const [mine, theirs] = [new Task(sleep(0), { loop }), new Task(sleep(0), { loop: other })];
    assertThrows(() => gather(mine, theirs), RangeError, "belongs to another event loop");
    await loop.runUntilComplete(mine);
    await other.runUntilComplete(theirs);
    other.close();
  }));

Deno.test("the failure of a gather() that is not awaited is reported when the loop is closed", () =>
  inLoop(async (lab) => {
    gather([lab.loop.createTask(fails(0))]);
    await lab.iterate(6);
    lab.loop.close();
    const contexts = lab.takeContexts();
    assertEquals(contexts.map(({ message }) => message), [
      "Future exception was never retrieved: a failed future",
    ]);
    assert(contexts[0].exception instanceof Error);
  }));

Deno.test("an async function awaits a gather()", () =>
  inLoop(async ({ loop }) => {
    const tasks = [1, 2].map((n) => loop.createTask(sleep(n, n)));
    const seen = (async () => await gather(tasks))();
    const failing = gather(tasks[0], loop.createTask(fails(2)));
    const failed = assertRejects(async () => void await failing, Error, "failed");
    await loop.runUntilComplete(loop.createTask(sleep(3)));
    assertEquals(await seen, [1, 2]);
    await failed;
  }));
