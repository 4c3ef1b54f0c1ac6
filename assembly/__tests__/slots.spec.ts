import { allocate, arm, capacity, free, nextDeadline, push, refill, setLevel, timerCount } from "../every";
import { FIRST_SLOT, LEVEL, RECORD_SHIFT, word } from "../memory";
import { allocated, armedAt, fresh, ready, readyAt, release, take, turn } from "./playground";

function levelOf(slot: i32): u32 {
  return word((<u32> slot << RECORD_SHIFT) + LEVEL);
}

describe("slots", () => {
  beforeEach(fresh);

  it("are 4,088 at first, and numbered from 8", () => {
    expect<i32>(capacity()).toBe(4088);
    expect<i32>(allocated()).toBe(<i32> FIRST_SLOT);
    expect<i32>(allocated()).toBe(<i32> FIRST_SLOT + 1);
  });

  it("come from a list that is filled when it is empty", () => {
    expect<i32>(allocate(4)).toBe(0);
    expect<i32>(refill()).toBe(1);
    const slots: i32[] = [];
    for (let slot = allocate(4); slot != 0; slot = allocate(4)) slots.push(slot);
    expect<i32>(slots.length).toBe(64);
    for (let index = 0; index < slots.length; index++) {
      expect<i32>(slots[index]).toBe(<i32> FIRST_SLOT + index);
      free(slots[index]);
    }
  });

  it("are not ready and have no timer", () => {
    const slot = allocated();
    expect<i32>(ready()).toBe(0);
    expect<i32>(timerCount()).toBe(0);
    push(4, slot);
    expect<i32>(take(4)).toBe(slot);
    arm(slot, 5);
    release(slot);
    expect<i32>(allocated()).toBe(slot);
    expect<i32>(ready()).toBe(0);
    expect<i32>(timerCount()).toBe(0);
  });

  it("are given out again, the one freed last first", () => {
    const a = allocated();
    const b = allocated();
    release(a);
    release(b);
    expect<i32>(allocated()).toBe(b);
    expect<i32>(allocated()).toBe(a);
  });

  it("have the level they were given last", () => {
    const slot = allocated(5);
    expect<u32>(levelOf(slot)).toBe(5);
    setLevel(slot, 2);
    expect<u32>(levelOf(slot)).toBe(2);
    release(slot);
    expect<i32>(allocated(7)).toBe(slot);
    expect<u32>(levelOf(slot)).toBe(7);
  });

  it("double when all are in use, and keep what they held", () => {
    const before = capacity();
    const first = readyAt(0);
    const second = readyAt(0);
    const sleepers: i32[] = [];
    for (let index = 0; index < 100; index++) sleepers.push(armedAt(9));
    let last = 0;
    while (capacity() == before) last = allocated(3);
    expect<u32>(levelOf(last)).toBe(3);
    expect<i32>(last).toBeGreaterThan(before);
    expect<i32>(capacity()).toBe(2 * (before + FIRST_SLOT) - FIRST_SLOT);
    expect<f64>(nextDeadline()).toBe(9);
    // Where the timers lay are records now.
    for (let index = 0; index < 500; index++) push(3, allocated(3));
    expect<i32[]>(turn()).toStrictEqual([first, second]);
    for (let left = 500; left > 0; left--) expect<i32>(take(3)).toBeGreaterThan(0);
    expect<i32[]>(turn(9)).toStrictEqual(sleepers);
  });
});
