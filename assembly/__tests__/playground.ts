// What every spec needs: a kernel with nothing in it, slots in the state asked for, and what a turn runs.

import { allocate, free, push, readyCount, shift } from "../every";
import * as kernel from "../index";
import { LEVELS } from "../memory";

const used = new Set<i32>();
let ran: i32 = 0;

/** Makes the kernel as good as new. */
export function fresh(): void {
  for (let level = 0; level < LEVELS; level++) while (shift(level) != 0);
  const slots = used.values();
  for (let index = 0; index < slots.length; index++) release(slots[index]);
  expect<i32>(kernel.recycle()).toBe(1, "nothing is in use");
  ran = 0;
}

/** A slot that is not ready. */
export function allocated(level: i32 = 4): i32 {
  let slot = allocate(level);
  if (slot == 0) {
    kernel.refill();
    slot = allocate(level);
  }
  used.add(slot);
  return slot;
}

/** Frees a slot that is not ready. */
export function release(slot: i32): void {
  kernel.disarm(slot);
  free(slot);
  used.delete(slot);
}

/** A slot that is ready at this level. */
export function readyAt(level: i32): i32 {
  const slot = allocated(level);
  push(level, slot);
  return slot;
}

/** A slot with a timer. */
export function armedAt(deadline: f64): i32 {
  const slot = allocated();
  kernel.arm(slot, deadline);
  return slot;
}

/** Takes the first slot of a level's queue; the next turn is told. */
export function take(level: i32): i32 {
  const slot = shift(level);
  if (slot != 0) ran++;
  return slot;
}

/** How many slots are ready. */
export function ready(): i32 {
  return readyCount() - ran;
}

/** Runs a turn: takes what the kernel chooses, at most `most` of it, and returns the slots. */
export function turn(now: f64 = 0, limit: i32 = 256, most: i32 = i32.MAX_VALUE): i32[] {
  const slots: i32[] = [];
  const choice = kernel.turn(now, ran, limit);
  ran = 0;
  if (choice < 0) return slots;
  const end = min(choice >> 3, most);
  while (slots.length < end) {
    const slot = take(choice & 7);
    if (slot == 0) break;
    slots.push(slot);
  }
  return slots;
}

/** The level that a turn chooses, and how many steps of it; -1 if nothing is ready. */
export function choice(limit: i32 = 256): i32[] {
  const chosen = kernel.turn(0, ran, limit);
  ran = 0;
  return chosen < 0 ? [-1] : [chosen & 7, chosen >> 3];
}
