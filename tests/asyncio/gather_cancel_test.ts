/** Cancelling gather(), its children, and the task that awaits it. */
import { CancelledError, createTask, gather, shield, sleep, type Task } from "@asyncoro/asyncoro/asyncio";
import { assertEquals, assertInstanceOf } from "@std/assert";
import { loopTest } from "./loop_lab.ts";
import { errorOf, stateOf, textOf } from "./outcomes.ts";

const sleepers = (...seconds: number[]): Task<string>[] => seconds.map((n) => createTask(sleep(n, `slept ${n}`)));

loopTest("cancelling a gather() cancels its children, and it ends when they have", function* () {
  const children = sleepers(10, 20);
  const gathered = gather(children);
  yield* sleep(1);
  assertEquals([gathered.cancel("all"), gathered.done()], [true, false]);
  assertEquals(textOf(yield* errorOf(gathered)), "cancelled: all");
  assertEquals(children.map(stateOf), ["cancelled: all", "cancelled: all"]);
});

loopTest("a gather() that was cancelled has failed with a CancelledError", function* () {
  const gathered = gather(sleepers(10));
  gathered.cancel();
  yield* errorOf(gathered);
  // As in CPython: it says what became of its children.
  assertEquals(gathered.cancelled(), false);
  assertInstanceOf(gathered.exception(), CancelledError);
});

loopTest("a gather() whose children are done, or that is done, cannot be cancelled", function* () {
  const [quick, slow] = sleepers(1, 9);
  const failing = createTask(function* () {
    throw new Error("failed");
  });
  const failed = gather(slow, failing);
  assertEquals(yield* gather(quick), ["slept 1"]);
  yield* errorOf(failed);
  assertEquals([failed.cancel(), gather(quick).cancel(), slow.cancelling()], [false, false, 0]);
  yield* slow;
});

loopTest("children that are done already keep their results", function* () {
  const children = sleepers(1, 10);
  const gathered = gather(children);
  yield* sleep(2);
  gathered.cancel();
  yield* errorOf(gathered);
  assertEquals(children.map(stateOf), ["gave slept 1", "cancelled"]);
});

loopTest("cancelling a child fails the whole and leaves the others alone", function* () {
  const children = sleepers(10, 2, 10);
  const gathered = gather(children);
  yield* sleep(1);
  children[0].cancel("one");
  assertEquals(textOf(yield* errorOf(gathered)), "cancelled: one");
  assertEquals(gathered.cancelled(), false);
  assertEquals(children.map(stateOf), ["cancelled: one", "pending", "pending"]);
  yield* children[1];
  children[2].cancel();
  yield* errorOf(children[2]);
});

loopTest("with returnExceptions, a child that was cancelled is a result like any", function* () {
  const children = sleepers(10, 2);
  const gathered = gather(children, { returnExceptions: true });
  yield* sleep(1);
  children[0].cancel();
  const [first, second] = yield* gathered;
  assertInstanceOf(first, CancelledError);
  assertEquals(second, "slept 2");
});

loopTest("with returnExceptions, cancelling the whole still fails it", function* () {
  const gathered = gather(sleepers(10, 10), { returnExceptions: true });
  yield* sleep(1);
  gathered.cancel();
  assertEquals(textOf(yield* errorOf(gathered)), "cancelled");
});

loopTest("a child that ignores its cancellation does not keep a cancelled gather() from failing", function* () {
  const stubborn = createTask(function* () {
    try {
      yield* sleep(10);
    } catch {
      yield* sleep(1);
      return "refused";
    }
  });
  const gathered = gather(stubborn);
  yield* sleep(1);
  gathered.cancel();
  assertEquals([textOf(yield* errorOf(gathered)), stateOf(stubborn)], ["cancelled", "gave refused"]);
});

loopTest("cancelling a task that awaits a gather() cancels the children", function* () {
  const children = sleepers(10, 10);
  const task = createTask(function* () {
    return yield* gather(children);
  });
  yield* sleep(1);
  task.cancel("down");
  assertEquals(textOf(yield* errorOf(task)), "cancelled: down");
  assertEquals(children.map((child) => [stateOf(child), child.cancelling()]), [
    ["cancelled: down", 1],
    ["cancelled: down", 1],
  ]);
});

loopTest("a task that is cancelled while the children of its gather() end is cancelled once they have", function* () {
  const [child] = sleepers(1);
  const task = createTask(function* () {
    yield* gather(child);
  });
  // Its only child is done, the gather() will be in the same iteration.
  child.addDoneCallback(() => task.cancel());
  assertEquals([textOf(yield* errorOf(task)), stateOf(child)], ["cancelled", "gave slept 1"]);
});

loopTest("two cancellations of a task that awaits a gather() leave no error behind", function* () {
  const children = sleepers(10, 10);
  const task = createTask(function* () {
    yield* gather(children);
  });
  yield* sleep(1);
  task.cancel();
  yield* sleep(0);
  task.cancel();
  yield* errorOf(task);
  assertEquals([task.cancelling(), children.map(stateOf)], [2, ["cancelled", "cancelled"]]);
});

loopTest("cancelling goes down through nested gathers", function* () {
  const children = sleepers(10, 10, 10);
  const gathered = gather(gather(children[0], children[1]), gather(gather(children[2])));
  yield* sleep(1);
  gathered.cancel("deep");
  yield* errorOf(gathered);
  assertEquals(children.map(stateOf), Array(3).fill("cancelled: deep"));
});

loopTest("children behind a shield survive the cancellation of the gather()", function* () {
  const children = sleepers(2, 3);
  const gathered = gather(children.map((child) => shield(child)));
  yield* sleep(1);
  gathered.cancel();
  assertEquals(textOf(yield* errorOf(gathered)), "cancelled");
  assertEquals(children.map(stateOf), ["pending", "pending"]);
  assertEquals(yield* gather(children), ["slept 2", "slept 3"]);
});

loopTest("a gather() behind a shield goes on when the shield is cancelled", function* () {
  const children = sleepers(2, 3);
  const gathered = gather(children);
  const outer = shield(gathered);
  yield* sleep(1);
  outer.cancel();
  assertEquals([outer.cancelled(), gathered.done()], [true, false]);
  assertEquals(yield* gathered, ["slept 2", "slept 3"]);
});

loopTest("coroutines that a cancelled gather() runs clean up", function* ({ log }) {
  function* body(name: string) {
    try {
      yield* sleep(10);
    } finally {
      yield* sleep(1);
      log.push(name);
    }
  }
  const gathered = gather(body("one"), body("two"));
  yield* sleep(1);
  gathered.cancel();
  yield* errorOf(gathered);
  yield* sleep(1);
  assertEquals(log, ["one", "two"]);
});
