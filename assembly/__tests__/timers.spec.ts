import {
  allocate,
  arm,
  deadline,
  disarm,
  generation,
  grow,
  liveCount,
  nextDeadline,
  readyCount,
  timerCount,
} from "../index";
import { armedTimers, sequence } from "../timers";
import { EXPIRATIONS } from "../turn";
import { armedAt, byTimerAt, fresh, order, readyAt, slotAt, submitRelease, turn } from "./playground";

function rearm(slot: i32, deadline: f64): void {
  arm(slot, generation(slot), deadline);
}

/** Deadlines in an order without a pattern: 0 .. count - 1, each once, for a count that 7919 does not divide. */
function scattered(index: i32, count: i32): f64 {
  return <f64> (<i64> index * 7919 % count);
}

describe("timers", () => {
  beforeEach(fresh);

  it("expire at their deadline, not before, and say so", () => {
    const a = armedAt(5);
    expect<i32>(timerCount()).toBe(1);
    expect<f64>(nextDeadline()).toBe(5);
    expect<i32>(turn(4.999999)).toBe(0);
    expect<i32>(turn(5)).toBe(1);
    expect<i32>(slotAt(0)).toBe(a);
    expect<bool>(byTimerAt(0)).toBe(true);
    expect<i32>(timerCount()).toBe(0);
    expect<f64>(nextDeadline()).toBe(f64.POSITIVE_INFINITY);
  });

  it("tell the deadline of a slot, and none when it has no timer, no more, or the id is stale", () => {
    const a = armedAt(5);
    const b = allocate(4);
    expect<f64>(deadline(a, generation(a))).toBe(5);
    expect<f64>(deadline(b, generation(b))).toBe(f64.POSITIVE_INFINITY);
    expect<f64>(deadline(a, generation(a) + 1)).toBe(f64.POSITIVE_INFINITY);
    expect<f64>(deadline(-1, 0)).toBe(f64.POSITIVE_INFINITY);
    arm(a, generation(a), 7);
    expect<f64>(deadline(a, generation(a))).toBe(7);
    turn(7);
    expect<f64>(deadline(a, generation(a))).toBe(f64.POSITIVE_INFINITY);
  });

  it("expire once", () => {
    armedAt(1);
    turn(1);
    expect<i32>(turn(100)).toBe(0);
  });

  it("expire in exact order, down to the last bit", () => {
    const next = reinterpret<f64>(reinterpret<u64>(1.0) + 1);
    const c = armedAt(next);
    const b = armedAt(1);
    const a = armedAt(-1e300);
    const d = armedAt(1e300);
    turn(f64.MAX_VALUE);
    expect<i32[]>(order()).toStrictEqual([a, b, c, d]);
  });

  it("expire in order whatever the order of arming", () => {
    const count = 200;
    const expected: i32[] = [];
    for (let index = 0; index < count; index++) expected.push(0);
    for (let index = 0; index < count; index++) {
      const deadline = scattered(index, count);
      expected[<i32> deadline] = armedAt(deadline);
    }
    turn(1e9);
    expect<i32[]>(order()).toStrictEqual(expected);
  });

  it("with equal deadlines expire in the order of arming", () => {
    const expected: i32[] = [];
    for (let index = 0; index < 100; index++) expected.push(armedAt(3));
    armedAt(2);
    turn(2);
    turn(3);
    expect<i32[]>(order()).toStrictEqual(expected);
  });

  it("take -0 for 0", () => {
    const a = armedAt(0.0);
    const b = armedAt(-0.0);
    turn(-0.0);
    expect<i32[]>(order()).toStrictEqual([a, b]);
  });

  it("in the past expire at the next turn, in order", () => {
    turn(100);
    const c = armedAt(50);
    const b = armedAt(7);
    const a = armedAt(f64.NEGATIVE_INFINITY);
    expect<f64>(nextDeadline()).toBe(f64.NEGATIVE_INFINITY);
    turn(100);
    expect<i32[]>(order()).toStrictEqual([a, b, c]);
  });

  it("stand behind what was ready before the turn", () => {
    const due = armedAt(1);
    const ready = readyAt(4);
    turn(1);
    expect<i32[]>(order()).toStrictEqual([ready, due]);
  });

  it("are replaced, and then count as armed last", () => {
    const a = armedAt(5);
    const b = armedAt(5);
    rearm(a, 9);
    rearm(a, 5);
    expect<i32>(timerCount()).toBe(2);
    turn(5);
    expect<i32[]>(order()).toStrictEqual([b, a]);
  });

  it("can be moved nearer and farther", () => {
    const a = armedAt(5);
    const b = armedAt(6);
    rearm(b, 1);
    expect<f64>(nextDeadline()).toBe(1);
    rearm(b, 8);
    expect<f64>(nextDeadline()).toBe(5);
    turn(8);
    expect<i32[]>(order()).toStrictEqual([a, b]);
  });

  it("are none at +Infinity, and unchanged by NaN", () => {
    const a = armedAt(f64.POSITIVE_INFINITY);
    expect<i32>(timerCount()).toBe(0);
    rearm(a, 4);
    rearm(a, NaN);
    expect<f64>(nextDeadline()).toBe(4);
    rearm(a, f64.POSITIVE_INFINITY);
    expect<i32>(timerCount()).toBe(0);
    expect<i32>(turn(f64.MAX_VALUE)).toBe(0);
  });

  it("once cancelled leave nothing behind", () => {
    const a = armedAt(5);
    const b = armedAt(6);
    disarm(a, generation(a));
    disarm(a, generation(a));
    expect<i32>(timerCount()).toBe(1);
    expect<f64>(nextDeadline()).toBe(6);
    for (let round = 0; round < 100000; round++) {
      rearm(a, 30 + round);
      disarm(a, generation(a));
    }
    expect<i32>(timerCount()).toBe(1);
    turn(1e9);
    expect<i32[]>(order()).toStrictEqual([b]);
  });

  it("keep their order when any of them is cancelled", () => {
    const count = 97;
    for (let gone = 0; gone < count; gone++) {
      fresh();
      const expected: i32[] = [];
      for (let index = 0; index < count; index++) expected.push(0);
      for (let index = 0; index < count; index++) {
        const deadline = scattered(index, count);
        expected[<i32> deadline] = armedAt(deadline);
      }
      disarm(expected[gone], generation(expected[gone]));
      expected.splice(gone, 1);
      turn(1e9);
      expect<i32[]>(order()).toStrictEqual(expected);
    }
  });

  it("go with the slot they belong to", () => {
    const a = armedAt(1);
    const b = armedAt(2);
    submitRelease(a);
    turn(0);
    expect<f64>(nextDeadline()).toBe(2);
    const again = allocate(4);
    expect<i32>(again).toBe(a);
    turn(2);
    expect<i32[]>(order()).toStrictEqual([b]);
  });

  it("of a crowd expire 1,024 in a turn, the rest in the next ones", () => {
    const crowd = EXPIRATIONS + 10;
    while (liveCount() < crowd) {
      if (allocate(4) < 0) grow();
    }
    for (let slot = 0; slot < crowd; slot++) rearm(slot, 1);
    turn(1, 0);
    expect<i32>(readyCount()).toBe(EXPIRATIONS);
    expect<i32>(timerCount()).toBe(10);
    turn(1, 0);
    expect<i32>(readyCount()).toBe(crowd);
    expect<f64>(nextDeadline()).toBe(f64.POSITIVE_INFINITY);
  });

  it("keep their order when the sequence runs out", () => {
    const expected: i32[] = [];
    for (let index = 0; index < 50; index++) expected.push(armedAt(<f64> (index / 5)));
    // deno-lint-ignore no-import-assign -- in AssemblyScript an import is the variable itself
    sequence = u32.MAX_VALUE;
    const last = armedAt(3);
    expect<u32>(sequence).toBe(51);
    expect<i32>(armedTimers()).toBe(51);
    const equals = expected.slice(0, 20).concat([last]);
    turn(1e9);
    expect<i32[]>(order()).toStrictEqual(equals.concat(expected.slice(20)));
  });
});
