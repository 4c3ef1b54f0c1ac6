import type { Recipient } from "../coroutine/receive.ts";
import { describe } from "../base/describe.ts";
import type { Fiber } from "../fiber/fiber.ts";
import type { Mailbox } from "../coroutine/mailbox.ts";
import { callHook, SHOWN } from "../coroutine/message_hooks.ts";
import { SelectiveReceive } from "../coroutine/selective_receive.ts";
import { CategoryQueue, type CategoryReceiver } from "./category_queue.ts";

/** Waits for a message of one category. Messages that it has looked at and not wanted are kept in their category. */
export class ReceiveCategory<T> extends SelectiveReceive<T> implements CategoryReceiver {
  readonly #wanted: unknown;
  readonly #categoryOf: (message: unknown) => unknown;
  // The category of the message that is the outcome.
  #category: unknown = null;

  /** `wanted` is a category; `categoryOf` returns the category of a message and does not throw. */
  constructor(
    coro: Recipient,
    wanted: unknown,
    categoryOf: (message: unknown) => unknown,
    seconds: number,
    alarmValue: unknown,
  ) {
    super(coro, seconds, alarmValue);
    this.#wanted = wanted;
    this.#categoryOf = categoryOf;
  }

  protected override copy(): ReceiveCategory<T> {
    return new ReceiveCategory(this.coro, this.#wanted, this.#categoryOf, this.limit, this.alarmValue);
  }

  override begin(fiber: Fiber): boolean {
    if (super.begin(fiber)) return true;
    this.startWaiting();
    return false;
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
    this.resolve(message);
    this.coro.mailbox!.messageTaken();
  }

  override get waitsFor(): string {
    return this.#wanted === null ? "a message of no category" : `a message of category ${describe(this.#wanted)}`;
  }

  // A message that it has looked at is no longer among those that are not categorized.
  override removing(): void {}
  override inserting(): void {}

  protected override startWaiting(): void {
    this.#queue.waiting.add(this);
  }

  protected override stopWaiting(): void {
    this.#queue.waiting.delete(this);
  }

  // Nothing else sets `categorized`.
  get #queue(): CategoryQueue {
    return (this.coro.mailbox!.categorized ??= new CategoryQueue()) as CategoryQueue;
  }

  /** Looks for a message among those that are kept, and categorizes as many of them as it has to. */
  protected override search(mailbox: Mailbox): boolean {
    const item = this.#queue.shift(this.#wanted);
    if (item !== null) return this.#grant(mailbox, item.message, item.category);
    // Asked again each time: the program's functions may send messages.
    while (mailbox.available(this) > 0) {
      const message = mailbox.remove(0);
      callHook(message, SHOWN);
      const category = this.#categoryOf(message);
      if (this.wants(category)) return this.#grant(mailbox, message, category);
      this.#queue.push(message, category);
    }
    return false;
  }

  #grant(mailbox: Mailbox, message: unknown, category: unknown): true {
    this.#category = category;
    this.give(message);
    mailbox.messageTaken();
    return true;
  }

  protected override putBack(_mailbox: Mailbox, message: unknown): void {
    this.#queue.unshift(message, this.#category);
  }
}
