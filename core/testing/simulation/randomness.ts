import { seededRandom } from "../../fiber/shuffle.ts";

/** Random numbers and bytes that a seed determines. */
export class Randomness {
  readonly #next: () => number;

  /** @param seed Any number: the same seed gives the same numbers. */
  constructor(seed: number) {
    this.#next = seededRandom(seed);
  }

  /** A number from 0 (included) to 1 (excluded). */
  fraction(): number {
    return this.#next();
  }

  /** A number from `least` to `most`. */
  between(least: number, most: number): number {
    return least + (most - least) * this.#next();
  }

  /** A whole number from 0 to `limit` (excluded). */
  below(limit: number): number {
    return Math.floor(this.#next() * limit);
  }

  /** Whether something of this probability happens. */
  chance(probability: number): boolean {
    return this.#next() < probability;
  }

  /** So many random bytes. */
  bytes(count: number): Uint8Array {
    const bytes = new Uint8Array(count);
    for (let i = 0; i < count; i++) bytes[i] = this.below(256);
    return bytes;
  }

  /** A seed for another source of random numbers, so that the two do not depend on each other's use. */
  seed(): number {
    return this.below(2 ** 32);
  }
}
