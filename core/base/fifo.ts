// Small enough to cost little for a coroutine with one message, a power of two for the index arithmetic.
const MIN_CAPACITY = 8;

/**
 * A queue that adds and takes at both ends in constant time at any length, and gives memory back when it empties.
 *
 * A ring in an array whose length is a power of two: it doubles when full and halves when only a quarter is used, so
 * that a length that swings around a boundary does not resize each time.
 */
export class Fifo<T> {
  #ring: (T | undefined)[] = new Array(MIN_CAPACITY).fill(undefined);
  #head = 0;
  #length = 0;

  /** How many there are. */
  get length(): number {
    return this.#length;
  }

  /** Adds at the end. */
  push(item: T): void {
    if (this.#length === this.#ring.length) this.#resize(this.#length * 2);
    this.#ring[(this.#head + this.#length++) & (this.#ring.length - 1)] = item;
  }

  /** Adds in front of the first. */
  unshift(item: T): void {
    if (this.#length === this.#ring.length) this.#resize(this.#length * 2);
    this.#head = (this.#head - 1) & (this.#ring.length - 1);
    this.#ring[this.#head] = item;
    this.#length++;
  }

  /** Takes the first; `undefined` if there is none. */
  shift(): T | undefined {
    if (this.#length === 0) return undefined;
    const item = this.#ring[this.#head];
    this.#ring[this.#head] = undefined;
    this.#head = (this.#head + 1) & (this.#ring.length - 1);
    this.#length--;
    if (this.#length < this.#ring.length >> 2 && this.#ring.length > MIN_CAPACITY) this.#resize(this.#ring.length >> 1);
    return item;
  }

  /** The items, first to last. */
  *[Symbol.iterator](): Generator<T, void, unknown> {
    for (let i = 0; i < this.#length; i++) yield this.#ring[(this.#head + i) & (this.#ring.length - 1)] as T;
  }

  #resize(capacity: number): void {
    const old = this.#ring;
    const ring: (T | undefined)[] = new Array(capacity).fill(undefined);
    for (let i = 0; i < this.#length; i++) ring[i] = old[(this.#head + i) & (old.length - 1)];
    this.#ring = ring;
    this.#head = 0;
  }
}
