import type { Mailbox } from "./mailbox.ts";
import { callHook, SHOWN } from "./message_hooks.ts";
import type { Recipient } from "./receive.ts";
import { SelectiveReceive } from "./selective_receive.ts";

/** Waits for the earliest message that a function of the program takes. */
export class ReceiveWhere<T> extends SelectiveReceive<T> {
  readonly #where: (message: T) => boolean;
  // Messages that it has left and that are not among the first `looked` ones, as another was put back in front of them.
  #left: unknown[] = [];
  // Where the message was that is the outcome.
  #index = 0;

  constructor(coro: Recipient, where: (message: T) => boolean, seconds: number, alarmValue: unknown) {
    super(coro, seconds, alarmValue);
    this.#where = where;
  }

  protected override copy(): ReceiveWhere<T> {
    return new ReceiveWhere(this.coro, this.#where, this.limit, this.alarmValue);
  }

  protected override search(mailbox: Mailbox): boolean {
    while (this.looked < mailbox.available(this)) {
      const message = mailbox.messages!.at(this.looked);
      if (this.#forget(message)) {
        this.looked++;
        continue;
      }
      callHook(message, SHOWN);
      const wanted = this.#where(message as T);
      const index = this.#find(mailbox, message);
      if (index < 0) continue;
      if (wanted) {
        this.#index = index;
        return this.give(mailbox.takeAt(index));
      }
      if (index === this.looked) this.looked++;
      else this.#left.push(message);
    }
    return false;
  }

  protected override putBack(mailbox: Mailbox, message: unknown): void {
    mailbox.putBack(message, this.#index);
  }

  override removing(index: number, message: unknown): void {
    if (index < this.looked) this.looked--;
    else this.#forget(message);
  }

  override inserting(index: number, messages: Iterable<unknown>): void {
    if (index >= this.looked) return;
    this.#left = [...[...messages].slice(0, this.looked), ...this.#left];
    this.looked = 0;
  }

  override get waitsFor(): string {
    return "a message that 'where' takes";
  }

  /** Where the message is that was just looked at; -1 if it was dropped: `where` may send messages to a full mailbox. */
  #find({ messages }: Mailbox, message: unknown): number {
    const inPlace = this.looked < messages!.length && messages!.at(this.looked) === message;
    return inPlace ? this.looked : messages!.indexOf(message);
  }

  #forget(message: unknown): boolean {
    const index = this.#left.indexOf(message);
    if (index >= 0) this.#left.splice(index, 1);
    return index >= 0;
  }
}
