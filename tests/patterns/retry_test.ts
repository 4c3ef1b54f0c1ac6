/** `retry`: attempts, delays, and when to give up. */
import { type Coro, retry, type RetryOptions, Scheduler, sleep, TimeoutError, withTimeout } from "@asyncoro/asyncoro";
import { VirtualClock } from "@asyncoro/asyncoro/testing";
import { assert, assertEquals, assertRejects, assertStrictEquals, assertThrows } from "@std/assert";
import { inLab, type Lab } from "../helpers/lab.ts";

/** Fails in every attempt, each with an error of its own, and notes when. */
function failing(lab: Lab, errors: Error[]): (coro: Coro, attempt: number) => Generator<unknown, never, unknown> {
  return function* (_coro, attempt) {
    lab.at(`attempt ${attempt}`);
    const error = new Error(`failure ${attempt}`);
    errors.push(error);
    throw error;
  };
}

async function attemptsOf(lab: Lab, options: RetryOptions): Promise<string[]> {
  const errors: Error[] = [];
  const start = lab.scheduler.now();
  const thrown = await lab.scheduler.spawn(function* () {
    yield* retry(failing(lab, errors), options);
  }).value().catch((error) => error);
  assertStrictEquals(thrown, errors.at(-1), "the last error, the very object");
  return lab.takeLog().map((line) => {
    const [time, ...words] = line.split(" ");
    return [Math.round((Number(time) - start) * 1000) / 1000, ...words].join(" ");
  });
}

Deno.test("times counts all attempts; the delays grow by factor, up to maxDelay", () =>
  inLab(async (lab) => {
    assertEquals(await attemptsOf(lab, { jitter: 0 }), ["0 attempt 1", "0.1 attempt 2", "0.3 attempt 3"]);
    assertEquals(
      await attemptsOf(lab, { times: 5, delay: { seconds: 1 }, factor: 3, maxDelay: 5, jitter: 0 }),
      ["0 attempt 1", "1 attempt 2", "4 attempt 3", "9 attempt 4", "14 attempt 5"],
    );
    assertEquals(await attemptsOf(lab, { times: 1 }), ["0 attempt 1"]);
    assertEquals(await attemptsOf(lab, { times: 2, delay: 0 }), ["0 attempt 1", "0 attempt 2"]);
  }));

Deno.test("an attempt that succeeds ends it; attempt starts at 1, and the coroutine is the caller's", () =>
  inLab(async (lab) => {
    const coro: Coro = lab.scheduler.spawn(function* () {
      return yield* retry(function* (self, attempt) {
        assertStrictEquals(self, coro);
        yield* self.sleep(1);
        if (attempt < 3) throw new Error("not yet");
        return attempt;
      }, { times: Infinity, jitter: 0 });
    });
    assertEquals(await coro.value(), 3);
    assertEquals(Math.round(lab.scheduler.now() * 10), 33);
  }));

Deno.test("jitter spreads delays around maxDelay: 0.5 from 75 % to 125 %", () =>
  inLab(async (lab) => {
    const delays: number[] = [];
    await lab.scheduler.spawn(function* () {
      let last = lab.scheduler.now();
      yield* retry(function* (_coro, attempt): Generator<unknown, void, unknown> {
        delays.push(lab.scheduler.now() - last);
        last = lab.scheduler.now();
        if (attempt < 500) throw new Error("again");
      }, { times: 500, delay: 10, maxDelay: 4 });
    }).value();
    delays.shift();
    assert(delays.every((delay) => delay >= 3 - 1e-6 && delay < 5), `${Math.min(...delays)} to ${Math.max(...delays)}`);
    assert(Math.min(...delays) < 3.2 && Math.max(...delays) > 4.8);
  }));

Deno.test("the seed of a scheduler determines the jitter", async () => {
  const delaysWith = async (shuffle: number): Promise<number> => {
    const scheduler = new Scheduler({ clock: new VirtualClock(), shuffle });
    await scheduler.spawn(function* () {
      yield* retry(function* (_coro, attempt): Generator<unknown, void, unknown> {
        if (attempt < 5) throw new Error("again");
      }, { times: 5 });
    }).value();
    const end = scheduler.now();
    await scheduler.terminate();
    return end;
  };
  assertEquals(await delaysWith(7), await delaysWith(7));
  assert(await delaysWith(7) !== await delaysWith(8));
});

Deno.test("when returns false: it ends at once; it gets the error and the number of the attempt", () =>
  inLab(async (lab) => {
    const seen: unknown[] = [];
    const when = (error: unknown, attempt: number): boolean => {
      seen.push((error as Error).message, attempt);
      return attempt < 2;
    };
    assertEquals(await attemptsOf(lab, { times: 9, jitter: 0, when }), ["0 attempt 1", "0.1 attempt 2"]);
    assertEquals(seen, ["failure 1", 1, "failure 2", 2]);
  }));

Deno.test("if the next attempt would begin after within, the error is thrown at once", () =>
  inLab(async (lab) => {
    const start = lab.scheduler.now();
    assertEquals(
      await attemptsOf(lab, { times: 9, delay: 1, jitter: 0, within: 3 }),
      ["0 attempt 1", "1 attempt 2", "3 attempt 3"],
    );
    assertEquals(lab.scheduler.now(), start + 3);
  }));

Deno.test("a termination and a deadline are not retried", () =>
  inLab(async (lab) => {
    let count = 0;
    const work = () =>
      retry(function* () {
        count++;
        yield* sleep(10);
      });
    const coro = lab.scheduler.spawn(function* () {
      yield* work();
    });
    lab.scheduler.spawn(function* (self) {
      yield* self.sleep(1);
      coro.terminate();
    });
    await coro.value();
    await assertRejects(() =>
      lab.scheduler.spawn(function* () {
        yield* withTimeout(1, work());
      }).value(), TimeoutError);
    assertEquals([count, lab.scheduler.now()], [2, 2]);
  }));

Deno.test("an error thrown into the coroutine is retried like a failure, unless when says otherwise", () =>
  inLab(async (lab) => {
    for (const retried of [true, false]) {
      const coro = lab.scheduler.spawn(function* () {
        return yield* retry(function* (self, attempt) {
          yield* self.sleep(2);
          return attempt;
        }, { when: () => retried });
      });
      lab.scheduler.spawn(function* (self) {
        yield* self.sleep(1);
        coro.throw(new Error("thrown"));
      });
      assertEquals(await coro.value().catch((error) => error.message), retried ? 2 : "thrown");
    }
  }));

Deno.test("retry refuses bad arguments at the call", () => {
  const fn = function* () {};
  assertThrows(() => retry((() => {}) as never), TypeError, "Cannot retry as 'fn' must be a generator function");
  const bad: [RetryOptions, typeof TypeError | typeof RangeError][] = [
    [{ times: 0 }, RangeError],
    [{ times: 1.5 }, RangeError],
    [{ delay: -1 }, RangeError],
    [{ delay: Infinity }, RangeError],
    [{ delay: "1" as never }, TypeError],
    [{ factor: -1 }, RangeError],
    [{ factor: NaN }, RangeError],
    [{ maxDelay: -1 }, RangeError],
    [{ jitter: -0.1 }, RangeError],
    [{ jitter: 2.1 }, RangeError],
    [{ within: -1 }, RangeError],
    [{ when: true as never }, TypeError],
    [{ attempts: 5 } as never, TypeError],
    [null as never, TypeError],
  ];
  for (const [options, kind] of bad) assertThrows(() => retry(fn, options), kind, "Cannot retry ");
});
