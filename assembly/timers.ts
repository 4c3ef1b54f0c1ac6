// The timers: an indexed 8-ary heap, ordered by (deadline, sequence), so timers with equal deadlines expire in the order in
// which they were armed. Node n has its children at 8n + 1 .. 8n + 8 and contains its key: a comparison reads no slot. The
// slot stores the index of its node, so a cancelled timer is removed at once.
//
// tests/bench/timers_bench.ts compares it with a radix heap, which arms and cancels in O(1) and is faster with a million
// timers. But once the earliest timer is cancelled, a radix heap finds the nearest deadline by walking a bucket: that takes
// over half a millisecond with a million equal timeouts, each time an idle driver reads the deadline. This heap has no such
// case.
//
// Invariants: a record's `timer` is set exactly when it owns a node; no node's key is less than its parent's; no two
// nodes have the same sequence.

import { FIRST_CAPACITY, RECORD_SHIFT, setWord, TIMER, word } from "./memory";

const ARITY_SHIFT: u32 = 3;
const ARITY: u32 = 1 << ARITY_SHIFT;
const NODE_SHIFT: usize = 4;
const OWNER: usize = 8;
const SEQUENCE: usize = 12;

let nodes: usize = <usize> FIRST_CAPACITY << NODE_SHIFT;
let armed: u32 = 0;
/** Given to the next timer that is set. Exported for the specs only. */
export let sequence: u32 = 0;

/** The number of records has doubled to the given one: moves the nodes behind them, and clears their old place. */
export function moveNodes(records: u32): void {
  const to = <usize> records << NODE_SHIFT;
  memory.copy(to, nodes, <usize> armed << NODE_SHIFT);
  memory.fill(nodes, 0, to - nodes);
  nodes = to;
}

/** How many timers are set. */
export function timerCount(): i32 {
  return armed;
}

/** The earliest deadline, +Infinity if there is none. */
export function nextDeadline(): f64 {
  return armed ? deadlineAt(0) : f64.POSITIVE_INFINITY;
}

/** When the timer of a slot is due, +Infinity if it has none. */
export function deadline(slot: u32): f64 {
  const timer = timerOf(slot);
  return timer ? deadlineAt(timer - 1) : f64.POSITIVE_INFINITY;
}

/**
 * Sets or replaces the timer of a slot that is not ready; +Infinity is no timer, NaN is ignored. O(log n), O(1) when it
 * is later than most.
 */
export function arm(slot: u32, deadline: f64): void {
  if (isNaN(deadline)) return;
  if (deadline == f64.POSITIVE_INFINITY) return disarm(slot);
  const timer = timerOf(slot);
  place(timer ? timer - 1 : armed++, deadline, sequence++, slot);
}

/** Cancels the timer of a slot, if it has one. O(log n). */
export function disarm(slot: u32): void {
  const timer = timerOf(slot);
  if (timer == 0) return;
  setTimer(slot, 0);
  removeAt(timer - 1);
}

/** Removes the earliest timer if it is due, and returns its slot, else 0. */
export function popExpired(now: f64): u32 {
  if (armed == 0 || !(deadlineAt(0) <= now)) return 0;
  const slot = ownerAt(0);
  disarm(slot);
  return slot;
}

function timerOf(slot: u32): u32 {
  return word((slot << RECORD_SHIFT) + TIMER);
}

function setTimer(slot: u32, timer: u32): void {
  setWord((slot << RECORD_SHIFT) + TIMER, timer);
}

function nodeAt(index: u32): usize {
  return nodes + (<usize> index << NODE_SHIFT);
}

function deadlineAt(index: u32): f64 {
  return load<f64>(nodeAt(index));
}

function ownerAt(index: u32): u32 {
  return load<u32>(nodeAt(index), OWNER);
}

function sequenceAt(index: u32): u32 {
  return load<u32>(nodeAt(index), SEQUENCE);
}

function put(index: u32, deadline: f64, order: u32, owner: u32): void {
  const node = nodeAt(index);
  store<f64>(node, deadline);
  store<u32>(node, owner, OWNER);
  store<u32>(node, order, SEQUENCE);
  setTimer(owner, index + 1);
}

function copy(from: u32, to: u32): void {
  put(to, deadlineAt(from), sequenceAt(from), ownerAt(from));
}

/**
 * Sequences wrap around, so their distance counts. It is assumed that fewer than 2^31 timers are set between any two that
 * are set at the same time and have the same deadline.
 */
function isEarlier(order: u32, other: u32): bool {
  return <i32> (order - other) < 0;
}

/** True when the node at `index` comes before the key given. */
function precedes(index: u32, deadline: f64, order: u32): bool {
  const its = deadlineAt(index);
  return its < deadline || (its == deadline && isEarlier(sequenceAt(index), order));
}

function removeAt(index: u32): void {
  const last = --armed;
  if (index == last) return;
  place(index, deadlineAt(last), sequenceAt(last), ownerAt(last));
}

/** Fills the hole at `index` with the key given, after moving the hole up or down to its place. */
function place(index: u32, deadline: f64, order: u32, owner: u32): void {
  const hole = index;
  while (index != 0) {
    const parent = (index - 1) >> ARITY_SHIFT;
    if (precedes(parent, deadline, order)) break;
    copy(parent, index);
    index = parent;
  }
  if (index == hole) index = sink(index, deadline, order);
  put(index, deadline, order, owner);
}

/** Moves the hole at `index` down while a child comes before the key given, always along the least child. */
function sink(index: u32, deadline: f64, order: u32): u32 {
  const total = armed;
  while (true) {
    const first = (index << ARITY_SHIFT) + 1;
    if (first >= total) return index;
    let least = first;
    let leastDeadline = deadlineAt(first);
    const end = min(first + ARITY, total);
    for (let child = first + 1; child < end; child++) {
      const its = deadlineAt(child);
      if (its > leastDeadline) continue;
      if (its == leastDeadline && isEarlier(sequenceAt(least), sequenceAt(child))) continue;
      least = child;
      leastDeadline = its;
    }
    if (!precedes(least, deadline, order)) return index;
    copy(least, index);
    index = least;
  }
}
