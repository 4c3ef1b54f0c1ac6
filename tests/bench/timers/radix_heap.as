// AssemblyScript: ../timers_bench.ts compiles it in the place of assembly/timers.ts.
//
// The timer structure that lost: a radix heap of base 64. A deadline's bits, made to sort as an unsigned number, are
// compared with those of the last deadline that expired: the highest 6-bit digit in which they differ, and its value,
// name the bucket. The lowest bucket that holds something holds the earliest timer; when that expires, the bucket is
// spread over lower ones. Buckets are lists through the records, in order of arrival, and spreading keeps that order.
// So arming and cancelling are O(1), and each timer is moved once per digit at most.
//
// A deadline before the last one that expired takes `last` back: the buckets below the digit in which the two differ
// are joined into one, which no record has to be visited for.
//
//   0x4000  buckets   11 levels x 64 digits x { head u32, tail u32, least f64 (NaN: not known) }
//   0x7000  masks     11 levels x u64, one bit per bucket that holds something

import {
  ARMED,
  IDLE,
  nextOf,
  NIL,
  prevOf,
  setNext,
  setPrev,
  setState,
  stateOf,
} from "./memory";

const BUCKETS: usize = 0x4000;
const MASKS: usize = 0x7000;
const HEAD: usize = 0;
const TAIL: usize = 4;
const LEAST: usize = 8;
const DEADLINE: usize = 16;

let armed: i32 = 0;
let last: u64 = 0;
let levels: u32 = 0;

/** Nothing is numbered here: a bucket is a queue. */
export function restartSequence(): void {}

export function armedTimers(): i32 {
  return armed;
}

export function nearestDeadline(): f64 {
  return armed ? leastOf(lowestBucket()) : f64.POSITIVE_INFINITY;
}

export function deadlineOf(record: usize): f64 {
  return stateOf(record) & ARMED ? load<f64>(record, DEADLINE) : f64.POSITIVE_INFINITY;
}

export function armTimer(record: usize, deadline: f64): void {
  if (stateOf(record) & ARMED) cancelTimer(record);
  const key = keyOf(deadline);
  if (key < last) rewind(key);
  armed++;
  setState(record, stateOf(record) & ~IDLE | ARMED);
  store<f64>(record, deadline, DEADLINE);
  append(bucketOf(key), record, deadline);
}

export function cancelTimer(record: usize): void {
  armed--;
  setState(record, stateOf(record) & ~ARMED | IDLE);
  const deadline = load<f64>(record, DEADLINE);
  const bucket = bucketOf(keyOf(deadline));
  const prev = prevOf(record);
  const next = nextOf(record);
  if (prev == NIL) store<u32>(bucket, <u32> next, HEAD);
  else setNext(prev, next);
  if (next == NIL) store<u32>(bucket, <u32> prev, TAIL);
  else setPrev(next, prev);
  if (prev == NIL && next == NIL) markEmpty(bucket);
  else if (deadline == load<f64>(bucket, LEAST)) store<f64>(bucket, NaN, LEAST);
}

export function popExpired(now: f64): usize {
  while (armed != 0) {
    const bucket = lowestBucket();
    const least = leastOf(bucket);
    if (least > now) return NIL;
    // Level 0 differs in the last digit only: the deadlines of one bucket there are equal.
    if (bucket < BUCKETS + 64 * 16) {
      const record = <usize> load<u32>(bucket, HEAD);
      cancelTimer(record);
      return record;
    }
    last = keyOf(least);
    spread(bucket);
  }
  return NIL;
}

function keyOf(deadline: f64): u64 {
  const bits = reinterpret<u64>(deadline + 0.0);
  return bits >> 63 ? ~bits : bits | (1 << 63);
}

function levelOf(key: u64): u32 {
  return <u32> (63 - clz((key ^ last) | 1)) / 6;
}

function bucketAt(level: u32, digit: u32): usize {
  return BUCKETS + (<usize> (level << 6 | digit) << 4);
}

function digitOf(key: u64, level: u32): u32 {
  return <u32> (key >> (level * 6)) & 63;
}

function bucketOf(key: u64): usize {
  const level = levelOf(key);
  return bucketAt(level, digitOf(key, level));
}

function lowestBucket(): usize {
  const level = ctz(levels);
  return bucketAt(level, <u32> ctz(load<u64>(MASKS + (level << 3))));
}

function markFull(bucket: usize): void {
  const index = <u32> ((bucket - BUCKETS) >> 4);
  const mask = MASKS + (index >> 6 << 3);
  store<u64>(mask, load<u64>(mask) | (<u64> 1 << (index & 63)));
  levels |= 1 << (index >> 6);
}

function markEmpty(bucket: usize): void {
  const index = <u32> ((bucket - BUCKETS) >> 4);
  const mask = MASKS + (index >> 6 << 3);
  const left = load<u64>(mask) & ~(<u64> 1 << (index & 63));
  store<u64>(mask, left);
  if (left == 0) levels &= ~(1 << (index >> 6));
}

function append(bucket: usize, record: usize, deadline: f64): void {
  const tail = <usize> load<u32>(bucket, TAIL);
  setNext(record, NIL);
  setPrev(record, tail);
  store<u32>(bucket, <u32> record, TAIL);
  if (tail == NIL) {
    store<u32>(bucket, <u32> record, HEAD);
    store<f64>(bucket, deadline, LEAST);
    markFull(bucket);
  } else {
    setNext(tail, record);
    if (deadline < load<f64>(bucket, LEAST)) {
      store<f64>(bucket, deadline, LEAST);
    }
  }
}

function leastOf(bucket: usize): f64 {
  let least = load<f64>(bucket, LEAST);
  if (!isNaN(least)) return least;
  least = f64.POSITIVE_INFINITY;
  let record = <usize> load<u32>(bucket, HEAD);
  while (record != NIL) {
    least = min(least, load<f64>(record, DEADLINE));
    record = nextOf(record);
  }
  store<f64>(bucket, least, LEAST);
  return least;
}

function clear(bucket: usize): void {
  store<u64>(bucket, 0);
  markEmpty(bucket);
}

function spread(bucket: usize): void {
  let record = <usize> load<u32>(bucket, HEAD);
  clear(bucket);
  while (record != NIL) {
    const next = nextOf(record);
    const deadline = load<f64>(record, DEADLINE);
    append(bucketOf(keyOf(deadline)), record, deadline);
    record = next;
  }
}

function rewind(key: u64): void {
  const level = levelOf(key);
  const target = bucketAt(level, digitOf(last, level));
  while (levels != 0 && ctz(levels) < level) {
    const bucket = lowestBucket();
    join(bucket, target);
    clear(bucket);
  }
  last = key;
}

function join(bucket: usize, target: usize): void {
  const head = <usize> load<u32>(bucket, HEAD);
  const least = load<f64>(bucket, LEAST);
  const tail = <usize> load<u32>(target, TAIL);
  if (tail == NIL) {
    store<u32>(target, <u32> head, HEAD);
    store<f64>(target, least, LEAST);
    markFull(target);
  } else {
    setNext(tail, head);
    setPrev(head, tail);
    // Not known stays not known: a comparison with NaN is false.
    const known = load<f64>(target, LEAST);
    store<f64>(target, known <= least ? known : least < known ? least : NaN, LEAST);
  }
  store<u32>(target, load<u32>(bucket, TAIL), TAIL);
}
