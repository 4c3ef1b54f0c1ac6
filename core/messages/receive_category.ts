import type { Coro } from "../coroutine/coro.ts";
import { describe } from "../base/describe.ts";
import { Operation, PARKED_RESULT, RESOLVED, WAITING } from "../fiber/operation.ts";
import { mustBeSelf } from "../operations/sleep.ts";
import type { WaitingFiber } from "../fiber/context.ts";
import type { Fiber } from "../fiber/fiber.ts";
import type { Body } from "../base/generator.ts";
import { Mailbox, type Receiver } from "../coroutine/mailbox.ts";
import { SortedMessages, type SortedReceiver } from "./category_queue.ts";

/**
 * Waits for a message of one category.
 *
 * The mailbox hands over whatever comes. The category is asked for only when the receiving coroutine runs, so that
 * the functions run in its name and not in the sender's; if it is another one, the operation waits again.
 */
export class ReceiveSorted extends Operation<unknown> implements Receiver, SortedReceiver {
  readonly label = "receive";
  readonly #coro: Coro;
  readonly #wanted: unknown;
  readonly #sort: (message: unknown) => unknown;
  readonly #alarm: unknown;
  // The outcome is a message that was not looked at yet.
  #raw = false;
  // An alarm is no message: it is not put back when an exception pre-empts it.
  #alarmed = false;
  // Of the message that is the outcome, once it was looked at.
  #category: unknown = null;
  // What waits in its place after a plain `yield`.
  #stand: ReceiveSorted | null = null;

  /** `wanted` is a category; `sort` answers the category of a message and does not throw. */
  constructor(coro: Coro, wanted: unknown, sort: (message: unknown) => unknown, seconds: number, alarm: unknown) {
    super();
    this.#coro = coro;
    this.#wanted = wanted;
    this.#sort = sort;
    this.limit = seconds;
    this.#alarm = alarm;
  }

  // The run loop takes what a plain `yield` waited for as it is; only under `yield*` can an operation wait again.
  override park(fiber: Fiber): boolean {
    if (!this.direct) return super.park(fiber);
    this.fiber = fiber;
    this.state = WAITING;
    this.#stand = new ReceiveSorted(this.#coro, this.#wanted, this.#sort, this.limit, this.#alarm);
    fiber.enter(delegate(this.#stand), this);
    return false;
  }

  override begin(fiber: WaitingFiber): boolean {
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

  override arm(fiber: WaitingFiber): void {
    this.limit += fiber.loop.clock.now();
    fiber.loop.arm(fiber, this.limit);
  }

  override next(): IteratorResult<unknown, unknown> {
    if (this.state === RESOLVED && this.#raw && !this.#review(this.fiber!)) return PARKED_RESULT;
    return super.next();
  }

  override resolve(message: unknown): void {
    this.#sorted.waiting.delete(this);
    this.#raw = true;
    super.resolve(message);
  }

  /** @internal */
  wants(category: unknown): boolean {
    // As the keys of a map are compared: NaN is a category like any other.
    return category === this.#wanted ||
      (category !== category && this.#wanted !== this.#wanted);
  }

  /** @internal */
  hand(message: unknown, category: unknown): void {
    this.detach();
    this.#category = category;
    super.resolve(message);
  }

  override detach(): void {
    this.#coro.mailbox!.remove(this);
    this.#sorted.waiting.delete(this);
  }

  override reclaim(): void {
    (this.#stand ?? this).#putBack(this.outcome);
  }

  override timedOut(): void {
    this.#alarmed = true;
    this.give(this.#alarm);
  }

  override get waitsFor(): string {
    return this.#wanted === null ? "a message of no category" : `a message of category ${describe(this.#wanted)}`;
  }

  get #sorted(): SortedMessages {
    return this.#coro.mailbox!.sorted ??= new SortedMessages();
  }

  #wait(mailbox: Mailbox): void {
    mailbox.add(this);
    this.#sorted.waiting.add(this);
  }

  /** Looks at the message that woke it. Returns `false` if it waits again. */
  #review(fiber: WaitingFiber): boolean {
    const mailbox = this.#coro.mailbox!;
    const message = this.outcome;
    this.outcome = undefined;
    this.#raw = false;
    if (this.#accepts(message) || this.#search(mailbox)) return true;
    if (this.limit !== Infinity) {
      if (this.limit <= fiber.loop.clock.now()) {
        this.timedOut();
        return true;
      }
      fiber.loop.arm(fiber, this.limit);
    }
    this.state = WAITING;
    fiber.wait = this;
    this.#wait(mailbox);
    return false;
  }

  /** Looks for the message among those that are kept, and sorts them as far as it has to. */
  #search(mailbox: Mailbox): boolean {
    const sorted = this.#sorted;
    const item = sorted.shift(this.#wanted);
    if (item !== null) return this.#grant(item.message, item.category);
    // Read afresh each time: the functions that are asked may send messages.
    while (mailbox.messages !== null && mailbox.messages.length > 0) {
      if (this.#accepts(mailbox.messages.shift())) return true;
    }
    return false;
  }

  /** Takes the message if it is one that is wanted, and keeps it in its category if not. */
  #accepts(message: unknown): boolean {
    const category = this.#sort(message);
    if (this.wants(category)) return this.#grant(message, category);
    this.#sorted.push(message, category);
    return false;
  }

  #grant(message: unknown, category: unknown): true {
    this.#category = category;
    return this.give(message);
  }

  #putBack(message: unknown): void {
    if (this.#alarmed) return;
    if (this.#raw) this.#coro.mailbox!.putBack(message);
    else this.#sorted.unshift(message, this.#category);
  }
}

function* delegate(receive: ReceiveSorted): Body {
  return yield* receive;
}
