import { describe } from "../base/describe.ts";
import { NONE, type ReadyQueue } from "../kernel/ready_queue.ts";

/** Reorders the first `most` entries of a level's ready queue. */
export type Shuffle = (queue: ReadyQueue, level: number, most: number) => void;

/**
 * Makes a shuffler for seeded scheduling: coroutines that are ready together run in an order that the seed determines.
 * So a test sees orders other than first in, first out, and can repeat each of them.
 *
 * @param seed Any number. The same seed gives the same orders.
 * @returns A function that shuffles the first entries of a ready queue.
 * @throws {TypeError} If `seed` is not a number.
 */
export function shuffler(seed: number): Shuffle {
  if (typeof seed !== "number" || Number.isNaN(seed)) {
    throw new TypeError(`Cannot shuffle as 'shuffle' must be a number: current value is ${describe(seed)}`);
  }
  const random = seededRandom(seed);
  return (queue, level, most) => {
    const slots: number[] = [];
    for (let slot; slots.length < most && (slot = queue.shift(level)) !== NONE;) slots.push(slot);
    // The Fisher-Yates shuffle.
    for (let i = slots.length - 1; i > 0; i--) {
      const j = Math.floor(random() * (i + 1));
      [slots[i], slots[j]] = [slots[j], slots[i]];
    }
    while (slots.length > 0) queue.unshift(level, slots.pop()!);
  };
}

/**
 * Random numbers from 0 (included) to 1 (excluded) that a seed determines: Marsaglia's xorshift32
 * (https://doi.org/10.18637/jss.v008.i14).
 */
export function seededRandom(seed: number): () => number {
  // Small seeds are spread over all bits. The state must not be 0, as the generator would stay there.
  let state = (Math.imul(seed | 0, 0x9e3779b1) ^ 0x6d2b79f5) || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 0x1_0000_0000;
  };
}
