/**
 * `each`: async iterables and web streams, one item at a time.
 */
import {
  Coro,
  each,
  type Items,
  race,
  run,
  Scheduler,
  sleep,
  TimeoutError,
  until,
  withTimeout,
} from "@asyncoro/asyncoro";
import { runVirtual } from "@asyncoro/asyncoro/testing";
import { assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { settle } from "../helpers/lab.ts";

/** A source whose items come when the test says so. */
class Faucet<T> implements AsyncIterable<T>, AsyncIterator<T> {
  /** How many items were asked for. */
  asked = 0;
  returned = 0;
  #waiting: PromiseWithResolvers<IteratorResult<T>>[] = [];

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<T>> {
    this.asked++;
    const step = Promise.withResolvers<IteratorResult<T>>();
    this.#waiting.push(step);
    return step.promise;
  }

  return(): Promise<IteratorResult<T>> {
    this.returned++;
    return Promise.resolve({ done: true, value: undefined });
  }

  give(value: T): void {
    this.#waiting.shift()!.resolve({ done: false, value });
  }

  end(): void {
    this.#waiting.shift()!.resolve({ done: true, value: undefined });
  }

  fail(error: unknown): void {
    this.#waiting.shift()!.reject(error);
  }
}

async function* numbers(count: number, log: string[] = []): AsyncGenerator<number> {
  try {
    for (let n = 1; n <= count; n++) {
      log.push(`made ${n}`);
      yield n;
    }
  } finally {
    log.push("closed");
  }
}

function streamOf<T>(...items: T[]): ReadableStream<T> {
  return new ReadableStream({
    start(controller) {
      for (const item of items) controller.enqueue(item);
      controller.close();
    },
  });
}

function* collect<T>(items: Items<T>): Generator<unknown, T[], unknown> {
  const seen: T[] = [];
  yield* items.forEach((item) => void seen.push(item));
  return seen;
}

Deno.test("each gives the items of an async iterable and of a stream, and then null", () =>
  run(function* () {
    for (const source of [numbers(2), streamOf(1, 2)]) {
      const items = each(source);
      assertEquals([yield* items.next(), yield* items.next(), yield* items.next()], [1, 2, null]);
      assertEquals(yield* items.next(), null);
    }
  }));

Deno.test("forEach, for loops and for await go through the items of each, null ones too", async () => {
  const source = () => streamOf<number | null>(1, null, 2);
  await run(function* () {
    assertEquals(yield* collect(each(source())), [1, null, 2]);
    const seen: unknown[] = [];
    for (const next of each(source())) seen.push(yield* next);
    assertEquals(seen, [1, null, 2, null]);
  });
  const seen: unknown[] = [];
  for await (const item of each(source())) seen.push(item);
  assertEquals(seen, [1, null, 2]);
});

Deno.test("an item is asked for only when a coroutine waits for it", () =>
  run(function* () {
    const log: string[] = [];
    const items = each(numbers(3, log));
    yield* sleep(0);
    assertEquals(log, []);
    yield* items.next();
    yield* until(settle());
    assertEquals(log, ["made 1"]);
    yield* items.next();
    assertEquals(log, ["made 1", "made 2"]);
    items[Symbol.dispose]();
  }));

Deno.test("several that wait are served first come, first served, and the source is asked for one item at a time", () =>
  run(function* () {
    const source = new Faucet<number>();
    const items = each(source);
    const got: [string, number | null][] = [];
    const coros = ["a", "b", "c"].map((name) =>
      new Coro(function* () {
        got.push([name, yield* items.next()]);
      })
    );
    yield* until(settle());
    assertEquals(source.asked, 1);
    source.give(1);
    yield* until(settle());
    assertEquals([got, source.asked], [[["a", 1]], 2]);
    source.give(2);
    yield* until(settle());
    source.end();
    for (const coro of coros) yield* coro.finish();
    assertEquals(got, [["a", 1], ["b", 2], ["c", null]]);
  }));

Deno.test("the item that comes for a next that was cut short goes to the next next", () =>
  run(function* () {
    const source = new Faucet<number>();
    const items = each(source, 0.001);
    assertEquals((yield* caught(items)) instanceof TimeoutError, true);
    assertEquals([source.asked, source.returned], [1, 0]);
    source.give(1);
    yield* until(settle());
    assertEquals(yield* items.next(), 1);
    assertEquals(source.asked, 1);
    // It comes while another one waits.
    assertEquals((yield* caught(items)) instanceof TimeoutError, true);
    source.give(2);
    assertEquals(yield* items.next(), 2);
  }));

function* waitOnce(_coro: Coro, items: Items<number>): Generator<unknown, number | null, unknown> {
  return yield* items.next();
}

function* caught(items: Items<unknown>): Generator<unknown, unknown, unknown> {
  try {
    return yield* items.next();
  } catch (error) {
    return error;
  }
}

Deno.test("an item that was granted to a wait which is then terminated goes to the one that waits, or is kept", () =>
  run(function* () {
    for (const other of [true, false]) {
      const source = new Faucet<number>();
      const items = each(source);
      const first = new Coro(waitOnce, items);
      const second = other ? new Coro(waitOnce, items) : null;
      yield* until(settle());
      source.give(7);
      // It is ready to run with the item, and has not run.
      yield* until(terminateWhenReady(first));
      yield* first.finish();
      assertEquals(yield* (second ?? new Coro(waitOnce, items)).finish(), 7);
      items[Symbol.dispose]();
    }
  }));

async function terminateWhenReady(coro: Coro): Promise<void> {
  while (!coro.ready) await null;
  coro.terminate();
}

Deno.test("a next that loses a race or times out with withTimeout loses nothing", () =>
  run(function* () {
    const source = new Faucet<number>();
    const items = each(source);
    yield* race(items.next(), sleep(0.001));
    try {
      yield* withTimeout(0.001, items.next());
    } catch { /* as expected */ }
    assertEquals([source.asked, source.returned], [1, 0]);
    source.give(1);
    assertEquals(yield* items.next(), 1);
  }));

Deno.test("limit is for each item: zero takes only what is there, and what comes later goes to the next next", () =>
  run(function* () {
    const source = new Faucet<number>();
    const items = each(source, 0);
    assertEquals((yield* caught(items)) instanceof TimeoutError, true);
    source.give(1);
    yield* until(settle());
    assertEquals(yield* items.next(), 1);
  }));

Deno.test("in virtual time the limit counts anew for each item", () =>
  runVirtual(function* (coro) {
    const source = new Faucet<number>();
    const items = each(source, 3600);
    const start = coro.scheduler.now();
    assertEquals((yield* caught(items)) instanceof TimeoutError, true);
    assertEquals(coro.scheduler.now() - start, 3600);
    source.give(1);
    assertEquals(yield* items.next(), 1);
    assertEquals((yield* caught(items)) instanceof TimeoutError, true);
    assertEquals(coro.scheduler.now() - start, 7200);
  }));

Deno.test("under the virtual clock a wait for a source of the host is no deadlock", () =>
  runVirtual(function* () {
    const source = new Faucet<number>();
    setTimeout(() => source.give(1), 20);
    using items = each(source);
    assertEquals(yield* items.next(), 1);
  }));

Deno.test("the source is closed when a loop is left early, in each of the ways, and by using", async () => {
  const logs: string[][] = [];
  const source = () => {
    const log: string[] = [];
    logs.push(log);
    return each(numbers(3, log));
  };
  await run(function* () {
    for (const next of source()) if ((yield* next) === 1) break;
    const leave = source().forEach(() => {
      throw new Error("left");
    });
    try {
      yield* leave;
    } catch { /* as expected */ }
    using items = source();
    yield* items.next();
  });
  for await (const item of source()) if (item === 1) break;
  await settle();
  assertEquals(logs, Array.from({ length: 4 }, () => ["made 1", "closed"]));
});

Deno.test("a stream is cancelled when its loop is left early, and its lock is released", async () => {
  let cancelled = 0;
  const stream = new ReadableStream<number>({
    pull: (controller) => controller.enqueue(1),
    cancel: () => void cancelled++,
  });
  await run(function* () {
    for (const next of each(stream)) {
      yield* next;
      break;
    }
  });
  assertEquals([cancelled, stream.locked], [1, false]);
});

Deno.test("a source that has ended is not closed, and a stream that has ended is not locked", () =>
  run(function* () {
    const source = new Faucet<number>();
    const items = each(source);
    const coro = new Coro(waitOnce, items);
    yield* until(settle());
    source.end();
    assertEquals(yield* coro.finish(), null);
    items[Symbol.dispose]();
    assertEquals(source.returned, 0);
    const stream = streamOf(1);
    yield* collect(each(stream));
    assertEquals(stream.locked, false);
  }));

Deno.test("closing is not waited for, and its failure is nobody's", () =>
  run(function* () {
    for (const close of [() => new Promise(() => {}), () => Promise.reject(new Error("x")), () => fail("x")]) {
      const source = new Faucet<number>();
      source.return = close as () => Promise<never>;
      const items = each(source);
      items[Symbol.dispose]();
      items[Symbol.dispose]();
      assertEquals(yield* items.next(), null);
    }
    yield* until(settle());
  }));

function fail(message: string): never {
  throw new Error(message);
}

Deno.test("disposal gives the end to who waits, and drops the item that was being made", () =>
  run(function* () {
    const source = new Faucet<number>();
    const items = each(source);
    const coro = new Coro(waitOnce, items);
    yield* until(settle());
    items[Symbol.dispose]();
    assertEquals(yield* coro.finish(), null);
    source.give(1);
    yield* until(settle());
    assertEquals([yield* items.next(), source.returned, source.asked], [null, 1, 1]);
  }));

Deno.test("an iterator without return() can be left", () =>
  run(function* () {
    const source: AsyncIterable<number> = {
      [Symbol.asyncIterator]: () => ({ next: () => Promise.resolve({ done: false, value: 1 }) }),
    };
    for (const next of each(source)) {
      assertEquals(yield* next, 1);
      break;
    }
  }));

Deno.test("the error of a source is thrown by every next from then on, even if the first one was cut short", () =>
  run(function* () {
    const source = new Faucet<number>();
    const items = each(source);
    yield* race(items.next(), sleep(0.001));
    const error = new Error("broken");
    source.fail(error);
    yield* until(settle());
    assertStrictEquals(yield* caught(items), error);
    assertStrictEquals(yield* caught(items), error);
    assertEquals(source.returned, 0);
    items[Symbol.dispose]();
    assertEquals(yield* items.next(), null);
  }));

Deno.test("errors that are thrown and not rejected, and steps that are no objects, fail the next", () =>
  run(function* () {
    const sourceOf = (next: () => unknown) =>
      each({ [Symbol.asyncIterator]: () => ({ next }) } as AsyncIterable<number>);
    assertEquals(String(yield* caught(sourceOf(() => fail("thrown")))), "Error: thrown");
    const error = yield* caught(sourceOf(() => 5));
    assertEquals(error instanceof TypeError, true);
    assertEquals(
      (error as Error).message,
      "Cannot take the next item of an async iterable as it must give objects with 'done' and 'value': current value is 5",
    );
    // A step that is no promise will do.
    assertEquals(yield* sourceOf(() => ({ done: false, value: 3 })).next(), 3);
  }));

Deno.test("other sources are refused at the call", () => {
  const cases: [unknown, string][] = [
    [null, "current value is null: a response without a body has none"],
    [undefined, "current value is undefined"],
    [[1, 2], "current value is an array of 2, use a 'for' loop"],
    ["text", 'current value is "text", use a'],
    [5, "current value is 5"],
    [{}, "current value is an object"],
    [() => {}, "current value is the function"],
    [numbers, "current value is the async generator function 'numbers', call it"],
  ];
  for (const [source, message] of cases) assertThrows(() => each(source as never), TypeError, message);
  const stream = streamOf(1);
  assertThrows(() => each(stream, "soon" as never), TypeError, "wait for items");
  assertEquals(stream.locked, false);
  each(stream);
  assertThrows(() => each(stream), TypeError);
});

Deno.test("a wait for an item counts as a host operation, for as long as it lasts", () =>
  run(function* (coro) {
    const count = () => coro.scheduler.stats().hostOperations;
    const source = new Faucet<number>();
    const items = each(source);
    const waiting = new Coro(waitOnce, items);
    yield;
    assertEquals([count(), coro.scheduler.dump().at(-1)?.waitsFor], [1, "the next item of an async iterable"]);
    waiting.terminate();
    yield* waiting.finish();
    assertEquals(count(), 0);
  }));

Deno.test("bodies of responses, transformed streams and the branches of tee() are read to their end", () =>
  run(function* () {
    const text = "one\ntwo\n".repeat(1000);
    const decoded = new Response(text).body!.pipeThrough(new TextDecoderStream());
    assertEquals((yield* collect(each(decoded))).join(""), text);
    const [left, right] = streamOf(1, 2, 3).tee();
    assertEquals(yield* collect(each(left)), [1, 2, 3]);
    assertEquals(yield* collect(each(right)), [1, 2, 3]);
  }));

Deno.test("the scheduler of who goes through items in async code does not matter to the source", async () => {
  const scheduler = new Scheduler();
  const seen = await scheduler.spawn(function* () {
    return yield* until((async () => {
      const seen: number[] = [];
      for await (const item of each(numbers(3))) seen.push(item);
      return seen;
    })());
  }).value();
  assertEquals(seen, [1, 2, 3]);
  await scheduler.terminate();
});

/** A small generator of random numbers, by a seed. */
function randomOf(seed: number): (below: number) => number {
  return (below) => {
    seed = (seed * 1103515245 + 12345) & 0x7fffffff;
    return (seed >>> 8) % below;
  };
}

for (const seed of [1, 2, 3, 4, 5, 6, 7, 8]) {
  Deno.test(`nothing is lost or doubled when waits are cut short at random: seed ${seed}`, async () => {
    const random = randomOf(seed);
    const scheduler = new Scheduler({ shuffle: seed });
    const COUNT = 300;
    const pause = () => new Promise<void>((resolve) => random(3) === 0 ? setImmediate(resolve) : resolve());
    async function* source() {
      for (let n = 0; n < COUNT; n++) {
        await pause();
        yield n;
      }
    }
    const got: number[] = [];
    await scheduler.spawn(function* () {
      const items = each(seed % 2 === 0 ? source() : ReadableStream.from(source()));
      let ended = 0;
      function* consume(): Generator<unknown, void, unknown> {
        for (;;) {
          const item = yield* items.next();
          if (item === null) return void ended++;
          got.push(item);
        }
      }
      function* impatient(): Generator<unknown, void, unknown> {
        for (;;) {
          const item = yield* random(2) === 0
            ? race(items.next(), nothing(random(4)))
            : withTimeoutOrNothing(items, random(2) / 1000);
          if (item === null) return void ended++;
          if (item !== undefined) got.push(item);
        }
      }
      const coros = new Set<Coro>();
      while (ended === 0) {
        while (coros.size < 4) {
          const coro: Coro = new Coro(random(2) === 0 ? consume : impatient);
          coros.add(coro);
        }
        for (let turns = random(4); turns >= 0; turns--) yield* until(pause());
        const victim = [...coros][random(coros.size)];
        if (random(2) === 0) victim.terminate();
        for (const coro of coros) if (!coro.isAlive()) coros.delete(coro);
      }
      for (const coro of coros) yield* coro.finish();
      // One whose wait was cut short may have given its item back after another had found the end.
      yield* consume();
    }).value();
    assertEquals(got.toSorted((a, b) => a - b), Array.from({ length: COUNT }, (_, n) => n));
    assertEquals(scheduler.stats().hostOperations, 0);
    await scheduler.terminate();
  });
}

function* nothing(turns: number): Generator<unknown, undefined, unknown> {
  while (turns-- > 0) yield;
  return undefined;
}

function* withTimeoutOrNothing(
  items: Items<number>,
  seconds: number,
): Generator<unknown, number | null | undefined, unknown> {
  try {
    return yield* withTimeout(seconds, items.next());
  } catch {
    return undefined;
  }
}
