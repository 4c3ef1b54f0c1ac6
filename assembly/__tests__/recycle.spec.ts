import { arm, disarm, nextDeadline, push, readyCount, recycle, timerCount } from "../every";
import { FREE, READY, word } from "../memory";
import { FAIR_SHARE } from "../ready";
import { allocated, armedAt, choice, fresh, readyAt, release, take, turn } from "./playground";

describe("a kernel that is recycled", () => {
  beforeEach(fresh);

  it("refuses as long as a slot is in use, and nothing has changed", () => {
    const a = readyAt(3);
    const b = armedAt(9);
    expect<i32>(recycle()).toBe(0);
    expect<f64>(nextDeadline()).toBe(9);
    expect<i32[]>(turn()).toStrictEqual([a]);
    release(a);
    expect<i32>(recycle()).toBe(0);
    release(b);
    expect<i32>(recycle()).toBe(1);
  });

  it("has nothing in its memory, and numbers slots from the start", () => {
    const first = allocated();
    const slots: i32[] = [];
    for (let index = 0; index < 200; index++) slots.push(armedAt(<f64> index));
    while (slots.length > 0) release(slots.splice(slots.length / 2, 1)[0]);
    arm(first, 1);
    disarm(first);
    push(0, first);
    expect<i32>(take(0)).toBe(first);
    release(first);
    expect<i32>(recycle()).toBe(1);
    expect<i32>(readyCount() + timerCount()).toBe(0);
    for (let at: u32 = 0; at < 4 * 300; at++) expect<u32>(word(at)).toBe(0);
    for (let index = 0; index < 100; index++) expect<i32>(allocated()).toBe(first + index);
    expect<u32>(word(FREE)).toBeGreaterThan(0);
    expect<u32>(word(READY)).toBe(0);
  });

  it("owes less urgent levels nothing", () => {
    const high = readyAt(0);
    const low = readyAt(7);
    for (let step = 0; step < FAIR_SHARE; step++) {
      expect<i32[]>(turn(0, 1)).toStrictEqual([high]);
      push(0, high);
    }
    expect<i32>(take(0)).toBe(high);
    expect<i32>(take(7)).toBe(low);
    release(high);
    release(low);
    expect<i32>(recycle()).toBe(1);
    readyAt(0);
    readyAt(7);
    expect<i32[]>(choice()).toStrictEqual([0, FAIR_SHARE]);
  });
});
