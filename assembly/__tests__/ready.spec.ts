import { allocate, arm, generation, liveCount, nextDeadline, readyCount, setLevel, timerCount } from "../index";
import { armedAt, byTimerAt, drain, fresh, order, readyAt, slotAt, submit, submitRelease, turn } from "./playground";

function move(slot: i32, level: i32): void {
  setLevel(slot, generation(slot), level);
}

describe("ready queues", () => {
  beforeEach(fresh);

  it("are first in, first out at every level", () => {
    for (let level = 0; level < 8; level++) {
      const a = readyAt(level);
      const b = readyAt(level);
      const c = readyAt(level);
      expect<i32>(readyCount()).toBe(3);
      expect<i32>(turn()).toBe(3);
      expect<i32[]>(order()).toStrictEqual([a, b, c]);
      expect<i32>(readyCount()).toBe(0);
    }
  });

  it("are served level 0 first, one level a turn", () => {
    const slots: i32[] = [];
    for (let level = 7; level >= 0; level--) slots.unshift(readyAt(level));
    for (let level = 0; level < 8; level++) {
      turn();
      expect<i32[]>(order()).toStrictEqual([slots[level]]);
    }
  });

  it("give an empty window when nothing is ready", () => {
    allocate(0);
    expect<i32>(turn()).toBe(0);
  });

  it("ignore a second submission of a ready slot", () => {
    const a = readyAt(0);
    const b = readyAt(0);
    submit(a);
    turn();
    expect<i32[]>(order()).toStrictEqual([a, b]);
    expect<i32>(turn()).toBe(0);
  });

  it("take a slot in again after it was moved to the window", () => {
    const a = readyAt(0);
    for (let round = 0; round < 3; round++) {
      turn();
      expect<i32[]>(order()).toStrictEqual([a]);
      submit(a);
    }
  });

  it("cancel the timer of what is made ready", () => {
    const a = armedAt(5);
    submit(a);
    drain();
    expect<i32>(timerCount()).toBe(0);
    expect<f64>(nextDeadline()).toBe(f64.POSITIVE_INFINITY);
    turn(10);
    expect<bool>(byTimerAt(0)).toBe(false);
    expect<i32>(turn(10)).toBe(0);
  });

  it("keep a due slot's place when it is made ready", () => {
    const due = armedAt(1);
    turn(1, 0);
    const other = readyAt(4);
    submit(due);
    turn(1);
    expect<i32[]>(order()).toStrictEqual([due, other]);
    expect<bool>(byTimerAt(0)).toBe(false);
  });

  it("hold no timers: a queued slot's is neither set nor cancelled", () => {
    const ready = readyAt(4);
    const due = armedAt(1);
    turn(1, 0);
    arm(ready, generation(ready), 2);
    arm(due, generation(due), 2);
    expect<i32>(timerCount()).toBe(0);
    turn(1);
    expect<i32[]>(order()).toStrictEqual([ready, due]);
    expect<bool>(byTimerAt(1)).toBe(true);
  });

  it("let the first, a middle and the last one go", () => {
    for (let gone = 0; gone < 3; gone++) {
      const slots = [readyAt(2), readyAt(2), readyAt(2)];
      submitRelease(slots[gone]);
      slots.splice(gone, 1);
      turn();
      expect<i32[]>(order()).toStrictEqual(slots);
    }
  });

  it("are empty again when the only one goes", () => {
    submitRelease(readyAt(0));
    const low = readyAt(7);
    turn();
    expect<i32[]>(order()).toStrictEqual([low]);
    expect<i32>(liveCount()).toBe(1);
  });
});

describe("setLevel", () => {
  beforeEach(fresh);

  it("moves a queued slot to the tail of its new level", () => {
    const a = readyAt(4);
    const b = readyAt(4);
    const c = readyAt(2);
    move(a, 2);
    turn();
    expect<i32[]>(order()).toStrictEqual([c, a]);
    turn();
    expect<i32[]>(order()).toStrictEqual([b]);
  });

  it("moves a queued slot to the tail of its own level", () => {
    const a = readyAt(4);
    const b = readyAt(4);
    move(a, 4);
    turn();
    expect<i32[]>(order()).toStrictEqual([b, a]);
  });

  it("leaves a due slot due", () => {
    const due = armedAt(1);
    turn(1, 0);
    move(due, 0);
    turn(1);
    expect<i32>(slotAt(0)).toBe(due);
    expect<bool>(byTimerAt(0)).toBe(true);
  });

  it("holds for the next time when the slot is idle, and leaves its timer alone", () => {
    const a = armedAt(5);
    move(a, 1);
    expect<f64>(nextDeadline()).toBe(5);
    readyAt(3);
    turn(5);
    expect<i32[]>(order()).toStrictEqual([a]);
  });

  it("ignores levels that do not exist", () => {
    const a = readyAt(4);
    const b = readyAt(4);
    move(a, 8);
    move(a, -1);
    turn();
    expect<i32[]>(order()).toStrictEqual([a, b]);
  });
});
