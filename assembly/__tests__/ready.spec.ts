import { arm, expire, nextDeadline, push, setLevel, shift, timerCount, unshift } from "../every";
import { allocated, armedAt, fresh, ready, readyAt, release, take, turn } from "./playground";

describe("ready queues", () => {
  beforeEach(fresh);

  it("are first in, first out at every level", () => {
    for (let level = 0; level < 8; level++) {
      const a = readyAt(level);
      const b = readyAt(level);
      const c = readyAt(level);
      expect<i32>(ready()).toBe(3);
      expect<i32[]>(turn()).toStrictEqual([a, b, c]);
      expect<i32>(ready()).toBe(0);
    }
  });

  it("give nothing when they are empty", () => {
    allocated(0);
    for (let level = 0; level < 8; level++) expect<i32>(take(level)).toBe(0);
    expect<i32>(turn().length).toBe(0);
  });

  it("take a slot in again once it was taken out", () => {
    const a = readyAt(0);
    for (let round = 0; round < 3; round++) {
      expect<i32>(take(0)).toBe(a);
      expect<i32>(take(0)).toBe(0);
      push(0, a);
    }
    expect<i32>(ready()).toBe(1);
  });

  it("keep their order while slots come and go", () => {
    const a = readyAt(2);
    const b = readyAt(2);
    expect<i32>(take(2)).toBe(a);
    const c = readyAt(2);
    push(2, a);
    expect<i32>(take(2)).toBe(b);
    expect<i32>(take(2)).toBe(c);
    push(2, c);
    expect<i32>(take(2)).toBe(a);
    expect<i32>(take(2)).toBe(c);
    expect<i32>(ready()).toBe(0);
  });

  it("take a slot back at the front", () => {
    const a = readyAt(2);
    const b = readyAt(2);
    for (let round = 0; round < 3; round++) {
      expect<i32>(shift(2)).toBe(a);
      unshift(2, a);
    }
    expect<i32>(shift(2)).toBe(a);
    expect<i32>(shift(2)).toBe(b);
    unshift(2, a);
    unshift(2, b);
    expect<i32>(ready()).toBe(2);
    expect<i32>(take(2)).toBe(b);
    expect<i32>(take(2)).toBe(a);
    expect<i32>(take(2)).toBe(0);
    push(2, a);
    push(2, b);
    expect<i32[]>(turn()).toStrictEqual([a, b]);
  });

  it("are apart", () => {
    const slots: i32[] = [];
    for (let level = 0; level < 8; level++) slots.push(readyAt(level));
    for (let level = 7; level >= 0; level--) {
      expect<i32>(take(level)).toBe(slots[level]);
      expect<i32>(take(level)).toBe(0);
      expect<i32>(ready()).toBe(level);
    }
  });

  it("get those whose timers are due, at their level and behind what is ready", () => {
    const due = armedAt(1);
    const urgent = armedAt(1);
    setLevel(urgent, 1);
    const before = readyAt(4);
    expire(0.5);
    expect<i32>(ready()).toBe(1);
    expire(1);
    expect<i32>(ready()).toBe(3);
    expect<i32>(timerCount()).toBe(0);
    expect<i32>(take(1)).toBe(urgent);
    expect<i32>(take(4)).toBe(before);
    expect<i32>(take(4)).toBe(due);
  });

  it("do not see a level that changes while the slot stands in one", () => {
    const a = readyAt(4);
    setLevel(a, 2);
    expect<i32>(take(2)).toBe(0);
    expect<i32>(take(4)).toBe(a);
    arm(a, 1);
    expire(1);
    expect<i32>(take(2)).toBe(a);
    expect<f64>(nextDeadline()).toBe(f64.POSITIVE_INFINITY);
    release(a);
  });
});
