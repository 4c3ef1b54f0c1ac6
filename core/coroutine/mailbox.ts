/**
 * The messages of a coroutine, and the receives that wait for one.
 *
 * Why a message that comes after a timeout is not lost:
 *
 * - A message is given to a receive that waits here, or else it is kept.
 * - When the time of a receive is up, its operation first removes it from here (`expire` in `fiber/operation.ts` calls
 *   `detach`, which calls `leave`) and then gives it the alarm value. So a later message is kept for the next receive.
 * - A receive that an error, a termination, a deadline or a lost race cancels is removed in the same way (`cancel`).
 * - If it was granted a message and is cancelled before its coroutine has run, the message returns to where it was
 *   (`cancel` calls `reclaim`, which calls `putBack`).
 */
import { addEndListener, type EndListener, type EndListeners, removeEndListener } from "./end_listeners.ts";
import { Fifo } from "../base/fifo.ts";
import type { Overflow } from "../base/overflow.ts";
import type { FrequentOperation } from "../fiber/frequent_operation.ts";

/**
 * A fiber that waits for any message.
 *
 * It stands in the mailbox in place of its receive. V8 has to keep a record of each reference from an old object, such as
 * the mailbox, to a new one, such as the receive, and that took a twentieth of the time of a message. A fiber is in a
 * mailbox only while it waits in a plain receive, and it waits in one operation at a time.
 */
export interface PlainReceiver {
  readonly selective: false;
  /** Gives the message to its receive. The mailbox has removed the receiver before. */
  resolveWait(message: unknown): void;
}

/**
 * A receive that looks at messages in its own step and leaves those that it does not want. Until then the messages stay
 * in the mailbox.
 */
export interface SelectiveReceiver {
  readonly selective: true;
  /** It has looked at this many of the earliest messages and left them. */
  readonly looked: number;
  /** There are more messages to look at. */
  wake(): void;
  /** The message at `index` is removed from the mailbox. */
  removing(index: number, message: unknown): void;
  /** A message is put back at `index`. */
  inserting(index: number, messages: Iterable<unknown>): void;
}

/** A receive that waits. */
export type Receiver = PlainReceiver | SelectiveReceiver;

/** Messages that were categorized and not received. */
export interface CategorizedMessages {
  /** How many there are. */
  readonly length: number;
  /** All of them, the earliest first. */
  [Symbol.iterator](): Iterator<unknown>;
  /** Removes the earliest message for which `take` returns `true`. Returns whether there was one. */
  removeFirst(take: (message: unknown) => boolean): boolean;
  /** Passes all messages to `take`, the last first, and keeps none. */
  drainBackwards(take: (message: unknown) => void): void;
}

/** In place of a message, as `undefined` may be one. */
export const NO_MESSAGE: unique symbol = Symbol();

/**
 * See the head of this file.
 *
 * A plain receive waits only while `messages` is empty, or while every message there must first be offered to a selective
 * receive that began to wait earlier. Usually at most one receive waits; the branches of a `race` may add more, which are
 * served in the order in which they began to wait.
 *
 * It also holds the listeners to the coroutine's end, so that a coroutine without messages needs no field for them.
 */
export class Mailbox {
  /** The messages, oldest first; created when the first message has to be kept. */
  declare messages: Fifo<unknown> | null;
  /** Older than `messages`: those that `CategorizeMessages` has looked at. */
  declare categorized: CategorizedMessages | null;
  /** What to notify when the coroutine can receive no more. */
  declare endListeners: EndListeners;
  declare private receiver: Receiver | null;
  declare private others: Receiver[] | null;
  /** The receive without a limit that was made last: it may serve again, see `FrequentOperation`. */
  declare lastReceive: FrequentOperation<unknown> | null;

  /** Creates an empty mailbox. */
  constructor() {
    this.messages = null;
    this.categorized = null;
    this.endListeners = null;
    this.receiver = null;
    this.others = null;
    this.lastReceive = null;
  }

  /** How many messages it keeps. */
  get length(): number {
    return (this.messages?.length ?? 0) + (this.categorized?.length ?? 0);
  }

  /** All messages that it keeps, the earliest first. */
  *[Symbol.iterator](): Generator<unknown, void, unknown> {
    yield* this.categorized ?? [];
    yield* this.messages ?? [];
  }

  /** Whether it keeps a message. */
  has(message: unknown): boolean {
    for (const kept of this) if (kept === message) return true;
    return false;
  }

  // --- messages that come -------------------------------------------------------------------------------------

  /** What it does with another message for which it has no room; `null` if it has room. */
  overflowFor(_message: unknown): Overflow | null {
    return null;
  }

