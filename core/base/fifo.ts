// Small, as a coroutine often has one message; a power of two for the index arithmetic.
const MIN_CAPACITY = 8;

// Up to this length a queue that is filled and emptied over and over keeps its array, if it was made for that length.
const MAX_KEPT = 1024;

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
  // A shorter array is not halved.
  readonly #shrinksFrom: number;

  /** @param usual How many items it often has: it does not free memory that it needs again for so many. */
  constructor(usual = 0) {
    this.#shrinksFrom = 2 * Math.max(MIN_CAPACITY, Math.min(usual, MAX_KEPT));
  }

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
    if (this.#length < this.#ring.length >> 2 && this.#ring.length >= this.#shrinksFrom) {
      this.#resize(this.#ring.length >> 1);
    }
    return item;
  }

  /** The item at an index below the length. */
  at(index: number): T {
    return this.#ring[(this.#head + index) & (this.#ring.length - 1)] as T;
  }

  /** The index of the first item that is `item`; -1 if there is none. */
  indexOf(item: T): number {
    for (let i = 0; i < this.#length; i++) if (this.at(i) === item) return i;
    return -1;
  }

  /** Inserts an item, so that `index` others are in front of it. Takes time for each of these. */
  insertAt(index: number, item: T): void {
    this.unshift(item);
    for (let i = 0; i < index; i++) this.replace(i, this.at(i + 1));
    this.replace(index, item);
  }

  /** Removes and returns the item at an index below the length. Takes time for each item between it and the nearer end. */
  removeAt(index: number): T {
    const item = this.at(index);
    if (index < this.#length >> 1) {
      for (let i = index; i > 0; i--) this.replace(i, this.at(i - 1));
      this.shift();
      return item;
    }
    for (let i = index; i < this.#length - 1; i++) this.replace(i, this.at(i + 1));
    this.replace(--this.#length, undefined);
    if (this.#length < this.#ring.length >> 2 && this.#ring.length >= this.#shrinksFrom) {
      this.#resize(this.#ring.length >> 1);
    }
    return item;
  }

  /** Replaces the item at an index below the length. */
  replace(index: number, item: T | undefined): void {
    this.#ring[(this.#head + index) & (this.#ring.length - 1)] = item;
  }

  /** The items, first to last. */
  *[Symbol.iterator](): Generator<T, void, unknown> {
    for (let i = 0; i < this.#length; i++) yield this.at(i);
  }

  #resize(capacity: number): void {
    const old = this.#ring;
    const ring: (T | undefined)[] = new Array(capacity).fill(undefined);
    for (let i = 0; i < this.#length; i++) ring[i] = old[(this.#head + i) & (old.length - 1)];
    this.#ring = ring;
    this.#head = 0;
  }
}
