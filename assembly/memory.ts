// The kernel's linear memory. Everything below lives here and nowhere else; all of it starts as zeros and
// zero always means "none" (a link, an empty queue, a free record), so nothing is ever initialised.
//
//   0x00000  unused, so that no record has address 0 (NIL)
//   0x00400  ready queues      8 x { head u32, tail u32 }                                (ready.ts)
//   0x00800  pick history   1024 x { streak << 3 | cursor u16 }                          (turn.ts)
//   0x01000  run window     1024 x { slot << 1 | byTimer i32 }            kernel writes  (turn.ts)
//   0x02000  submissions    1024 x { slot or ~slot i32, generation i32 }  kernel reads   (turn.ts)
//   0x10000  records    capacity x 32 bytes, to the end of the memory
//
// A record is two halves which have nothing to do with each other but their size. The first belongs to slot i,
// the second is node i of the timer heap (timers.ts), whosever timer that is. So both tables grow by appending
// pages to the memory, and nothing is copied.
//
//    0        4        8            12    13    14        16        24     28
//    | next   | prev   | generation |state|level| unused  | deadline| owner| sequence |
//    | u32    | u32    | i32        | u8  | u8  |         | f64     | u32  | u32      |
//    '--------------------- slot i -----------------------'------- heap node i -------'
//
//   next    address of the next record in the ready queue, or in the list of free records
//   prev    READY, DUE: address of the record before it in the queue; ARMED: index of its node in the heap.
//           Sharing one field is sound because a queued slot has no timer.
//   owner   address of the record whose timer the node is
//
// Links are addresses of records, not slot numbers: a slot number is only made where one crosses the border.

export const SUBMISSIONS: i32 = 1024;
export const WINDOW: i32 = 1024;
export const LEVELS: i32 = 8;

export const QUEUES: usize = 0x400;
export const HISTORY: usize = 0x800;
export const RUN_WINDOW: usize = 0x1000;
export const SUBMISSION_RING: usize = 0x2000;
export const RECORDS: usize = 0x10000;

export const NIL: usize = 0;

export const RECORD_SHIFT: usize = 5;
export const RECORD_SIZE: usize = 1 << RECORD_SHIFT;

/** Slots in the memory the module starts with: one page of records. */
export const FIRST_CAPACITY: i32 = 2048;

const NEXT: usize = 0;
const PREV: usize = 4;
const GENERATION: usize = 8;
const STATE: usize = 12;
const LEVEL: usize = 13;

// States. FREE, IDLE and ARMED slots are in no queue; READY and DUE ones are in the queue of their level.
// WINDOWED is a flag beside IDLE or ARMED: the slot was moved to the run window and has not been queued since,
// so if the window's entry turns out not to have been run, it must be put back.
export const FREE: u32 = 0;
export const IDLE: u32 = 1;
export const ARMED: u32 = 2;
export const WINDOWED: u32 = 4;
export const QUEUED: u32 = 8;
export const READY: u32 = QUEUED;
export const DUE: u32 = QUEUED | 1;

export function recordOf(slot: i32): usize {
  return RECORDS + ((<usize> slot) << RECORD_SHIFT);
}

export function slotOf(record: usize): i32 {
  return <i32> ((record - RECORDS) >> RECORD_SHIFT);
}

export function nextOf(record: usize): usize {
  return <usize> load<u32>(record, NEXT);
}

export function setNext(record: usize, next: usize): void {
  store<u32>(record, <u32> next, NEXT);
}

export function prevOf(record: usize): usize {
  return <usize> load<u32>(record, PREV);
}

export function setPrev(record: usize, prev: usize): void {
  store<u32>(record, <u32> prev, PREV);
}

export function generationOf(record: usize): i32 {
  return load<i32>(record, GENERATION);
}

export function setGeneration(record: usize, generation: i32): void {
  store<i32>(record, generation, GENERATION);
}

export function stateOf(record: usize): u32 {
  return <u32> load<u8>(record, STATE);
}

export function setState(record: usize, state: u32): void {
  store<u8>(record, <u8> state, STATE);
}

export function levelOf(record: usize): u32 {
  return <u32> load<u8>(record, LEVEL);
}

export function setLevelOf(record: usize, level: u32): void {
  store<u8>(record, <u8> level, LEVEL);
}