  /** Gives the message to the receive that has waited longest, or keeps it. Returns whether it did. */
  post(message: unknown): boolean {
    const receiver = this.receiver;
    if (receiver === null) {
      (this.messages ??= new Fifo()).push(message);
    } else if (receiver.selective) {
      (this.messages ??= new Fifo()).push(message);
      this.serve();
    } else {
      this.receiver = this.nextReceiver();
      receiver.resolveWait(message);
    }
    return true;
  }

  /** Returns an undelivered message to where it was: in front, or behind so many others. */
  putBack(message: unknown, index = 0): void {
    const receiver = this.receiver;
    if (receiver !== null && !receiver.selective) {
      this.receiver = this.nextReceiver();
      receiver.resolveWait(message);
      return;
    }
    const messages = this.messages ??= new Fifo();
    index = Math.min(index, messages.length);
    for (const waiting of this.receivers()) if (waiting.selective) waiting.inserting(index, messages);
    messages.insertAt(index, message);
    this.serve();
  }

  /** Returns the categorized messages to the others, in the order in which they arrived. */
  uncategorize(): void {
    const categorized = this.categorized;
    this.categorized = null;
    categorized?.drainBackwards((message) => this.putBack(message));
  }

  // --- messages that go ---------------------------------------------------------------------------------------

  /**
   * Whether the first message may simply be shifted: no receive waits, and the mailbox has no capacity. Taking a message
   * from a bounded one makes room for another.
   */
  get isPlain(): boolean {
    return this.receiver === null;
  }

  /** Removes and returns the first message if every receive that waits has declined it; otherwise returns `NO_MESSAGE`. */
  take(): unknown {
    return this.available(null) > 0 ? this.takeAt(0) : NO_MESSAGE;
  }

  /** Removes and returns the message at an index among those that are not categorized. */
  takeAt(index: number): unknown {
    const message = this.remove(index);
    this.messageTaken();
    return message;
  }

  /** Removes the message at an index, to be received or categorized. */
  remove(index: number): unknown {
    const message = this.messages!.removeAt(index);
    for (const waiting of this.receivers()) if (waiting.selective) waiting.removing(index, message);
    return message;
  }

  /** A message that it has kept is received: there may be room for another. */
  messageTaken(): void {}

  /**
   * How many messages, from the front, all receives ahead of `receiver` have declined. `null` stands for a receive that
   * would be the last.
   */
  available(receiver: Receiver | null): number {
    let available = this.messages?.length ?? 0;
    for (const waiting of this.receivers()) {
      if (waiting === receiver) break;
      available = waiting.selective ? Math.min(available, waiting.looked) : 0;
    }
    return available;
  }

  // --- receives that wait -------------------------------------------------------------------------------------

  /** Adds a receive that waits. */
  add(receiver: Receiver): void {
    if (this.receiver === null) this.receiver = receiver;
    else (this.others ??= []).push(receiver);
  }

  /** Removes a receive that waits; those behind it are offered what it leaves. */
  leave(receiver: Receiver): void {
    if (this.receiver === receiver) this.receiver = this.nextReceiver();
    else this.others = this.others!.filter((other) => other !== receiver);
    if (receiver.selective && this.receiver !== null) this.serve();
  }

  /**
   * Offers the messages to the receives that wait, in their order: a selective one is woken to look at them, and those
   * behind it get only what it has left.
   */
  serve(): void {
    for (let receiver = this.nextServed(); receiver !== null; receiver = this.nextServed()) {
      this.leave(receiver);
      receiver.resolveWait(this.takeAt(0));
    }
  }

  private nextServed(): PlainReceiver | null {
    let left = this.messages?.length ?? 0;
    for (const receiver of this.receivers()) {
      if (left === 0) break;
      if (!receiver.selective) return receiver;
      if (receiver.looked < left) receiver.wake();
      left = Math.min(left, receiver.looked);
    }
    return null;
  }

  private receivers(): readonly Receiver[] {
    if (this.receiver === null) return [];
    return this.others === null ? [this.receiver] : [this.receiver, ...this.others];
  }

  private nextReceiver(): Receiver | null {
    return this.others?.shift() ?? null;
  }

  // --- the end of the coroutine -------------------------------------------------------------------------------

  /** Adds a listener to the coroutine's end; adding it again has no effect. */
  addEndListener(listener: EndListener): void {
    this.endListeners = addEndListener(this.endListeners, listener);
  }

  /** Removes a listener. */
  removeEndListener(listener: EndListener): void {
    this.endListeners = removeEndListener(this.endListeners, listener);
  }
}
