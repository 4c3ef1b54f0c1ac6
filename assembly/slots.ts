// Slots. Free ones are a list through `next`, and the one freed last is given out first. Those that were never given out
// join the list a few at a time, so that memory is touched late.

import { FIRST_CAPACITY, FIRST_SLOT, FREE, LEVEL, RECORD_SHIFT, setWord, word } from "./memory";
import { resetTurns } from "./ready";
import { moveNodes } from "./timers";

const PAGE_WORDS_SHIFT: u32 = 14;
const BATCH: u32 = 64;

let records: u32 = FIRST_CAPACITY;
/** The first slot that has never been in the list. */
let untouched: u32 = FIRST_SLOT;

/** A slot that is not ready and has no timer; 0 if the list of free slots is empty: then call `refill`. */
export function allocate(level: u32): u32 {
  const slot = word(FREE);
  if (slot == 0) return 0;
  const at = slot << RECORD_SHIFT;
  setWord(FREE, word(at));
  setWord(at, 0);
  setWord(at + LEVEL, level);
  return slot;
}

/** Gives back a slot that is not ready and has no timer. */
export function free(slot: u32): void {
  setWord(slot << RECORD_SHIFT, word(FREE));
  setWord(FREE, slot);
}

/** Sets the level of a slot: the queue it joins when its timer fires. */
export function setLevel(slot: u32, level: u32): void {
  setWord((slot << RECORD_SHIFT) + LEVEL, level);
}

/** How many slots the memory has room for. */
export function capacity(): i32 {
  return records - FIRST_SLOT;
}

/** Adds slots to the list of free ones: 1; or 0 if the host refuses the memory, and then nothing has changed. */
export function refill(): i32 {
  if (untouched == records && !double()) return 0;
  const first = untouched;
  untouched = min(untouched + BATCH, records);
  for (let slot = untouched - 1; slot >= first; slot--) free(slot);
  return 1;
}

/** Memory grows here and nowhere else. */
function double(): bool {
  const words = <u64> records << (RECORD_SHIFT + 2);
  if (words << 2 > <u64> u32.MAX_VALUE) return false;
  const missing = <i32> (words >> PAGE_WORDS_SHIFT) - memory.size();
  if (missing > 0 && memory.grow(missing) < 0) return false;
  records <<= 1;
  moveNodes(records);
  return true;
}

/** Makes the kernel as good as new, but for its size: 1; or 0 if a slot is in use, and then nothing has changed. */
export function recycle(): i32 {
  let used = untouched - FIRST_SLOT;
  for (let slot = word(FREE); slot; slot = word(slot << RECORD_SHIFT)) used--;
  if (used != 0) return 0;
  memory.fill(0, 0, <usize> untouched << (RECORD_SHIFT + 2));
  untouched = FIRST_SLOT;
  resetTurns();
  return 1;
}
