import {
  allocate,
  arm,
  generation,
  liveCount,
  nextDeadline,
  readyCount,
  requeue,
  setLevel,
  timerCount,
  turn as rawTurn,
} from "../index";
import { levelOf, QUEUES, recordOf } from "../memory";
import { PATIENCE } from "../turn";
import {
  armedAt,
  byTimerAt,
  drain,
  fresh,
  order,
  readyAt,
  slotAt,
  strike,
  submit,
  submitRelease,
  turn,
  turnAfter,
} from "./playground";

/** As many slots of a level, ready. */
function several(count: i32, level: i32): i32[] {
  const slots: i32[] = [];
  for (let index = 0; index < count; index++) slots.push(readyAt(level));
  return slots;
}

describe("requeue", () => {
  beforeEach(fresh);

  it("queues what gave way at the tail, in its order", () => {
    const slots = several(3, 0);
    turn();
    const other = readyAt(0);
    requeue(0, 3);
    expect<i32>(readyCount()).toBe(4);
    turn();
    expect<i32[]>(order()).toStrictEqual([other].concat(slots));
    expect<i32>(turn()).toBe(0);
  });

  it("queues into an empty queue, again and again", () => {
    const slots = several(3, 7);
    for (let round = 0; round < 3; round++) {
      expect<i32>(turn()).toBe(3);
      expect<i32[]>(order()).toStrictEqual(slots);
      requeue(0, 3);
    }
  });

  it("comes before what is submitted after it, and behind what was not run", () => {
    const slots = several(4, 2);
    turn();
    requeue(0, 2);
    const later = allocate(2);
    submit(later);
    turnAfter(2);
    expect<i32[]>(order()).toStrictEqual([slots[2], slots[3], slots[0], slots[1], later]);
  });

  it("takes only the range, from included and to not", () => {
    const slots = several(5, 1);
    turn();
    requeue(1, 4);
    expect<i32>(readyCount()).toBe(3);
    turn();
    expect<i32[]>(order()).toStrictEqual(slots.slice(1, 4));
  });

  it("takes nothing from a range that is empty or turned round", () => {
    several(3, 1);
    turn();
    requeue(2, 2);
    requeue(3, 1);
    requeue(0, 0);
    requeue(i32.MAX_VALUE, i32.MIN_VALUE);
    expect<i32>(readyCount()).toBe(0);
  });

  it("keeps to the window as it was last filled, whatever the range", () => {
    const slots = several(5, 1);
    turn();
    requeue(-7, 1000);
    expect<i32>(readyCount()).toBe(5);
    turn(0, 2);
    // Entries 2 to 4 are still in the memory, but no longer in the window.
    requeue(i32.MIN_VALUE, i32.MAX_VALUE);
    expect<i32>(readyCount()).toBe(5);
    turn();
    expect<i32[]>(order()).toStrictEqual(slots.slice(2).concat(slots.slice(0, 2)));
    expect<i32>(turn(0, 0)).toBe(0);
    requeue(0, 256);
    expect<i32>(readyCount()).toBe(0);
  });

  it("takes a full window", () => {
    const slots = several(1300, 3);
    expect<i32>(turn(0, 2000)).toBe(1024);
    requeue(0, 1024);
    expect<i32>(readyCount()).toBe(1300);
    turn(0, 2000);
    expect<i32[]>(order()).toStrictEqual(slots.slice(1024).concat(slots.slice(0, 748)));
  });

  it("passes over entries that stand for nothing", () => {
    const slots = several(5, 1);
    turn();
    strike(0);
    strike(2);
    strike(4);
    requeue(0, 5);
    expect<i32>(readyCount()).toBe(2);
    turn();
    expect<i32[]>(order()).toStrictEqual([slots[1], slots[3]]);
    strike(0);
    strike(1);
    requeue(0, 2);
    expect<i32>(readyCount()).toBe(0);
  });

  it("passes over any negative entry, whatever slot it might be taken for", () => {
    const slots = several(3, 1);
    turn();
    strike(0, i32.MIN_VALUE | (slots[0] << 1));
    strike(1, ~(slots[1] << 1));
    requeue(0, 3);
    expect<i32>(readyCount()).toBe(1);
    turnAfter(0);
    expect<i32[]>(order()).toStrictEqual([slots[2]]);
  });

  it("does not queue twice", () => {
    const slots = several(3, 1);
    turn();
    submit(slots[1]);
    drain();
    requeue(0, 2);
    requeue(0, 3);
    expect<i32>(readyCount()).toBe(3);
    submit(slots[0]);
    turnAfter(0);
    expect<i32[]>(order()).toStrictEqual([slots[1], slots[0], slots[2]]);
    expect<i32>(turn()).toBe(0);
  });

  it("does not queue what was released, not even as the slot's next coroutine", () => {
    const slots = several(3, 4);
    turn();
    submitRelease(slots[1]);
    drain();
    const heir = armedAt(50);
    expect<i32>(heir).toBe(slots[1]);
    requeue(0, 3);
    expect<i32>(timerCount()).toBe(1);
    turn();
    expect<i32[]>(order()).toStrictEqual([slots[0], slots[2]]);
  });

  it("lets what it queued be released", () => {
    const slots = several(3, 4);
    turn();
    requeue(0, 3);
    submitRelease(slots[0]);
    submitRelease(slots[2]);
    drain();
    expect<i32>(liveCount()).toBe(1);
    turn();
    expect<i32[]>(order()).toStrictEqual([slots[1]]);
  });

  it("makes ready: what was due has been told, and timers set meanwhile are gone", () => {
    const due = armedAt(1);
    const later = armedAt(100);
    const ready = readyAt(4);
    turn(1);
    expect<i32[]>(order()).toStrictEqual([ready, due]);
    expect<bool>(byTimerAt(1)).toBe(true);
    arm(ready, generation(ready), 2);
    arm(due, generation(due), 3);
    requeue(0, 2);
    expect<i32>(timerCount()).toBe(1);
    expect<f64>(nextDeadline()).toBe(100);
    turn(50);
    expect<i32[]>(order()).toStrictEqual([ready, due]);
    expect<bool>(byTimerAt(0)).toBe(false);
    expect<bool>(byTimerAt(1)).toBe(false);
    turn(100);
    expect<i32[]>(order()).toStrictEqual([later]);
  });

  it("takes each to its level, as that is now", () => {
    const slots = several(6, 3);
    turn();
    for (let index = 1; index < 6; index += 2) setLevel(slots[index], generation(slots[index]), 2);
    const high = readyAt(2);
    const low = readyAt(3);
    requeue(0, 6);
    turn();
    expect<i32[]>(order()).toStrictEqual([high, slots[1], slots[3], slots[5]]);
    turn();
    expect<i32[]>(order()).toStrictEqual([low, slots[0], slots[2], slots[4]]);
  });

  it("serves every level it queued into", () => {
    const slots = several(8, 4);
    turn();
    for (let index = 0; index < 8; index++) setLevel(slots[index], generation(slots[index]), 7 - index);
    requeue(0, 8);
    for (let index = 7; index >= 0; index--) {
      turn();
      expect<i32[]>(order()).toStrictEqual([slots[index]]);
    }
  });

  it("leaves queues that can be taken from anywhere and added to", () => {
    for (let gone = 0; gone < 4; gone++) {
      fresh();
      const slots = several(6, 5);
      turn();
      // So that some have other neighbours than before.
      strike(1);
      strike(4);
      requeue(0, 6);
      const queue = [slots[0], slots[2], slots[3], slots[5]];
      setLevel(queue[gone], generation(queue[gone]), 5);
      queue.push(queue.splice(gone, 1)[0]);
      queue.push(readyAt(5));
      turn();
      expect<i32[]>(order()).toStrictEqual(queue);
    }
  });

  it("leaves what was not run where it is, until the next turn puts it back", () => {
    const slots = several(4, 5);
    turn();
    requeue(0, 2);
    expect<i32>(readyCount()).toBe(2);
    turnAfter(0);
    expect<i32[]>(order()).toStrictEqual([slots[2], slots[3], slots[0], slots[1]]);
  });
});

