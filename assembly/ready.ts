// The ready queues: one first-in, first-out list per level, 0 served first. The lists run through the records, so they
// need no room of their own and every call here is O(1).
//
// Invariants: bit n of `levels` is set exactly when queue n holds something; a record is in a queue exactly when its
// state is READY or DUE, and then in that of its level.

import {
  DUE,
  IDLE,
  levelOf,
  nextOf,
  NIL,
  prevOf,
  QUEUED,
  QUEUES,
  RUN_WINDOW,
  setLevelOf,
  setNext,
  setPrev,
  setState,
  slotOf,
  stateOf,
  WINDOWED,
} from "./memory";

const QUEUE_SHIFT: u32 = 3;
const HEAD: usize = 0;
const TAIL: usize = 4;

let levels: u32 = 0;
let ready: i32 = 0;

export function readySlots(): i32 {
  return ready;
}

/** One bit per level whose queue holds something. */
export function readyLevels(): u32 {
  return levels;
}

function queueOf(level: u32): usize {
  return QUEUES + (<usize> level << QUEUE_SHIFT);
}

function link(queue: usize, prev: usize, record: usize, next: usize): void {
  setPrev(record, prev);
  setNext(record, next);
  if (prev == NIL) store<u32>(queue, <u32> record, HEAD);
  else setNext(prev, record);
  if (next == NIL) store<u32>(queue, <u32> record, TAIL);
  else setPrev(next, record);
}

function enter(record: usize, state: u32): u32 {
  assert(
    (state & QUEUED) != 0 && (stateOf(record) & QUEUED) == 0,
    "not queued twice",
  );
  const level = levelOf(record);
  levels |= 1 << level;
  ready++;
  setState(record, state);
  return level;
}

export function pushBack(record: usize, state: u32): void {
  const queue = queueOf(enter(record, state));
  link(queue, <usize> load<u32>(queue, TAIL), record, NIL);
}

export function pushFront(record: usize, state: u32): void {
  const queue = queueOf(enter(record, state));
  link(queue, NIL, record, <usize> load<u32>(queue, HEAD));
}

/** Takes a queued record out, wherever it stands; the state it had is lost. */
export function unqueue(record: usize): void {
  assert((stateOf(record) & QUEUED) != 0, "is queued");
  const level = levelOf(record);
  const queue = queueOf(level);
  const prev = prevOf(record);
  const next = nextOf(record);
  if (prev == NIL) store<u32>(queue, <u32> next, HEAD);
  else setNext(prev, next);
  if (next == NIL) store<u32>(queue, <u32> prev, TAIL);
  else setPrev(next, prev);
  if (prev == NIL && next == NIL) levels &= ~(1 << level);
  ready--;
  setState(record, IDLE);
}

/** Takes the first record of a level that is known to hold one, and leaves its state as it was. */
export function popFront(level: u32): usize {
  assert((levels >> level & 1) != 0, "level holds something");
  const queue = queueOf(level);
  const record = <usize> load<u32>(queue, HEAD);
  const next = nextOf(record);
  store<u32>(queue, <u32> next, HEAD);
  if (next == NIL) {
    store<u32>(queue, 0, TAIL);
    levels &= ~(1 << level);
  } else {
    setPrev(next, NIL);
  }
  ready--;
  return record;
}

export function moveToLevel(record: usize, level: u32): void {
  const state = stateOf(record);
  if ((state & QUEUED) == 0) {
    setLevelOf(record, level);
    return;
  }
  unqueue(record);
  setLevelOf(record, level);
  pushBack(record, state);
}

/** Moves up to `limit` records from the front of a level's queue to the run window; returns how many. */
export function moveFrontToWindow(level: u32, limit: i32): i32 {
  const queue = queueOf(level);
  let record = <usize> load<u32>(queue, HEAD);
  let count: i32 = 0;
  while (count < limit && record != NIL) {
    toWindow(count++, record);
    record = nextOf(record);
  }
  ready -= count;
  store<u32>(queue, <u32> record, HEAD);
  if (record != NIL) {
    setPrev(record, NIL);
  } else {
    store<u32>(queue, NIL, TAIL);
    levels &= ~(1 << level);
  }
  return count;
}

/** Writes an entry of the run window for a record that has just left its queue. */
export function toWindow(index: i32, record: usize): void {
  const byTimer = stateOf(record) == DUE ? 1 : 0;
  setState(record, IDLE | WINDOWED);
  store<i32>(RUN_WINDOW + (<usize> index << 2), slotOf(record) << 1 | byTimer);
}
