/**
 * The limit of coroutines: the host refuses memory for more, here at 4,088. Creating another one throws, nothing else
 * changes, and the existing coroutines continue.
 */
import { all, type Coro, race, Scheduler, sleep } from "@asyncoro/asyncoro";
import { VirtualClock } from "@asyncoro/asyncoro/testing";
import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { setKernelModule } from "../../core/kernel/kernel.ts";
import { limitedTo } from "../helpers/limited_kernel.ts";

const ROOM = 4088;
const REFUSED = "Cannot create a coroutine as the host refuses memory: current value is 4088 live coroutines, " +
  "let some finish";

// Before the first scheduler of this file, whose kernel the next one would reuse.
setKernelModule(limitedTo(2));

/** Replies to its messages with their double until one is negative. */
function* double(coro: Coro): Generator<unknown, number, unknown> {
  for (let answered = 0;; answered++) {
    const [from, n] = yield* coro.receive<[Coro, number]>();
    if (n < 0) return answered;
    from.send(2 * n);
  }
}

function* short(): Generator<unknown, number, unknown> {
  return 1;
}

/** A scheduler with no room for another coroutine, and its coroutines, which wait. */
function full(): { scheduler: Scheduler; coros: Coro<number>[]; reported: unknown[] } {
  const scheduler = new Scheduler({ clock: new VirtualClock() });
  const reported: unknown[] = [];
  scheduler.onError = (error) => reported.push(error);
  const coros: Coro<number>[] = [];
  for (let i = 0; i < ROOM; i++) coros.push(scheduler.spawn(double));
  return { scheduler, coros, reported };
}

Deno.test("without room for another coroutine, creating one throws, and all others continue", async () => {
  const { scheduler, coros, reported } = full();
  for (let attempt = 0; attempt < 3; attempt++) {
    assertThrows(() => scheduler.spawn(function* () {}), RangeError, REFUSED);
  }
  assertEquals(scheduler.stats().live, ROOM);
  coros[0].send([coros[0], -1]);
  assertEquals(await coros[0].value(), 0);
  const sum = await scheduler.spawn(function* (coro) {
    assertThrows(() => scheduler.spawn(function* () {}), RangeError, REFUSED);
    let sum = 0;
    for (const [i, each] of coros.entries()) {
      if (!each.send([coro, i])) continue;
      sum += yield* coro.receive<number>();
    }
    return sum;
  }).value();
  assertEquals(sum, ROOM * (ROOM - 1));
  await scheduler.terminate();
  assertEquals(scheduler.stats().live, 0);
  assertEquals(reported, []);
});

Deno.test("race() and all() without room for all their items throw, and use none of the remaining room", async () => {
  const { scheduler, coros } = full();
  for (const coro of coros.slice(0, 3)) coro.send([coro, -1]);
  await coros[2].value();
  const outcome = await scheduler.spawn(function* () {
    const errors: string[] = [];
    for (const combine of [race, all, race, all]) {
      try {
        yield* combine([sleep(1), sleep(2), sleep(3)]);
      } catch (error) {
        errors.push((error as Error).message);
      }
      yield;
    }
    return [errors, yield* all([sleep(1), sleep(2)])];
  }).value();
  assertEquals(outcome, [[REFUSED, REFUSED, REFUSED, REFUSED], [undefined, undefined]]);
  await scheduler.terminate();
});

Deno.test("without room, a coroutine that fails is reported, and the others are not affected", async () => {
  const { scheduler, coros, reported } = full();
  const failures = [new Error("first"), new Error("second")];
  failures.forEach((error, i) => coros[i].throw(error));
  coros[2].send([coros[2], -1]);
  assertEquals(await coros[2].value(), 0);
  assertEquals(await scheduler.spawn(short).value(), 1);
  assertEquals(reported, failures);
  assertEquals(scheduler.stats().live, ROOM - 3);
  await scheduler.terminate();
});

Deno.test("without room for a timer, cleanup that waits runs to its end", async () => {
  const scheduler = new Scheduler({ clock: new VirtualClock() });
  const reported: unknown[] = [];
  scheduler.onError = (error) => reported.push(error);
  let cleaned = 0;
  for (let i = 1; i < ROOM; i++) {
    scheduler.spawn(function* (coro) {
      try {
        yield* coro.receive();
      } finally {
        yield* coro.sleep(1);
        cleaned++;
      }
    });
  }
  await scheduler.spawn(short).value();
  scheduler.spawn(short);
  assertThrows(() => scheduler.spawn(short), RangeError, REFUSED);
  await scheduler.terminate();
  assertEquals(cleaned, ROOM - 1);
  assertEquals(reported, []);
});

Deno.test("without room, a coroutine that has just ended makes room for the one that is created next", async () => {
  for (const priority of [4, 2]) {
    const { scheduler, coros } = full();
    coros[0].send([coros[0], -1]);
    await coros[0].value();
    // This coroutine and the next run in one turn, one after the other.
    coros[1].send([coros[1], -1]);
    const creator = scheduler.spawn(function* () {
      return yield* scheduler.spawnWith({ priority }, short).finish();
    });
    assertEquals(await creator.value(), 1);
    await scheduler.terminate();
  }
});

Deno.test("without room, a ready coroutine whose priority changes keeps its place, and has the new one from then on", async () => {
  const scheduler = new Scheduler({ clock: new VirtualClock() });
  const log: string[] = [];
  const listen = function* (coro: Coro, name: string): Generator<unknown, void, unknown> {
    for (;;) log.push(name + (yield* coro.receive<number>()));
  };
  for (let i = 3; i < ROOM; i++) scheduler.spawn(double);
  const [a, b, c] = ["a", "b", "c"].map((name) => scheduler.spawn(listen, name) as Coro);
  const all = async (message: number): Promise<void> => {
    for (const each of [a, b, c]) each.send(message);
    assertEquals(scheduler.stats().ready, message === 0 ? ROOM : 3);
    if (message === 1) {
      a.priority = 6;
      b.priority = 2;
    }
    while (log.length < 3 * (message + 1)) await new Promise((resolve) => setTimeout(resolve, 1));
  };
  for (let message = 0; message < 3; message++) await all(message);
  assertEquals(log, ["a0", "b0", "c0", "a1", "b1", "c1", "b2", "c2", "a2"]);
  assertEquals([a.priority, b.priority, scheduler.stats().ready], [6, 2, 0]);
  await scheduler.terminate();
});

Deno.test("without room, value() with a limit is refused, and nothing waits", async () => {
  const { scheduler, coros } = full();
  await assertRejects(() => coros[0].value(10), RangeError, REFUSED);
  assertEquals(coros[0].completionWaiters, []);
  await scheduler.terminate();
});
