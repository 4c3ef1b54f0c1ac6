/**
 * Uncaught errors: where they are thrown, and that an unhandled one is reported exactly once.
 */
import { call, type Coro, MonitorException, race, Scheduler, sleep } from "@asyncoro/asyncoro";
import { runVirtual } from "@asyncoro/asyncoro/testing";
import { assert, assertEquals, assertInstanceOf, assertMatch, assertStrictEquals } from "@std/assert";
import { inLab, settle } from "../helpers/lab.ts";
import { runProgram } from "../helpers/program.ts";

Deno.test("an uncaught error is rethrown, the same object, by every finish and value", () =>
  inLab(async ({ scheduler }) => {
    const boom = new Error("boom");
    const failing = scheduler.spawn(function* () {
      yield* sleep(1);
      throw boom;
    });
    const finishers = [1, 2, 3].map(() =>
      scheduler.spawn(function* () {
        try {
          yield* failing.finish();
        } catch (error) {
          return error;
        }
      })
    );
    const values = [failing.value(), failing.value(5)].map((promise) => promise.catch((error) => error));
    const caught = await Promise.all([...values, ...finishers.map((coro) => coro.value())]);
    caught.push(await failing.value().catch((error) => error), await failing.value(0).catch((error) => error));
    assertEquals(caught.length, 7);
    for (const error of caught) assertStrictEquals(error, boom);
  }));

Deno.test("an unhandled error is reported once, to onError, with the coroutine, and the others go on", () =>
  inLab(async ({ scheduler, log }) => {
    const boom = new Error("boom");
    const got: unknown[][] = [];
    scheduler.onError = (error, coro) => got.push([error, coro, coro.isAlive(), Scheduler.curCoro()]);
    const failing = scheduler.spawn(function* () {
      yield;
      throw boom;
    });
    scheduler.spawn(function* () {
      for (let i = 0; i < 3; i++) {
        log.push(`other ${i}`);
        yield;
      }
    });
    await scheduler.join();
    await settle();
    assertEquals(got.length, 1);
    assertStrictEquals(got[0][0], boom);
    assertStrictEquals(got[0][1], failing);
    assertEquals(got[0].slice(2), [false, null]);
    assertEquals(log, ["other 0", "other 1", "other 2"]);
    assertStrictEquals(await failing.value().catch((error) => error), boom);
    assertEquals(got.length, 1);
  }));

Deno.test("an error is not reported when value() or finish() waits, or a monitor is set", () =>
  inLab(async ({ scheduler }) => {
    const fail = function* (): Generator<unknown, void, unknown> {
      yield* sleep(1);
      throw new Error("taken");
    };
    await scheduler.spawn(fail).value().catch(() => {});
    const finished = scheduler.spawn(fail);
    await scheduler.spawn(function* () {
      try {
        yield* finished.finish();
      } catch {
        // Handled.
      }
    }).value();
    const raced = scheduler.spawn(fail);
    await scheduler.spawn(function* () {
      try {
        yield* race(raced, sleep(5));
      } catch {
        // Handled.
      }
    }).value();
    const monitored = scheduler.spawn(fail);
    const message = await scheduler.spawn(function* (coro) {
      yield* coro.monitor(monitored);
      return yield* coro.receive<MonitorException>();
    }).value();
    assertInstanceOf(message, MonitorException);
    assertEquals((message as MonitorException).outcome.kind, "throw");
    await settle();
  }));

Deno.test("an error is handled if a wait for it begins in the same turn", () =>
  inLab(async ({ scheduler }) => {
    let failing: Coro | null = null;
    const asker = scheduler.spawn(function* () {
      failing = scheduler.spawn(function* () {
        throw new Error("taken in time");
      });
      yield;
      assertEquals(failing.isAlive(), false);
      try {
        yield* failing.finish();
      } catch (error) {
        return (error as Error).message;
      }
    });
    const result = await asker.value();
    assertEquals(result, "taken in time");
  }));

Deno.test("a waiter that timed out before the failure has not handled it", () =>
  inLab(async (lab) => {
    const failing = lab.scheduler.spawn(function* () {
      yield* sleep(5);
      throw new Error("late failure");
    });
    await failing.value(1).catch(() => {});
    await lab.scheduler.spawn(function* () {
      yield* race(failing, sleep(1));
    }).value();
    await lab.scheduler.join();
    assertEquals(lab.takeReported(), ["late failure"]);
  }));

