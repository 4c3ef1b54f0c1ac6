/** Random numbers from a seed: the same seed gives the same numbers. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** A number from 0 (included) to 1 (excluded). */
  next(): number {
    this.#state = this.#state + 0x6d2b79f5 >>> 0;
    return mix(this.#state) / 2 ** 32;
  }

  /** A whole number below `limit`. */
  below(limit: number): number {
    return Math.floor(this.next() * limit);
  }

  /** A whole number from `least` to `most`. */
  from(least: number, most: number): number {
    return least + this.below(most - least + 1);
  }

  /** Whether something of this probability happens. */
  chance(probability: number): boolean {
    return this.next() < probability;
  }

  /** One of several values. */
  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)];
  }
}

/** The seed of an epoch. The first epoch has that of the run, so that one epoch can be run again alone. */
export function epochSeed(seed: number, epoch: number): number {
  return epoch === 0 ? seed >>> 0 : mix((seed ^ Math.imul(epoch, 0x9e3779b1)) >>> 0);
}

function mix(value: number): number {
  let mixed = Math.imul(value ^ value >>> 15, value | 1);
  mixed ^= mixed + Math.imul(mixed ^ mixed >>> 7, mixed | 61);
  return (mixed ^ mixed >>> 14) >>> 0;
}
