/** RateLimiter: tokens at a rate, served in order, and waits that are cut short. */
import {
  all,
  Coro,
  race,
  RateLimiter,
  type RateLimiterOptions,
  run,
  Scheduler,
  sleep,
  TimeoutError,
} from "@asyncoro/asyncoro";
import { runVirtual, VirtualClock } from "@asyncoro/asyncoro/testing";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { LateClock } from "../helpers/late_clock.ts";
import { CountedSignal } from "../helpers/counted_signal.ts";

type Body<T = void> = Generator<unknown, T, unknown>;

/** Begins a take in a coroutine of its own, which gives the time at which it got the tokens, or -1 if it was too late. */
function take(limiter: RateLimiter, n?: number, limit?: number): Coro<number> {
  return new Coro(function* (coro): Body<number> {
    try {
      yield* limiter.take(n, limit);
      return coro.scheduler.now();
    } catch (error) {
      assert(error instanceof TimeoutError, `${error}`);
      return -1;
    }
  });
}

function* timesOf(coros: readonly Coro<number>[]): Body<number[]> {
  const times: number[] = [];
  for (const coro of coros) times.push((yield* coro.finish()) as number);
  return times.map((time) => Math.round(time * 1e6) / 1e6);
}

Deno.test("RateLimiter is full at first: a burst is taken at once, then tokens come at the rate", () =>
  runVirtual(function* (): Body {
    const limiter = new RateLimiter({ rate: 10, burst: 3 });
    assertEquals(limiter.statistics(), { available: 3, waiters: 0 });
    const takes = Array.from({ length: 7 }, () => take(limiter));
    yield;
    assertEquals(limiter.statistics(), { available: 0, waiters: 4 });
    assertEquals(yield* timesOf(takes), [0, 0, 0, 0.1, 0.2, 0.3, 0.4]);
    assertEquals(limiter.statistics(), { available: 0, waiters: 0 });
  }));

Deno.test("the burst is the rate by default, and the period is a duration", () =>
  runVirtual(function* (): Body {
    const limiter = new RateLimiter({ rate: 2, per: { minutes: 1 } });
    const takes = Array.from({ length: 4 }, () => take(limiter));
    assertEquals(yield* timesOf(takes), [0, 0, 30, 60]);
  }));

Deno.test("tokens come while nobody takes any, up to the burst", () =>
  runVirtual(function* (): Body {
    const limiter = new RateLimiter({ rate: 10, burst: 5 });
    yield* limiter.take(5);
    yield* sleep(0.3);
    assertEquals(limiter.statistics().available, 3);
    yield* sleep(100);
    assertEquals(limiter.statistics().available, 5);
    const takes = Array.from({ length: 6 }, () => take(limiter));
    assertEquals(yield* timesOf(takes), [100.3, 100.3, 100.3, 100.3, 100.3, 100.4]);
  }));

Deno.test("those that wait are served in order, and a large take is not overtaken", () =>
  runVirtual(function* (): Body {
    const limiter = new RateLimiter({ rate: 1, burst: 5 });
    yield* limiter.take(5);
    const takes = [take(limiter, 5), take(limiter, 1), take(limiter, 2)];
    yield* sleep(3);
    // There are three tokens, for the first.
    assertEquals(limiter.statistics(), { available: 3, waiters: 3 });
    assertEquals(limiter.tryTake(), false);
    takes.push(take(limiter, 1));
    assertEquals(yield* timesOf(takes), [5, 6, 8, 9]);
  }));

Deno.test("the rate does not drift, however many tokens are taken", () =>
  runVirtual(function* (coro): Body {
    const limiter = new RateLimiter({ rate: 3, burst: 1 });
    for (let k = 0; k < 1_000; k++) {
      yield* limiter.take();
      assert(Math.abs(coro.scheduler.now() - k / 3) < 1e-9);
    }
  }));

Deno.test("the rate does not drift where timers fire late", async () => {
  const scheduler = new Scheduler({ clock: new LateClock() });
  const late = await scheduler.spawn(function* (coro): Body<number> {
    const start = coro.scheduler.now();
    const limiter = new RateLimiter({ rate: 1, burst: 1 });
    for (let k = 0; k <= 20; k++) yield* limiter.take();
    return coro.scheduler.now() - start - 20;
  }).value();
  assertEquals(Math.round(late * 10), 1);
  await scheduler.terminate();
});

