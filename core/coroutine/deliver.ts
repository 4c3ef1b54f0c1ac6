import type { BoundedMailbox, RoomWaiter } from "./bounded_mailbox.ts";
import type { EndListener } from "./end_listeners.ts";
import type { WaitingFiber } from "../fiber/context.ts";
import type { Owner } from "../fiber/owner.ts";
import type { Mailbox } from "./mailbox.ts";
import { Waiter } from "../fiber/wait_queue.ts";

/** A coroutine, as the recipient of a message. */
export interface Recipient extends Owner {
  /** Its messages. */
  readonly mailbox: Mailbox | null;
  /** Whether it has not ended, or may be restarted. */
  readonly acceptsMessages: boolean;
  /** Puts a message into its mailbox. */
  send(message: unknown): boolean;
  /** Adds what is notified of its end. */
  addEndListener(listener: EndListener): void;
  /** Removes it. */
  removeEndListener(listener: EndListener): void;
}

/**
 * Puts a message into a mailbox, waiting for room if the mailbox wants it: `deliver` and `ask`.
 *
 * While the message waits for room it is in the queue of the mailbox, first come, first served. Once it is in the
 * mailbox it stays there, even if the wait is cut short.
 */
export abstract class Delivery<T> extends Waiter<T> implements RoomWaiter, EndListener {
  declare protected readonly coro: Recipient;
  /** Where it waits for room; `null` if it does not. */
  declare protected mailbox: BoundedMailbox | null;

  /** `seconds` may be `Infinity`. */
  constructor(coro: Recipient, seconds: number) {
    super();
    this.coro = coro;
    this.mailbox = null;
    this.limit = seconds;
  }

  /** The message, once the operation has begun. */
  protected abstract readonly message: unknown;

  /** The mailbox has taken the message at once, or refused it. Returns whether the operation has an outcome. */
  protected abstract sent(taken: boolean, fiber: WaitingFiber): boolean;

  /** The recipient, which has not run, has ended and cannot be restarted. Settles the operation. */
  protected abstract ended(): true;

  abstract roomMade(): void;
  abstract onEnd(coro: Owner): void;

  override begin(fiber: WaitingFiber): boolean {
    const { coro, message } = this;
    if (!coro.acceptsMessages) return this.ended();
    if (coro.mailbox === null || coro.mailbox.overflowFor(message) !== "wait") {
      return this.sent(coro.send(message), fiber);
    }
    if (this.limit <= 0) {
      this.timedOut();
      return true;
    }
    this.mailbox = coro.mailbox as BoundedMailbox;
    this.mailbox.waiting.push(this);
    return this.waitForEnd(fiber);
  }

  /** Waits for the recipient, from now on until its end at the latest. */
  protected waitForEnd(fiber: WaitingFiber): false {
    this.coro.addEndListener(this);
    if (this.limit === Infinity) fiber.owner.loop.noteBlocked(fiber.owner);
    return false;
  }

  override detach(): void {
    if (this.mailbox !== null) this.mailbox.waiting.remove(this);
    this.mailbox = null;
    this.coro.removeEndListener(this);
  }

  override get waitsFor(): string {
    return `room in the mailbox of ${this.coro}`;
  }

  // Only the recipient makes room.
  override isDeadlocked(dead: (owner: Owner) => boolean): boolean {
    return this.limit === Infinity && dead(this.coro);
  }
}

/** The operation of `deliver`. */
export class Deliver extends Delivery<number> {
  declare protected readonly message: unknown;

  constructor(coro: Recipient, message: unknown, seconds: number) {
    super(coro, seconds);
    this.message = message;
  }

  get label(): string {
    return "deliver";
  }

  protected override sent(taken: boolean): true {
    return this.give(taken ? 1 : 0);
  }

  protected override ended(): true {
    return this.give(-1);
  }

  override roomMade(): void {
    this.mailbox = null;
    this.detach();
    this.resolve(this.coro.send(this.message) ? 1 : 0);
  }

  override onEnd(): void {
    this.detach();
    this.resolve(-1);
  }

  override timedOut(): void {
    this.give(0);
  }
}
