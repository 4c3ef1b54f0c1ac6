/**
 * `Local`: values that coroutines inherit and change for themselves.
 */
import {
  all,
  call,
  Coro,
  Local,
  race,
  run,
  Scheduler,
  sleep,
  stream,
  supervise,
  withTimeout,
} from "@asyncoro/asyncoro";
import { createTask, gather, getEventLoop, newEventLoop, run as runAsyncio } from "@asyncoro/asyncoro/asyncio";
import { runVirtual } from "@asyncoro/asyncoro/testing";
import { assertEquals, assertThrows } from "@std/assert";
import { locals } from "../../core/coroutine/local_values.ts";

function* read<T>(_coro: Coro, local: Local<T>): Generator<unknown, T, unknown> {
  yield;
  return local.get();
}

/** Must be the first test. */
Deno.test("a program that sets no local passes nothing on to new coroutines", () =>
  run(function* () {
    const local = new Local(1);
    yield* new Coro(read, local).finish();
    assertEquals([local.get(), locals.inheritance], [1, null]);
  }));

Deno.test("get() gives the initial value until one is set, and outside coroutines; undefined by default", async () => {
  const local = new Local<number | undefined>();
  assertEquals(local.get(), undefined);
  const other = new Local(5, "five");
  assertEquals([other.get(), other.name], [5, "five"]);
  await run(function* () {
    assertEquals(other.get(), 5);
    other.set(6);
    yield;
    assertEquals(other.get(), 6);
    local.set(1);
    local.set(undefined);
    assertEquals(local.get(), undefined);
  });
  assertEquals(other.get(), 5);
  await run(function* () {
    yield;
    assertEquals(other.get(), 5);
  });
});

Deno.test("a value that is undefined is not the initial value", () =>
  run(function* () {
    const local = new Local<number | undefined>(5);
    local.set(undefined);
    assertEquals(local.get(), undefined);
    assertEquals(yield* local.with(undefined, new Coro(read, local).finish()), undefined);
    yield;
  }));

Deno.test("set() outside a coroutine is an error that names the local", () => {
  assertThrows(() => new Local(1, "user").set(2), Error, `Cannot set "user" outside a coroutine`);
});

Deno.test("children start with their creator's values of that moment; later changes are nobody else's", () =>
  run(function* () {
    const local = new Local("initial");
    local.set("first");
    const gate = new Coro(function* (coro) {
      yield* coro.receive();
    });
    const child = new Coro(function* () {
      yield* gate.finish();
      const seen = [local.get()];
      local.set("child's");
      const grandchild = new Coro(read, local);
      local.set("child's own");
      seen.push(local.get(), yield* grandchild.finish());
      return seen;
    });
    local.set("second");
    gate.send("go on");
    assertEquals(yield* child.finish(), ["first", "child's own", "child's"]);
    assertEquals(local.get(), "second");
  }));

Deno.test("an object is shared, not copied", () =>
  run(function* () {
    const local = new Local<string[]>();
    local.set([]);
    yield* new Coro(function* () {
      local.get().push("child");
      yield;
    }).finish();
    assertEquals(local.get(), ["child"]);
  }));

Deno.test("a child that is created in nested with()s starts with the innermost values", () =>
  run(function* () {
    const [one, two] = [new Local(1), new Local(2)];
    const values = function* (): Generator<unknown, number[], unknown> {
      yield;
      return [one.get(), two.get()];
    };
    const child = () =>
      call((function* () {
        return yield* new Coro(values).finish();
      })());
    assertEquals(yield* one.with(10, two.with(20, one.with(11, child()))), [11, 20]);
    assertEquals(yield* child(), [1, 2]);
  }));

Deno.test("several locals do not disturb each other", () =>
  run(function* () {
    const [one, two, three] = [new Local(1), new Local(2), new Local(3)];
    one.set(10);
    const child = new Coro(function* () {
      two.set(20);
      yield;
      return [one.get(), two.get(), three.get()];
    });
    three.set(30);
    assertEquals(yield* child.finish(), [10, 20, 3]);
    assertEquals([one.get(), two.get(), three.get()], [10, 2, 30]);
  }));

