import { Fifo } from "../base/fifo.ts";

/** A message and its category, in the list of all in the order in which they came. */
export interface SortedMessage {
  readonly message: unknown;
  readonly category: unknown;
  /** Came before. */
  earlier: SortedMessage | null;
  /** Came after. */
  later: SortedMessage | null;
}

/** A receive that waits for messages of some category. */
export interface SortedReceiver {
  /** Whether it waits for messages of this category. */
  wants(category: unknown): boolean;
  /** Takes the message. */
  hand(message: unknown, category: unknown): void;
}

/**
 * Messages by category, in which the earliest is found in constant time; and all of them in the order in which they
 * came, for when they go back to the mailbox. A category without messages takes no memory.
 *
 * No message is kept that one of the `waiting` receives wants.
 */
export class SortedMessages {
  /** How many there are. */
  length = 0;
  /** Receives that wait; only branches of a `race` or `all` can be several. */
  readonly waiting: Set<SortedReceiver> = new Set();
  #first: SortedMessage | null = null;
  #last: SortedMessage | null = null;
  readonly #categories: Map<unknown, Fifo<SortedMessage>> = new Map();

  /** Adds the message that came last. */
  push(message: unknown, category: unknown): void {
    if (this.#handOver(message, category)) return;
    const item: SortedMessage = { message, category, earlier: this.#last, later: null };
    if (this.#last === null) this.#first = item;
    else this.#last.later = item;
    this.#last = item;
    this.#queue(category).push(item);
    this.length++;
  }

  /** Adds a message in front of all. */
  unshift(message: unknown, category: unknown): void {
    if (this.#handOver(message, category)) return;
    const item: SortedMessage = { message, category, earlier: null, later: this.#first };
    if (this.#first === null) this.#last = item;
    else this.#first.earlier = item;
    this.#first = item;
    this.#queue(category).unshift(item);
    this.length++;
  }

  /** Takes the earliest message of a category; `null` if there is none. */
  shift(category: unknown): SortedMessage | null {
    const queue = this.#categories.get(category);
    if (queue === undefined) return null;
    const item = queue.shift()!;
    if (queue.length === 0) this.#categories.delete(category);
    this.#unlink(item);
    return item;
  }

  /** Whether a message is among them. */
  has(message: unknown): boolean {
    for (let item = this.#first; item !== null; item = item.later) if (item.message === message) return true;
    return false;
  }

  /** Hands all messages over, the last first, and keeps none. */
  drainBackwards(take: (message: unknown) => void): void {
    let item = this.#last;
    this.#first = this.#last = null;
    this.#categories.clear();
    this.length = 0;
    for (; item !== null; item = item.earlier) take(item.message);
  }

  #handOver(message: unknown, category: unknown): boolean {
    for (const receiver of this.waiting) {
      if (!receiver.wants(category)) continue;
      receiver.hand(message, category);
      return true;
    }
    return false;
  }

  #queue(category: unknown): Fifo<SortedMessage> {
    let queue = this.#categories.get(category);
    if (queue === undefined) this.#categories.set(category, queue = new Fifo());
    return queue;
  }

  #unlink(item: SortedMessage): void {
    if (item.earlier === null) this.#first = item.later;
    else item.earlier.later = item.later;
    if (item.later === null) this.#last = item.earlier;
    else item.later.earlier = item.earlier;
    this.length--;
  }
}