Deno.test("tryTake() takes what is there and does not wait", () =>
  runVirtual(function* (): Body {
    const limiter = new RateLimiter({ rate: 10, burst: 2 });
    assertEquals([limiter.tryTake(2), limiter.tryTake()], [true, false]);
    for (let k = 0; k < 100; k++) {
      yield* sleep(0.1);
      assertEquals([limiter.tryTake(), limiter.tryTake()], [true, false], `${k}`);
    }
  }));

Deno.test("too late is a TimeoutError, and takes nothing; zero does not wait", () =>
  runVirtual(function* (coro): Body {
    const limiter = new RateLimiter({ rate: 1, burst: 4 });
    yield* limiter.take(4, 0);
    const takes = [take(limiter, 3, 2), take(limiter, 1, 0), take(limiter, 4)];
    assertEquals(yield* timesOf(takes), [-1, -1, 4]);
    assertEquals(coro.scheduler.now(), 4);
    try {
      yield* limiter.take(2, { milliseconds: 500 });
    } catch (error) {
      assertEquals((error as Error).message, "Time is up: a rate limiter had no 2 tokens to take within 0.5 seconds");
    }
    assertEquals(coro.scheduler.now(), 4.5);
  }));

Deno.test("a limit that ends when the tokens come is not too late", () =>
  runVirtual(function* (): Body {
    const limiter = new RateLimiter({ rate: 1, burst: 1 });
    yield* limiter.take();
    assertEquals(yield* timesOf([take(limiter, 1, 1), take(limiter, 1, 2), take(limiter, 1, 2)]), [1, 2, -1]);
  }));

Deno.test("a take that is cut short lets those behind it go on", () =>
  runVirtual(function* (): Body {
    const limiter = new RateLimiter({ rate: 1, burst: 5 });
    yield* limiter.take(5);
    const takes = [take(limiter, 5), take(limiter, 2), take(limiter, 1)];
    yield* sleep(2.5);
    takes[0].terminate();
    assertEquals(yield* timesOf(takes.slice(1)), [2.5, 3]);
    assertEquals(limiter.statistics().waiters, 0);
  }));

Deno.test("the tokens of a take that was granted and is cut short go back", () =>
  runVirtual(function* (coro): Body {
    const limiter = new RateLimiter({ rate: 1, burst: 2 });
    yield* limiter.take(2);
    // Both are due at the same time; what the loser was granted goes back.
    assertEquals(yield* race(sleep(2), limiter.take(2)), undefined);
    assertEquals(limiter.statistics(), { available: 2, waiters: 0 });
    yield* limiter.take(2);
    const first = take(limiter, 2);
    const second = take(limiter, 2);
    yield* sleep(1);
    coro.scheduler.spawn(function* (other): Body {
      yield* other.sleep(1);
      first.terminate();
    });
    assertEquals(yield* timesOf([second]), [6]);
  }));

Deno.test("tokens that go back serve those that wait", () =>
  runVirtual(function* (): Body {
    const limiter = new RateLimiter({ rate: 1, burst: 2 });
    const failed = new Coro(function* (): Body {
      try {
        yield* all(
          limiter.take(2),
          (function* (): Body {
            yield* sleep(0.5);
            throw new Error("failed");
          })(),
        );
      } catch {
        // Its tokens have gone back.
      }
    });
    yield;
    yield;
    yield;
    assertEquals(limiter.statistics().available, 0);
    assertEquals(yield* timesOf([take(limiter, 2), take(limiter, 1)]), [0.5, 1.5]);
    yield* failed.finish();
  }));

Deno.test("n must be positive and not above the burst, for take() and tryTake()", () => {
  const limiter = new RateLimiter({ rate: 10, burst: 5 });
  for (const act of [(n: unknown) => limiter.take(n as number), (n: unknown) => limiter.tryTake(n as number)]) {
    for (const n of [0, -1, Infinity]) assertThrows(() => act(n), RangeError, "Cannot take tokens as 'n' must be");
    for (const n of [NaN, "1", null, {}]) assertThrows(() => act(n), TypeError, "Cannot take tokens as 'n' must be");
    assertThrows(() => act(6), RangeError, "Cannot take 6 tokens as a rate limiter with a 'burst' of 5");
  }
  assertThrows(() => limiter.take(1, "soon" as unknown as number), TypeError, "Cannot take tokens");
  assertEquals(limiter.statistics(), { available: 5, waiters: 0 });
});

