// The kernel's linear memory, in words of 32 bits. The scheduler in TypeScript accesses it too: core/kernel/ready_queue.ts
// makes the same changes as slots.ts and ready.ts here. All of it starts as zeros, and zero always means "none", so nothing
// is initialized.
//
//   word 0 .. 7    per level: last slot of its ready queue
//   word 8         first free slot; free slots are linked through `next`
//   word 9         how many slots are ready; those taken out since the last turn are still counted
//   word 16 .. 23  per level: first slot of its ready queue
//   word 32 ..     records of 4 words; that of slot i begins at word 4 * i, so slots are numbered from 8
//   behind them    nodes of the timer heap, 4 words each (timers.ts)
//
// A record:
//
//   next     ready: the next slot of its queue, END if it is the last; 0: not ready.  free: the next free slot
//   timer    1 + the index of its node in the heap, 0: no timer
//   level    0 (most urgent) to 7: the queue it joins when its timer fires
//
// There is room for as many nodes as records. Growing doubles both and moves the nodes, which follow the records.

export const LEVELS: i32 = 8;
export const FREE: u32 = 8;
export const READY: u32 = 9;
export const FIRST: u32 = 16;

/** The record of slot i, and node i of the heap, begin i << RECORD_SHIFT words behind the start. */
export const RECORD_SHIFT: u32 = 2;
export const TIMER: u32 = 1;
export const LEVEL: u32 = 2;

/** The `next` of the last slot of a queue. It is not the number of a slot. */
export const END: u32 = 1;
/** The records of lower numbers would overlap the words above. */
export const FIRST_SLOT: u32 = 8;
/** Records in the two pages that the module starts with, those below FIRST_SLOT included. */
export const FIRST_CAPACITY: u32 = 4096;

export function word(at: u32): u32 {
  return load<u32>(<usize> at << 2);
}

export function setWord(at: u32, value: u32): void {
  store<u32>(<usize> at << 2, value);
}
