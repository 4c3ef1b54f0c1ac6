/** every(): ticks without drift, missed ticks, and waits that are cut short. */
import {
  all,
  Coro,
  every,
  type EveryOptions,
  type Operation,
  race,
  run,
  Scheduler,
  sleep,
  type Ticker,
  TimeoutError,
} from "@asyncoro/asyncoro";
import { runVirtual } from "@asyncoro/asyncoro/testing";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { LateClock } from "../helpers/late_clock.ts";
import { CountedSignal } from "../helpers/counted_signal.ts";

type Body<T = void> = Generator<unknown, T, unknown>;

/** The time, without the error of sums. */
function time(coro: Coro): number {
  return Math.round(coro.scheduler.now() * 1e6) / 1e6;
}

/** Takes ticks, each followed by so many seconds of work: the time and value of each. */
function* ticks(coro: Coro, ticker: Ticker, work: readonly number[]): Body<[number, number][]> {
  const seen: [number, number][] = [];
  for (const seconds of work) {
    const missed = yield* ticker.next();
    seen.push([time(coro), missed]);
    yield* sleep(seconds);
  }
  return seen;
}

/** What `ticks` gives for a new ticker of one second, which is begun at second 10. */
function ticksOf(options: EveryOptions, ...work: number[]): Promise<[number, number][]> {
  return runVirtual(function* (coro): Body<[number, number][]> {
    yield* sleep(10);
    return yield* ticks(coro, every(1, options), work);
  });
}

Deno.test("ticks are at the start and whole intervals, whatever the work between takes", async () => {
  const expected = [[11, 0], [12, 0], [13, 0], [14, 0]];
  for (const missed of ["skip", "burst", "delay"] as const) {
    assertEquals(await ticksOf({ missed }, 0, 0.3, 0.9, 0), expected, missed);
  }
});

Deno.test("ticks do not drift", () =>
  runVirtual(function* (coro): Body {
    for (const missed of ["skip", "burst", "delay"] as const) {
      const start = coro.scheduler.now();
      const ticker = every(0.1, { missed });
      for (let k = 1; k <= 1_000; k++) {
        assertEquals(yield* ticker.next(), 0);
        assertEquals(coro.scheduler.now(), start + k * 0.1);
        if (k % 3 === 0) yield* sleep(0.07);
      }
    }
  }));

Deno.test("ticks do not drift where timers fire late", async () => {
  for (const missed of ["skip", "burst", "delay"] as const) {
    const scheduler = new Scheduler({ clock: new LateClock() });
    const late = await scheduler.spawn(function* (coro): Body<number> {
      const start = coro.scheduler.now();
      const ticker = every(1, { missed });
      for (let k = 1; k <= 20; k++) assertEquals(yield* ticker.next(), 0);
      return coro.scheduler.now() - start - 20;
    }).value();
    assertEquals(Math.round(late * 10), 1, missed);
    await scheduler.terminate();
  }
});

Deno.test("a next at the very time of a tick gets it, also where sums are not exact", () =>
  runVirtual(function* (coro): Body {
    const ticker = every(0.1);
    for (let k = 1; k <= 1_000; k++) {
      yield* sleep(0.1);
      assertEquals(yield* ticker.next(), 0);
      assertEquals(Math.round(coro.scheduler.now() * 10), k);
    }
  }));

Deno.test('"skip", the default, forgets missed ticks: a late next waits for the next tick and says how many', async () => {
  const expected = [[11, 0], [14, 2], [15, 0], [17, 1]];
  assertEquals(await ticksOf({}, 2.5, 0.5, 1.5, 0), expected);
  assertEquals(await ticksOf({ missed: "skip" }, 2.5, 0.5, 1.5, 0), expected);
});

Deno.test('"burst" gives each missed tick at once, always 0', async () => {
  assertEquals(await ticksOf({ missed: "burst" }, 2.5, 0, 0, 0, 0), [[11, 0], [13.5, 0], [13.5, 0], [14, 0], [15, 0]]);
});

Deno.test('"delay" gives the late tick at once and counts the interval anew from then', async () => {
  assertEquals(await ticksOf({ missed: "delay" }, 2.5, 0, 0.3, 1.2, 0), [
    [11, 0],
    [13.5, 0],
    [14.5, 0],
    [15.5, 0],
    [16.7, 0],
  ]);
});

Deno.test("immediate: the first tick is now", async () => {
  for (const missed of ["skip", "burst", "delay"] as const) {
    assertEquals(await ticksOf({ missed, immediate: true }, 0, 0.5, 0), [[10, 0], [11, 0], [12, 0]], missed);
  }
});

