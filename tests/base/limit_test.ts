/** What is a limit, and what is not. */
import { Coro, Event, Lock, sleep, until, withTimeout } from "@asyncoro/asyncoro";
import { runVirtual } from "@asyncoro/asyncoro/testing";
import { assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { checkLimit, type Limit, limitSeconds, limitSignal } from "../../core/base/limit.ts";
import { ForeignSignal } from "../helpers/counted_signal.ts";

const { signal } = new AbortController();

Deno.test("a limit is a timeout, a signal, or an object with one of them as a key of its own", () => {
  const foreign = new ForeignSignal().asSignal;
  const cases: [Limit, number, AbortSignal | null][] = [
    [undefined, Infinity, null],
    [null, Infinity, null],
    [3, 3, null],
    [-1, -1, null],
    [{ minutes: 1 }, 60, null],
    [signal, Infinity, signal],
    [foreign, Infinity, foreign],
    [{ signal }, Infinity, signal],
    [{ timeout: undefined, signal }, Infinity, signal],
    [{ timeout: null, signal }, Infinity, signal],
    [{ timeout: 2, signal: undefined }, 2, null],
    [{ timeout: { milliseconds: 5 }, signal }, 0.005, signal],
    [{ timeout: undefined }, Infinity, null],
    [{ signal: undefined }, Infinity, null],
  ];
  for (const [limit, seconds, expected] of cases) {
    assertEquals(limitSeconds(limit, "wait"), seconds);
    assertStrictEquals(limitSignal(limit), expected);
    assertEquals(checkLimit(limit, "wait"), { seconds, signal: expected });
  }
});

Deno.test("what is no limit is a TypeError, where it is passed, whoever takes it", () =>
  runVirtual(function* (coro) {
    const wrong: [unknown, string][] = [
      [NaN, "'timeout' must be"],
      ["5", "'timeout' must be"],
      [{}, "'timeout' must be"],
      [{ seconds: 1, signal }, "there is no option 'seconds': use timeout, signal"],
      [{ timeout: 1, minutes: 1 }, "there is no option 'minutes': use timeout, signal"],
      [{ signal: {} }, "'signal' must be an AbortSignal"],
      [{ signal: 3, timeout: 1 }, "'signal' must be an AbortSignal"],
      [{ timeout: signal }, "'timeout' must be"],
      [{ timeout: NaN, signal }, "'timeout' must be"],
      [Object.create({ timeout: 1 }), "'timeout' must be"],
      [new EventTarget(), "'timeout' must be"],
    ];
    const takers: ((limit: Limit) => unknown)[] = [
      sleep,
      (limit) => coro.sleep(limit),
      (limit) => coro.suspend(limit),
      (limit) => coro.deliver("message", limit),
      (limit) => coro.value(limit),
      (limit) => coro.finish(limit),
      (limit) => Coro.locate("nobody", limit),
      (limit) => until(Promise.resolve(), limit),
      (limit) => withTimeout(limit, sleep(0)),
      (limit) => new Lock().acquire(true, limit),
      (limit) => new Event().wait(limit),
    ];
    for (const [limit, message] of wrong) {
      for (const take of takers) assertThrows(() => take(limit as Limit), TypeError, message);
    }
  }));
