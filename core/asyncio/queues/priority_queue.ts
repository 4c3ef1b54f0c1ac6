import { describe } from "../../base/describe.ts";
import { Queue, type Store } from "./queue.ts";

/** Returns a negative number if `a` comes before `b`, a positive one if after it, zero if they are equal. */
export type Compare<T> = (a: T, b: T) => number;

/**
 * Compares as Python does: numbers, strings, bigints and dates with `<`, lists item by item; a list comes before a longer
 * one that begins with it.
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
  // Orders equal items: the one that was put first comes first.
  readonly order: number;
}

// The parent of the root is -1.
function parentOf(at: number): number {
  return (at - 1) >> 1;
}

/**
 * A binary heap (J. W. J. Williams, Algorithm 232, Communications of the ACM 7, 1964), with the least item at the root.
 *
 * It makes all comparisons before it moves anything: if a comparison throws, nothing has changed.
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
    const entry = { item, order: this.#count++ };
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
    // Every entry between there and the root moves up by one.
    for (; hole >= 0; hole = parentOf(hole)) {
      const upper = entries[hole];
      entries[hole] = moving;
      moving = upper;
    }
    return moving.item;
  }

  // Where the last entry goes when the root is removed; -1 if it is the root itself.
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
    const result = this.#compare(a.item, b.item);
    return result < 0 || (result === 0 && a.order < b.order);
  }
}

/**
 * A queue whose `get` takes the least item; of equal items, the one that was put first.
 *
 * Items are often lists of a priority and a value: lists are compared item by item.
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
   * @param maxsize The largest number of items; zero or less means no limit.
   * @param compare Decides which of two items comes first; by default numbers, strings and lists compare as in Python.
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