Deno.test("an immediate tick stays until the next one is due", () =>
  runVirtual(function* (coro): Body {
    const ticker = every(1, { immediate: true });
    yield* sleep(0.3);
    assertEquals(yield* ticks(coro, ticker, [0, 0]), [[0.3, 0], [1, 0]]);
    const late = every(1, { immediate: true });
    yield* sleep(1.5);
    assertEquals(yield* ticks(coro, late, [0]), [[3, 2]]);
  }));

Deno.test("each tick is for one next, and those that wait are served in order", () =>
  runVirtual(function* (coro): Body {
    const ticker = every(1);
    const seen: string[] = [];
    const coros = ["a", "b", "c"].map((name) =>
      new Coro(function* (): Body {
        seen.push(`${name} ${yield* ticker.next()} at ${time(coro)}`);
      })
    );
    yield;
    assertEquals(ticker.statistics(), { waiters: 3 });
    for (const each of coros) yield* each.finish();
    assertEquals(seen, ["a 0 at 1", "b 0 at 2", "c 0 at 3"]);
    assertEquals(ticker.statistics(), { waiters: 0 });
  }));

Deno.test("a next that is cut short takes no tick: the one behind it gets it", () =>
  runVirtual(function* (coro): Body {
    const ticker = every(1);
    const first = new Coro(ticksForever, ticker);
    yield;
    const second = new Coro(function* (): Body<number> {
      assertEquals(yield* ticker.next(), 0);
      return time(coro);
    });
    yield* sleep(0.5);
    first.terminate();
    assertEquals(yield* second.finish(), 1);
    assertEquals(yield* race(ticker.next(), sleep(0.5)), undefined);
    assertEquals(yield* ticker.next(), 0);
    assertEquals([time(coro), ticker.statistics()], [2, { waiters: 0 }]);
  }));

function* ticksForever(_coro: Coro, ticker: Ticker): Body {
  for (;;) yield* ticker.next();
}

Deno.test("a tick that was granted and whose next is cut short is not lost", async () => {
  for (const missed of ["skip", "burst", "delay"] as const) {
    for (const pause of [0, 0.5]) {
      const seen = await runVirtual(function* (coro): Body<[number, number][]> {
        const ticker = every(1, { missed });
        // Both are due at the same time; what the loser was granted goes back.
        assertEquals(yield* race(sleep(1), ticker.next()), undefined);
        assertEquals(time(coro), 1);
        yield* sleep(pause);
        return yield* ticks(coro, ticker, [0, 0]);
      });
      const late: [number, number][] = missed === "skip"
        ? [[2, 1], [3, 0]]
        : missed === "burst"
        ? [[1.5, 0], [2, 0]]
        : [[1.5, 0], [2.5, 0]];
      assertEquals(seen, pause === 0 ? [[1, 0], [2, 0]] : late, `${missed} ${pause}`);
    }
  }
});

/** Fails after so many seconds, with what it waits for together with. */
function* failing(seconds: number): Body {
  yield* sleep(seconds);
  throw new Error("failed");
}

Deno.test("ticks that were taken and not handed over go back", async () => {
  const outcomes = {
    skip: [[3, 2], [4, 0]],
    burst: [[2.5, 0], [2.5, 0], [3, 0], [4, 0]],
    delay: [[2.5, 0], [2.5, 0], [3.5, 0]],
  };
  for (const missed of ["skip", "burst", "delay"] as const) {
    await runVirtual(function* (coro): Body {
      const ticker = every(1, { missed });
      yield* caught(all(ticker.next(), ticker.next(), failing(2.5)));
      assertEquals(yield* ticks(coro, ticker, outcomes[missed].map(() => 0)), outcomes[missed] as [number, number][]);
    });
  }
});

Deno.test("missed ticks of which a next that is cut short would have told are told by the next one", () =>
  runVirtual(function* (coro): Body {
    const ticker = every(1);
    yield* sleep(2.5);
    yield* caught(all(ticker.next(), failing(1)));
    assertEquals(yield* ticks(coro, ticker, [0, 0]), [[4, 3], [5, 0]]);
  }));

Deno.test("a tick that goes back after a later one was taken is missed, or given at once", async () => {
  const outcomes = { skip: [[3, 1], [4, 0]], burst: [[2.5, 0], [3, 0]], delay: [[2.5, 0], [3.5, 0]] };
  for (const missed of ["skip", "burst", "delay"] as const) {
    await runVirtual(function* (coro): Body {
      const ticker = every(1, { missed });
      const first = new Coro(function* (): Body {
        yield* caught(all(ticker.next(), failing(2.5)));
      });
      yield* sleep(1.5);
      assertEquals(yield* ticker.next(), 0);
      yield* first.finish();
      assertEquals(yield* ticks(coro, ticker, [0, 0]), outcomes[missed] as [number, number][], missed);
    });
  }
});

