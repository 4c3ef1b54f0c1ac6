import { describe } from "../describe.ts";
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

/** A binary heap (J. W. J. Williams, Algorithm 232, Communications of the ACM 7, 1964), the least item on top. */
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
    entries.push(entry);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (this.#before(entries[parent], entry)) break;
      entries[at] = entries[parent];
      at = parent;
    }
    entries[at] = entry;
  }

  shift(): T | undefined {
    const entries = this.#entries;
    const top = entries[0];
    const last = entries.pop();
    if (last === undefined || last === top) return top?.item;
    let at = 0;
    for (let child = 1; child < entries.length; child = 2 * at + 1) {
      if (child + 1 < entries.length && this.#before(entries[child + 1], entries[child])) child++;
      if (this.#before(last, entries[child])) break;
      entries[at] = entries[child];
      at = child;
    }
    entries[at] = last;
    return top.item;
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
