import { arm, deadline, disarm, nextDeadline, setLevel, timerCount } from "../every";
import { sequence } from "../timers";
import { allocated, armedAt, fresh, ready, readyAt, release, take, turn } from "./playground";

/** Deadlines in an order without a pattern: 0 .. count - 1, each once, for a count that 7919 does not divide. */
function scattered(index: i32, count: i32): f64 {
  return <f64> (<i64> index * 7919 % count);
}

describe("timers", () => {
  beforeEach(fresh);

  it("fire at their deadline, not before", () => {
    const a = armedAt(5);
    expect<i32>(timerCount()).toBe(1);
    expect<f64>(nextDeadline()).toBe(5);
    expect<i32[]>(turn(4.999999)).toStrictEqual([]);
    expect<i32[]>(turn(5)).toStrictEqual([a]);
    expect<i32>(timerCount()).toBe(0);
    expect<f64>(nextDeadline()).toBe(f64.POSITIVE_INFINITY);
  });

  it("tell the deadline of a slot, and none when it has no timer, or no more", () => {
    const a = armedAt(5);
    const b = allocated();
    expect<f64>(deadline(a)).toBe(5);
    expect<f64>(deadline(b)).toBe(f64.POSITIVE_INFINITY);
    arm(a, 7);
    expect<f64>(deadline(a)).toBe(7);
    turn(7);
    expect<f64>(deadline(a)).toBe(f64.POSITIVE_INFINITY);
  });

  it("expire once", () => {
    armedAt(1);
    turn(1);
    expect<i32[]>(turn(100)).toStrictEqual([]);
  });

  it("expire in exact order, down to the last bit", () => {
    const next = reinterpret<f64>(reinterpret<u64>(1.0) + 1);
    const c = armedAt(next);
    const b = armedAt(1);
    const a = armedAt(-1e300);
    const d = armedAt(1e300);
    expect<i32[]>(turn(f64.MAX_VALUE)).toStrictEqual([a, b, c, d]);
  });

  it("expire in order whatever the order of arming", () => {
    const count = 200;
    const expected: i32[] = [];
    for (let index = 0; index < count; index++) expected.push(0);
    for (let index = 0; index < count; index++) {
      const deadline = scattered(index, count);
      expected[<i32> deadline] = armedAt(deadline);
    }
    expect<i32[]>(turn(1e9)).toStrictEqual(expected);
  });

  it("with equal deadlines expire in the order of arming", () => {
    const expected: i32[] = [];
    for (let index = 0; index < 100; index++) expected.push(armedAt(3));
    armedAt(2);
    turn(2);
    expect<i32[]>(turn(3)).toStrictEqual(expected);
  });

  it("take -0 for 0", () => {
    const a = armedAt(0.0);
    const b = armedAt(-0.0);
    expect<i32[]>(turn(-0.0)).toStrictEqual([a, b]);
  });

  it("in the past expire at the next turn, in order", () => {
    turn(100);
    const c = armedAt(50);
    const b = armedAt(7);
    const a = armedAt(f64.NEGATIVE_INFINITY);
    expect<f64>(nextDeadline()).toBe(f64.NEGATIVE_INFINITY);
    expect<i32[]>(turn(100)).toStrictEqual([a, b, c]);
  });

  it("stand behind what was ready before the turn", () => {
    const due = armedAt(1);
    const ready = readyAt(4);
    expect<i32[]>(turn(1)).toStrictEqual([ready, due]);
  });

  it("are replaced, and then count as armed last", () => {
    const a = armedAt(5);
    const b = armedAt(5);
    arm(a, 9);
    arm(a, 5);
    expect<i32>(timerCount()).toBe(2);
    expect<i32[]>(turn(5)).toStrictEqual([b, a]);
  });

  it("can be moved nearer and farther", () => {
    const a = armedAt(5);
    const b = armedAt(6);
    arm(b, 1);
    expect<f64>(nextDeadline()).toBe(1);
    arm(b, 8);
    expect<f64>(nextDeadline()).toBe(5);
    expect<i32[]>(turn(8)).toStrictEqual([a, b]);
  });

  it("are none at +Infinity, and unchanged by NaN", () => {
    const a = armedAt(f64.POSITIVE_INFINITY);
    expect<i32>(timerCount()).toBe(0);
    arm(a, 4);
    arm(a, NaN);
    expect<f64>(nextDeadline()).toBe(4);
    arm(a, f64.POSITIVE_INFINITY);
    expect<i32>(timerCount()).toBe(0);
    expect<i32[]>(turn(f64.MAX_VALUE)).toStrictEqual([]);
  });

  it("once cancelled leave nothing behind", () => {
    const a = armedAt(5);
    const b = armedAt(6);
    disarm(a);
    disarm(a);
    expect<i32>(timerCount()).toBe(1);
    expect<f64>(nextDeadline()).toBe(6);
    for (let round = 0; round < 100000; round++) {
      arm(a, 30 + round);
      disarm(a);
    }
    expect<i32>(timerCount()).toBe(1);
    expect<i32[]>(turn(1e9)).toStrictEqual([b]);
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
      disarm(expected[gone]);
      expected.splice(gone, 1);
      expect<i32[]>(turn(1e9)).toStrictEqual(expected);
    }
  });

  it("leave a slot that gets another level as they were", () => {
    const a = armedAt(5);
    setLevel(a, 1);
    expect<f64>(nextDeadline()).toBe(5);
    readyAt(3);
    expect<i32[]>(turn(5)).toStrictEqual([a]);
  });

  it("end with the slot they belong to", () => {
    const a = armedAt(1);
    const b = armedAt(2);
    release(a);
    expect<f64>(nextDeadline()).toBe(2);
    expect<i32>(allocated()).toBe(a);
    expect<i32[]>(turn(2)).toStrictEqual([b]);
    expect<i32>(ready() + take(4)).toBe(0);
  });

  it("keep their order when the sequence runs out", () => {
    // deno-lint-ignore no-import-assign -- in AssemblyScript an import is the variable itself
    sequence = u32.MAX_VALUE - 20;
    const expected: i32[] = [];
    for (let index = 0; index < 50; index++) expected.push(armedAt(<f64> (index / 5)));
    const last = armedAt(3);
    expect<u32>(sequence).toBe(30);
    const equals = expected.slice(0, 20).concat([last]);
    expect<i32[]>(turn(1e9)).toStrictEqual(equals.concat(expected.slice(20)));
    const late: i32[] = [];
    // deno-lint-ignore no-import-assign -- as above
    sequence = u32.MAX_VALUE - 7;
    for (let index = 0; index < 30; index++) late.push(armedAt(5));
    expect<i32[]>(turn(1e9)).toStrictEqual(late);
  });
});