Deno.test("RateLimiter checks its options", () => {
  const make = (options: unknown) => () => new RateLimiter(options as RateLimiterOptions);
  for (
    const options of [{ rate: 0 }, { rate: -1 }, { rate: Infinity }, { rate: 1, burst: 0 }, { rate: 1, per: 0 }, {
      rate: 1,
      per: Infinity,
    }]
  ) {
    assertThrows(make(options), RangeError, "Cannot create a rate limiter as");
  }
  for (
    const options of [
      undefined,
      null,
      5,
      {},
      { rate: "1" },
      { rate: NaN },
      { rate: 1, per: "1" },
      { rate: 1, per: null },
      {
        rate: 1,
        per: {},
      },
      { rate: 1, burst: null },
      { rate: 1, limit: 2 },
    ]
  ) {
    assertThrows(make(options), TypeError, "Cannot create a rate limiter");
  }
});

Deno.test("fractions of tokens can be taken", () =>
  runVirtual(function* (): Body {
    const limiter = new RateLimiter({ rate: 0.5 });
    assertThrows(() => limiter.take(), RangeError);
    assertEquals(yield* timesOf([take(limiter, 0.5), take(limiter, 0.25)]), [0, 0.5]);
  }));

Deno.test("a rate limiter goes on with the clock of another scheduler", async () => {
  const limiter = new RateLimiter({ rate: 1, burst: 2 });
  assert(limiter.tryTake());
  assertEquals(limiter.statistics().waiters, 0);
  await runVirtual(function* (coro): Body {
    yield* limiter.take();
    yield* sleep(2);
    assertEquals([coro.scheduler.now(), limiter.statistics().available], [2, 2]);
    yield* limiter.take(2);
    yield* sleep(0.25);
  });
  await runVirtual(function* (): Body {
    assertEquals(yield* timesOf([take(limiter, 1, 0.75)]), [0.75]);
    yield* sleep(99.25);
    assertEquals(limiter.statistics().available, 2);
    yield* limiter.take(2);
    assertEquals(yield* timesOf([take(limiter)]), [101]);
  });
});

Deno.test("tokens that come at the very limit are in time, however the sums of clocks are rounded", async () => {
  for (let k = 1; k <= 200; k++) {
    const limiter = new RateLimiter({ rate: 1, burst: 2 });
    const scheduler = new Scheduler({ clock: new VirtualClock(k * 777.7) });
    await scheduler.spawn(function* (): Body {
      yield* limiter.take(2);
      yield* sleep(0.3);
      limiter.statistics();
    }).value();
    await scheduler.terminate();
    await runVirtual(function* (): Body {
      assertEquals(yield* timesOf([take(limiter, 1, 0.7)]), [0.7]);
    });
  }
});

Deno.test("a rate limiter works in real time", async () => {
  const limiter = new RateLimiter({ rate: 1_000, burst: 1 });
  await run(function* (): Body {
    for (let k = 0; k < 5; k++) yield* limiter.take();
  });
  assertEquals(limiter.statistics().waiters, 0);
});

Deno.test("a take that waits is in dump()", () =>
  runVirtual(function* (coro): Body {
    const limiter = new RateLimiter({ rate: 2 });
    yield* limiter.take(2);
    const one = take(limiter, 1);
    const two = take(limiter, 2);
    yield;
    const waits = new Map(coro.scheduler.dump().map(({ id, waitsFor }) => [id, waitsFor]));
    assertEquals([waits.get(one.id), waits.get(two.id)], ["1 token of a rate limiter", "2 tokens of a rate limiter"]);
    assertEquals(yield* timesOf([one, two]), [0.5, 1.5]);
  }));

Deno.test("a signal ends a take, which takes nothing, and lets those behind it go on", () =>
  runVirtual(function* (): Body {
    const limiter = new RateLimiter({ rate: 1, burst: 4 });
    yield* limiter.take(4);
    const counted = new CountedSignal();
    const first = new Coro(function* (): Body<unknown> {
      try {
        return yield* limiter.take(4, counted.signal);
      } catch (error) {
        return error;
      }
    });
    yield;
    const second = take(limiter, 2);
    yield* sleep(1);
    counted.abort("enough");
    assertEquals([yield* first.finish(), counted.listeners], ["enough", 0]);
    assertEquals(yield* timesOf([second]), [2]);
    try {
      yield* limiter.take(1, counted.signal);
    } catch (error) {
      assertEquals(error, "enough");
    }
    yield* limiter.take(1, { signal: new CountedSignal().signal, timeout: 1 });
    assertEquals(limiter.statistics(), { available: 0, waiters: 0 });
  }));
