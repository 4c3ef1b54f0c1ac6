import type { Coro } from "./coro.ts";
import { Fifo } from "../base/fifo.ts";
import { Operation, WAITING } from "../fiber/operation.ts";
import { mustBeSelf } from "../operations/sleep.ts";
import type { Fiber } from "../fiber/fiber.ts";
import type { SortedMessages } from "../messages/category_queue.ts";

/** A receive that waits: an operation, so that a message that comes too late for it is not taken. */
export interface Receiver {
  /** Takes the message. The mailbox has taken the receiver out before. */
  resolve(message: unknown): void;
}

/**
 * Somebody who refers to a coroutine as a recipient (a channel, a registry, one that it monitors) and must let go
 * when it can receive no more: nothing that lives long may keep those that have ended.
 */
export interface EndListener {
  /** The coroutine has ended for good. */
  released(coro: Coro): void;
}

/**
 * The messages of a coroutine that it has not received, its receives that wait, and who refers to it as a recipient.
 *
 * Either no message is kept or no receive waits. Usually at most one receive waits; branches of a `race` may add
 * more, which are served first come, first served.
 */
export class Mailbox {
  /** Not received yet, oldest first; made when the first message has to be kept. */
  declare messages: Fifo<unknown> | null;
  /** Older than `messages`: those that `CategorizeMessages` has looked at. */
  declare sorted: SortedMessages | null;
  declare private receiver: Receiver | null;
  declare private others: Receiver[] | null;
  // Most have one at the most, and a set is ten times as large.
  declare private ties: EndListener | Set<EndListener> | null;

  /** Makes an empty one. */
  constructor() {
    this.messages = null;
    this.sorted = null;
    this.receiver = null;
    this.others = null;
    this.ties = null;
  }

  /** Messages kept. */
  get length(): number {
    return (this.messages?.length ?? 0) + (this.sorted?.length ?? 0);
  }

  /** Whether a message is among those that are kept. */
  has(message: unknown): boolean {
    if (this.sorted?.has(message)) return true;
    for (const kept of this.messages ?? []) if (kept === message) return true;
    return false;
  }

  /** Hands the message to the receive that waits longest, or keeps it. */
  post(message: unknown): void {
    const receiver = this.receiver;
    if (receiver === null) {
      (this.messages ??= new Fifo()).push(message);
      return;
    }
    this.receiver = this.nextReceiver();
    receiver.resolve(message);
  }

  /** Puts a message that was handed over in vain back in front. */
  putBack(message: unknown): void {
    const receiver = this.receiver;
    if (receiver !== null) {
      this.receiver = this.nextReceiver();
      receiver.resolve(message);
      return;
    }
    (this.messages ??= new Fifo()).unshift(message);
  }

  /** Puts the messages that were sorted back among the others, in the order in which they came. */
  unsort(): void {
    const sorted = this.sorted;
    this.sorted = null;
    sorted?.drainBackwards((message) => this.putBack(message));
  }

  /** Adds a receive that waits. */
  add(receiver: Receiver): void {
    if (this.receiver === null) this.receiver = receiver;
    else (this.others ??= []).push(receiver);
  }

  /** Takes a receive out. */
  remove(receiver: Receiver): void {
    if (this.receiver === receiver) this.receiver = this.nextReceiver();
    else this.others = this.others!.filter((other) => other !== receiver);
  }

  private nextReceiver(): Receiver | null {
    return this.others === null ? null : this.others.shift() ?? null;
  }

  /** Adds somebody to tell when the owner has ended; adding twice is adding once. */
  endListener(endListener: EndListener): void {
    const ties = this.ties;
    if (ties instanceof Set) ties.add(endListener);
    else if (ties === null || ties === endListener) this.ties = endListener;
    else this.ties = new Set([ties, endListener]);
  }

  /** Takes that back. */
  untie(endListener: EndListener): void {
    const ties = this.ties;
    if (ties === endListener) this.ties = null;
    else if (ties instanceof Set && ties.delete(endListener) && ties.size === 0) this.ties = null;
  }

  /** The owner can receive no more: everybody who refers to it lets go. */
  close(owner: Coro): void {
    const ties = this.ties;
    this.ties = null;
    if (ties instanceof Set) { for (const endListener of ties) endListener.released(owner); }
    else ties?.released(owner);
  }
}

// In place of the limit: time was up. An alarm is no message, so it is not put back when an exception pre-empts it.
const ALARMED = -1;

/** Waits for a message. Until there is an outcome, the alarm value stands in its place: messages are many. */
export class Receive extends Operation<unknown> implements Receiver {
  declare private coro: Coro;

  constructor(coro: Coro, seconds: number, alarm: unknown) {
    super();
    this.coro = coro;
    this.limit = seconds;
    this.outcome = alarm;
  }

  get label(): string {
    return "receive";
  }

  override begin(fiber: Fiber): boolean {
    mustBeSelf(this.coro, fiber, "receive");
    const mailbox = this.coro.mailbox ??= new Mailbox();
    const messages = mailbox.messages;
    if (messages !== null && messages.length > 0) return this.give(messages.shift());
    if (this.limit <= 0) {
      this.timedOut();
      return true;
    }
    mailbox.add(this);
    return false;
  }

  override detach(): void {
    this.coro.mailbox!.remove(this);
  }

  override reclaim(): void {
    if (this.limit !== ALARMED) this.coro.mailbox!.putBack(this.outcome);
  }

  override timedOut(): void {
    this.limit = ALARMED;
    this.give(this.outcome);
  }

  override get waitsFor(): string {
    return this.state === WAITING ? "a message" : this.label;
  }
}
