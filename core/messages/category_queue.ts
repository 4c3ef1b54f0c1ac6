import { Fifo } from "../base/fifo.ts";
import type { CategorizedMessages } from "../coroutine/mailbox.ts";

/** A message and its category, in the list of all messages in the order in which they arrived. */
export interface CategorizedMessage {
  readonly message: unknown;
  readonly category: unknown;
  /** The message that arrived before. */
  earlier: CategorizedMessage | null;
  /** The message that arrived after. */
  later: CategorizedMessage | null;
}

/** A receive that waits for messages of some category. */
export interface CategoryReceiver {
  /** Whether it waits for messages of this category. */
  wants(category: unknown): boolean;
  /** Takes the message. */
  accept(message: unknown, category: unknown): void;
}

/**
 * Messages by category, the earliest of each found in constant time; and all of them in the order in which they
 * arrived, for when they return to the mailbox. A category without messages takes no memory.
 *
 * It never keeps a message that one of the `waiting` receives wants.
 */
export class CategoryQueue implements CategorizedMessages {
  /** How many messages there are. */
  length = 0;
  /** Receives that wait; there are several only if branches of a `race` or `all` receive. */
  readonly waiting: Set<CategoryReceiver> = new Set();
  #first: CategorizedMessage | null = null;
  #last: CategorizedMessage | null = null;
  readonly #categories: Map<unknown, Fifo<CategorizedMessage>> = new Map();

  /** Adds the message that arrived last. */
  push(message: unknown, category: unknown): void {
    if (this.#deliver(message, category)) return;
    const item: CategorizedMessage = { message, category, earlier: this.#last, later: null };
    if (this.#last === null) this.#first = item;
    else this.#last.later = item;
    this.#last = item;
    this.#queue(category).push(item);
    this.length++;
  }

  /** Adds a message in front of all others. */
  unshift(message: unknown, category: unknown): void {
    if (this.#deliver(message, category)) return;
    const item: CategorizedMessage = { message, category, earlier: null, later: this.#first };
    if (this.#first === null) this.#last = item;
    else this.#first.earlier = item;
    this.#first = item;
    this.#queue(category).unshift(item);
    this.length++;
  }

  /** Removes the earliest message of a category and returns it; `null` if there is none. */
  shift(category: unknown): CategorizedMessage | null {
    const queue = this.#categories.get(category);
    if (queue === undefined) return null;
    const item = queue.shift()!;
    if (queue.length === 0) this.#categories.delete(category);
    this.#unlink(item);
    return item;
  }

  *[Symbol.iterator](): Generator<unknown, void, unknown> {
    for (let item = this.#first; item !== null; item = item.later) yield item.message;
  }

  removeFirst(take: (message: unknown) => boolean): boolean {
    for (let item = this.#first; item !== null; item = item.later) {
      if (!take(item.message)) continue;
      const queue = this.#categories.get(item.category)!;
      queue.removeAt(queue.indexOf(item));
      if (queue.length === 0) this.#categories.delete(item.category);
      this.#unlink(item);
      return true;
    }
    return false;
  }

  drainBackwards(take: (message: unknown) => void): void {
    let item = this.#last;
    this.#first = this.#last = null;
    this.#categories.clear();
    this.length = 0;
    for (; item !== null; item = item.earlier) take(item.message);
  }

  /** Gives the message to a receive that wants it. Returns whether there was one. */
  #deliver(message: unknown, category: unknown): boolean {
    for (const receiver of this.waiting) {
      if (!receiver.wants(category)) continue;
      receiver.accept(message, category);
      return true;
    }
    return false;
  }

  #queue(category: unknown): Fifo<CategorizedMessage> {
    let queue = this.#categories.get(category);
    if (queue === undefined) this.#categories.set(category, queue = new Fifo());
    return queue;
  }

  #unlink(item: CategorizedMessage): void {
    if (item.earlier === null) this.#first = item.later;
    else item.earlier.later = item.later;
    if (item.later === null) this.#last = item.earlier;
    else item.later.earlier = item.earlier;
    this.length--;
  }
}
