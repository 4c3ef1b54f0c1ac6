/**
 * `each` and `emit` with signals as limits.
 */
import { Coro, each, run, sleep, stream, until } from "@asyncoro/asyncoro";
import { assertEquals, assertStrictEquals } from "@std/assert";
import { CountedSignal } from "../helpers/counted_signal.ts";
import { settle } from "../helpers/lab.ts";

/** The error of a body, or what it returns. */
function* outcomeOf(body: Generator<unknown, unknown, unknown>): Generator<unknown, unknown, unknown> {
  try {
    return yield* body;
  } catch (error) {
    return error;
  }
}

/** A source whose items come when the test says so. */
function faucet(): { source: AsyncIterable<number>; asked: () => number; give: (value: number) => void } {
  let asked = 0;
  let step = Promise.withResolvers<IteratorResult<number>>();
  const source = {
    [Symbol.asyncIterator]: () => ({
      next: () => {
        asked++;
        step = Promise.withResolvers();
        return step.promise;
      },
    }),
  };
  return { source, asked: () => asked, give: (value) => step.resolve({ done: false, value }) };
}

Deno.test("a signal that is aborted already is thrown before anything is asked for", () =>
  run(function* () {
    const reason = new Error("enough");
    const { source, asked } = faucet();
    const items = each(source, AbortSignal.abort(reason));
    assertStrictEquals(
      yield* outcomeOf((function* () {
        return yield* items.next();
      })()),
      reason,
    );
    assertEquals(asked(), 0);
  }));

Deno.test("a signal that aborts ends the wait for an item, which goes to the next next, and has no listeners after it", () =>
  run(function* () {
    const reason = new Error("enough");
    const { source, asked, give } = faucet();
    const signal = new CountedSignal();
    const items = each(source, { signal: signal.signal, timeout: 100 });
    const first = new Coro(function* () {
      return yield* outcomeOf((function* () {
        return yield* items.next();
      })());
    });
    yield* until(settle());
    assertEquals(signal.listeners, 1);
    give(1);
    assertEquals([yield* first.finish(), signal.listeners], [1, 0]);
    const second = new Coro(function* () {
      return yield* outcomeOf((function* () {
        return yield* items.next();
      })());
    });
    yield* until(settle());
    signal.abort(reason);
    assertStrictEquals(yield* second.finish(), reason);
    assertEquals([signal.listeners, asked()], [0, 2]);
    give(2);
    yield* until(settle());
    // The same signal ends every wait from now on, but the source is open.
    items[Symbol.dispose]();
  }));

Deno.test("a forEach whose signal aborts closes the source", async () => {
  let cancelled = false;
  const readable = new ReadableStream<number>({ cancel: () => void (cancelled = true) });
  const controller = new AbortController();
  const reason = new Error("enough");
  setTimeout(() => controller.abort(reason), 1);
  const outcome = await run(eachUntil, readable, controller.signal);
  assertStrictEquals(outcome, reason);
  assertEquals([cancelled, readable.locked], [true, false]);
});

function* eachUntil(
  _coro: Coro,
  readable: ReadableStream<number>,
  signal: AbortSignal,
): Generator<unknown, unknown, unknown> {
  return yield* outcomeOf((function* () {
    return yield* each(readable, signal).forEach(() => {});
  })());
}

Deno.test("an emit whose signal aborts has emitted nothing", () =>
  run(function* () {
    const reason = new Error("enough");
    const signal = new CountedSignal();
    const outcomes: unknown[] = [];
    const readable = stream<number>(function* (_coro, emit) {
      yield* emit(1);
      outcomes.push(
        yield* outcomeOf((function* () {
          yield* emit(2, signal.signal);
        })()),
      );
      yield* emit(3, new AbortController().signal);
    });
    yield* sleep(0);
    yield* until(settle());
    assertEquals(signal.listeners, 1);
    signal.abort(reason);
    const seen: number[] = [];
    yield* each(readable).forEach((item) => void seen.push(item));
    assertEquals([seen, outcomes, signal.listeners], [[1, 3], [reason], 0]);
  }));
