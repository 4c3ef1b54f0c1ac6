/** Requests of peers to coroutines of this process: a message to deliver, or to be replied to. */
import { Ask, type Asker } from "../../coroutine/ask.ts";
import type { BoundedMailbox, RoomWaiter } from "../../coroutine/bounded_mailbox.ts";
import type { Coro } from "../../coroutine/coro.ts";
import type { EndListener } from "../../coroutine/end_listeners.ts";
import { NoReplyError } from "../../coroutine/errors.ts";
import { withoutStack } from "../../base/error_report.ts";
import type { QueueLinks } from "../../fiber/wait_queue.ts";
import type { OpenRequest } from "../peers/requests.ts";
import { Answer } from "./requests.ts";

/** Sends the answer to a request, once. `value` is a reply or an error. */
export type AnswerRequest = (answer: number, value?: unknown) => void;

/** Puts a message into the mailbox of a coroutine, which may have to make room first. */
abstract class Incoming implements RoomWaiter, EndListener, OpenRequest {
  nextWaiter: QueueLinks | null = null;
  prevWaiter: QueueLinks | null = null;
  protected readonly coro: Coro;
  protected readonly answer: AnswerRequest;
  /** Where it waits for room; `null` if it does not. */
  protected mailbox: BoundedMailbox | null = null;

  constructor(coro: Coro, answer: AnswerRequest) {
    this.coro = coro;
    this.answer = answer;
  }

  protected abstract readonly message: unknown;

  /** The mailbox has taken the message, or dropped it. */
  protected abstract sent(taken: boolean): void;

  abstract onEnd(): void;

  /** Begins. Returns whether it has answered. */
  begin(): void {
    const { coro, message } = this;
    if (!coro.acceptsMessages) return this.answer(Answer.ENDED);
    if (coro.mailbox === null || coro.mailbox.overflowFor(message) !== "wait") return this.post();
    this.mailbox = coro.mailbox as BoundedMailbox;
    this.mailbox.waiting.push(this);
    coro.addEndListener(this);
  }

  roomMade(): void {
    this.mailbox = null;
    this.coro.removeEndListener(this);
    this.post();
  }

  private post(): void {
    let taken: boolean;
    try {
      taken = this.coro.send(this.message);
    } catch (error) {
      return this.answer(Answer.FAILED, error);
    }
    this.sent(taken);
  }

  cancelled(): void {
    this.stop();
  }

  protected stop(): void {
    this.mailbox?.waiting.remove(this);
    this.mailbox = null;
    this.coro.removeEndListener(this);
  }
}

/** A message to deliver. */
export class IncomingDelivery extends Incoming {
  protected readonly message: unknown;

  constructor(coro: Coro, message: unknown, answer: AnswerRequest) {
    super(coro, answer);
    this.message = message;
  }

  protected override sent(taken: boolean): void {
    this.answer(taken ? Answer.DONE : Answer.DROPPED);
  }

  override onEnd(): void {
    this.stop();
    this.answer(Answer.ENDED);
  }
}

/** A message that is to be replied to. */
export class IncomingAsk extends Incoming implements Asker {
  protected readonly message: Ask;

  constructor(coro: Coro, request: unknown, from: Coro | null, answer: AnswerRequest) {
    super(coro, answer);
    this.message = new Ask(request, from, this);
  }

  protected override sent(taken: boolean): void {
    if (!taken) this.finish(Answer.DROPPED);
    else if (this.message.open) this.coro.addEndListener(this);
  }

  replied(value: unknown): void {
    this.finish(Answer.DONE, value);
  }

  failed(error: unknown): void {
    this.finish(Answer.FAILED, error);
  }

  askDropped(): void {
    this.finish(Answer.DROPPED);
  }

  override onEnd(): void {
    this.finish(Answer.FAILED, this.noReply("it ended"));
  }

  /** The recipient has failed: a successor will find only what is in the mailbox. */
  onFailure(messages: ReadonlySet<unknown>): void {
    if (this.mailbox !== null || messages.has(this.message)) return;
    this.finish(Answer.FAILED, this.noReply("it failed"));
  }

  override cancelled(): void {
    super.cancelled();
    this.message.close();
  }

  private finish(answer: number, value?: unknown): void {
    this.stop();
    this.message.close();
    this.answer(answer, value);
  }

  private noReply(reason: string): NoReplyError {
    return withoutStack(new NoReplyError(`${this.coro} did not reply as ${reason}`, this.coro));
  }
}
