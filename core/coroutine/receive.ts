import { Mailbox, NO_MESSAGE } from "./mailbox.ts";
import type { Fiber } from "../fiber/fiber.ts";
import { FrequentOperation } from "../fiber/frequent_operation.ts";
import { WAITING } from "../fiber/operation.ts";
import type { Owner } from "../fiber/owner.ts";
import { mustBeSelf } from "../operations/must_be_self.ts";

/** A coroutine, as its mailbox is found. */
export type Recipient = Owner & { mailbox: Mailbox | null };

// Stands in place of the limit after a timeout. The alarm value is no message: a cancelled wait must not return it to
// the mailbox.
const enum Mark {
  TIMED_OUT = -1,
}

/** Waits for a message. Until there is an outcome, `outcome` holds the alarm value, which saves a field per message. */
export class Receive<T> extends FrequentOperation<T> {
  declare private coro: Recipient;

  constructor(coro: Recipient, seconds: number, alarmValue: unknown) {
    super();
    this.coro = coro;
    this.limit = seconds === Mark.TIMED_OUT ? 0 : seconds;
    this.outcome = alarmValue;
  }

  get label(): string {
    return "receive";
  }

  override begin(fiber: Fiber): boolean {
    mustBeSelf(this.coro, fiber, "receive");
    const mailbox = this.coro.mailbox ??= new Mailbox();
    const messages = mailbox.messages;
    if (messages !== null && messages.length > 0) {
      // This one check lets most receives skip the code for bounded mailboxes and selective receives.
      if (mailbox.isPlain) return this.give(messages.shift());
      const message = mailbox.take();
      if (message !== NO_MESSAGE) return this.give(message);
    }
    if (this.limit <= 0) {
      this.timedOut();
      return true;
    }
    mailbox.add(fiber);
    return false;
  }

  override detach(): void {
    this.coro.mailbox!.leave(this.fiber as Fiber);
  }

  override reclaim(): void {
    if (this.limit !== Mark.TIMED_OUT) this.coro.mailbox!.putBack(this.outcome);
  }

  override timedOut(): void {
    this.limit = Mark.TIMED_OUT;
    this.give(this.outcome);
  }

  override get waitsFor(): string {
    return this.state === WAITING ? "a message" : this.label;
  }
}

/** A receive without a limit: the last one, if it may serve again. */
export function receiveFor(coro: Recipient): FrequentOperation<unknown> {
  const mailbox = coro.mailbox ??= new Mailbox();
  const last = mailbox.lastReceive;
  if (last !== null && last.servesAgain()) return last;
  return mailbox.lastReceive = new Receive<unknown>(coro, Infinity, undefined);
}
