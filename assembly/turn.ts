// A turn: what the last window did not run goes back, submissions are taken in, timers expire, and the next slots to
// run are moved to the window. Strict priority holds from turn to turn: a window serves the highest level that holds
// something, and besides that one pick in PATIENCE + 1 goes to a lower one.
//
// Invariants: a slot is in the window or in a queue, never in both, unless it was queued again after it was moved to
// the window, and then it is no longer WINDOWED. A pick that was not run counts as never made, whatever the caller's
// habits: so a caller who always stops early starves nobody.

import {
  ARMED,
  DUE,
  HISTORY,
  NIL,
  QUEUED,
  READY,
  recordOf,
  RUN_WINDOW,
  setState,
  stateOf,
  SUBMISSION_RING,
  SUBMISSIONS,
  WINDOW,
  WINDOWED,
} from "./memory";
import { moveFrontToWindow, popFront, pushBack, pushFront, readyLevels, toWindow, unqueue } from "./ready";
import { findRecord, freeSlot, liveSlots } from "./slots";
import { cancelTimer, popExpired, restartSequence } from "./timers";

/** Picks from the highest level before a lower one that waits gets one. */
export const PATIENCE: u32 = 61;

/** Timers that expire in one turn, so that a crowd of them cannot hold the host up; they fit one window. */
export const EXPIRATIONS: i32 = WINDOW;

/** Entries in the window as it was last filled. */
let filled: i32 = 0;

/** Entries of the window with a pick in the history: all of them, or none when no lower level waited. */
let remembered: i32 = 0;

/** Picks made, while a lower level waited, since a lower level was last served. At most PATIENCE. */
let streak: u32 = 0;

/** The lower level that was served last. */
let cursor: u32 = 0;

export function wake(record: usize): void {
  const state = stateOf(record);
  if (state & QUEUED) {
    setState(record, READY);
    return;
  }
  if (state & ARMED) cancelTimer(record);
  pushBack(record, READY);
}

export function release(record: usize): void {
  const state = stateOf(record);
  if (state & QUEUED) unqueue(record);
  else if (state & ARMED) cancelTimer(record);
  freeSlot(record);
}

export function drainSubmissions(count: i32): void {
  const end = SUBMISSION_RING + (<usize> min(max(count, 0), SUBMISSIONS) << 3);
  for (let pair = SUBMISSION_RING; pair < end; pair += 8) {
    const code = load<i32>(pair);
    const record = findRecord(code < 0 ? ~code : code, load<i32>(pair, 4));
    if (record == NIL) continue;
    if (code < 0) release(record);
    else wake(record);
  }
}

function entryAt(index: i32): i32 {
  return load<i32>(RUN_WINDOW + (<usize> index << 2));
}

/** The record of a window's entry, in no queue and without a timer; NIL if its slot was queued or released since. */
function takeFromWindow(index: i32): usize {
  const record = recordOf(entryAt(index) >> 1);
  const state = stateOf(record);
  if ((state & WINDOWED) == 0) return NIL;
  if (state & ARMED) cancelTimer(record);
  return record;
}

export function putBack(consumed: i32): void {
  consumed = max(consumed, 0);
  if (consumed < remembered) {
    const before = <u32> load<u16>(HISTORY + (<usize> consumed << 1));
    streak = before >> 3;
    cursor = before & 7;
  }
  // Backwards, each to the front: so the entries of a level stand in the order in which they were picked.
  for (let index = filled - 1; index >= consumed; index--) {
    const record = takeFromWindow(index);
    if (record != NIL) pushFront(record, entryAt(index) & 1 ? DUE : READY);
  }
  filled = 0;
}

/**
 * Forgets the window and what lower levels are owed, when no slot is live. Nothing that decides an order is left then
 * but what a new kernel has; generations go on, so ids from before stay stale.
 */
export function forget(): bool {
  if (liveSlots() != 0) return false;
  filled = 0;
  remembered = 0;
  streak = 0;
  cursor = 0;
  restartSequence();
  return true;
}

export function expireTimers(now: f64): void {
  for (let left = EXPIRATIONS; left > 0; left--) {
    const record = popExpired(now);
    if (record == NIL) return;
    pushBack(record, DUE);
  }
}

export function fillWindow(limit: i32): i32 {
  limit = min(limit, WINDOW);
  let index: i32 = 0;
  const waiting = readyLevels();
  if (waiting != 0) {
    const top = ctz(waiting);
    // No lower level waits: nothing is owed to one, and the picks need not be remembered.
    if (readyLevels() >> top == 1) {
      filled = moveFrontToWindow(top, limit);
      remembered = 0;
      return filled;
    }
    while (index < limit && (readyLevels() >> top & 1) != 0) {
      store<u16>(HISTORY + (<usize> index << 1), <u16> (streak << 3 | cursor));
      toWindow(index++, popFront(choose(top)));
    }
  }
  filled = index;
  remembered = index;
  return index;
}

function choose(top: u32): u32 {
  const lower = readyLevels() >> top >> 1 << top << 1;
  if (lower == 0) return top;
  if (streak < PATIENCE) {
    streak++;
    return top;
  }
  streak = 0;
  const after = lower >> cursor >> 1 << cursor << 1;
  cursor = ctz(after != 0 ? after : lower);
  return cursor;
}
