// Small, as a coroutine often has one message; a power of two for the index arithmetic.
const MIN_CAPACITY = 8;

/**
 * A queue that takes constant time for an item at any length, and frees memory when it empties.
 *
 * It is a ring in an array whose length is a power of two. The array doubles when it is full and halves when less than a
 * quarter is used, so that a length that varies around a boundary does not resize it each time.
 */
export class Fifo<T> {
  #ring: (T | undefined)[] = new Array(MIN_CAPACITY).fill(undefined);
  #head = 0;
  #length = 0;

  /** The number of items. */
  get length(): number {
    return this.#length;
  }

  /** Adds an item at the end. */
  push(item: T): void {
    if (this.#length === this.#ring.length) this.#resize(this.#length * 2);
    this.#ring[(this.#head + this.#length++) & (this.#ring.length - 1)] = item;
  }

  /** Adds an item at the front. */
  unshift(item: T): void {
    if (this.#length === this.#ring.length) this.#resize(this.#length * 2);
    this.#head = (this.#head - 1) & (this.#ring.length - 1);
    this.#ring[this.#head] = item;
    this.#length++;
  }

  /** Removes and returns the first item; `undefined` if there is none. */
  shift(): T | undefined {
    if (this.#length === 0) return undefined;
    const item = this.#ring[this.#head];
    this.#ring[this.#head] = undefined;
    this.#head = (this.#head + 1) & (this.#ring.length - 1);
    this.#length--;
    if (this.#length < this.#ring.length >> 2 && this.#ring.length > MIN_CAPACITY) this.#resize(this.#ring.length >> 1);
    return item;
  }

  /** The item at a position, from 0 to `length - 1`. */
  at(index: number): T {
    return this.#ring[(this.#head + index) & (this.#ring.length - 1)] as T;
  }

  /** Replaces the item at a position, from 0 to `length - 1`. */
  replace(index: number, item: T): void {
    this.#ring[(this.#head + index) & (this.#ring.length - 1)] = item;
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
