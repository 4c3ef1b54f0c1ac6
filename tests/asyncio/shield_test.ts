/** Protecting an awaitable from the cancellation of the task that awaits it. */
import { createTask, gather, shield, sleep } from "@asyncoro/asyncoro/asyncio";
import { assertEquals, assertNotStrictEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { inLoop, loopTest } from "./loop_lab.ts";
import { errorOf, stateOf, textOf } from "./outcomes.ts";

loopTest("shield() returns the result of what it shields", function* () {
  assertEquals(yield* shield(sleep(1, "slept")), "slept");
  assertEquals(
    yield* shield(function* () {
      return "generator";
    }),
    "generator",
  );
  assertEquals(yield* shield(Promise.resolve("promise")), "promise");
});

loopTest("shield() throws what it shields throws, the same object", function* ({ loop }) {
  const error = new Error("failed");
  const inner = loop.createFuture();
  const outer = shield(inner);
  inner.setException(error);
  assertStrictEquals(yield* errorOf(outer), error);
});

loopTest("a cancelled shield leaves what it shields alone", function* () {
  const inner = createTask(sleep(2, "slept"));
  const outer = shield(inner);
  yield* sleep(1);
  assertEquals(outer.cancel("only this"), true);
  assertEquals([stateOf(outer), stateOf(inner), inner.cancelling()], ["cancelled: only this", "pending", 0]);
  assertEquals(yield* inner, "slept");
});

loopTest("a shield is cancelled when what it shields is", function* ({ loop }) {
  const inner = loop.createFuture();
  const outer = shield(inner);
  inner.cancel();
  assertEquals(outer.done(), false);
  yield* errorOf(outer);
  assertEquals(outer.cancelled(), true);
});

loopTest("cancelling a task that awaits a shield ends the task and not what is shielded", function* () {
  const inner = createTask(sleep(3, "slept"));
  const task = createTask(function* () {
    return yield* shield(inner);
  });
  yield* sleep(1);
  task.cancel("down");
  assertEquals(textOf(yield* errorOf(task)), "cancelled: down");
  assertEquals([stateOf(inner), inner.cancelling()], ["pending", 0]);
  assertEquals(yield* inner, "slept");
});

loopTest("a task may cancel its wait for a shield and then wait for what is shielded", function* () {
  const task = createTask(function* () {
    const inner = createTask(sleep(3, "finished in any case"));
    try {
      return yield* shield(inner);
    } catch {
      return yield* inner;
    }
  });
  yield* sleep(1);
  task.cancel();
  assertEquals([yield* task, task.cancelling()], ["finished in any case", 1]);
});

loopTest("shield() of a future that is done is that future", function* ({ loop }) {
  const inner = loop.createFuture<string>();
  inner.setResult("done");
  assertStrictEquals(shield(inner), inner);
  const pending = loop.createFuture();
  assertNotStrictEquals(shield(pending), pending);
  pending.cancel();
  yield* sleep(0);
});

loopTest("a result and a cancellation of the shield in one iteration: the shield is cancelled", function* ({ loop }) {
  const inner = loop.createFuture<string>();
  const outer = shield(inner);
  inner.setResult("done");
  outer.cancel();
  assertEquals(textOf(yield* errorOf(outer)), "cancelled");
  assertEquals(stateOf(inner), "gave done");
});

loopTest("what fails in the iteration in which its shield is cancelled is not reported", function* ({ loop }) {
  const inner = loop.createFuture();
  const outer = shield(inner);
  inner.setException(new Error("seen by nobody"));
  outer.cancel();
  assertEquals(textOf(yield* errorOf(outer)), "cancelled");
});

Deno.test("what fails after its shield was cancelled is reported, unless it is retrieved", () =>
  inLoop(async (lab) => {
    await lab.run(function* () {
      const outer = shield(function* () {
        yield* sleep(2);
        throw new Error("lost");
      });
      yield* sleep(1);
      outer.cancel();
      yield* sleep(2);
    });
    lab.loop.close();
    assertEquals(lab.takeContexts().map(({ exception }) => textOf(exception)), ["lost"]);
  }));

loopTest("several shields of one task are independent", function* () {
  const inner = createTask(sleep(2, "slept"));
  const [one, two] = [shield(inner), shield(inner)];
  yield* sleep(1);
  one.cancel();
  assertEquals([yield* two, stateOf(one)], ["slept", "cancelled"]);
});

loopTest("shields can be nested", function* () {
  const inner = createTask(sleep(2, "slept"));
  const middle = shield(inner);
  const outer = shield(middle);
  yield* sleep(1);
  outer.cancel();
  assertEquals([outer, middle, inner].map(stateOf), ["cancelled", "pending", "pending"]);
  assertEquals(yield* gather(middle, inner), ["slept", "slept"]);
});

loopTest("shield() names what cannot be awaited", function* () {
  assertThrows(() => shield(42 as never), TypeError, "Cannot await 42");
  yield* sleep(0);
});
