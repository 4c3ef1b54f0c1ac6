/**
 * Subroutines on the coroutine's own stack: depth, errors, unwinding, and `error.stack`.
 */
import { call, type Operation, Scheduler, sleep } from "@asyncoro/asyncoro";
import { assert, assertEquals, assertMatch, assertRejects, assertStrictEquals, assertThrows } from "@std/assert";
import { inLab } from "../helpers/lab.ts";

const DEPTH = 20_000;

Deno.test("a subroutine may be called 20,000 deep, by both spellings", () =>
  inLab(async ({ scheduler }) => {
    function* sum(n: number, spelling: string): Generator<unknown, number, unknown> {
      if (n === 0) {
        yield;
        return 0;
      }
      if (spelling === "call") return n + (yield* call(sum(n - 1, spelling)));
      if (spelling === "call, plain") return n + ((yield call(sum(n - 1, spelling))) as number);
      return n + ((yield sum(n - 1, spelling)) as number);
    }
    for (const spelling of ["call", "call, plain", "yield"]) {
      const coro = scheduler.spawn(function* () {
        return yield* call(sum(DEPTH, spelling));
      });
      assertEquals(await coro.value(), DEPTH * (DEPTH + 1) / 2);
    }
  }));

Deno.test("an error goes through 20,000 frames, each of which may clean up", () =>
  inLab(async ({ scheduler }) => {
    let cleaned = 0;
    const boom = new Error("boom");
    function* dive(n: number): Generator<unknown, void, unknown> {
      try {
        if (n === 0) throw boom;
        if (n % 2 === 0) yield dive(n - 1);
        else yield* call(dive(n - 1));
      } finally {
        cleaned++;
      }
    }
    const coro = scheduler.spawn(function* () {
      yield dive(DEPTH);
    });
    assertStrictEquals(await coro.value().catch((error) => error), boom);
    assertEquals(cleaned, DEPTH + 1);
  }));

Deno.test("a termination unwinds 20,000 frames, innermost first", () =>
  inLab(async ({ scheduler }) => {
    const order: number[] = [];
    function* dive(n: number): Generator<unknown, void, unknown> {
      try {
        if (n === 0) yield* sleep(100);
        else yield* call(dive(n - 1));
      } finally {
        if (n % 100 === 0) yield;
        order.push(n);
      }
    }
    const coro = scheduler.spawn(function* () {
      yield dive(DEPTH);
    });
    scheduler.spawn(function* () {
      yield* sleep(1);
      coro.terminate();
    });
    await coro.value();
    assertEquals(order, Array.from({ length: DEPTH + 1 }, (_, n) => n));
  }));

Deno.test("an error is caught by the first frame that catches, and the stack continues from there", () =>
  inLab(async ({ scheduler, log }) => {
    function* frame(n: number): Generator<unknown, string, unknown> {
      try {
        if (n === 0) throw new Error("boom");
        return yield* call(frame(n - 1));
      } catch (error) {
        log.push(`${n} caught`);
        if (n < 2) throw error;
        const next: string = yield* call((function* () {
          yield* sleep(1);
          return "after";
        })());
        return `${n} ${next}`;
      }
    }
    const coro = scheduler.spawn(function* () {
      const result = yield* call(frame(4));
      yield;
      return result;
    });
    assertEquals(await coro.value(), "2 after");
    assertEquals(log, ["0 caught", "1 caught", "2 caught"]);
  }));

Deno.test("a switch deep inside gives others a turn and comes back to the same place", () =>
  inLab(async ({ scheduler, log }) => {
    function* deep(name: string, n: number): Generator<unknown, void, unknown> {
      if (n > 0) return yield* call(deep(name, n - 1));
      for (let i = 0; i < 2; i++) {
        log.push(`${name}${i}`);
        yield;
      }
    }
    for (const name of ["a", "b"]) {
      scheduler.spawn(function* () {
        yield deep(name, 100);
        log.push(`${name} back`);
      });
    }
    await scheduler.join();
    assertEquals(log, ["a0", "b0", "a1", "b1", "a back", "b back"]);
  }));

