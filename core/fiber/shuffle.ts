import { NONE, type ReadyQueue } from "../kernel/ready_queue.ts";

/** Reorders the first of a level's ready queue, as many as are to run. */
export type Shuffle = (queue: ReadyQueue, level: number, most: number) => void;

/**
 * Seeded scheduling: runs what is ready together in an order that a seed decides, so that a test can meet orders
 * that first come, first served never shows, and meet the same one again.
 *
 * @param seed Any number; the same seed gives the same orders.
 * @throws {TypeError} If `seed` is not a number.
 */
export function shuffler(seed: number): Shuffle {
  if (typeof seed !== "number" || Number.isNaN(seed)) {
    throw new TypeError(`Cannot shuffle as 'shuffle' must be a number, the seed: current value is ${seed}`);
  }
  const random = xorshift(seed);
  return (queue, level, most) => {
    const slots: number[] = [];
    for (let slot; slots.length < most && (slot = queue.shift(level)) !== NONE;) slots.push(slot);
    // Fisher and Yates, from the end.
    for (let i = slots.length - 1; i > 0; i--) {
      const j = Math.floor(random() * (i + 1));
      [slots[i], slots[j]] = [slots[j], slots[i]];
    }
    while (slots.length > 0) queue.unshift(level, slots.pop()!);
  };
}

/** Marsaglia's xorshift32 (https://doi.org/10.18637/jss.v008.i14): numbers from 0 up to, not including, 1. */
function xorshift(seed: number): () => number {
  // Spread small seeds over all bits, and keep away from 0, where the generator stays.
  let state = (Math.imul(seed | 0, 0x9e3779b1) ^ 0x6d2b79f5) || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 0x1_0000_0000;
  };
}
