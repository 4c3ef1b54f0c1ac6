/**
 * Items: the end is not an item, and whoever leaves early closes the source.
 */
import { Coro, type Operation, race, run, Scheduler, sleep } from "@asyncoro/asyncoro";
import { runVirtual } from "@asyncoro/asyncoro/testing";
import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { Items, type ItemSource } from "../../core/coroutine/items.ts";
import { Immediate } from "../../core/operations/immediate.ts";
import { settle } from "../helpers/lab.ts";

/** A source of a list of items that says how it was treated. */
class ListSource<T> implements ItemSource<T> {
  ended = false;
  closed = 0;
  taken = 0;
  readonly #items: T[];

  constructor(...items: T[]) {
    this.#items = items;
  }

  next<E>(end: E): Operation<T | E> {
    return new Immediate<T | E>("next", () => {
      if (this.taken < this.#items.length) return this.#items[this.taken++];
      this.ended = true;
      return end;
    });
  }

  close(): void {
    this.closed++;
  }
}

Deno.test("next() gives the items, and null at the end", () =>
  run(function* () {
    const items = new Items(new ListSource(1, 2));
    assertEquals([yield* items.next(), yield* items.next(), yield* items.next()], [1, 2, null]);
  }));

Deno.test("forEach goes through null and undefined items, and gives how many there were", () =>
  run(function* () {
    const seen: unknown[] = [];
    const count = yield* new Items(new ListSource(1, null, undefined, 2)).forEach((item) => void seen.push(item));
    assertEquals([seen, count], [[1, null, undefined, 2], 4]);
  }));

Deno.test("for await goes through null, undefined and promised items", async () => {
  const seen: unknown[] = [];
  for await (const item of new Items<unknown>(new ListSource<unknown>(null, undefined, Promise.resolve(1), 0))) {
    seen.push(item);
  }
  assertEquals(seen, [null, undefined, 1, 0]);
});

Deno.test("a for loop goes through null items and ends by itself after the end, whose value is null", () =>
  run(function* () {
    const source = new ListSource(1, null, 2);
    const seen: unknown[] = [];
    for (const next of new Items(source)) seen.push(yield* next);
    assertEquals(seen, [1, null, 2, null]);
    assertEquals(source.ended, true);
  }));

Deno.test("items of a function end with null: lines cannot be null", async () => {
  const lines = () => {
    const left = ["a", "b"];
    return new Items<string>(() => new Immediate("line", () => left.shift() ?? null));
  };
  await run(function* () {
    const seen: unknown[] = [];
    assertEquals(yield* lines().forEach((line) => void seen.push(line)), 2);
    for (const next of lines()) {
      const line = yield* next;
      if (line === null) break;
      seen.push(line);
    }
    using closed = lines();
    seen.push(yield* closed.next());
    assertEquals(seen, ["a", "b", "a", "b", "a"]);
  });
  const seen: string[] = [];
  for await (const line of lines()) seen.push(line);
  assertEquals(seen, ["a", "b"]);
});

Deno.test("the source is closed when a for loop is left, and when it has ended", () =>
  run(function* () {
    const left = new ListSource(1, 2, 3);
    for (const next of new Items(left)) if ((yield* next) === 2) break;
    assertEquals([left.taken, left.closed], [2, 1]);
    const ended = new ListSource(1);
    for (const next of new Items(ended)) yield* next;
    assertEquals(ended.closed, 1);
    const failed = new ListSource(1, 2);
    try {
      for (const next of new Items(failed)) {
        yield* next;
        throw new Error("left");
      }
    } catch { /* as expected */ }
    assertEquals([failed.taken, failed.closed], [1, 1]);
  }));

Deno.test("the source is closed when the coroutine is terminated in a for loop", () =>
  runVirtual(function* () {
    const source = new ListSource(1, 2);
    const coro = new Coro(function* () {
      for (const next of new Items(source)) {
        yield* next;
        yield* sleep(10);
      }
    });
    yield* sleep(1);
    coro.terminate();
    yield* coro.finish();
    assertEquals([source.taken, source.closed], [1, 1]);
  }));

Deno.test("the source is closed when a for await loop is left", async () => {
  const source = new ListSource(1, 2, 3);
  for await (const item of new Items(source)) if (item === 2) break;
  assertEquals([source.taken, source.closed], [2, 1]);
  const failed = new ListSource(1, 2);
  await assertRejects(async () => {
    for await (const item of new Items(failed)) throw new Error(String(item));
  });
  assertEquals(failed.closed, 1);
});

Deno.test("a for await loop ends when its scheduler is terminated", async () => {
  const scheduler = new Scheduler();
  const source = new ListSource<number>();
  const items = new Items<unknown>(Object.assign(source, { next: () => sleep(60) as Operation<never> }));
  const loop = scheduler.spawn(function* () {
    return [(async () => {
      for await (const item of items) throw new Error(`an item: ${item}`);
    })()];
  });
  const [ended] = await loop.value();
  await settle();
  await scheduler.terminate();
  await ended;
  assertEquals(source.closed, 1);
});

Deno.test("the source is closed when forEach ends, fails, is terminated or loses a race, even before its first step", () =>
  runVirtual(function* () {
    const ended = new ListSource(1);
    yield* new Items(ended).forEach(() => {});
    assertEquals(ended.closed, 1);

    const failed = new ListSource(1, 2);
    try {
      yield* new Items(failed).forEach(() => {
        throw new Error("left");
      });
    } catch { /* as expected */ }
    assertEquals([failed.taken, failed.closed], [1, 1]);

    const terminated = new ListSource(1, 2);
    const coro = new Coro(function* () {
      yield* new Items(terminated).forEach(() => sleep(10));
    });
    yield* sleep(1);
    coro.terminate();
    yield* coro.finish();
    assertEquals([terminated.taken, terminated.closed], [1, 1]);

    const lost = new ListSource(1, 2);
    yield* race(new Items(lost).forEach(() => sleep(10)), sleep(1));
    assertEquals([lost.taken, lost.closed], [1, 1]);

    const unbegun = new ListSource(1, 2);
    yield* race(sleep(0), new Items(unbegun).forEach(() => sleep(10)));
    assertEquals(unbegun.closed, 1);

    const interrupted = new ListSource(1, 2);
    const other = new Coro(function* (self) {
      self.terminate();
      yield* new Items(interrupted).forEach(() => sleep(10));
    });
    yield* other.finish();
    assertEquals([interrupted.taken, interrupted.closed], [0, 1]);
  }));

Deno.test("a forEach that is never yielded changes nothing", async () => {
  const source = new ListSource(1);
  await run(function* () {
    new Items(source).forEach(() => {});
    yield;
  });
  await settle();
  assertEquals([source.taken, source.closed], [0, 0]);
});

Deno.test("using closes the source", () =>
  run(function* () {
    const source = new ListSource(1, 2);
    {
      using items = new Items(source);
      assertEquals(yield* items.next(), 1);
    }
    assertEquals(source.closed, 1);
  }));

Deno.test("forEach waits for what its action returns: a generator, an operation, a promise", () =>
  runVirtual(function* (coro) {
    const log: unknown[] = [];
    yield* new Items(new ListSource(1, 2, 3)).forEach((item) => {
      if (item === 1) {
        return (function* () {
          yield* sleep(1);
          log.push(coro.scheduler.now());
        })();
      }
      if (item === 2) return sleep(1);
      return Promise.resolve().then(() => log.push("promise"));
    });
    log.push(coro.scheduler.now());
    assertEquals(log, [1, "promise", 2]);
  }));

Deno.test("forEach refuses what is no function, at the call", () => {
  const source = new ListSource(1);
  assertThrows(() => new Items(source).forEach(5 as never), TypeError, "'action' must be a function");
  assertEquals(source.closed, 0);
});
