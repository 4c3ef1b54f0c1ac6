// The whole ABI of the kernel: the one coroutine scheduler's data, driven from outside. It imports nothing, reads no
// clock, draws no random number and allocates nothing while it runs: the same calls give the same order, always.
// Only i32 and f64 cross the border. An id that is stale, or was never given out, is ignored by every call.

import * as memory from "./memory";
import * as ready from "./ready";
import * as slots from "./slots";
import * as timers from "./timers";
import * as turns from "./turn";

/** Byte offset of the submission ring: pairs of [slot: make it ready, or ~slot: release it; generation]. */
export function submissions(): i32 {
  return <i32> memory.SUBMISSION_RING;
}

/** Pairs the submission ring holds. */
export function submissionCapacity(): i32 {
  return memory.SUBMISSIONS;
}

/** Byte offset of the run window: entries of slot << 1 | byTimer. */
export function window(): i32 {
  return <i32> memory.RUN_WINDOW;
}

/** Entries the run window holds. */
export function windowCapacity(): i32 {
  return memory.WINDOW;
}

/** A new slot, idle and without a timer, or -1 when there is none: then call grow. */
export function allocate(level: i32): i32 {
  return slots.takeSlot(level);
}

/** Doubles the table of slots: 1, or 0 when the host refuses, and then nothing has changed. */
export function grow(): i32 {
  return slots.doubleSlots() ? 1 : 0;
}

/** The generation of a slot's coroutine, or of the next one it will be given to. */
export function generation(slot: i32): i32 {
  return slots.slotGeneration(slot);
}

/** 1 when the id is that of a live coroutine. */
export function isCurrent(slot: i32, generation: i32): i32 {
  return slots.findRecord(slot, generation) != memory.NIL ? 1 : 0;
}

/** Takes in the first `count` submissions now. */
export function drain(count: i32): void {
  turns.drainSubmissions(count);
}

/** One turn; returns how many entries the window holds. */
export function turn(now: f64, submitted: i32, consumed: i32, limit: i32): i32 {
  turns.putBack(consumed);
  turns.drainSubmissions(submitted);
  turns.expireTimers(now);
  return turns.fillWindow(limit);
}

/**
 * Makes the kernel as good as new for another scheduler, but for its size and its generations: 1; or 0 when a slot is
 * live, and then nothing has changed.
 */
export function recycle(): i32 {
  return turns.forget() ? 1 : 0;
}

/**
 * Sets or replaces the timer of a slot; +Infinity is no timer, NaN is ignored. So is a slot that is queued: its
 * wake-up has been decided.
 */
export function arm(slot: i32, generation: i32, deadline: f64): void {
  if (isNaN(deadline)) return;
  if (deadline == f64.POSITIVE_INFINITY) return disarm(slot, generation);
  const record = slots.findRecord(slot, generation);
  if (record == memory.NIL || (memory.stateOf(record) & memory.QUEUED) != 0) {
    return;
  }
  timers.armTimer(record, deadline);
}

/** When the timer of a slot is due, +Infinity if it has none. */
export function deadline(slot: i32, generation: i32): f64 {
  const record = slots.findRecord(slot, generation);
  return record == memory.NIL ? f64.POSITIVE_INFINITY : timers.deadlineOf(record);
}

/** Cancels the timer of a slot, if it has one. */
export function disarm(slot: i32, generation: i32): void {
  const record = slots.findRecord(slot, generation);
  if (record != memory.NIL && (memory.stateOf(record) & memory.ARMED) != 0) {
    timers.cancelTimer(record);
  }
}

/** Takes effect at once: a queued slot goes to the tail of its new level. A level out of range is ignored. */
export function setLevel(slot: i32, generation: i32, level: i32): void {
  const record = slots.findRecord(slot, generation);
  if (record == memory.NIL || <u32> level >= <u32> memory.LEVELS) return;
  ready.moveToLevel(record, <u32> level);
}

/** The earliest deadline armed, +Infinity when there is none. */
export function nextDeadline(): f64 {
  return timers.nearestDeadline();
}

/** Slots in the ready queues. */
export function readyCount(): i32 {
  return ready.readySlots();
}

/** Slots allocated and not released. */
export function liveCount(): i32 {
  return slots.liveSlots();
}

/** Timers armed. */
export function timerCount(): i32 {
  return timers.armedTimers();
}

/** Slots in the table, free, live or retired. */
export function capacity(): i32 {
  return slots.slotCapacity();
}
