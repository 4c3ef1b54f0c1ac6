// AssemblyScript: radix_heap.ts compiles it in the place of assembly/timers.ts.
//
// The timer structure that lost: a radix heap of base 64. A deadline's bits, made to sort as an unsigned number, are
// compared with those of the last deadline that expired: the highest 6-bit digit in which they differ, and its value,
// name the bucket. The lowest bucket that holds something holds the earliest timer; when that expires, the bucket is
// spread over lower ones. Buckets are lists through the nodes, in order of arrival, and spreading keeps that order.
// So arming and cancelling are O(1), and each timer is moved once per digit at most.
//
// A deadline before the last one that expired takes `last` back: the buckets below the digit in which the two differ
// are joined into one, which no node has to be visited for.
//
//   0x0400  buckets   11 levels x 64 digits x { head u32, tail u32, least f64 (NaN: not known) }
//   0x3400  masks     11 levels x u64, one bit per bucket that holds something
//
// These lie where the records of slots below 1,024 would: the kernel is built with slots from there on. What the heap has
// as nodes are { deadline f64, next u32, prev u32 } of the slot of that number here.

import { FIRST_CAPACITY, RECORD_SHIFT, setWord, TIMER, word } from "./memory";

const BUCKETS: usize = 0x400;
const MASKS: usize = 0x3400;
const HEAD: usize = 0;
const TAIL: usize = 4;
const LEAST: usize = 8;
const NODE_SHIFT: usize = 4;
const NEXT: usize = 8;
const PREV: usize = 12;

let nodes: usize = <usize> FIRST_CAPACITY << NODE_SHIFT;
let armed: i32 = 0;
let last: u64 = 0;
let levels: u32 = 0;

export function moveNodes(records: u32): void {
  const to = <usize> records << NODE_SHIFT;
  memory.copy(to, nodes, to - nodes);
  memory.fill(nodes, 0, to - nodes);
  nodes = to;
}

export function timerCount(): i32 {
  return armed;
}

export function nextDeadline(): f64 {
  return armed ? leastOf(lowestBucket()) : f64.POSITIVE_INFINITY;
}

export function deadline(slot: u32): f64 {
  return hasTimer(slot) ? deadlineOf(slot) : f64.POSITIVE_INFINITY;
}

export function arm(slot: u32, deadline: f64): void {
  if (isNaN(deadline)) return;
  disarm(slot);
  if (deadline == f64.POSITIVE_INFINITY) return;
  const key = keyOf(deadline);
  if (key < last) rewind(key);
  armed++;
  setWord((slot << RECORD_SHIFT) + TIMER, 1);
  store<f64>(nodeOf(slot), deadline);
  append(bucketOf(key), slot, deadline);
}

export function disarm(slot: u32): void {
  if (!hasTimer(slot)) return;
  armed--;
  setWord((slot << RECORD_SHIFT) + TIMER, 0);
  const deadline = deadlineOf(slot);
  const bucket = bucketOf(keyOf(deadline));
  const prev = load<u32>(nodeOf(slot), PREV);
  const next = nextOf(slot);
  if (prev == 0) store<u32>(bucket, next, HEAD);
  else setNext(prev, next);
  if (next == 0) store<u32>(bucket, prev, TAIL);
  else setPrev(next, prev);
  if (prev == 0 && next == 0) markEmpty(bucket);
  else if (deadline == load<f64>(bucket, LEAST)) store<f64>(bucket, NaN, LEAST);
}

export function popExpired(now: f64): u32 {
  while (armed != 0) {
    const bucket = lowestBucket();
    const least = leastOf(bucket);
    if (least > now) return 0;
    // Level 0 differs in the last digit only: the deadlines of one bucket there are equal.
    if (bucket < BUCKETS + 64 * 16) {
      const slot = load<u32>(bucket, HEAD);
      disarm(slot);
      return slot;
    }
    last = keyOf(least);
    spread(bucket);
  }
  return 0;
}

function hasTimer(slot: u32): bool {
  return word((slot << RECORD_SHIFT) + TIMER) != 0;
}

function nodeOf(slot: u32): usize {
  return nodes + (<usize> slot << NODE_SHIFT);
}

function deadlineOf(slot: u32): f64 {
  return load<f64>(nodeOf(slot));
}

function nextOf(slot: u32): u32 {
  return load<u32>(nodeOf(slot), NEXT);
}

function setNext(slot: u32, next: u32): void {
  store<u32>(nodeOf(slot), next, NEXT);
}

function setPrev(slot: u32, prev: u32): void {
  store<u32>(nodeOf(slot), prev, PREV);
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

function append(bucket: usize, slot: u32, deadline: f64): void {
  const tail = load<u32>(bucket, TAIL);
  setNext(slot, 0);
  setPrev(slot, tail);
  store<u32>(bucket, slot, TAIL);
  if (tail == 0) {
    store<u32>(bucket, slot, HEAD);
    store<f64>(bucket, deadline, LEAST);
    markFull(bucket);
  } else {
    setNext(tail, slot);
    if (deadline < load<f64>(bucket, LEAST)) {
      store<f64>(bucket, deadline, LEAST);
    }
  }
}

function leastOf(bucket: usize): f64 {
  let least = load<f64>(bucket, LEAST);
  if (!isNaN(least)) return least;
  least = f64.POSITIVE_INFINITY;
  for (let slot = load<u32>(bucket, HEAD); slot != 0; slot = nextOf(slot)) least = min(least, deadlineOf(slot));
  store<f64>(bucket, least, LEAST);
  return least;
}

function clear(bucket: usize): void {
  store<u64>(bucket, 0);
  markEmpty(bucket);
}

function spread(bucket: usize): void {
  let slot = load<u32>(bucket, HEAD);
  clear(bucket);
  while (slot != 0) {
    const next = nextOf(slot);
    const deadline = deadlineOf(slot);
    append(bucketOf(keyOf(deadline)), slot, deadline);
    slot = next;
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
  const head = load<u32>(bucket, HEAD);
  const least = load<f64>(bucket, LEAST);
  const tail = load<u32>(target, TAIL);
  if (tail == 0) {
    store<u32>(target, head, HEAD);
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
