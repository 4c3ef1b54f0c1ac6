import { describe } from "../../base/describe.ts";
import { Queue, type Store } from "./queue.ts";

/** Negative if `a` comes before `b`, positive if after it, zero if neither. */
export type Compare<T> = (a: T, b: T) => number;

/**
 * As Python compares: numbers, strings, bigints and dates by `<`, lists item by item, the shorter first if it is the
 * beginning of the other.
 */
function compareLikePython(a: unknown, b: unknown): number {
  if (!Array.isArray(a) || !Array.isArray(b)) {
    return (a as number) < (b as number) ? -1 : (b as number) < (a as number) ? 1 : 0;
  }
  for (let i = 0; i < a.length && i < b.length; i++) {
    const order = compareLikePython(a[i], b[i]);
    if (order !== 0) return order;
  }
  return a.length - b.length;
}

interface Entry<T> {
  readonly item: T;
  // Among equals, first come, first served.
  readonly number: number;
}

// That of the top is -1.
function parentOf(at: number): number {
  return (at - 1) >> 1;
}

/**
 * A binary heap (J. W. J. Williams, Algorithm 232, Communications of the ACM 7, 1964), the least item on top.
 *
 * It looks first and moves then: if comparing throws, nothing has changed.
 */
class Heap<T> implements Store<T> {
  readonly #entries: Entry<T>[] = [];
  readonly #compare: Compare<T>;
  #count = 0;

  constructor(compare: Compare<T>) {
    this.#compare = compare;
  }

  get length(): number {
    return this.#entries.length;
  }

  push(item: T): void {
    const entries = this.#entries;
    const entry = { item, number: this.#count++ };
    let at = entries.length;
    while (at > 0 && this.#before(entry, entries[parentOf(at)])) at = parentOf(at);
    for (let hole = entries.length; hole > at; hole = parentOf(hole)) entries[hole] = entries[parentOf(hole)];
    entries[at] = entry;
  }

  shift(): T | undefined {
    const entries = this.#entries;
    if (entries.length === 0) return undefined;
    let moving = entries[entries.length - 1];
    let hole = this.#holeFor(moving);
    entries.pop();
    // What lies between there and the top moves up by one.
    for (; hole >= 0; hole = parentOf(hole)) {
      const upper = entries[hole];
      entries[hole] = moving;
      moving = upper;
    }
    return moving.item;
  }

  // Where the last entry goes when the top one is gone; -1 if that is the same.
  #holeFor(last: Entry<T>): number {
    const entries = this.#entries;
    const size = entries.length - 1;
    let at = size === 0 ? -1 : 0;
    for (let child = 1; child < size; child = 2 * at + 1) {
      if (child + 1 < size && this.#before(entries[child + 1], entries[child])) child++;
      if (this.#before(last, entries[child])) break;
      at = child;
    }
    return at;
  }

  #before(a: Entry<T>, b: Entry<T>): boolean {
    const order = this.#compare(a.item, b.item);
    return order < 0 || (order === 0 && a.number < b.number);
  }
}

/**
 * A queue that gives the least item first; among equals, the one that was put first.
 *
 * Items are often lists of a priority and something else: lists are compared item by item.
 *
 * @example
 * ```ts
 * import { PriorityQueue } from "@asyncoro/asyncoro/asyncio";
 * import { assertEquals } from "@std/assert";
 *
 * const queue = new PriorityQueue<[number, string]>();
 * queue.putNowait([2, "later"]);
 * queue.putNowait([1, "first"]);
 * assertEquals(queue.getNowait(), [1, "first"]);
 * ```
 */
export class PriorityQueue<T = unknown> extends Queue<T> {
  #compare: Compare<T> = compareLikePython;

  /**
   * Makes an empty queue.
   *
   * @param maxsize How many items it takes; with zero or less there is no limit.
   * @param compare Says which of two items comes first; by default numbers, strings and lists compare as in Python.
   * @throws {TypeError} If `maxsize` is not a number or `compare` not a function.
   */
  constructor(maxsize = 0, compare: Compare<T> = compareLikePython) {
    super(maxsize);
    if (typeof compare !== "function") {
      throw new TypeError(
        `Cannot create a queue as 'compare' must be a function: current value is ${describe(compare)}`,
      );
    }
    this.#compare = compare;
  }

  /** @internal */
  protected override makeStore(): Store<T> {
    return new Heap<T>((a, b) => this.#compare(a, b));
  }
}
