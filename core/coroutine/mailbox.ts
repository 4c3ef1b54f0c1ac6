/**
 * The messages of a coroutine, and the receives that wait for one.
 *
 * Why a message that comes after a timeout is not lost:
 *
 * - A message is given to a receive that waits here, or else it is kept.
 * - When the time of a receive is up, its operation first removes it from here (`expire` in `fiber/operation.ts` calls
 *   `detach`, which calls `remove`) and then gives it the alarm value. So a later message is kept for the next receive.
 * - A receive that an error, a termination, a deadline or a lost race cancels is removed in the same way (`cancel`).
 * - If it was granted a message and is cancelled before its coroutine has run, the message returns to the front
 *   (`cancel` calls `reclaim`, which calls `putBack`).
 */
import { addEndListener, type EndListener, type EndListeners, removeEndListener } from "./end_listeners.ts";
import { Fifo } from "../base/fifo.ts";

/** A receive that waits. */
export interface Receiver {
  /** Takes the message. The mailbox has removed the receiver before. */
  resolve(message: unknown): void;
}

/** Messages that were categorized and not received. */
export interface CategorizedMessages {
  /** How many there are. */
  readonly length: number;
  /** Whether a message is among them. */
  has(message: unknown): boolean;
  /** Passes all messages to `take`, the last first, and keeps none. */
  drainBackwards(take: (message: unknown) => void): void;
}

/**
 * See the head of this file.
 *
 * While a receive waits, `messages` is empty; messages that are in a category may be kept all the same. Usually at most one receive waits; the branches of a `race` may add
 * more, which get messages in the order in which they began to wait.
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

  /** Creates an empty mailbox. */
  constructor() {
    this.messages = null;
    this.categorized = null;
    this.endListeners = null;
    this.receiver = null;
    this.others = null;
  }

  /** How many messages it keeps. */
  get length(): number {
    return (this.messages?.length ?? 0) + (this.categorized?.length ?? 0);
  }

  /** Whether it keeps a message. */
  has(message: unknown): boolean {
    if (this.categorized?.has(message)) return true;
    for (const kept of this.messages ?? []) if (kept === message) return true;
    return false;
  }

  /** Gives the message to the receive that has waited longest, or keeps it. */
  post(message: unknown): void {
    const receiver = this.receiver;
    if (receiver === null) {
      (this.messages ??= new Fifo()).push(message);
      return;
    }
    this.receiver = this.nextReceiver();
    receiver.resolve(message);
  }

  /** Returns an undelivered message to the front. */
  putBack(message: unknown): void {
    const receiver = this.receiver;
    if (receiver !== null) {
      this.receiver = this.nextReceiver();
      receiver.resolve(message);
      return;
    }
    (this.messages ??= new Fifo()).unshift(message);
  }

  /** Returns the categorized messages to the others, in the order in which they arrived. */
  uncategorize(): void {
    const categorized = this.categorized;
    this.categorized = null;
    categorized?.drainBackwards((message) => this.putBack(message));
  }

  /** Adds a receive that waits. */
  add(receiver: Receiver): void {
    if (this.receiver === null) this.receiver = receiver;
    else (this.others ??= []).push(receiver);
  }

  /** Removes a receive that waits. */
  remove(receiver: Receiver): void {
    if (this.receiver === receiver) this.receiver = this.nextReceiver();
    else this.others = this.others!.filter((other) => other !== receiver);
  }

  private nextReceiver(): Receiver | null {
    return this.others === null ? null : this.others.shift() ?? null;
  }

  /** Adds a listener to the coroutine's end; adding it again has no effect. */
  addEndListener(listener: EndListener): void {
    this.endListeners = addEndListener(this.endListeners, listener);
  }

  /** Removes a listener. */
  removeEndListener(listener: EndListener): void {
    this.endListeners = removeEndListener(this.endListeners, listener);
  }
}
