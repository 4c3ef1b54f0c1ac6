import { Mailbox, type SelectiveReceiver } from "./mailbox.ts";
import type { Recipient } from "./receive.ts";
import type { WaitingFiber } from "../fiber/context.ts";
import type { Fiber } from "../fiber/fiber.ts";
import { Operation, RESOLVED, SPENT, WAITING } from "../fiber/operation.ts";
import { parkInSubroutine, waitOn } from "../operations/repeated_wait.ts";
import { mustBeSelf } from "../operations/must_be_self.ts";

/**
 * Waits for a message that the program's functions choose.
 *
 * They run in the step of the receiving coroutine and not in that of the sender. So the mailbox only wakes this
 * operation when there are messages that it has not looked at; the messages stay in the mailbox until they are looked
 * at, and those that are not wanted stay there longer.
 */
export abstract class SelectiveReceive<T> extends Operation<T> implements SelectiveReceiver {
  readonly label = "receive";
  readonly selective = true;
  looked = 0;
  declare protected readonly coro: Recipient;
  declare protected readonly alarmValue: unknown;
  #looking = false;
  // It was woken to look at messages, and there is no outcome yet.
  #woken = false;
  // The outcome is the alarm value, which must not be put back as a message.
  #isAlarm = false;
  // After a plain `yield`, the operation that waits in a subroutine in place of this one.
  #substitute: SelectiveReceive<T> | null = null;

  constructor(coro: Recipient, seconds: number, alarmValue: unknown) {
    super();
    this.coro = coro;
    this.limit = seconds;
    this.alarmValue = alarmValue;
  }

  /** Looks at messages until it has an outcome. Returns whether it has one; if it throws, the message stays. */
  protected abstract search(mailbox: Mailbox): boolean;

  /** Returns a message that was the outcome to where it was. */
  protected abstract putBack(mailbox: Mailbox, message: unknown): void;

  /** The same wait once more, with the limit from the yield. */
  protected abstract copy(): SelectiveReceive<T>;

  abstract removing(index: number, message: unknown): void;
  abstract inserting(index: number, messages: Iterable<unknown>): void;

  override park(fiber: Fiber): boolean {
    if (!this.direct) return super.park(fiber);
    this.#substitute = this.copy();
    return parkInSubroutine(this, fiber, this.#substitute);
  }

  override begin(fiber: Fiber): boolean {
    mustBeSelf(this.coro, fiber, "receive");
    const mailbox = this.coro.mailbox ??= new Mailbox();
    mailbox.add(this);
    if (this.#look(mailbox)) return true;
    if (!(this.limit <= 0)) return false;
    this.expire();
    return true;
  }

  // The limit becomes the deadline of all the waits.
  override arm(fiber: Fiber): void {
    this.limit += fiber.loop.clock.now();
    fiber.loop.arm(fiber, this.limit);
  }

  /** There are messages that it has not looked at. */
  wake(): void {
    if (this.#looking || this.state !== WAITING) return;
    this.#woken = true;
    this.stopWaiting();
    this.resolve(undefined);
  }

  override next(): IteratorResult<unknown, unknown> {
    if (this.state === RESOLVED && this.#woken) return this.#lookAgain(this.fiber!);
    return super.next();
  }

  #lookAgain(fiber: WaitingFiber): IteratorResult<unknown, unknown> {
    const mailbox = this.coro.mailbox!;
    this.#woken = false;
    if (this.#look(mailbox)) return super.next();
    if (this.limit <= fiber.loop.clock.now()) {
      this.expire();
      return super.next();
    }
    if (this.limit < Infinity) fiber.loop.arm(fiber, this.limit);
    const parked = waitOn(this);
    this.startWaiting();
    // Those that began to wait later may take what this one has left.
    mailbox.serve();
    return parked;
  }

  #look(mailbox: Mailbox): boolean {
    this.#looking = true;
    try {
      if (!this.search(mailbox)) return false;
    } catch (error) {
      this.state = SPENT;
      mailbox.leave(this);
      throw error;
    } finally {
      this.#looking = false;
    }
    mailbox.leave(this);
    return true;
  }

  /** It begins to wait, or waits again. */
  protected startWaiting(): void {}

  /** It no longer waits. */
  protected stopWaiting(): void {}

  override detach(): void {
    this.stopWaiting();
    this.coro.mailbox!.leave(this);
  }

  override reclaim(): void {
    const wait = this.#substitute ?? this;
    const mailbox = this.coro.mailbox!;
    if (wait.#woken) mailbox.leave(wait);
    else if (!wait.#isAlarm) wait.putBack(mailbox, this.outcome);
  }

  override timedOut(): void {
    this.#isAlarm = true;
    this.give(this.alarmValue);
  }
}