Deno.test("with() sets the value for a generator or an operation, and set() inside lasts until that ends", () =>
  run(function* (coro) {
    const local = new Local("outside");
    const seen = yield* local.with(
      "inside",
      (function* () {
        const seen = [local.get()];
        yield;
        local.set("set inside");
        yield;
        seen.push(local.get());
        const child: string = yield* new Coro(read, local).finish();
        return [...seen, child];
      })(),
    );
    assertEquals(seen, ["inside", "set inside", "set inside"]);
    assertEquals(local.get(), "outside");
    assertEquals(
      yield* local.with(
        "operation",
        call((function* () {
          yield* coro.sleep(0);
          return local.get();
        })()),
      ),
      "operation",
    );
    assertEquals(local.get(), "outside");
  }));

Deno.test("set() of another local inside with() lasts longer", () =>
  run(function* () {
    const [one, two] = [new Local(1), new Local(2)];
    yield* one.with(
      10,
      (function* () {
        two.set(20);
        yield;
      })(),
    );
    assertEquals([one.get(), two.get()], [1, 20]);
  }));

Deno.test("with() may be nested, in subroutines too, and ends however its work ends", () =>
  runVirtual(function* (coro) {
    const local = new Local("outside");
    const log: string[] = [];
    function* work(
      value: string,
      inner: () => Generator<unknown, unknown, unknown>,
    ): Generator<unknown, void, unknown> {
      try {
        log.push(local.get());
        yield* call(inner());
        log.push(local.get());
      } finally {
        log.push(`cleanup of ${value} in ${local.get()}`);
        yield* sleep(1);
        log.push(`end of ${value} in ${local.get()}`);
      }
    }
    const attempts: (() => Generator<unknown, unknown, unknown>)[] = [
      () => local.with("a", work("a", () => generator(local.with("b", work("b", nothing))))) as never,
    ];
    for (const attempt of attempts) yield* attempt();
    assertEquals(log.splice(0), [
      "a",
      "b",
      "b",
      "cleanup of b in b",
      "end of b in b",
      "a",
      "cleanup of a in a",
      "end of a in a",
    ]);
    assertEquals(local.get(), "outside");
    // An error, a deadline, a lost race.
    try {
      yield* local.with("a", work("a", () => generator(local.with("b", failing()))));
    } catch { /* as expected */ }
    assertEquals([log.splice(0), local.get()], [["a", "cleanup of a in a", "end of a in a"], "outside"]);
    try {
      yield* withTimeout(1, local.with("a", work("a", () => generator(local.with("b", sleep(10))))));
    } catch { /* as expected */ }
    assertEquals([log.splice(0), local.get()], [["a", "cleanup of a in a", "end of a in a"], "outside"]);
    yield* race(local.with("a", work("a", () => generator(sleep(10)))), coro.sleep(1));
    assertEquals([log.splice(0), local.get()], [["a", "cleanup of a in a", "end of a in a"], "outside"]);
    // It is interrupted before its first step.
    const child = new Coro(function* (self) {
      try {
        self.terminate();
        yield* local.with("a", work("a", nothing));
      } finally {
        log.push(local.get());
      }
    });
    yield* child.finish();
    assertEquals(log, ["outside"]);
  }));

function* generator<T>(
  operation: { [Symbol.iterator](): Iterator<unknown, T, unknown> },
): Generator<unknown, T, unknown> {
  return yield* operation;
}

function* nothing(): Generator<unknown, void, unknown> {
  yield;
}

function* failing(): Generator<unknown, void, unknown> {
  yield;
  throw new Error("fails");
}

