/**
 * Timeouts: which values are valid, and the same error text at every call that takes one.
 */
import { type Coro, run, sleep, type Timeout, until, withTimeout } from "@asyncoro/asyncoro";
import { runVirtual, VirtualClock } from "@asyncoro/asyncoro/testing";
import { assertEquals, assertThrows } from "@std/assert";
import { toSeconds } from "../../core/base/duration.ts";

Deno.test("a timeout is a number of seconds, a Temporal.Duration or an object like one", () => {
  assertEquals(toSeconds(1.5, "wait"), 1.5);
  assertEquals(toSeconds(0, "wait"), 0);
  assertEquals(toSeconds(-3, "wait"), -3);
  assertEquals(toSeconds({ milliseconds: 250 }, "wait"), 0.25);
  assertEquals(toSeconds({ minutes: 1, seconds: 2, milliseconds: 3 }, "wait"), 62.003);
  assertEquals(toSeconds({ weeks: 1, days: 1, hours: 1 }, "wait"), 604_800 + 86_400 + 3_600);
  assertEquals(toSeconds({ microseconds: 5, nanoseconds: 7 }, "wait"), 5e-6 + 7e-9);
  assertEquals(toSeconds({ seconds: -1 }, "wait"), -1);
  assertEquals(toSeconds({ seconds: 0 }, "wait"), 0);
  assertEquals(toSeconds(Temporal.Duration.from({ minutes: 2, milliseconds: 500 }), "wait"), 120.5);
  assertEquals(toSeconds(Temporal.Duration.from({ hours: -1 }), "wait"), -3600);
  assertEquals(toSeconds(Temporal.Duration.from("PT0S"), "wait"), 0);
});

Deno.test("null, undefined and Infinity set no limit", () => {
  for (const none of [null, undefined, Infinity]) assertEquals(toSeconds(none, "wait"), Infinity);
});

Deno.test("the error names the parameter or the option", () => {
  const calls: [unknown, string][] = [
    ["1s", `Cannot retry as 'delay' must be a number of seconds or a duration: current value is "1s"`],
    [{}, "Cannot retry as 'delay' must be a number of seconds or a duration: current value is an object"],
    [
      { second: 1 },
      "Cannot retry as a duration has numbers of weeks, days, hours, minutes, seconds, milliseconds, microseconds, " +
      "nanoseconds: current value of 'second' is 1, in 'delay'",
    ],
  ];
  for (const [wrong, message] of calls) {
    assertEquals(assertThrows(() => toSeconds(wrong as Timeout, "retry", "delay"), TypeError).message, message);
  }
});

Deno.test("years and months are rejected, as they have no fixed length", () => {
  const error = "Cannot wait as a duration has numbers of weeks, days, hours, minutes, seconds, milliseconds, " +
    "microseconds, nanoseconds: current value of 'months' is 1, in 'timeout'";
  assertThrows(() => toSeconds(Temporal.Duration.from({ months: 1 }), "wait"), TypeError, error);
  assertThrows(() => toSeconds({ months: 1 } as Timeout, "wait"), TypeError, error);
  assertThrows(() => toSeconds(Temporal.Duration.from({ years: 2 }), "wait"), TypeError, "of 'years' is 2");
});

const WRONG: readonly [unknown, string][] = [
  [NaN, "NaN"],
  ["1s", '"1s"'],
  ["", '""'],
  [1n, "1n"],
  [true, "true"],
  [Symbol("s"), "Symbol(s)"],
  [{}, "an object"],
  [[], "an array of 0"],
  [() => 1, "the function"],
  [new Date(0), "an object of Date"],
];

const CALLS: Readonly<Record<string, (coro: Coro, timeout: Timeout) => unknown>> = {
  "sleep": (coro, timeout) => coro.sleep(timeout),
  "suspend": (coro, timeout) => coro.suspend(timeout),
  "receive": (coro, timeout) => coro.receive(timeout),
  "recv": (coro, timeout) => coro.recv(timeout),
  "deliver": (coro, timeout) => coro.deliver("x", timeout),
  "finish": (coro, timeout) => coro.finish(timeout),
  "value": (coro, timeout) => coro.value(timeout),
  "terminate": (coro, timeout) => coro.terminate(timeout),
  "helper sleep": (_, timeout) => sleep(timeout),
  "until": (_, timeout) => until(Promise.resolve(), timeout),
  "withTimeout": (_, timeout) => withTimeout(timeout, sleep(1)),
};

for (const [name, call] of Object.entries(CALLS)) {
  Deno.test(`${name} rejects what is not a valid duration, at the call and with the value`, async () => {
    await run(function* (coro) {
      yield;
      for (const [value, words] of WRONG) {
        const error = assertThrows(() => call(coro, value as Timeout), TypeError);
        const expected = `must be a number of seconds or a duration: current value is ${words}`;
        assertEquals(
          [error.message.startsWith("Cannot "), error.message.endsWith(expected)],
          [true, true],
          error.message,
        );
      }
      assertThrows(
        () => call(coro, { seconds: "1" } as unknown as Timeout),
        TypeError,
        "current value of 'seconds' is \"1\"",
      );
      assertThrows(() => call(coro, { seconds: NaN }), TypeError, "current value of 'seconds' is NaN");
      assertThrows(() => call(coro, { minuten: 1 } as Timeout), TypeError, "current value of 'minuten' is 1");
      assertEquals(coro.isAlive(), true);
    });
  });
}

Deno.test("sleep() takes every kind of timeout", async () => {
  const clock = new VirtualClock();
  assertEquals(clock.now(), 0);
  const ends = await runVirtual(function* (coro) {
    const ends: number[] = [];
    const now = () => coro.scheduler.now();
    for (
      const time of [2, 0.5, { milliseconds: 250 }, Temporal.Duration.from({ minutes: 1 }), 0, -5, { seconds: -1 }]
    ) {
      const start = now();
      yield* coro.sleep(time);
      ends.push(now() - start);
    }
    return ends;
  });
  assertEquals(ends, [2, 0.5, 0.25, 60, 0, 0, 0]);
});
