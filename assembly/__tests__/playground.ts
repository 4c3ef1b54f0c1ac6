// What every spec needs: submissions and the window as TypeScript sees them, and a kernel with nothing left in it.

import * as kernel from "../index";
import { FREE, recordOf, RUN_WINDOW, stateOf, SUBMISSION_RING } from "../memory";
import { release } from "../turn";

let submitted: i32 = 0;
let filled: i32 = 0;

/** Releases every slot, and forgets the window. Slots come back in another order and at later generations. */
export function fresh(): void {
  for (let slot = 0; slot < kernel.capacity(); slot++) {
    if (stateOf(recordOf(slot)) != FREE) release(recordOf(slot));
  }
  submitted = 0;
  filled = kernel.turn(0, 0, filled, 0);
}

export function submitAs(code: i32, generation: i32): void {
  const pair = SUBMISSION_RING + (<usize> submitted << 3);
  store<i32>(pair, code);
  store<i32>(pair, generation, 4);
  submitted++;
}

export function submit(slot: i32): void {
  submitAs(slot, kernel.generation(slot));
}

export function submitRelease(slot: i32): void {
  submitAs(~slot, kernel.generation(slot));
}

export function drain(): void {
  kernel.drain(submitted);
  submitted = 0;
}

/** A turn after the last window was run to its end. */
export function turn(now: f64 = 0, limit: i32 = 256): i32 {
  return turnAfter(filled, now, limit);
}

/** A turn after `consumed` entries of the last window were run. */
export function turnAfter(consumed: i32, now: f64 = 0, limit: i32 = 256): i32 {
  filled = kernel.turn(now, submitted, consumed, limit);
  submitted = 0;
  return filled;
}

/** Says that an entry stands for nothing. */
export function strike(index: i32, negative: i32 = -1): void {
  store<i32>(RUN_WINDOW + (<usize> index << 2), negative);
}

function entry(index: i32): i32 {
  return load<i32>(RUN_WINDOW + (<usize> index << 2));
}

export function slotAt(index: i32): i32 {
  return entry(index) >> 1;
}

export function byTimerAt(index: i32): bool {
  return (entry(index) & 1) != 0;
}

/** The slots of the window, in order. */
export function order(): i32[] {
  const slots: i32[] = [];
  for (let index = 0; index < filled; index++) slots.push(slotAt(index));
  return slots;
}

/** A slot of this level that stands in its queue. */
export function readyAt(level: i32): i32 {
  const slot = kernel.allocate(level);
  submit(slot);
  drain();
  return slot;
}

/** An idle slot whose timer is armed. */
export function armedAt(deadline: f64): i32 {
  const slot = kernel.allocate(4);
  kernel.arm(slot, kernel.generation(slot), deadline);
  return slot;
}