Deno.test("branches of race and all share their coroutine's values, but for their own with()", () =>
  runVirtual(function* () {
    const local = new Local("initial");
    local.set("shared");
    const log: string[] = [];
    function* branch(name: string, wait: number, value: string): Generator<unknown, void, unknown> {
      log.push(`${name} ${local.get()}`);
      yield* sleep(wait);
      local.set(value);
      yield* sleep(2);
      log.push(`${name} ${local.get()}`);
    }
    yield* all(
      branch("one", 0.1, "set by one"),
      local.with("two's", branch("two", 0.2, "set by two")),
      branch("three", 3, "set by three"),
      local.with("of an operation", all(branch("four", 0.1, "set by four"))),
    );
    assertEquals(log.toSorted(), [
      "four of an operation",
      "four set by four",
      "one set by one",
      "one shared",
      "three set by three",
      "three shared",
      "two set by two",
      "two two's",
    ]);
    assertEquals(local.get(), "set by three");
    // A set() in a branch reaches the with() around the race.
    yield* local.with(
      "around",
      (function* () {
        yield* race(branch("five", 0, "set by five"), sleep(10));
        log.push(local.get());
      })(),
    );
    assertEquals([log.at(-1), local.get()], ["set by five", "set by three"]);
  }));

Deno.test("a child that a branch creates starts with the values of that branch", () =>
  run(function* () {
    const local = new Local("initial");
    const [one, two] = yield* all([
      local.with("one", generator(new Coro(read, local).finish())),
      local.with(
        "two",
        call((function* () {
          return yield* new Coro(read, local).finish();
        })()),
      ),
    ]);
    // The first one was created outside.
    assertEquals([one, two], ["initial", "two"]);
  }));

Deno.test("coroutines that are created outside start with the initial values, on every scheduler", async () => {
  const local = new Local("initial");
  const scheduler = new Scheduler();
  let later: (() => Coro<string>) | undefined;
  await run(function* () {
    local.set("set");
    // A coroutine of another scheduler is created here all the same.
    assertEquals(yield* scheduler.spawn(read<string>, local).finish(), "set");
    later = () => new Coro<string, [Local<string>]>(read<string>, local);
  });
  assertEquals(await later!().value(), "initial");
  assertEquals(await scheduler.spawn(read<string>, local).value(), "initial");
  await scheduler.terminate();
});

Deno.test("a coroutine that is swapped or restarted keeps its values", () =>
  run(function* (coro) {
    const local = new Local("initial");
    function* next(self: Coro): Generator<unknown, void, unknown> {
      coro.send(local.get());
      yield* self.receive();
    }
    const swapped = new Coro(function* (self) {
      local.set("before the swap");
      self.hotSwappable(true);
      yield* self.receive();
    });
    yield;
    swapped.hotSwap(next);
    assertEquals(yield* coro.receive(), "before the swap");
    swapped.terminate();
    yield* swapped.finish();

    const failing = new Coro(function* () {
      local.set("before the failure");
      yield* local.with(
        "gone with the failure",
        // deno-lint-ignore require-yield
        (function* (): Generator<unknown, void, unknown> {
          throw new Error("fails");
        })(),
      );
    });
    yield* coro.monitor(failing);
    yield* coro.receive();
    failing.hotSwap(next);
    assertEquals(yield* coro.receive(), "before the failure");
    failing.terminate();
    yield* failing.finish();
  }));

Deno.test("the coroutine of a stream starts with the values of whoever made it", () =>
  run(function* () {
    const local = new Local("initial");
    for (const highWaterMark of [0, 1]) {
      local.set("maker");
      const readable = stream<string>(function* (_coro, emit) {
        yield* emit(local.get());
      }, { highWaterMark });
      local.set("reader");
      const reader = readable.getReader();
      const { value } = yield reader.read();
      assertEquals(value, "maker");
    }
  }));

Deno.test("a child of a supervisor starts with the values of the code that asked for it, each time", () =>
  runVirtual(function* (coro) {
    const local = new Local("initial");
    const seen: string[] = [];
    function* child(coro: Coro, name: string) {
      seen.push(`${name} ${local.get()}`);
      local.set("changed");
      yield* coro.sleep(1);
    }
    local.set("supervisor");
    const supervisor = supervise([{ target: child, args: ["first"], restart: "permanent" }], { onRestart: () => {} });
    local.set("starter");
    supervisor.startChild({ target: child, args: ["second"], restart: "permanent" });
    yield* coro.sleep(1.5);
    assertEquals(seen, ["first supervisor", "second starter", "first supervisor", "second starter"]);
    supervisor.terminate();
    yield* supervisor.finish();
  }));

