import { arm, generation, liveCount, nextDeadline, readyCount, recycle, timerCount } from "../index";
import { sequence } from "../timers";
import { PATIENCE } from "../turn";
import { armedAt, fresh, order, readyAt, slotAt, submit, submitRelease, turn, turnAfter } from "./playground";

describe("a kernel that is recycled", () => {
  beforeEach(fresh);

  it("refuses as long as a slot is live, and nothing has changed", () => {
    const a = readyAt(3);
    armedAt(9);
    expect<i32>(recycle()).toBe(0);
    expect<i32>(liveCount()).toBe(2);
    expect<f64>(nextDeadline()).toBe(9);
    turn();
    expect<i32[]>(order()).toStrictEqual([a]);
  });

  it("has nothing queued, armed or live", () => {
    const a = armedAt(9);
    const b = readyAt(0);
    submitRelease(a);
    submitRelease(b);
    turn();
    expect<i32>(recycle()).toBe(1);
    expect<i32>(liveCount() + readyCount() + timerCount()).toBe(0);
    expect<u32>(sequence).toBe(0);
  });

  it("forgets the window: what was not run of it is not put back", () => {
    const a = readyAt(0);
    turn();
    submitRelease(a);
    turnAfter(0, 0, 0);
    recycle();
    const heir = readyAt(0);
    expect<i32>(heir).toBe(a);
    expect<i32>(turnAfter(0)).toBe(1);
    expect<i32>(turnAfter(1)).toBe(0);
  });

  it("owes lower levels nothing", () => {
    const high = readyAt(0);
    const low = readyAt(7);
    for (let pick: u32 = 0; pick < PATIENCE; pick++) {
      turn(0, 1);
      expect<i32>(slotAt(0)).toBe(high);
      submit(high);
    }
    submitRelease(high);
    submitRelease(low);
    turn();
    expect<i32>(recycle()).toBe(1);
    const first = readyAt(0);
    readyAt(7);
    turn(0, 1);
    expect<i32>(slotAt(0)).toBe(first);
  });

  it("keeps ids from before stale", () => {
    const a = readyAt(0);
    const before = generation(a);
    submitRelease(a);
    turn();
    recycle();
    const heir = armedAt(5);
    expect<i32>(heir).toBe(a);
    arm(heir, before, 1);
    expect<f64>(nextDeadline()).toBe(5);
  });
});