Deno.test("call takes a generator object and refuses anything else at the call", () => {
  function* target(): Generator<unknown, void, unknown> {}
  const wrong: [unknown, string][] = [
    [target, "the generator function 'target', call the function to get its generator object"],
    [undefined, "undefined"],
    [5, "5"],
    [[][Symbol.iterator](), "an object of Array Iterator"],
    [(async function* () {})(), "an object of AsyncGenerator"],
  ];
  for (const [value, words] of wrong) {
    const error = assertThrows(() => call(value as Generator<unknown, void, unknown>), TypeError);
    assertEquals(
      error.message,
      `Cannot run a subroutine as call() takes a generator object: current value is ${words}`,
    );
  }
});

Deno.test("a generator object that has ended gives undefined", () =>
  inLab(async ({ scheduler }) => {
    await scheduler.spawn(function* () {
      const body = (function* () {
        yield;
        return 1;
      })();
      assertEquals(yield* call(body), 1);
      assertEquals(yield* (call(body) as Operation<unknown>), undefined);
      assertEquals(yield body, undefined);
    }).value();
  }));

Deno.test("the stack of an error has the call sites of the callers and the coroutine's name and id", () =>
  inLab(async ({ scheduler }) => {
    function* innermost(): Generator<unknown, void, unknown> {
      yield* sleep(1);
      throw new Error("boom");
    }
    function* viaCall(): Generator<unknown, void, unknown> {
      yield* call(innermost());
    }
    function* viaDelegation(): Generator<unknown, void, unknown> {
      yield* viaCall();
    }
    function* viaYield(): Generator<unknown, void, unknown> {
      yield viaDelegation();
    }
    const coro = scheduler.spawnWith({ name: "worker" }, function* outermost() {
      yield* call(viaYield());
    });
    const error = await coro.value().catch((error) => error) as Error;
    const lines = error.stack!.split("\n").map((line) => line.trim());
    const here = /call_test\.[jt]s:\d+:\d+/;
    const places = lines.filter((line) => here.test(line)).map((line) => line.match(/at (?:Generator\.)?(\w+)/)?.[1]);
    assertEquals(lines[0], "Error: boom");
    assertEquals(places.filter((name) => name !== "next" && name !== "throw"), [
      "innermost",
      "viaCall",
      "outermost",
    ], error.stack);
    assert(lines.some((line) => line.startsWith("at a plain yield")), error.stack);
    assertEquals(lines.at(-1), `in coroutine worker/${coro.id}`);
  }));

Deno.test("frozen errors, errors without a stack and other values pass unchanged", () =>
  inLab(async ({ scheduler }) => {
    const noStack = new Error("no stack");
    delete noStack.stack;
    for (const thrown of [Object.freeze(new Error("frozen")), noStack, "a string", null, 5, { a: 1 }]) {
      const coro = scheduler.spawn(function* () {
        yield (function* () {
          yield* call((function* () {
            yield;
            throw thrown;
          })());
        })();
      });
      const caught = await coro.value().then(() => "no error", (error: unknown) => error);
      assertStrictEquals(caught, thrown);
    }
  }));

Deno.test("the stack is labelled once, even if the error passes through several coroutines", () =>
  inLab(async ({ scheduler }) => {
    const inner = scheduler.spawnWith({ name: "inner" }, function* () {
      yield;
      throw new Error("boom");
    });
    const outer = scheduler.spawnWith({ name: "outer" }, function* () {
      yield* inner.finish();
    });
    const error = await outer.value().catch((error) => error) as Error;
    assertEquals(error.stack!.match(/in coroutine/g)!.length, 1);
    assertMatch(error.stack!, /in coroutine inner\/\d+$/);
  }));

Deno.test("stack traces of 20,000 callers stay short", async () => {
  const scheduler = new Scheduler();
  function* dive(n: number): Generator<unknown, void, unknown> {
    if (n === 0) throw new Error("deep");
    yield* call(dive(n - 1));
  }
  const coro = scheduler.spawn(function* () {
    yield dive(DEPTH);
  });
  const error = await assertRejects(() => coro.value(), Error, "deep");
  assert(error.stack!.length < 10_000);
});
