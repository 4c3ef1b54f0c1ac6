// The timers: an indexed 8-ary heap, ordered by (deadline, sequence), so equal deadlines expire first armed, first.
// Node n has its children at 8n + 1 .. 8n + 8 and holds its key itself: comparing touches no slot. The slot knows the
// index of its node, so cancelling leaves nothing behind.
//
// Why a heap. tests/bench/timers_bench.ts measures it against a radix heap, which arms and cancels in O(1). Nanoseconds a
// timer, from TypeScript and back, heap / radix heap (x86-64, Deno 2.9.6, medians):
//
//                                       1 timer     1,000     1,000,000
//   over one second, none cancelled     67 / 92    79 / 94    315 / 259
//   half of them cancelled              64 / 82    61 / 67    207 / 191
//   99 % cancelled                      51 / 58    37 / 38    228 / 183
//   now + 30 s, all cancelled in turn   41 / 53    53 / 33     92 / 33
//   - nearest asked every 1,000         43 / 53    53 / 32    106 / 614
//   now + 30 s, each answered at once   23 / 29    22 / 28     22 / 28
//
// The radix heap wins with a million, but finds the nearest deadline by walking a bucket once the earliest timer is
// cancelled: O(n), over half a millisecond with a million alike timeouts, each time an idle driver asks. The heap has no
// bad case, asks nothing of the order of deadlines, and needs neither buckets nor their code (480 bytes). With a million
// timers 8 children a node beat 4 by 15 %; nodes of 16 bytes side by side, in pages of their own, gained nothing.
//
// Invariants: a record's state has ARMED exactly when it owns a node; no node's key is less than its parent's; no two
// nodes have the same sequence.

import { ARMED, IDLE, NIL, prevOf, RECORD_SHIFT, RECORDS, setPrev, setState, stateOf } from "./memory";

const ARITY_SHIFT: u32 = 3;
const ARITY: u32 = 1 << ARITY_SHIFT;

const DEADLINE: usize = 16;
const OWNER: usize = 24;
const SEQUENCE: usize = 28;

let armed: i32 = 0;
/** Given to the next timer armed. Exported for the specs only. */
export let sequence: u32 = 0;

/** No timer is armed: numbering begins again. */
export function restartSequence(): void {
  sequence = 0;
}

export function armedTimers(): i32 {
  return armed;
}

export function nearestDeadline(): f64 {
  return armed ? deadlineAt(0) : f64.POSITIVE_INFINITY;
}

/** When the timer of a record is due, +Infinity if it has none. */
export function deadlineOf(record: usize): f64 {
  return stateOf(record) & ARMED ? deadlineAt(<u32> prevOf(record)) : f64.POSITIVE_INFINITY;
}

/** Sets or replaces the timer of a slot that is not queued. O(log n), O(1) when it is later than most. */
export function armTimer(record: usize, deadline: f64): void {
  const state = stateOf(record);
  if (sequence == u32.MAX_VALUE) renumber();
  let index: u32;
  if (state & ARMED) {
    index = <u32> prevOf(record);
  } else {
    index = <u32> (armed++);
    setState(record, state & ~IDLE | ARMED);
  }
  settle(index, deadline, sequence++, record);
}

/** Cancels an armed timer, O(log n). */
export function cancelTimer(record: usize): void {
  const state = stateOf(record);
  assert((state & ARMED) != 0, "is armed");
  setState(record, state & ~ARMED | IDLE);
  removeAt(<u32> prevOf(record));
}

/** Takes the record with the earliest timer, provided it has expired, else NIL. */
export function popExpired(now: f64): usize {
  if (armed == 0 || !(deadlineAt(0) <= now)) return NIL;
  const record = ownerAt(0);
  cancelTimer(record);
  return record;
}

function nodeAt(index: u32): usize {
  return RECORDS + ((<usize> index) << RECORD_SHIFT);
}

function deadlineAt(index: u32): f64 {
  return load<f64>(nodeAt(index), DEADLINE);
}

function ownerAt(index: u32): usize {
  return <usize> load<u32>(nodeAt(index), OWNER);
}

function sequenceAt(index: u32): u32 {
  return load<u32>(nodeAt(index), SEQUENCE);
}

function put(index: u32, deadline: f64, order: u32, owner: usize): void {
  const node = nodeAt(index);
  store<f64>(node, deadline, DEADLINE);
  store<u32>(node, <u32> owner, OWNER);
  store<u32>(node, order, SEQUENCE);
  setPrev(owner, <usize> index);
}

function copy(from: u32, to: u32): void {
  put(to, deadlineAt(from), sequenceAt(from), ownerAt(from));
}

/** True when the node at `index` comes before the key given. */
function precedes(index: u32, deadline: f64, order: u32): bool {
  const its = deadlineAt(index);
  return its < deadline || (its == deadline && sequenceAt(index) < order);
}

function removeAt(index: u32): void {
  const last = <u32> (--armed);
  if (index == last) return;
  settle(index, deadlineAt(last), sequenceAt(last), ownerAt(last));
}

/** Fills the hole at `index` with the key given, moving the hole up or down to where it belongs. */
function settle(index: u32, deadline: f64, order: u32, owner: usize): void {
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
  const total = <u32> armed;
  while (true) {
    const first = (index << ARITY_SHIFT) + 1;
    if (first >= total) return index;
    let least = first;
    let leastDeadline = deadlineAt(first);
    const end = min(first + ARITY, total);
    for (let child = first + 1; child < end; child++) {
      const its = deadlineAt(child);
      if (its > leastDeadline) continue;
      if (its == leastDeadline && sequenceAt(child) > sequenceAt(least)) {
        continue;
      }
      least = child;
      leastDeadline = its;
    }
    if (!precedes(least, deadline, order)) return index;
    copy(least, index);
    index = least;
  }
}

/**
 * Once in 2^32 armings the sequence runs out. Sorting the nodes in place and numbering them by rank keeps their order
 * exact, and a sorted array is a heap.
 */
function renumber(): void {
  const total = <u32> armed;
  // Heap sort leaves the earliest at the end; the second loop turns the array round.
  for (let last = total; last > 1;) {
    last--;
    const deadline = deadlineAt(0);
    const order = sequenceAt(0);
    const owner = ownerAt(0);
    removeAt(0);
    put(last, deadline, order, owner);
  }
  armed = <i32> total;
  for (let low: u32 = 0, high = total; low < high; low++) {
    high--;
    const deadline = deadlineAt(low);
    const owner = ownerAt(low);
    copy(high, low);
    put(high, deadline, 0, owner);
  }
  for (let index: u32 = 0; index < total; index++) {
    store<u32>(nodeAt(index), index, SEQUENCE);
  }
  sequence = total;
}
