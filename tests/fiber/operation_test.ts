/**
 * Operations: they do nothing until yielded, belong to one yield, and may be dropped.
 */
import { all, call, type Coro, Operation, race, run, sleep, until, withTimeout } from "@asyncoro/asyncoro";
import { assert, assertEquals, assertInstanceOf, assertRejects, assertThrows } from "@std/assert";
import { inLab, settle } from "../helpers/lab.ts";

function* nothing(): Generator<unknown, void, unknown> {}

const MAKERS: Readonly<Record<string, (coro: Coro) => Operation<unknown>>> = {
  sleep: (coro) => coro.sleep(0.01),
  "sleep that does not wait": (coro) => coro.sleep(0),
  "helper sleep": () => sleep(0.01),
  receive: (coro) => coro.receive(0.01),
  deliver: (coro) => coro.deliver("x"),
  finish: (coro) => coro.scheduler.spawn(nothing).finish(),
  until: () => until(Promise.resolve(1)),
  call: () => call(nothing()),
  withTimeout: () => withTimeout(1, nothing()),
  race: () => race(nothing()),
  all: () => all(nothing()),
  "all of nothing": () => all(),
  monitor: (coro) => coro.monitor(coro.scheduler.spawn(nothing)),
};

for (const [name, make] of Object.entries(MAKERS)) {
  Deno.test(`an operation yielded twice is a TypeError: ${name}`, () =>
    inLab(async ({ scheduler }) => {
      const spellings: ((operation: Operation<unknown>) => Generator<unknown, unknown, unknown>)[] = [
        function* (operation) {
          return yield* operation;
        },
        function* (operation) {
          return yield operation;
        },
      ];
      await scheduler.spawn(function* (coro) {
        for (const first of spellings) {
          for (const second of spellings) {
            const operation = make(coro);
            assertInstanceOf(operation, Operation);
            yield* first(operation);
            try {
              yield* second(operation);
              throw new Error("not refused");
            } catch (error) {
              assertInstanceOf(error, TypeError);
              assertEquals(
                (error as Error).message,
                `Cannot yield '${operation.label}' again as an operation belongs to one yield: make a new one`,
              );
            }
          }
        }
      }).value();
    }));
}

Deno.test("an operation that waits cannot be yielded by another coroutine, and the wait is not disturbed", () =>
  inLab(async ({ scheduler, clock }) => {
    let shared: Operation<unknown> | null = null;
    const first = scheduler.spawn(function* () {
      shared = sleep(2);
      yield* shared;
      return clock.now();
    });
    const others = [
      scheduler.spawn(function* (coro) {
        yield* coro.sleep(1);
        yield* shared!;
      }),
      scheduler.spawn(function* (coro) {
        yield* coro.sleep(1);
        yield shared;
      }),
    ];
    const refused = others.map((other) => assertRejects(() => other.value(), TypeError, "Cannot yield 'sleep' again"));
    await Promise.all(refused);
    assertEquals(await first.value(), 2);
  }));

Deno.test("a dropped operation does nothing", () =>
  inLab(async ({ scheduler, clock, log }) => {
    function* work(): Generator<unknown, void, unknown> {
      log.push("ran");
      yield;
    }
    await scheduler.spawn(function* (coro) {
      coro.send("kept");
      coro.receive();
      coro.sleep(100);
      coro.suspend();
      coro.deliver("never");
      call(work());
      withTimeout(5, work());
      race(work(), coro.receive());
      all([work(), coro.receive()]);
      until({ then: () => log.push("asked") } as unknown as PromiseLike<void>);
      scheduler.spawn(function* () {
        yield;
      }).finish();
      yield;
      assertEquals(yield* coro.receive(0, "empty"), "kept");
      assertEquals(yield* coro.receive(0, "empty"), "empty");
    }).value();
    await settle();
    assertEquals(log, []);
    assertEquals(clock.now(), 0);
  }));

Deno.test("an operation outside a coroutine cannot begin", async () => {
  const operation = sleep(1) as Operation<unknown>;
  const iterator = operation[Symbol.iterator]();
  assertThrows(
    () => iterator.next(),
    Error,
    "Cannot begin 'sleep' outside a coroutine: use it inside run()",
  );
  await run(function* () {
    yield* sleep(0);
  });
});

Deno.test("a coroutine whose operations never wait does not starve the others", () =>
  inLab(async ({ scheduler }) => {
    let stop = false;
    let rounds = 0;
    const busy = scheduler.spawn(function* (coro) {
      while (!stop) {
        rounds++;
        coro.send(rounds);
        yield* coro.receive();
        yield* coro.sleep(0);
      }
    });
    const plain = scheduler.spawn(function* (coro) {
      while (!stop) {
        yield coro.sleep(0);
      }
    });
    scheduler.spawn(function* () {
      for (let i = 0; i < 5; i++) yield;
      stop = true;
    });
    await Promise.all([busy.value(), plain.value()]);
    assert(rounds > 1);
  }));

Deno.test("when an operation that never waits gives way to others, nothing is lost or changed", () =>
  inLab(async ({ scheduler }) => {
    const count = 5_000;
    const receiver = scheduler.spawn(function* (coro) {
      for (let i = 0; i < count; i++) {
        const got = i % 2 === 0 ? yield* coro.receive<number>() : yield coro.receive<number>();
        if (got !== i) throw new Error(`${got} came for ${i}`);
      }
      return coro.receive(0, "empty");
    });
    for (let i = 0; i < count; i++) receiver.send(i);
    assertInstanceOf(await receiver.value(), Operation);
  }));

Deno.test("yield* operation is typed, also through race, all and call", () =>
  inLab(async ({ scheduler }) => {
    await scheduler.spawn(function* (coro) {
      const text: string = yield* until(Promise.resolve("text"));
      const [a, b]: [string, number] = yield* all(until(Promise.resolve("a")), until(Promise.resolve(1)));
      const { left }: { left: boolean } = yield* all({ left: until(Promise.resolve(true)) });
      const either: string | number = yield* race(until(Promise.resolve("a")), until(Promise.resolve(1)));
      const called: number = yield* call((function* () {
        yield;
        return 4;
      })());
      const child = scheduler.spawn(function* () {
        yield;
        return "child";
      });
      const finished: string = yield* child.finish();
      const slept: void = yield* sleep(0);
      const message: { a: number } = yield* coro.receive<{ a: number }>(0, { a: 1 });
      assertEquals([text, a, b, left, called, finished, slept, message.a], [
        "text",
        "a",
        1,
        true,
        4,
        "child",
        undefined,
        1,
      ]);
      assert(either === "a" || either === 1);
    }).value();
  }));