Deno.test("tasks of asyncio start with the values of the code that creates them", async () => {
  const local = new Local("initial");
  assertEquals(getEventLoop().isRunning(), false);
  await runAsyncio(function* () {
    local.set("main");
    const task = createTask(read(null as never, local));
    local.set("later");
    assertEquals(yield* task, "main");
    assertEquals(yield* gather(read(null as never, local), read(null as never, local)), ["later", "later"]);
  });
  const loop = newEventLoop();
  const seen: string[] = [];
  loop.callSoon(() => {
    seen.push(local.get());
    loop.stop();
  });
  await loop.runForever();
  loop.close();
  assertEquals(seen, ["initial"]);
});

Deno.test("with() refuses what cannot be waited for, and a name must be a string", () => {
  const local = new Local(1);
  assertThrows(() => local.with(2, 5 as never), TypeError, "give an operation or a generator object");
  assertThrows(() => local.with(2, nothing as never), TypeError);
  assertThrows(() => new Local(1, 5 as never), TypeError, "'name' must be a string");
});

Deno.test("random trees of coroutines: every step sees what a model says", () =>
  runVirtual(function* () {
    let seed = 7;
    const random = (below: number) => {
      seed = (seed * 1103515245 + 12345) & 0x7fffffff;
      return (seed >>> 8) % below;
    };
    const all3 = [new Local(-1), new Local(-1), new Local(-1)];
    let checks = 0;
    const wrong: string[] = [];
    // The model: the values of the coroutine, and those of the `with`s around, innermost first.
    interface Model {
      own: number[];
      scopes: { index: number; value: number }[];
    }
    const expected = ({ own, scopes }: Model, index: number) =>
      scopes.find((scope) => scope.index === index)?.value ?? own[index];
    const check = (model: Model) => {
      for (const index of [0, 1, 2]) {
        const [found, right] = [all3[index].get(), expected(model, index)];
        if (found !== right) wrong.push(`${found} for ${right}`);
      }
      checks++;
    };
    function* live(model: Model, depth: number): Generator<unknown, void, unknown> {
      for (let steps = 1 + random(6); steps > 0; steps--) {
        check(model);
        const index = random(3);
        const value = random(1000);
        switch (random(depth > 0 ? 6 : 3)) {
          case 0: {
            const scope = model.scopes.find((scope) => scope.index === index);
            all3[index].set(value);
            if (scope === undefined) model.own[index] = value;
            else scope.value = value;
            break;
          }
          case 1:
            yield* sleep(random(3));
            break;
          case 2:
            yield;
            break;
          case 3: {
            const inner = { own: model.own, scopes: [{ index, value }, ...model.scopes] };
            yield* withTimeoutSometimes(all3[index].with(value, live(inner, depth - 1)));
            break;
          }
          case 4: {
            const child = { own: [0, 1, 2].map((each) => expected(model, each)), scopes: [] };
            new Coro(function* () {
              yield* live(child, depth - 1);
            });
            break;
          }
          default:
            yield* race(
              live({ own: model.own, scopes: [...model.scopes] }, depth - 1),
              all3[index].with(value, live({ own: model.own, scopes: [{ index, value }, ...model.scopes] }, depth - 1)),
            );
        }
        check(model);
      }
    }
    function* withTimeoutSometimes(operation: ReturnType<Local<number>["with"]>): Generator<unknown, void, unknown> {
      try {
        yield* random(2) === 0 ? operation : withTimeout(random(3), operation);
      } catch { /* too late */ }
    }
    const roots = Array.from({ length: 50 }, () =>
      new Coro(function* () {
        yield* live({ own: [-1, -1, -1], scopes: [] }, 4);
      }));
    for (const root of roots) yield* root.finish();
    yield* sleep(1000);
    assertEquals([checks > 1000, wrong], [true, []]);
  }));
