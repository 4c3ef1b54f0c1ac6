/**
 * The result of a coroutine, and the values of what it yields.
 */
import { call, type Coro, run, sleep, until } from "@asyncoro/asyncoro";
import { run as runOnEdge } from "@asyncoro/asyncoro/edge";
import { runVirtual } from "@asyncoro/asyncoro/testing";
import { assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { inLab } from "../helpers/lab.ts";

/** Waits for ever, until it is terminated. */
function* stay(coro: Coro): Generator<unknown, void, unknown> {
  for (;;) yield* coro.receive();
}

Deno.test("the result is the return value, whatever was yielded", async () => {
  assertEquals(
    await run(function* () {
      yield "before";
      return "returned";
    }),
    "returned",
  );
  for (const value of [null, 0, "", false, NaN]) {
    assertEquals(
      await run(function* () {
        yield "before";
        return value;
      }),
      value,
    );
  }
});

Deno.test("without a return value the result is the value of the last yield", async () => {
  const cases: [string, (coro: Coro) => Generator<unknown, unknown, unknown>, unknown][] = [
    ["a plain value", function* () {
      yield 1;
      yield 7;
    }, 7],
    ["yield of nothing", function* () {
      yield 7;
      yield;
    }, undefined],
    ["an operation under yield*", function* (coro) {
      yield 1;
      yield* coro.sleep(0.01, "alarm");
    }, "alarm"],
    ["an operation under yield", function* (coro) {
      yield 1;
      yield coro.sleep(0.01, "alarm");
    }, "alarm"],
    ["an operation that does not wait", function* (coro) {
      yield* coro.sleep(0, "at once");
    }, "at once"],
    ["a promise", function* () {
      yield Promise.resolve("kept");
    }, "kept"],
    ["an operation of a helper under yield*", function* (coro) {
      yield* (function* () {
        yield* coro.sleep(0, "in");
      })();
    }, "in"],
    ["the return value of a subroutine", function* () {
      yield (function* () {
        yield 1;
        return 2;
      })();
    }, 2],
    ["the same with call", function* () {
      yield* call((function* () {
        yield 1;
        return 2;
      })());
    }, 2],
    ["a subroutine that returns nothing", function* () {
      yield 1;
      yield (function* () {
        yield 2;
      })();
    }, undefined],
    ["the same with call", function* () {
      yield 1;
      yield* call((function* () {
        yield* sleep(0);
        yield 2;
      })());
    }, undefined],
    ["no yield at all", function* () {}, undefined],
    ["null", function* () {
      yield null;
    }, null],
  ];
  for (const [name, target, expected] of cases) {
    assertEquals(await runVirtual(target), expected, name);
  }
});

Deno.test("a yield that threw does not count for the result", async () => {
  const result = await run(function* () {
    yield "kept";
    try {
      yield Promise.reject(new Error("no"));
    } catch {
      // The value of the yield before stays.
    }
  });
  assertEquals(result, "kept");
});

Deno.test("the result of a terminated coroutine is the value of its last yield", () =>
  inLab(async ({ scheduler, clock }) => {
    const coro = scheduler.spawn(function* (coro) {
      yield "last";
      try {
        yield* stay(coro);
      } finally {
        yield* coro.sleep(1, "of the cleanup");
      }
    });
    await clock.advance(1);
    assertEquals(coro.terminate(), true);
    assertEquals(await coro.value(), "last");
    assertEquals(clock.now() >= 2, true);
  }));

Deno.test("run() and value() do not wait for a promise that is only the value of the last yield", async () => {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  const thenables: [string, unknown][] = [
    ["a pending promise", new Promise(() => {})],
    ["a settled promise", Promise.resolve(1)],
    ["a thenable that never answers", { then: () => {} }],
    ["a function with a then", Object.assign(() => {}, { then: () => {} })],
    ["one that cannot be read", proxy],
  ];
  for (const [name, thenable] of thenables) {
    const receiving = function* (coro: Coro): Generator<unknown, void, unknown> {
      coro.send(thenable);
      yield* coro.receive();
    };
    for (const runs of [run, runVirtual, runOnEdge]) assertEquals(await runs(receiving), undefined, name);
    await inLab(async ({ scheduler }) => {
      const returned = scheduler.spawn(receiving);
      const terminated = scheduler.spawn(function* (coro) {
        yield* receiving(coro);
        yield* coro.sleep(60);
      });
      const values = [returned.value(), terminated.value(5)];
      await scheduler.spawn(function* (coro) {
        yield* coro.sleep(1);
        terminated.terminate();
        // In a coroutine, finish() returns the promise itself.
        assertStrictEquals(yield* returned.finish(), thenable, name);
      }).value();
      assertEquals(
        [...await Promise.all(values), await returned.value(), await returned.value(0)],
        Array(4).fill(undefined),
      );
    });
  }
});

Deno.test("run() and value() await a promise that is returned", async () => {
  const later = (value: string): Promise<string> => new Promise((resolve) => setTimeout(() => resolve(value), 1));
  assertEquals(
    await run(function* () {
      return later("later");
    }),
    "later",
  );
  await assertRejects(
    () =>
      run(function* (coro) {
        coro.send(1);
        yield* coro.receive();
        return Promise.reject(new Error("no"));
      }),
    Error,
    "no",
  );
});

Deno.test("the value of a yield in a subroutine is not the result, even when it is terminated there", () =>
  inLab(async ({ scheduler, clock }) => {
    const coro = scheduler.spawn(function* (coro) {
      yield "outer";
      yield (function* () {
        yield "inner";
        yield* stay(coro);
      })();
    });
    await clock.advance(0);
    coro.terminate();
    assertEquals(await coro.value(), "outer");
  }));

Deno.test("yield of nothing gives the others a turn and evaluates to undefined", () =>
  inLab(async ({ scheduler, log }) => {
    for (const name of ["a", "b"]) {
      scheduler.spawn(function* () {
        for (let i = 0; i < 3; i++) {
          log.push(name + i);
          log.push(String(yield));
        }
      });
    }
    await scheduler.join();
    const u = "undefined";
    assertEquals(log, ["a0", "b0", u, "a1", u, "b1", u, "a2", u, "b2", u, u]);
  }));

Deno.test("any other value is returned after a turn", () =>
  inLab(async ({ scheduler, log }) => {
    const object = { a: 1 };
    const values = [1, "text", null, object, [1, 2], () => 3, Symbol.iterator, 7n, true, new Map(), new Error("value")];
    scheduler.spawn(function* () {
      for (const value of values) {
        const back: unknown = yield value;
        assertStrictEquals(back, value);
        log.push("back");
      }
    });
    scheduler.spawn(function* () {
      for (const _ of values) {
        yield;
        log.push("other");
      }
    });
    await scheduler.join();
    assertEquals(log, values.flatMap(() => ["back", "other"]));
  }));

Deno.test("a coroutine, an array of operations and a generator function are plain values", () =>
  inLab(async ({ scheduler }) => {
    await scheduler.spawn(function* (coro) {
      const operations = [coro.sleep(1)];
      assertStrictEquals(yield operations, operations);
      assertStrictEquals(yield coro, coro);
      const target = function* () {};
      assertStrictEquals(yield target, target);
    }).value();
  }));

Deno.test("yield of a generator object runs it as a subroutine and returns its return value", () =>
  inLab(async ({ scheduler, log, clock }) => {
    function* inner(coro: Coro, n: number): Generator<unknown, number, unknown> {
      log.push(`in ${n}`);
      yield* coro.sleep(1);
      return n * 2;
    }
    const result = await scheduler.spawn(function* (coro) {
      const one: number = yield inner(coro, 1);
      const two = yield* call(inner(coro, 2));
      const three = yield* inner(coro, 3);
      return [one, two, three];
    }).value();
    assertEquals(result, [2, 4, 6]);
    assertEquals(log, ["in 1", "in 2", "in 3"]);
    assertEquals(clock.now(), 3);
  }));

Deno.test("a subroutine's error is thrown at the yield, the same object", () =>
  inLab(async ({ scheduler }) => {
    const boom = new Error("boom");
    function* inner(): Generator<unknown, void, unknown> {
      yield;
      throw boom;
    }
    await scheduler.spawn(function* () {
      for (const spelling of ["yield", "call", "call without star", "yield*"]) {
        try {
          if (spelling === "yield") yield inner();
          else if (spelling === "call") yield* call(inner());
          else if (spelling === "yield*") yield* inner();
          else yield call(inner());
          throw new Error("not reached");
        } catch (error) {
          assertStrictEquals(error, boom);
        }
      }
    }).value();
  }));

Deno.test("a promise is awaited, a rejection is thrown at the yield", async () => {
  const reason = new Error("rejected");
  const caught = await run(function* () {
    const value: number = yield Promise.resolve(3);
    assertEquals(value, 3);
    assertEquals(yield* until(Promise.resolve(4)), 4);
    try {
      yield Promise.reject(reason);
    } catch (error) {
      return error;
    }
  });
  assertStrictEquals(caught, reason);
  await assertRejects(
    () =>
      run(function* () {
        yield Promise.reject(reason);
      }),
    Error,
    "rejected",
  );
});

Deno.test("a thenable of any kind is awaited", async () => {
  const results = await run(function* () {
    const atOnce: unknown = yield { then: (done: (value: number) => void) => done(1) };
    const later: unknown = yield { then: (done: (value: number) => void) => void setTimeout(done, 1, 2) };
    const nested: unknown = yield { then: (done: (value: unknown) => void) => done(Promise.resolve(3)) };
    const twice: unknown = yield { then: (done: (value: number) => void) => (done(4), done(5)) };
    yield;
    const callable: unknown = yield Object.assign(() => {}, { then: (done: (value: number) => void) => done(6) });
    return [atOnce, later, nested, twice, callable];
  });
  assertEquals(results, [1, 2, 3, 4, 6]);
});

Deno.test("a thenable whose then throws or cannot be read fails at the yield and leaves nothing behind", () =>
  inLab(async ({ scheduler, clock }) => {
    const bad = [
      {
        then() {
          throw new Error("then throws");
        },
      },
      {
        get then(): unknown {
          throw new Error("then cannot be read");
        },
      },
    ];
    const caught = await scheduler.spawn(function* (coro) {
      const caught: string[] = [];
      for (const thenable of bad) {
        try {
          yield thenable;
        } catch (error) {
          caught.push((error as Error).message);
        }
      }
      yield* coro.sleep(1);
      return caught;
    }).value();
    assertEquals(caught, ["then throws", "then cannot be read"]);
    assertEquals(clock.now(), 1);
  }));

Deno.test("yield and yield* of every operation return the same values", () =>
  inLab(async ({ scheduler }) => {
    function* work(): Generator<unknown, string, unknown> {
      yield;
      return "worked";
    }
    const child = scheduler.spawn(function* () {
      yield;
      return "child";
    });
    const make = (coro: Coro) => [
      coro.sleep(0.5, "slept"),
      coro.sleep(0, "at once"),
      coro.suspend(0.5, "suspended"),
      coro.receive(0.5, "nothing"),
      coro.recv(0, "nothing at once"),
      coro.deliver("x"),
      coro.receive(),
      child.finish(),
      until(Promise.resolve("kept")),
      call(work()),
    ];
    function* one(coro: Coro): Generator<unknown, unknown[], unknown> {
      const values: unknown[] = [];
      const count = make(coro).length;
      for (let i = 0; i < count; i++) values.push(yield* make(coro)[i]);
      return values;
    }
    function* other(coro: Coro): Generator<unknown, unknown[], unknown> {
      const values: unknown[] = [];
      const count = make(coro).length;
      for (let i = 0; i < count; i++) values.push(yield make(coro)[i]);
      return values;
    }
    const expected = ["slept", "at once", "suspended", "nothing", "nothing at once", 1, "x", "child", "kept", "worked"];
    assertEquals(await scheduler.spawn(one).value(), expected);
    assertEquals(await scheduler.spawn(other).value(), expected);
  }));
