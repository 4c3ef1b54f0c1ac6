import { push, timerCount } from "../every";
import { EXPIRATIONS, FAIR_SHARE } from "../ready";
import { armedAt, choice, fresh, readyAt, take, turn } from "./playground";

/**
 * Runs so many steps, at most `most` of each choice, in which every slot gives way. Returns how often each of `slots`
 * ran.
 */
function shares(slots: i32[], levels: i32[], steps: i32, most: i32): i32[] {
  const counts: i32[] = [];
  for (let index = 0; index < slots.length; index++) counts.push(0);
  for (let done = 0; done < steps;) {
    const ran = turn(0, 256, min(most, steps - done));
    for (let index = 0; index < ran.length; index++) {
      const known = slots.indexOf(ran[index]);
      if (known >= 0) counts[known]++;
      push(known >= 0 ? levels[known] : 0, ran[index]);
    }
    done += ran.length;
  }
  return counts;
}

describe("a turn", () => {
  beforeEach(fresh);

  it("has nothing to choose when nothing is ready", () => {
    expect<i32[]>(choice()).toStrictEqual([-1]);
    armedAt(5);
    expect<i32[]>(choice()).toStrictEqual([-1]);
  });

  it("gives a level that is alone all there is to give", () => {
    for (let level = 0; level < 8; level++) {
      readyAt(level);
      expect<i32[]>(choice(256)).toStrictEqual([level, 256]);
      expect<i32[]>(choice(7)).toStrictEqual([level, 7]);
      take(level);
    }
  });

  it("serves level 0 first", () => {
    const slots: i32[] = [];
    for (let level = 7; level >= 0; level--) slots.unshift(readyAt(level));
    for (let level = 0; level < 8; level++) expect<i32[]>(turn()).toStrictEqual([slots[level]]);
  });

  it("lets timers fire first", () => {
    const due = armedAt(1);
    expect<i32[]>(turn(0.5)).toStrictEqual([]);
    expect<i32[]>(turn(1)).toStrictEqual([due]);
    expect<i32>(timerCount()).toBe(0);
  });

  it("lets a crowd of timers fire in several turns", () => {
    for (let index = 0; index < EXPIRATIONS + 10; index++) armedAt(1);
    turn(1, 0);
    expect<i32>(timerCount()).toBe(10);
    turn(1, 0);
    expect<i32>(timerCount()).toBe(0);
  });

  it("runs nothing without a limit to run to", () => {
    readyAt(0);
    readyAt(7);
    expect<i32[]>(choice(0)).toStrictEqual([0, 0]);
  });
});

describe("less urgent levels", () => {
  beforeEach(fresh);

  it("get one step after every 61 of a higher one", () => {
    readyAt(0);
    readyAt(0);
    readyAt(7);
    expect<i32[]>(choice()).toStrictEqual([0, FAIR_SHARE]);
    expect<i32>(FAIR_SHARE).toBe(61);
  });

  it("get it whichever two levels there are", () => {
    for (let high = 0; high < 7; high++) {
      for (let low = high + 1; low < 8; low++) {
        fresh();
        const slots = [readyAt(high), readyAt(low)];
        expect<i32[]>(shares(slots, [high, low], 62 * 10, i32.MAX_VALUE)).toStrictEqual([610, 10]);
      }
    }
  });

  it("get it within a limit below 61, too", () => {
    readyAt(0);
    readyAt(0);
    const counts = shares([readyAt(7)], [7], 6200, 10);
    expect<i32[]>(counts).toStrictEqual([100]);
  });

  it("are not starved by a caller that always stops early", () => {
    for (let index = 0; index < 200; index++) readyAt(0);
    const counts = shares([readyAt(7)], [7], 6200, 1);
    expect<i32[]>(counts).toStrictEqual([100]);
  });

  it("do not lose their step when it is not taken", () => {
    readyAt(0);
    const low = readyAt(3);
    while (choice()[0] == 0) {
      const ran = turn();
      for (let index = 0; index < ran.length; index++) push(0, ran[index]);
    }
    expect<i32[]>(choice()).toStrictEqual([3, 1]);
    expect<i32[]>(choice()).toStrictEqual([3, 1]);
    expect<i32[]>(turn()).toStrictEqual([low]);
    expect<i32[]>(choice()).toStrictEqual([0, 256]);
  });

  it("share these steps evenly", () => {
    readyAt(0);
    const low: i32[] = [];
    const levels: i32[] = [];
    for (let level = 1; level < 8; level++) {
      low.push(readyAt(level));
      levels.push(level);
    }
    const counts = shares(low, levels, 62 * 70, i32.MAX_VALUE);
    expect<i32[]>(counts).toStrictEqual([10, 10, 10, 10, 10, 10, 10]);
  });

  it("keep their own order", () => {
    readyAt(0);
    const first = readyAt(3);
    const second = readyAt(3);
    const seen: i32[] = [];
    for (let steps = 0; steps < 2 * (FAIR_SHARE + 1); steps++) {
      const slot = turn(0, 1)[0];
      if (slot == first || slot == second) seen.push(slot);
      else push(0, slot);
    }
    expect<i32[]>(seen).toStrictEqual([first, second]);
  });

  it("are owed nothing by one that was alone", () => {
    readyAt(0);
    expect<i32[]>(shares([], [], 1000, i32.MAX_VALUE)).toStrictEqual([]);
    readyAt(7);
    expect<i32[]>(choice()).toStrictEqual([0, FAIR_SHARE]);
  });
});
