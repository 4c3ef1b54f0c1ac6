import type { Recipient } from "../coroutine/receive.ts";
import { describe } from "../base/describe.ts";
import { Operation, RESOLVED } from "../fiber/operation.ts";
import { parkInSubroutine, waitOn } from "../operations/repeated_wait.ts";
import { mustBeSelf } from "../operations/must_be_self.ts";
import type { Fiber } from "../fiber/fiber.ts";
import type { WaitingFiber } from "../fiber/context.ts";
import { Mailbox, type Receiver } from "../coroutine/mailbox.ts";
import { CategoryQueue, type CategoryReceiver } from "./category_queue.ts";

/**
 * Waits for a message of one category.
 *
 * The mailbox gives it any message. It asks for the category only when the receiving coroutine runs, so that the
 * program's functions run as that coroutine and not as the sender; if the category is another one, it waits again.
 */
export class ReceiveCategory<T> extends Operation<T> implements Receiver, CategoryReceiver {
  readonly label = "receive";
  readonly #coro: Recipient;
  readonly #wanted: unknown;
  readonly #categoryOf: (message: unknown) => unknown;
  readonly #alarmValue: unknown;
  // The outcome is a message whose category was not asked for yet.
  #uncategorized = false;
  // The outcome is the alarm value, which must not be put back as a message.
  #isAlarm = false;
  // The category of the message that is the outcome, once it is known.
  #category: unknown = null;
  // After a plain `yield`, the operation that waits in a subroutine in place of this one.
  #substitute: ReceiveCategory<T> | null = null;

  /** `wanted` is a category; `categoryOf` returns the category of a message and does not throw. */
  constructor(
    coro: Recipient,
    wanted: unknown,
    categoryOf: (message: unknown) => unknown,
    seconds: number,
    alarmValue: unknown,
  ) {
    super();
    this.#coro = coro;
    this.#wanted = wanted;
    this.#categoryOf = categoryOf;
    this.limit = seconds;
    this.#alarmValue = alarmValue;
  }

  override park(fiber: Fiber): boolean {
    if (!this.direct) return super.park(fiber);
    this.#substitute = new ReceiveCategory(this.#coro, this.#wanted, this.#categoryOf, this.limit, this.#alarmValue);
    return parkInSubroutine(this, fiber, this.#substitute);
  }

  override begin(fiber: Fiber): boolean {
    mustBeSelf(this.#coro, fiber, "receive");
    const mailbox = this.#coro.mailbox ??= new Mailbox();
    if (this.#search(mailbox)) return true;
    if (this.limit <= 0) {
      this.timedOut();
      return true;
    }
    this.#wait(mailbox);
    return false;
  }

  // The limit becomes the deadline of all the waits.
  override arm(fiber: Fiber): void {
    this.limit += fiber.loop.clock.now();
    fiber.loop.arm(fiber, this.limit);
  }

  override next(): IteratorResult<unknown, unknown> {
    if (this.state === RESOLVED && this.#uncategorized && !this.#review()) return this.#waitAgain(this.fiber!);
    return super.next();
  }

  override resolve(message: unknown): void {
    this.#queue.waiting.delete(this);
    this.#uncategorized = true;
    super.resolve(message);
  }

  /** @internal */
  wants(category: unknown): boolean {
    // As a map compares its keys: NaN is a category like any other.
    return category === this.#wanted ||
      (category !== category && this.#wanted !== this.#wanted);
  }

  /** @internal */
  accept(message: unknown, category: unknown): void {
    this.detach();
    this.#category = category;
    super.resolve(message);
  }

  override detach(): void {
    this.#coro.mailbox!.remove(this);
    this.#queue.waiting.delete(this);
  }

  override reclaim(): void {
    (this.#substitute ?? this).#putBack(this.outcome);
  }

  override timedOut(): void {
    this.#isAlarm = true;
    this.give(this.#alarmValue);
  }

  override get waitsFor(): string {
    return this.#wanted === null ? "a message of no category" : `a message of category ${describe(this.#wanted)}`;
  }

  // Nothing else sets `categorized`.
  get #queue(): CategoryQueue {
    return (this.#coro.mailbox!.categorized ??= new CategoryQueue()) as CategoryQueue;
  }

  #wait(mailbox: Mailbox): void {
    mailbox.add(this);
    this.#queue.waiting.add(this);
  }

  #waitAgain(fiber: WaitingFiber): IteratorResult<unknown, unknown> {
    if (this.limit < Infinity) {
      if (this.limit <= fiber.loop.clock.now()) {
        this.timedOut();
        return super.next();
      }
      fiber.loop.arm(fiber, this.limit);
    }
    const parked = waitOn(this);
    this.#wait(this.#coro.mailbox!);
    return parked;
  }

  /** Asks for the category of the message that woke it. Returns whether there is an outcome. */
  #review(): boolean {
    const message = this.outcome;
    this.outcome = undefined;
    this.#uncategorized = false;
    return this.#categorize(message) || this.#search(this.#coro.mailbox!);
  }

  /** Looks for a message among those that are kept, and categorizes as many of them as it has to. */
  #search(mailbox: Mailbox): boolean {
    const item = this.#queue.shift(this.#wanted);
    if (item !== null) return this.#grant(item.message, item.category);
    // Read again each time: the program's functions may send messages.
    while (mailbox.messages !== null && mailbox.messages.length > 0) {
      if (this.#categorize(mailbox.messages.shift())) return true;
    }
    return false;
  }

  /** Takes the message if it is of the wanted category, or else keeps it in its category. */
  #categorize(message: unknown): boolean {
    const category = this.#categoryOf(message);
    if (this.wants(category)) return this.#grant(message, category);
    this.#queue.push(message, category);
    return false;
  }

  #grant(message: unknown, category: unknown): true {
    this.#category = category;
    return this.give(message);
  }

  #putBack(message: unknown): void {
    if (this.#isAlarm) return;
    if (this.#uncategorized) this.#coro.mailbox!.putBack(message);
    else this.#queue.unshift(message, this.#category);
  }
}
