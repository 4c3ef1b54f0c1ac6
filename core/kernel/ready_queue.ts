/**
 * The slots and the ready queues, read and written in the kernel's memory: a call would cost as much as the rest of a
 * switch.
 *
 * Each method changes the memory in the same way, word by word, as the kernel's function of the same name (assembly/slots.ts,
 * ready.ts): tests/kernel/kernel_test.ts compares them. The layout is drawn in assembly/memory.ts.
 */

// In words.
const FREE = 8;
const READY = 9;
const FIRST = 16;
const RECORD_SHIFT = 2;
const TIMER = 1;
const LEVEL = 2;

const END = 1;

/** How many priority levels there are. */
export const LEVELS = 8;

// V8 compiles a constant of this module into the code; an exported or imported one is looked up at each use.
const NO_SLOT = 0;

/** No slot. */
export const NONE: typeof NO_SLOT = NO_SLOT;

/** See the head of this file. */
export class ReadyQueue {
  /** The kernel's memory; replaced when that grows, which detaches the view. */
  declare words: Int32Array<ArrayBuffer>;

  constructor(words: Int32Array<ArrayBuffer>) {
    this.words = words;
  }

  /** How many slots are ready; those taken out since the last turn are still counted. */
  get length(): number {
    return this.words[READY];
  }

  /** A slot that is not ready and has no timer; `NONE` if the list of free slots is empty. */
  allocate(level: number): number {
    const words = this.words;
    const slot = words[FREE];
    if (slot === NO_SLOT) return NO_SLOT;
    const at = slot << RECORD_SHIFT;
    words[FREE] = words[at];
    words[at] = 0;
    words[at + LEVEL] = level;
    return slot;
  }

  /** Gives back a slot that is not ready and has no timer. */
  free(slot: number): void {
    const words = this.words;
    words[slot << RECORD_SHIFT] = words[FREE];
    words[FREE] = slot;
  }

  /** Adds a slot that is not ready and has no timer at the end of a level's queue. */
  push(level: number, slot: number): void {
    const words = this.words;
    const last = words[level];
    words[slot << RECORD_SHIFT] = END;
    if (last !== NO_SLOT) words[last << RECORD_SHIFT] = slot;
    else words[FIRST + level] = slot;
    words[level] = slot;
    words[READY]++;
  }

  /** Puts a slot back that was the first of a level's queue. */
  unshift(level: number, slot: number): void {
    const words = this.words;
    const first = words[FIRST + level];
    words[slot << RECORD_SHIFT] = first === NO_SLOT ? END : first;
    words[FIRST + level] = slot;
    if (first === NO_SLOT) words[level] = slot;
  }

  /** Takes the first slot of a level's queue; `NONE` if there is none. */
  shift(level: number): number {
    const words = this.words;
    const slot = words[FIRST + level];
    if (slot === NO_SLOT) return NO_SLOT;
    const at = slot << RECORD_SHIFT;
    const next = words[at];
    words[at] = 0;
    if (next === END) words[FIRST + level] = words[level] = NO_SLOT;
    else words[FIRST + level] = next;
    return slot;
  }

  /** Whether a slot is ready. */
  isReady(slot: number): boolean {
    return this.words[slot << RECORD_SHIFT] !== 0;
  }

  /** Whether a slot has a timer. */
  hasTimer(slot: number): boolean {
    return this.words[(slot << RECORD_SHIFT) + TIMER] !== 0;
  }

  /** Whether a level's queue has a slot. */
  anyReady(level: number): boolean {
    return this.words[level] !== NO_SLOT;
  }

  /** Whether a slot is the first of a level's queue. */
  isFirst(level: number, slot: number): boolean {
    return this.words[FIRST + level] === slot;
  }
}

/** Whether a slot is the last of a level's queue. A function, so that a bundle may be without it. */
export function isLast({ words }: ReadyQueue, level: number, slot: number): boolean {
  return words[level] === slot;
}