Deno.test("too late is a TimeoutError, and the tick is for the next one", () =>
  runVirtual(function* (coro): Body {
    const ticker = every(1);
    const error = (yield* caught(ticker.next(0.4))) as Error;
    assert(error instanceof TimeoutError);
    assertEquals(error.message, "Time is up: there was no tick within 0.4 seconds");
    assert((yield* caught(ticker.next(0))) instanceof TimeoutError);
    assertEquals(yield* ticker.next(0.6), 0);
    assertEquals(time(coro), 1);
    yield* sleep(1);
    assertEquals(yield* ticker.next(0), 0);
    assertEquals(ticker.statistics(), { waiters: 0 });
  }));

function* caught(operation: Operation<unknown>): Body<unknown> {
  try {
    return yield* operation;
  } catch (error) {
    return error;
  }
}

Deno.test("a ticker that was disposed of gives an Error, also to those that wait", () =>
  runVirtual(function* (): Body {
    const ticker = every(1);
    const waiting = new Coro(function* (): Body<unknown> {
      return yield* caught(ticker.next());
    });
    const early = ticker.next();
    yield;
    ticker[Symbol.dispose]();
    ticker[Symbol.dispose]();
    const text = "Cannot wait for a tick as the ticker was disposed of";
    assertThrows(() => ticker.next(), Error, text);
    for (const error of [yield* waiting.finish(), yield* caught(early)]) {
      assert(error instanceof Error && error.message.startsWith(text), `${error}`);
    }
    assertEquals(ticker.statistics(), { waiters: 0 });
  }));

Deno.test("every() checks what it is given", () => {
  for (const interval of [0, -1, NaN, Infinity, -Infinity, { seconds: 0 }, { seconds: -1 }]) {
    assertThrows(() => every(interval), RangeError, "Cannot tick as 'interval' must be a positive, finite number");
  }
  for (const interval of ["1", null, undefined, {}, { secs: 1 }, true]) {
    assertThrows(() => every(interval as number), TypeError, "Cannot tick");
  }
  for (const options of [{ missed: "drop" }, { immediate: 1 }, { imediate: true }, null, "skip"]) {
    assertThrows(() => every(1, options as EveryOptions), TypeError, "Cannot tick as");
  }
  assertThrows(() => every(1).next("soon" as unknown as number), TypeError, "Cannot wait for a tick");
});

Deno.test("an interval is a duration", () =>
  runVirtual(function* (coro): Body {
    const ticker = every({ milliseconds: 250 });
    yield* ticker.next();
    assertEquals(coro.scheduler.now(), 0.25);
  }));

Deno.test("a ticker made outside coroutines begins with its first next", async () => {
  const [ticker, immediate] = [every(1), every(1, { immediate: true })];
  await runVirtual(function* (coro): Body {
    yield* sleep(5);
    assertEquals(yield* ticks(coro, ticker, [0, 0]), [[6, 0], [7, 0]]);
    assertEquals(yield* ticks(coro, immediate, [0, 0]), [[7, 0], [8, 0]]);
  });
});

Deno.test("a ticker goes on with the clock of another scheduler", async () => {
  const ticker = every(1);
  await runVirtual(function* (coro): Body {
    assertEquals(yield* ticks(coro, ticker, [0, 0.25]), [[1, 0], [2, 0]]);
  });
  await runVirtual(function* (coro): Body {
    assertEquals(yield* ticks(coro, ticker, [0, 0]), [[0.75, 0], [1.75, 0]]);
  });
});

Deno.test("a ticker works in real time", async () => {
  await run(function* (): Body {
    using ticker = every(0.002, { missed: "burst", immediate: true });
    for (let k = 0; k < 5; k++) assertEquals(yield* ticker.next(), 0);
  });
});

Deno.test("a coroutine that waits for a tick is not deadlocked, nor is one that waits for it", () =>
  runVirtual(function* (coro): Body {
    const ticker = every(1);
    const waiting = ["a", "b"].map((name) =>
      coro.scheduler.spawnWith({ name }, function* (): Body<number> {
        return yield* ticker.next();
      })
    );
    yield;
    assertEquals(coro.scheduler.dump().filter(({ name }) => name === "a").map(({ waitsFor }) => waitsFor), ["a tick"]);
    for (const each of waiting) assertEquals(yield* each.finish(), 0);
  }));

Deno.test("a signal ends a next, which takes no tick", () =>
  runVirtual(function* (coro): Body {
    const ticker = every(1);
    const counted = new CountedSignal();
    const first = new Coro(function* (): Body<unknown> {
      return yield* caught(ticker.next(counted.signal));
    });
    yield* sleep(0.5);
    counted.abort("enough");
    assertEquals([yield* first.finish(), counted.listeners], ["enough", 0]);
    assertEquals(yield* caught(ticker.next(counted.signal)), "enough");
    assertEquals(yield* ticker.next({ signal: new CountedSignal().signal, timeout: 0.6 }), 0);
    assertEquals([time(coro), ticker.statistics()], [1, { waiters: 0 }]);
  }));
