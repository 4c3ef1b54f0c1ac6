import {
  allocate,
  arm,
  capacity,
  disarm,
  generation,
  grow,
  isCurrent,
  liveCount,
  nextDeadline,
  readyCount,
  setLevel,
  submissionCapacity,
  submissions,
  timerCount,
  window,
  windowCapacity,
} from "../index";
import { levelOf, recordOf, setGeneration } from "../memory";
import { LAST_GENERATION } from "../slots";
import { armedAt, drain, fresh, order, readyAt, submit, submitAs, submitRelease, turn } from "./playground";

function released(slot: i32): i32 {
  submitRelease(slot);
  drain();
  return slot;
}

describe("slots", () => {
  beforeEach(fresh);

  it("start at number 0, generation 0, in a table of 2,048", () => {
    expect<i32>(capacity()).toBe(2048);
    expect<i32>(allocate(0)).toBe(0);
    expect<i32>(allocate(0)).toBe(1);
    expect<i32>(generation(0)).toBe(0);
  });

  it("are live until released, and counted", () => {
    const slot = allocate(3);
    expect<i32>(isCurrent(slot, generation(slot))).toBe(1);
    expect<i32>(liveCount()).toBe(1);
    expect<i32>(readyCount()).toBe(0);
    expect<i32>(timerCount()).toBe(0);
    released(slot);
    expect<i32>(isCurrent(slot, generation(slot))).toBe(0);
    expect<i32>(liveCount()).toBe(0);
  });

  it("move to the next generation when released", () => {
    const slot = allocate(0);
    const before = generation(slot);
    released(slot);
    expect<i32>(generation(slot)).toBe(before + 1);
    expect<i32>(isCurrent(slot, before)).toBe(0);
  });

  it("are given out again, the one released last first", () => {
    const a = allocate(0);
    const b = allocate(0);
    released(a);
    released(b);
    expect<i32>(allocate(0)).toBe(b);
    expect<i32>(allocate(0)).toBe(a);
  });

  it("never let a stale id reach the next coroutine", () => {
    const slot = allocate(0);
    const stale = generation(slot);
    released(slot);
    expect<i32>(allocate(5)).toBe(slot);
    arm(slot, stale, 7);
    expect<i32>(timerCount()).toBe(0, "arm");
    setLevel(slot, stale, 2);
    expect<u32>(levelOf(recordOf(slot))).toBe(5, "setLevel");
    submitAs(slot, stale);
    drain();
    expect<i32>(readyCount()).toBe(0, "submission");
    submitAs(~slot, stale);
    drain();
    expect<i32>(liveCount()).toBe(1, "release");
    arm(slot, generation(slot), 7);
    disarm(slot, stale);
    expect<i32>(timerCount()).toBe(1, "disarm");
  });

  it("do not take a generation on trust: a free slot is nobody's", () => {
    const slot = released(allocate(0));
    submit(slot);
    submitRelease(slot);
    drain();
    arm(slot, generation(slot), 1);
    expect<i32>(readyCount() + timerCount() + liveCount()).toBe(0);
    expect<i32>(allocate(0)).toBe(slot);
  });

  it("ignore numbers that were never given out", () => {
    const never = capacity() - 1;
    expect<i32>(isCurrent(never, 0)).toBe(0);
    expect<i32>(isCurrent(-1, 0)).toBe(0);
    expect<i32>(isCurrent(i32.MAX_VALUE, 0)).toBe(0);
    expect<i32>(generation(i32.MAX_VALUE)).toBe(0);
    submitAs(i32.MAX_VALUE, 0);
    submitAs(i32.MIN_VALUE, 0);
    submitAs(never, 0);
    drain();
    expect<i32>(readyCount() + liveCount()).toBe(0);
  });

  it("released while queued or armed leave the queue and cancel the timer", () => {
    const first = readyAt(1);
    const second = readyAt(1);
    const third = readyAt(1);
    const sleeper = armedAt(3);
    released(second);
    released(sleeper);
    expect<i32>(readyCount()).toBe(2);
    expect<i32>(timerCount()).toBe(0);
    expect<f64>(nextDeadline()).toBe(f64.POSITIVE_INFINITY);
    turn(10);
    expect<i32[]>(order()).toStrictEqual([first, third]);
  });

  it("are retired at the last generation", () => {
    const slot = allocate(0);
    setGeneration(recordOf(slot), LAST_GENERATION);
    expect<i32>(isCurrent(slot, LAST_GENERATION)).toBe(1);
    submitAs(~slot, LAST_GENERATION);
    drain();
    expect<i32>(liveCount()).toBe(0);
    expect<i32>(isCurrent(slot, LAST_GENERATION)).toBe(0);
    expect<i32>(generation(slot)).toBeGreaterThanOrEqual(0);
    let again = false;
    for (let left = capacity() - 1; left > 0; left--) {
      again = again || allocate(0) == slot;
    }
    expect<bool>(again).toBe(false);
    expect<i32>(allocate(0)).toBe(-1);
  });

  it("run out, and come back, without growing", () => {
    let last = 0;
    for (let slot = allocate(0); slot >= 0; slot = allocate(0)) last = slot;
    expect<i32>(allocate(0)).toBe(-1);
    released(last);
    expect<i32>(allocate(0)).toBe(last);
    expect<i32>(allocate(0)).toBe(-1);
  });

  it("double, and keep what they held", () => {
    const before = capacity();
    const first = readyAt(0);
    const second = readyAt(0);
    const sleeper = armedAt(9);
    const at = generation(first);
    expect<i32>(grow()).toBe(1);
    expect<i32>(capacity()).toBe(2 * before);
    expect<i32>(isCurrent(first, at)).toBe(1);
    expect<f64>(nextDeadline()).toBe(9);
    while (liveCount() < before + 5) allocate(0);
    expect<i32>(allocate(0)).toBeGreaterThanOrEqual(0);
    turn();
    expect<i32[]>(order()).toStrictEqual([first, second]);
    turn(9);
    expect<i32[]>(order()).toStrictEqual([sleeper]);
  });

  it("have rings that hold still", () => {
    expect<i32>(submissionCapacity()).toBe(1024);
    expect<i32>(windowCapacity()).toBe(1024);
    const before = submissions();
    expect<i32>(before + 8 * submissionCapacity()).toBeLessThanOrEqual(65536);
    expect<i32>(window() + 4 * windowCapacity()).toBeLessThanOrEqual(before);
    grow();
    expect<i32>(submissions()).toBe(before);
  });
});
