// The ready queues, one per level, first in, first out; and the choice of the level to serve.
//
// Invariants, of a slot in use: it is in one queue at most, `next` of its record is 0 exactly while it is in none, and it
// has no timer while it is in one.

import { END, FIRST, LEVEL, LEVELS, READY, RECORD_SHIFT, setWord, word } from "./memory";
import { popExpired } from "./timers";

/** Timers that fire in one turn at most, so that many due timers do not delay the host. */
export const EXPIRATIONS: i32 = 1024;
/** Steps of the most urgent level before a less urgent one with ready slots gets one. */
export const FAIR_SHARE: i32 = 61;

/** Whether less urgent levels had ready slots at the last choice. */
let contested: bool = false;
/** Steps of the most urgent level since another one was last served, counted while others have ready slots. */
let streak: i32 = 0;
/** The less urgent level that was served last. */
let cursor: i32 = 0;

/** Adds a slot that is not ready and has no timer at the end of a level's queue. */
export function push(level: u32, slot: u32): void {
  const last = word(level);
  setWord(slot << RECORD_SHIFT, END);
  if (last) setWord(last << RECORD_SHIFT, slot);
  else setWord(FIRST + level, slot);
  setWord(level, slot);
  setWord(READY, word(READY) + 1);
}

/** Puts a slot back that was the first of a level's queue. */
export function unshift(level: u32, slot: u32): void {
  const first = word(FIRST + level);
  setWord(slot << RECORD_SHIFT, first ? first : END);
  setWord(FIRST + level, slot);
  if (first == 0) setWord(level, slot);
}

/** Takes the first slot of a level's queue; 0 if there is none. */
export function shift(level: u32): u32 {
  const slot = word(FIRST + level);
  if (slot == 0) return 0;
  const at = slot << RECORD_SHIFT;
  const next = word(at);
  setWord(at, 0);
  setWord(FIRST + level, next == END ? 0 : next);
  if (next == END) setWord(level, 0);
  return slot;
}

/** How many slots are ready; those taken out since the last turn are still counted. */
export function readyCount(): i32 {
  return word(READY);
}

/** Makes the slots ready whose timers are due, `EXPIRATIONS` at most. */
export function expire(now: f64): void {
  for (let left = EXPIRATIONS; left > 0; left--) {
    const slot = popExpired(now);
    if (slot == 0) return;
    push(word((slot << RECORD_SHIFT) + LEVEL), slot);
  }
}

/**
 * Makes the slots ready whose timers are due, and chooses a level and how many of its slots to run: level | most << 3, or
 * -1 if nothing is ready. If only one level has ready slots, it may run to the limit. Otherwise the most urgent one runs,
 * and after every `FAIR_SHARE` steps one of the less urgent levels gets a step, in rotation.
 *
 * `ran` is how many slots were taken out and run since the last turn. Only they count for the shares of the levels: a
 * caller that always stops before the limit starves no level.
 */
export function turn(now: f64, ran: i32, limit: i32): i32 {
  setWord(READY, word(READY) - ran);
  expire(now);
  if (contested && ran > 0) streak = streak < FAIR_SHARE ? streak + ran : 0;
  const top = levelAfter(-1);
  contested = top < LEVELS && levelAfter(top) < LEVELS;
  if (top == LEVELS) return -1;
  if (!contested) return top | limit << 3;
  if (streak < FAIR_SHARE) return top | min(limit, FAIR_SHARE - streak) << 3;
  cursor = levelAfter(max(cursor, top));
  if (cursor == LEVELS) cursor = levelAfter(top);
  return cursor | min(limit, 1) << 3;
}

/** The first level after the one given whose queue is not empty, LEVELS if there is none. */
function levelAfter(level: i32): i32 {
  do level++; while (level < LEVELS && word(level) == 0);
  return level;
}

/** Resets the fair shares of the levels. */
export function resetTurns(): void {
  contested = false;
  streak = cursor = 0;
}
