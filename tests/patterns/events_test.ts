/**
 * `events`: the events of an `EventTarget`, one at a time.
 */
import {
  Coro,
  events,
  type EventsOptions,
  type Items,
  QueueFullError,
  race,
  run,
  Scheduler,
  sleep,
  until,
  withTimeout,
} from "@asyncoro/asyncoro";
import { assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { inLab, settle } from "../helpers/lab.ts";

/** A target that counts its listeners, and gives numbered events. */
class Bell extends EventTarget {
  listeners = 0;

  override addEventListener(...args: Parameters<EventTarget["addEventListener"]>): void {
    this.listeners++;
    super.addEventListener(...args);
  }

  override removeEventListener(...args: Parameters<EventTarget["removeEventListener"]>): void {
    this.listeners--;
    super.removeEventListener(...args);
  }

  ring(...numbers: number[]): void {
    for (const detail of numbers) this.dispatchEvent(new CustomEvent("ring", { detail }));
  }
}

function ringsOf(bell: Bell, options?: EventsOptions): Items<CustomEvent<number>> {
  return events<CustomEvent<number>>(bell, "ring", options);
}

function* next(_coro: Coro, rings: Items<CustomEvent<number>>): Generator<unknown, number | null, unknown> {
  return (yield* rings.next())?.detail ?? null;
}

/** What is kept, taken without waiting for more. */
function* rest(rings: Items<CustomEvent<number>>): Generator<unknown, unknown[], unknown> {
  const taken: unknown[] = [];
  for (;;) {
    const event = yield* race(rings.next(), nothing());
    if (event === undefined) return taken;
    taken.push(event?.detail ?? null);
    if (event === null) return taken;
  }
}

function* nothing(): Generator<unknown, undefined, unknown> {
  for (let turn = 0; turn < 5; turn++) yield;
  return undefined;
}

Deno.test("events listens from the call on, and keeps what comes while no coroutine waits", () =>
  run(function* (coro) {
    const bell = new Bell();
    bell.ring(0);
    using rings = ringsOf(bell);
    assertEquals(bell.listeners, 1);
    bell.ring(1, 2);
    const event = yield* rings.next();
    assertEquals([event instanceof CustomEvent, event?.type, event?.detail], [true, "ring", 1]);
    assertEquals(yield* next(coro, rings), 2);
    const waiting = [new Coro(next, rings), new Coro(next, rings)];
    yield;
    bell.dispatchEvent(new Event("another"));
    bell.ring(3, 4, 5);
    assertEquals([yield* waiting[0].finish(), yield* waiting[1].finish(), yield* next(coro, rings)], [3, 4, 5]);
  }));

Deno.test("disposal, and the end of a loop in each of the ways, end the listening", async () => {
  const bell = new Bell();
  const counts: number[] = [];
  await run(function* (coro) {
    {
      using rings = ringsOf(bell);
      bell.ring(1);
      assertEquals([yield* next(coro, rings), bell.listeners], [1, 1]);
    }
    counts.push(bell.listeners);
    const left = ringsOf(bell);
    bell.ring(1, 2);
    for (const event of left) {
      yield* event;
      break;
    }
    counts.push(bell.listeners);
    // What was kept is dropped, and who waits is given the end.
    assertEquals(yield* left.next(), null);
    const failing = ringsOf(bell);
    bell.ring(1);
    try {
      yield* failing.forEach(() => {
        throw new Error("left");
      });
    } catch { /* as expected */ }
    counts.push(bell.listeners);
    yield* race(ringsOf(bell).forEach(() => {}), sleep(0.001));
    counts.push(bell.listeners);
    const disposed = ringsOf(bell);
    const waiting = new Coro(next, disposed);
    yield;
    disposed[Symbol.dispose]();
    disposed[Symbol.dispose]();
    assertEquals(yield* waiting.finish(), null);
    counts.push(bell.listeners);
  });
  const rings = ringsOf(bell);
  bell.ring(1, 2);
  for await (const event of rings) if (event.detail === 2) break;
  counts.push(bell.listeners);
  assertEquals(counts, [0, 0, 0, 0, 0, 0]);
});

Deno.test("it listens until the coroutine that called it ends, however that ends", () =>
  inLab(async (lab) => {
    const bell = new Bell();
    function* listen(coro: Coro, end: string): Generator<unknown, void, unknown> {
      ringsOf(bell);
      assertEquals(bell.listeners, 1);
      if (end === "throw") throw new Error("thrown");
      if (end === "wait") yield* coro.receive();
    }
    await lab.scheduler.spawn(listen, "return").value();
    assertEquals(bell.listeners, 0);
    await lab.scheduler.spawn(listen, "throw").value().catch(() => {});
    assertEquals(bell.listeners, 0);
    const waiting = lab.scheduler.spawn(listen, "wait");
    await settle();
    waiting.terminate();
    await waiting.value();
    assertEquals(bell.listeners, 0);
    // A monitor may restart it, but what it has listened to is gone.
    await lab.scheduler.spawn(function* (coro) {
      const failing = new Coro(listen, "throw");
      yield* coro.monitor(failing);
      yield* coro.receive();
      assertEquals(bell.listeners, 0);
    }).value();
  }));

Deno.test("a hot swap does not end the listening", () =>
  run(function* () {
    const bell = new Bell();
    const coro = new Coro(function* (self) {
      ringsOf(bell);
      self.hotSwappable(true);
      yield* self.receive();
    });
    yield;
    coro.hotSwap(function* (self: Coro) {
      yield* self.receive();
    });
    yield;
    yield;
    assertEquals(bell.listeners, 1);
    coro.terminate();
    yield* coro.finish();
    assertEquals(bell.listeners, 0);
  }));

Deno.test("when the coroutine that called it ends, others are given what was kept, and then the end", () =>
  run(function* () {
    const bell = new Bell();
    const made = new Coro(function* (self) {
      const rings = ringsOf(bell);
      bell.ring(1, 2);
      yield* self.receive();
      return [rings];
    });
    yield;
    made.send("end");
    const [rings] = yield* made.finish();
    bell.ring(3);
    assertEquals(yield* rest(rings), [1, 2, null]);
  }));

Deno.test("outside coroutines it listens until the loop is left or it is disposed of", async () => {
  const bell = new Bell();
  const rings = ringsOf(bell);
  await run(function* (coro) {
    bell.ring(1);
    assertEquals(yield* next(coro, rings), 1);
  });
  assertEquals(bell.listeners, 1);
  rings[Symbol.dispose]();
  assertEquals(bell.listeners, 0);
});

Deno.test("beyond the capacity the oldest event is dropped by default", () =>
  run(function* () {
    const bell = new Bell();
    for (const options of [{ capacity: 2 }, { capacity: 2, overflow: "drop-oldest" }] as const) {
      using rings = ringsOf(bell, options);
      bell.ring(1, 2, 3, 4);
      assertEquals(yield* rest(rings), [3, 4]);
    }
  }));

Deno.test("with drop-newest the new event is dropped", () =>
  run(function* () {
    const bell = new Bell();
    using rings = ringsOf(bell, { capacity: 2, overflow: "drop-newest" });
    bell.ring(1, 2, 3, 4);
    assertEquals(yield* rest(rings), [1, 2]);
    bell.ring(5);
    assertEquals(yield* rest(rings), [5]);
  }));

Deno.test("with throw it ends with QueueFullError, after what was kept", () =>
  run(function* (coro) {
    const bell = new Bell();
    const rings = ringsOf(bell, { capacity: 2, overflow: "throw" });
    bell.ring(1, 2, 3);
    assertEquals(bell.listeners, 0);
    assertEquals([yield* next(coro, rings), yield* next(coro, rings)], [1, 2]);
    const errors: unknown[] = [];
    for (let attempt = 0; attempt < 2; attempt++) {
      try {
        yield* next(coro, rings);
      } catch (error) {
        errors.push(error);
      }
    }
    assertEquals(errors.map((error) => error instanceof QueueFullError), [true, true]);
    assertStrictEquals(errors[0], errors[1]);
    assertEquals(
      (errors[0] as Error).message,
      'Cannot keep another event as 2 events "ring" are kept that no coroutine has taken: take them faster or raise ' +
        "'capacity'",
    );
  }));

Deno.test("with capacity 0 events reach only coroutines that wait", () =>
  run(function* () {
    const bell = new Bell();
    for (const overflow of ["drop-oldest", "drop-newest"] as const) {
      using rings = ringsOf(bell, { capacity: 0, overflow });
      bell.ring(1);
      const waiting = new Coro(next, rings);
      yield;
      bell.ring(2, 3);
      assertEquals([yield* waiting.finish(), yield* rest(rings)], [2, []]);
    }
  }));

Deno.test("an event that was granted to a wait which is cut short is the next one, even beyond the capacity", () =>
  run(function* (coro) {
    const bell = new Bell();
    using rings = ringsOf(bell, { capacity: 1 });
    const waiting = new Coro(next, rings);
    yield;
    bell.ring(1, 2);
    waiting.terminate();
    assertEquals(yield* rest(rings), [1, 2]);
    assertEquals(yield* race(rings.next(), nothing()), undefined);
    try {
      yield* withTimeout(0, rings.next());
    } catch { /* as expected */ }
    bell.ring(3);
    assertEquals(yield* next(coro, rings), 3);
  }));

Deno.test("a new event makes room by dropping what was put back beyond the capacity, too", () =>
  run(function* () {
    const bell = new Bell();
    using rings = ringsOf(bell, { capacity: 1 });
    const waiting = new Coro(next, rings);
    yield;
    bell.ring(1, 2);
    waiting.terminate();
    yield* waiting.finish();
    bell.ring(3);
    assertEquals(yield* rest(rings), [3]);
  }));

Deno.test("after disposal nothing is put back, and nothing is left with the coroutine", () =>
  run(function* (coro) {
    const bell = new Bell();
    const rings = ringsOf(bell);
    const waiting = new Coro(next, rings);
    yield;
    bell.ring(1);
    rings[Symbol.dispose]();
    waiting.terminate();
    yield* waiting.finish();
    assertEquals([yield* rings.next(), coro.ownedResource], [null, null]);
  }));

Deno.test("bad input is refused at the call, and nothing listens then", () => {
  const bell = new Bell();
  assertThrows(() => events(null as never, "ring"), TypeError, "'target' must be an EventTarget");
  assertThrows(() => events({} as never, "ring"), TypeError, "'target' must be an EventTarget");
  assertThrows(() => events(bell, 5 as never), TypeError, "'type' must be a string");
  assertThrows(() => events(bell, "ring", 5 as never), TypeError, "'options' must be an object");
  assertThrows(() => events(bell, "ring", { overflow: "wait" as never }), TypeError, "'overflow' must be");
  assertThrows(() => events(bell, "ring", { overflow: "other" as never }), TypeError, "'overflow' must be");
  assertThrows(() => events(bell, "ring", { size: 1 } as never), TypeError, "there is no option 'size'");
  for (const capacity of [-1, 0.5, NaN, "1", null]) {
    assertThrows(
      () => events(bell, "ring", { capacity } as never),
      RangeError,
      "'capacity' must be an integer of 0 or more or Infinity",
    );
  }
  assertEquals(bell.listeners, 0);
});

Deno.test("a wait for an event counts as a host operation, for as long as it lasts", async () => {
  const scheduler = new Scheduler();
  const bell = new Bell();
  const coro = scheduler.spawn(function* () {
    const rings = ringsOf(bell);
    yield* rings.next();
    yield* rings.next();
  });
  await settle();
  assertEquals(scheduler.stats().hostOperations, 1);
  assertEquals(scheduler.dump()[0].waitsFor, 'the next event "ring"');
  bell.ring(1);
  await settle();
  assertEquals(scheduler.stats().hostOperations, 1);
  coro.terminate();
  await coro.value();
  assertEquals([scheduler.stats().hostOperations, bell.listeners], [0, 0]);
  await scheduler.terminate();
});

Deno.test("under the virtual clock a wait for an event is no deadlock", () =>
  inLab(async ({ scheduler }) => {
    const bell = new Bell();
    const coro = scheduler.spawn(function* (self) {
      return yield* next(self, ringsOf(bell));
    });
    await settle();
    setTimeout(() => bell.ring(7), 10);
    assertEquals(await coro.value(), 7);
  }));

Deno.test("events of the host: a message port, an abort signal", () =>
  run(function* () {
    const { port1, port2 } = new MessageChannel();
    using messages = events<MessageEvent<string>>(port1, "message");
    port1.start();
    port2.postMessage("hello");
    assertEquals((yield* messages.next())?.data, "hello");
    port1.close();
    port2.close();
    const controller = new AbortController();
    using aborts = events(controller.signal, "abort");
    controller.abort();
    assertEquals((yield* aborts.next())?.type, "abort");
    yield* until(settle());
  }));

/** A small generator of random numbers, by a seed. */
function randomOf(seed: number): (below: number) => number {
  return (below) => {
    seed = (seed * 1103515245 + 12345) & 0x7fffffff;
    return (seed >>> 8) % below;
  };
}

for (const seed of [1, 2, 3, 4, 5, 6]) {
  Deno.test(`no event is lost or doubled when waits are cut short at random: seed ${seed}`, async () => {
    const random = randomOf(seed);
    const scheduler = new Scheduler({ shuffle: seed });
    const bell = new Bell();
    const got: number[] = [];
    const COUNT = 500;
    await scheduler.spawn(function* () {
      const rings = ringsOf(bell);
      function* consume(): Generator<unknown, void, unknown> {
        for (;;) {
          const event = random(2) === 0 ? yield* rings.next() : yield* race(rings.next(), wait(random(3)));
          if (event !== undefined) got.push(event!.detail);
        }
      }
      // The note is in the same step as the item, so what is not noted was put back.
      const coros = new Set<Coro>();
      for (let n = 0; n < COUNT;) {
        while (coros.size < 3) coros.add(new Coro(consume));
        for (let more = random(4); more > 0 && n < COUNT; more--) bell.ring(n++);
        for (let turns = random(3); turns > 0; turns--) yield;
        if (random(2) === 0) continue;
        const victim = [...coros][random(coros.size)];
        victim.terminate();
        coros.delete(victim);
      }
      for (const coro of coros) coro.terminate();
      for (const coro of coros) yield* coro.finish();
      got.push(...(yield* rest(rings)) as number[]);
    }).value();
    assertEquals(got.toSorted((a, b) => a - b), Array.from({ length: COUNT }, (_, n) => n));
    assertEquals([scheduler.stats().hostOperations, bell.listeners], [0, 0]);
    await scheduler.terminate();
  });
}

function* wait(turns: number): Generator<unknown, undefined, unknown> {
  while (turns-- > 0) yield;
  return undefined;
}
