// Slots and their generations. An id is (slot, generation): releasing a slot moves its generation on, so an id kept
// from before never reaches the coroutine that gets the slot next. Free slots are re-used last in, first out; records
// above `highWater` were never used and are still zeros. Every call here is O(1).

import {
  FIRST_CAPACITY,
  FREE,
  generationOf,
  IDLE,
  LEVELS,
  nextOf,
  NIL,
  RECORD_SHIFT,
  recordOf,
  RECORDS,
  setGeneration,
  setLevelOf,
  setNext,
  setState,
  slotOf,
  stateOf,
} from "./memory";

/** A slot released at this generation is retired: the next one would not fit an i32. */
export const LAST_GENERATION: i32 = i32.MAX_VALUE;

const PAGE_SHIFT: usize = 16;

let freeList: usize = NIL;
let highWater: i32 = 0;
let slots: i32 = FIRST_CAPACITY;
let live: i32 = 0;

export function slotCapacity(): i32 {
  return slots;
}

export function liveSlots(): i32 {
  return live;
}

export function takeSlot(level: i32): i32 {
  assert(<u32> level < <u32> LEVELS, "level out of range");
  let record = freeList;
  if (record != NIL) {
    freeList = nextOf(record);
  } else {
    if (highWater == slots) return -1;
    record = recordOf(highWater++);
  }
  live++;
  setState(record, IDLE);
  setLevelOf(record, <u32> (level & (LEVELS - 1)));
  return slotOf(record);
}

/** The caller has taken the slot out of its queue and cancelled its timer. */
export function freeSlot(record: usize): void {
  assert(stateOf(record) != FREE, "slot is live");
  live--;
  setState(record, FREE);
  const generation = generationOf(record);
  if (generation == LAST_GENERATION) return;
  setGeneration(record, generation + 1);
  setNext(record, freeList);
  freeList = record;
}

/** The record of a live coroutine, NIL when the id is stale or was never given out. */
export function findRecord(slot: i32, generation: i32): usize {
  if (<u32> slot >= <u32> highWater) return NIL;
  const record = recordOf(slot);
  return generationOf(record) == generation && stateOf(record) != FREE ? record : NIL;
}

export function slotGeneration(slot: i32): i32 {
  return <u32> slot < <u32> highWater ? generationOf(recordOf(slot)) : 0;
}

/** Memory only grows here. A refusal changes nothing, so the caller may go on with what there is. */
export function doubleSlots(): bool {
  const end = <u64> RECORDS + ((<u64> slots) << (RECORD_SHIFT + 1));
  const missing = <i64> (end >> PAGE_SHIFT) - <i64> memory.size();
  if (end > <u64> u32.MAX_VALUE) return false;
  if (missing > 0 && memory.grow(<i32> missing) < 0) return false;
  slots <<= 1;
  return true;
}
