import type { Coro } from "../coro.ts";
import { Fifo } from "../fifo.ts";
import { Operation, WAITING } from "../operation.ts";
import { mustBeSelf } from "../operations/sleep.ts";
import type { Strand } from "../strand.ts";

/**
 * The messages of a coroutine that it has not received, and its receives that wait.
 *
 * One of the two is always empty. Usually at most one receive waits; branches of a `race` may add more, which are
 * served first come, first served.
 */
export class Mailbox {
  /** Not received yet, oldest first; made when the first message has to be kept. */
  messages: Fifo<unknown> | null = null;
  #receiver: Receive | null = null;
  #others: Receive[] | null = null;

  /** Messages kept. */
  get length(): number {
    return this.messages === null ? 0 : this.messages.length;
  }

  /** Hands the message to the receive that waits longest, or keeps it. */
  post(message: unknown): void {
    const receiver = this.#receiver;
    if (receiver === null) {
      (this.messages ??= new Fifo()).push(message);
      return;
    }
    this.#receiver = this.#nextReceiver();
    receiver.resolve(message);
  }

  /** Puts a message that was handed over in vain back in front. */
  putBack(message: unknown): void {
    const receiver = this.#receiver;
    if (receiver !== null) {
      this.#receiver = this.#nextReceiver();
      receiver.resolve(message);
      return;
    }
    (this.messages ??= new Fifo()).unshift(message);
  }

  /** Adds a receive that waits. */
  add(receive: Receive): void {
    if (this.#receiver === null) this.#receiver = receive;
    else (this.#others ??= []).push(receive);
  }

  /** Takes a receive out. */
  remove(receive: Receive): void {
    if (this.#receiver === receive) this.#receiver = this.#nextReceiver();
    else this.#others = this.#others!.filter((other) => other !== receive);
  }

  #nextReceiver(): Receive | null {
    return this.#others === null ? null : this.#others.shift() ?? null;
  }
}

/** Waits for a message. */
export class Receive extends Operation<unknown> {
  #coro: Coro;
  #alarm: unknown;
  // An alarm is no message: it is not put back when an exception pre-empts it.
  #alarmed = false;

  constructor(coro: Coro, seconds: number, alarm: unknown) {
    super();
    this.#coro = coro;
    this.limit = seconds;
    this.#alarm = alarm;
  }

  override begin(strand: Strand): boolean {
    mustBeSelf(this.#coro, strand, "receive");
    const mailbox = this.#coro.mailbox ??= new Mailbox();
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
    this.#coro.mailbox!.remove(this);
  }

  override reclaim(): void {
    if (!this.#alarmed) this.#coro.mailbox!.putBack(this.outcome);
  }

  override timedOut(): void {
    this.#alarmed = true;
    this.give(this.#alarm);
  }

  get label(): string {
    return "receive";
  }

  override get waitsFor(): string {
    return this.state === WAITING ? "a message" : this.label;
  }
}
