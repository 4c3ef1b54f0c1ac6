import { QueueFullError } from "../base/errors.ts";
import { checkOptions } from "../base/options.ts";
import { checkCapacity, checkOverflow, type Overflow } from "../base/overflow.ts";
import { Mailbox } from "./mailbox.ts";
import { callHook, DROPPED, hasHook, IGNORES_CAPACITY } from "./message_hooks.ts";
import { type QueueLinks, WaitQueue } from "../fiber/wait_queue.ts";

/** How many messages a coroutine keeps, and what happens to further ones. */
export interface MailboxOptions {
  /** The largest number of messages: a positive integer, or `Infinity`. */
  readonly capacity: number;
  /**
   * What happens to a message for which there is no room:
   *
   * - `"wait"` (the default): `deliver` and `ask` wait for room, `send` returns `false`.
   * - `"drop-oldest"`: the earliest message is dropped.
   * - `"drop-newest"`: the message itself is dropped; `send` returns `false`, and `deliver` 0.
   * - `"throw"`: `send`, `deliver` and `ask` throw `QueueFullError`.
   */
  readonly overflow?: Overflow;
}

/** Waits for room in a mailbox. */
export interface RoomWaiter extends QueueLinks {
  /** There is room, and the waiter was removed from the queue. */
  roomMade(): void;
}

/** Where to wait for room: a full mailbox, or what else is full. */
export interface RoomQueue {
  /** What waits, in the order in which it came. */
  readonly waiting: WaitQueue<RoomWaiter>;
}

const ACTION = "create a coroutine";

/**
 * A mailbox with a capacity, which counts all messages that are not received, categorized ones too.
 *
 * While there is room, nothing waits here. A `deliver` to a channel needs room in several mailboxes at once: it waits in
 * one full mailbox at a time, and looks at all of them again when that one has room.
 *
 * Messages that are put back, and those that tell of the end of a coroutine, are kept even if it is full, and are not
 * dropped.
 */
export class BoundedMailbox extends Mailbox implements RoomQueue {
  readonly waiting: WaitQueue<RoomWaiter> = new WaitQueue<RoomWaiter>();
  readonly #capacity: number;
  readonly #overflow: Overflow;

  constructor(capacity: number, overflow: Overflow) {
    super();
    this.#capacity = capacity;
    this.#overflow = overflow;
  }

  override overflowFor(message: unknown): Overflow | null {
    return this.length < this.#capacity || hasHook(message, IGNORES_CAPACITY) ? null : this.#overflow;
  }

  override post(message: unknown): boolean {
    const overflow = this.overflowFor(message);
    if (overflow === "wait" || overflow === "drop-newest") return false;
    if (overflow === "throw") {
      throw new QueueFullError(
        `Cannot send as the mailbox is full: current value of 'capacity' is ${this.#capacity}, send later`,
      );
    }
    if (overflow === "drop-oldest") this.#dropOldest();
    return super.post(message);
  }

  override get isPlain(): boolean {
    return false;
  }

  override messageTaken(): void {
    while (this.waiting.length > 0 && this.length < this.#capacity) this.waiting.shift()!.roomMade();
  }

  /** Drops the earliest message that may be dropped. If there is none, the new one is kept all the same. */
  #dropOldest(): void {
    const drop = (message: unknown): boolean => {
      if (hasHook(message, IGNORES_CAPACITY)) return false;
      callHook(message, DROPPED);
      return true;
    };
    if (this.categorized?.removeFirst(drop)) return;
    let index = 0;
    for (const message of this.messages ?? []) {
      if (drop(message)) {
        this.remove(index);
        return;
      }
      index++;
    }
  }
}

/** Creates the mailbox that a coroutine is to have; `null` for one without a capacity. Throws if the options are wrong. */
export function createMailbox(options: MailboxOptions | undefined): Mailbox | null {
  if (options === undefined) return null;
  checkOptions(options, ["capacity", "overflow"], ACTION, "mailbox");
  const capacity = checkCapacity(options.capacity, 1, ACTION);
  const overflow = checkOverflow(options.overflow === undefined ? "wait" : options.overflow, ACTION);
  return capacity === Infinity ? null : new BoundedMailbox(capacity, overflow);
}