Deno.test("errors of any value are reported, undefined too", () =>
  inLab(async ({ scheduler }) => {
    const got: unknown[] = [];
    scheduler.onError = (error) => got.push(error);
    for (const thrown of [undefined, null, 0, "text", { a: 1 }]) {
      scheduler.spawn(function* () {
        throw thrown;
      });
    }
    await scheduler.join();
    assertEquals(got, [undefined, null, 0, "text", { a: 1 }]);
  }));

Deno.test("an onError hook may spawn, and one that throws has no other effect", async () => {
  const scheduler = new Scheduler();
  const printed: string[] = [];
  const original = console.error;
  console.error = (...parts: unknown[]) => void printed.push(parts.map(String).join(" "));
  try {
    let repaired = false;
    scheduler.onError = (error) => {
      scheduler.spawn(function* () {
        yield;
        repaired = true;
      });
      if ((error as Error).message === "two") throw new Error("the hook failed");
    };
    for (const name of ["one", "two", "three"]) {
      scheduler.spawnWith({ name }, function* () {
        throw new Error(name);
      });
    }
    await scheduler.join();
    await scheduler.join();
    assertEquals(repaired, true);
  } finally {
    console.error = original;
  }
  assertEquals(printed.length, 2);
  assertMatch(printed[0], /^Uncaught error in coroutine two\/\d+: Error: two/);
  assertMatch(printed[1], /^Error in the onError hook: Error: the hook failed/);
  await scheduler.terminate();
});

Deno.test("without a hook an error goes to stderr once, with name, id and logical stack, and the process goes on", async () => {
  const { code, stdout, stderr } = await runProgram(`
    import { call, Coro, Scheduler, sleep } from "@asyncoro/asyncoro";
    function* inner() {
      yield* sleep(0.01);
      throw new Error("boom", { cause: new Error("the cause") });
    }
    const coro = new Coro(function* worker() { yield* call(inner()); });
    new Coro(function* () { yield* sleep(0.03); console.log("the others went on"); });
    await Scheduler.instance().join();
    await new Promise((resolve) => setTimeout(resolve, 20));
    console.log(coro.isAlive());
  `);
  assertEquals([code, stdout], [0, "the others went on\nfalse\n"]);
  assertEquals(stderr.match(/boom/g)?.length, 1, stderr);
  assertMatch(stderr, /^Uncaught error in coroutine worker\/\d+: Error: boom\n/);
  assertMatch(stderr, /at inner .*program\w*\.m?[jt]s:5/);
  assertMatch(stderr, /at worker .*program\w*\.m?[jt]s:7/);
  assertMatch(stderr, /in coroutine worker\/\d+\n/);
  assertMatch(stderr, /Caused by: Error: the cause/);
  assert(!stderr.includes("core/"), stderr);
});

Deno.test("the stack of an error shows the program's frames and not the run loop's", async () => {
  const error = await runVirtual(function* program(coro) {
    function* thrower(): Generator<unknown, void, unknown> {
      yield* coro.sleep(1);
      coro.sleep("soon" as unknown as number);
    }
    yield* call(thrower());
  }).catch((error) => error);
  const lines: string[] = error.stack.split("\n").slice(1);
  const frames = lines.map((line) => line.trim().split(" (")[0]).filter((frame) =>
    !/^at (thrower\.)?next$/.test(frame)
  );
  assertEquals(frames.slice(-3), ["at thrower", "at program", "in coroutine program/1"]);
  assertEquals(error.stack.match(/\/core\/(fiber|run_loop|host_driver)\.[jt]s/g), null);
});

Deno.test("at the end of a coroutine monitors are notified first, then finish and value end", () =>
  inLab(async ({ scheduler, log }) => {
    const coro = scheduler.spawn(function* () {
      yield* sleep(1);
      return "result";
    });
    scheduler.spawn(function* () {
      yield* coro.finish();
      log.push("finish");
    });
    scheduler.spawn(function* (self) {
      yield* self.monitor(coro);
      yield* self.receive();
      log.push("monitor");
    });
    const value = coro.value().then(() => log.push("value"));
    await scheduler.join();
    await value;
    assertEquals(log, ["monitor", "finish", "value"]);
    assert(!coro.isAlive());
  }));
