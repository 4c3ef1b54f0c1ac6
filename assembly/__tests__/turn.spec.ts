import { arm, disarm, generation, readyCount, setLevel, timerCount } from "../index";
import { PATIENCE } from "../turn";
import {
  armedAt,
  byTimerAt,
  drain,
  fresh,
  order,
  readyAt,
  slotAt,
  submit,
  submitRelease,
  turn,
  turnAfter,
} from "./playground";

/** Runs turns, everyone yielding and coming back, and counts how often each slot of `watched` was picked. */
function picks(watched: i32[], turns: i32, limit: i32, consume: i32): i32[] {
  const counts: i32[] = [];
  for (let index = 0; index < watched.length; index++) counts.push(0);
  let consumed = 0;
  for (let round = 0; round < turns; round++) {
    consumed = min(turnAfter(consumed, 0, limit), consume);
    for (let index = 0; index < consumed; index++) {
      const at = watched.indexOf(slotAt(index));
      if (at >= 0) counts[at]++;
      submit(slotAt(index));
    }
  }
  return counts;
}

describe("a window", () => {
  beforeEach(fresh);

  it("holds no more than the limit, nor than 1024", () => {
    const slots: i32[] = [];
    for (let index = 0; index < 1068; index++) slots.push(readyAt(0));
    expect<i32>(turn(0, 3)).toBe(3);
    expect<i32>(turn(0, 4000)).toBe(1024);
    expect<i32>(slotAt(1023)).toBe(slots[1026]);
    expect<i32>(turn(0, 0)).toBe(0);
    expect<i32>(turn(0, -1)).toBe(0);
    expect<i32>(readyCount()).toBe(41);
    expect<i32>(turn()).toBe(41);
  });

  it("ends with its level, however much is ready below", () => {
    const high = readyAt(1);
    readyAt(2);
    expect<i32>(turn()).toBe(1);
    expect<i32>(slotAt(0)).toBe(high);
  });

  it("leaves a level as soon as a higher one holds something", () => {
    for (let index = 0; index < 10; index++) readyAt(5);
    turn(0, 3);
    const high = readyAt(4);
    turn(0, 3);
    expect<i32[]>(order()).toStrictEqual([high]);
  });
});

describe("what was not run", () => {
  beforeEach(fresh);

  it("goes back to the front, in its order", () => {
    const a = readyAt(0);
    const b = readyAt(0);
    const c = readyAt(0);
    turn();
    const d = readyAt(0);
    submit(a);
    turnAfter(1);
    expect<i32[]>(order()).toStrictEqual([b, c, d, a]);
    turnAfter(0);
    expect<i32[]>(order()).toStrictEqual([b, c, d, a]);
  });

  it("stays what it was, ready or due", () => {
    const due = armedAt(1);
    turn(1, 0);
    const ready = readyAt(4);
    turn(1);
    turnAfter(0, 1);
    expect<i32[]>(order()).toStrictEqual([due, ready]);
    expect<bool>(byTimerAt(0)).toBe(true);
    expect<bool>(byTimerAt(1)).toBe(false);
  });

  it("is not queued twice when it was submitted meanwhile", () => {
    const a = readyAt(0);
    const b = readyAt(0);
    turn();
    submit(a);
    drain();
    expect<i32>(readyCount()).toBe(1);
    turnAfter(0);
    expect<i32[]>(order()).toStrictEqual([b, a]);
  });

  it("is not queued when it was released meanwhile, not even as the slot's next coroutine", () => {
    const a = readyAt(4);
    const b = readyAt(4);
    turn();
    submitRelease(a);
    drain();
    const heir = armedAt(50);
    expect<i32>(heir).toBe(a);
    turnAfter(0);
    expect<i32[]>(order()).toStrictEqual([b]);
    expect<i32>(timerCount()).toBe(1);
  });

  it("loses a timer set meanwhile, as all that is ready", () => {
    const a = readyAt(0);
    turn();
    arm(a, generation(a), 9);
    turnAfter(0);
    expect<i32>(timerCount()).toBe(0);
    expect<i32[]>(order()).toStrictEqual([a]);
  });

  it("is not lost when a timer was set and cancelled meanwhile", () => {
    const a = readyAt(0);
    turn();
    arm(a, generation(a), 9);
    disarm(a, generation(a));
    turnAfter(0);
    expect<i32[]>(order()).toStrictEqual([a]);
  });

  it("goes to its new level when that was changed meanwhile", () => {
    const a = readyAt(0);
    const b = readyAt(0);
    turn();
    setLevel(a, generation(a), 1);
    turnAfter(0);
    expect<i32[]>(order()).toStrictEqual([b]);
    turn();
    expect<i32[]>(order()).toStrictEqual([a]);
  });

  it("is nothing when more was consumed than there was, and all when less than nothing was", () => {
    const a = readyAt(0);
    turn();
    expect<i32>(turnAfter(1000)).toBe(0);
    submit(a);
    turn();
    expect<i32>(turnAfter(-5)).toBe(1);
  });
});