describe("putting back", () => {
  beforeEach(fresh);

  it("passes over entries that stand for nothing", () => {
    const slots = several(3, 5);
    turn();
    strike(1);
    turnAfter(0);
    expect<i32[]>(order()).toStrictEqual([slots[0], slots[2]]);
  });

  it("returns picks only where a lower level waited", () => {
    const low = readyAt(7);
    const high = several(PATIENCE + 10, 0);
    let left = 2 * PATIENCE;
    do {
      turn(0, 1);
      submit(slotAt(0));
    } while (slotAt(0) != low && --left > 0);
    for (let round: u32 = 0; round < PATIENCE; round++) {
      turn(0, 1);
      submit(slotAt(0));
    }
    // Now the lower level is owed the next pick, and still is after a window in which no lower level waited and
    // nothing was run.
    setLevel(low, generation(low), 0);
    turn();
    turnAfter(0, 0, 0);
    setLevel(low, generation(low), 7);
    turn(0, 1);
    expect<i32[]>(order()).toStrictEqual([low]);
    expect<i32>(high.length).toBe(readyCount());
  });
});

describe("a window of a single level", () => {
  beforeEach(fresh);

  it("leaves a queue that goes on with the next", () => {
    const slots = several(5, 6);
    turn(0, 2);
    expect<i32[]>(order()).toStrictEqual(slots.slice(0, 2));
    expect<i32>(readyCount()).toBe(3);
    submitRelease(slots[2]);
    turn(0, 1);
    expect<i32[]>(order()).toStrictEqual([slots[3]]);
    const last = readyAt(6);
    turn();
    expect<i32[]>(order()).toStrictEqual([slots[4], last]);
    expect<i32>(readyCount()).toBe(0);
  });

  it("leaves a queue that is empty when it took all", () => {
    const slots = several(2, 6);
    turn(0, 2);
    expect<u64>(load<u64>(QUEUES + 8 * 6)).toBe(0);
    expect<u32>(levelOf(recordOf(slots[0]))).toBe(6);
    const low = readyAt(7);
    turn();
    expect<i32[]>(order()).toStrictEqual([low]);
  });

  it("says of each whether it is due", () => {
    armedAt(1);
    rawTurn(1, 0, 0, 0);
    readyAt(4);
    armedAt(2);
    turn(2);
    expect<bool>(byTimerAt(0)).toBe(true);
    expect<bool>(byTimerAt(1)).toBe(false);
    expect<bool>(byTimerAt(2)).toBe(true);
  });

  it("takes none at a limit of none", () => {
    const slots = several(3, 6);
    turn(0, 0);
    turn(0, -1);
    turn(0, i32.MIN_VALUE);
    expect<i32>(readyCount()).toBe(3);
    turn();
    expect<i32[]>(order()).toStrictEqual(slots);
  });
});