describe("lower levels", () => {
  beforeEach(fresh);

  it("get one pick after every 61 of a higher one", () => {
    const low = readyAt(7);
    readyAt(0);
    readyAt(0);
    const counts = picks([low], 6200, 2, 2);
    // One more or less, by where the count stood at the start.
    expect<i32>(counts[0]).toBeGreaterThanOrEqual(12400 / (PATIENCE + 1) - 1);
    expect<i32>(counts[0]).toBeLessThanOrEqual(12400 / (PATIENCE + 1) + 1);
  });

  it("get it whichever two levels there are", () => {
    for (let high = 0; high < 7; high++) {
      for (let low = high + 1; low < 8; low++) {
        fresh();
        readyAt(high);
        const counts = picks([readyAt(low)], 62 * 10, 1, 1);
        expect<i32>(counts[0]).toBeGreaterThanOrEqual(9);
        expect<i32>(counts[0]).toBeLessThanOrEqual(11);
      }
    }
  });

  it("share these picks evenly", () => {
    readyAt(0);
    const low: i32[] = [];
    for (let level = 1; level < 8; level++) low.push(readyAt(level));
    const counts = picks(low, 62 * 70 + 61, 1, 1);
    for (let index = 0; index < 7; index++) {
      expect<i32>(counts[index]).toBeGreaterThanOrEqual(10);
      expect<i32>(counts[index]).toBeLessThanOrEqual(11);
    }
  });

  it("are not starved by a caller who always stops early", () => {
    const low = readyAt(7);
    for (let index = 0; index < 200; index++) readyAt(0);
    const counts = picks([low], 6200, 256, 1);
    expect<i32>(counts[0]).toBeGreaterThanOrEqual(99);
    expect<i32>(counts[0]).toBeLessThanOrEqual(101);
  });

  it("keep their own order", () => {
    for (let index = 0; index < 62; index++) readyAt(0);
    const first = readyAt(3);
    const second = readyAt(3);
    const seen: i32[] = [];
    for (let round: u32 = 0; round < 3 * PATIENCE; round++) {
      turn(0, 1);
      if (slotAt(0) == first || slotAt(0) == second) seen.push(slotAt(0));
      else submit(slotAt(0));
    }
    expect<i32[]>(seen).toStrictEqual([first, second]);
  });
});

describe("submissions", () => {
  beforeEach(fresh);

  it("are taken in order, also within a drain", () => {
    const a = readyAt(0);
    turn();
    submit(a);
    submitRelease(a);
    expect<i32>(turn()).toBe(0);
  });

  it("are as many as the ring holds, whatever is asked", () => {
    const a = readyAt(0);
    turn();
    for (let index = 0; index < 1024; index++) submit(a);
    drain();
    expect<i32>(readyCount()).toBe(1);
  });
});
