import { Ask, type Asker } from "./ask.ts";
import type { Coro } from "./coro.ts";
import { coroOf } from "./coro_of.ts";
import { Delivery } from "./deliver.ts";
import { NoReplyError } from "./errors.ts";
import { TimeoutError } from "../base/errors.ts";
import { withoutStack } from "../base/error_report.ts";
import type { WaitingFiber } from "../fiber/context.ts";
import type { Owner } from "../fiber/owner.ts";

const ENDED = "it ended";
const FULL = "a mailbox was full";

/**
 * The operation of `ask`: delivers an `Ask`, then waits for its answer.
 *
 * If the recipient ends first, the operation fails with `NoReplyError`. If the recipient has failed and may be restarted,
 * the operation fails only if the message was received; one that is in the mailbox, or waits for room there, is left for
 * the restarted recipient.
 */
export class AskOperation<R> extends Delivery<R> implements Asker {
  declare protected message: Ask;
  declare protected readonly coro: Coro;
  readonly #request: unknown;
  // The message is not further behind in the mailbox.
  #index = 0;

  constructor(coro: Coro, request: unknown, seconds: number) {
    super(coro, seconds);
    this.#request = request;
  }

  get label(): string {
    return "ask";
  }

  override begin(fiber: WaitingFiber): boolean {
    this.message = new Ask(this.#request, coroOf(fiber), this);
    // Nobody would wait for the answer.
    if (this.limit <= 0 && this.coro.acceptsMessages) return this.fail(this.#late());
    return super.begin(fiber);
  }

  protected override sent(taken: boolean, fiber: WaitingFiber): boolean {
    if (!taken) return this.fail(this.#noReply(FULL));
    this.#index = this.coro.mailbox!.length;
    return this.waitForEnd(fiber);
  }

  override roomMade(): void {
    this.mailbox = null;
    this.coro.send(this.message);
    this.#index = this.coro.mailbox!.length;
  }

  replied(value: unknown): void {
    this.detach();
    this.resolve(value);
  }

  failed(error: unknown): void {
    this.detach();
    this.reject(error);
  }

  askDropped(): void {
    this.failed(this.#noReply(FULL));
  }

  protected override ended(): true {
    return this.fail(this.#noReply(ENDED));
  }

  override onEnd(): void {
    this.failed(this.#noReply(ENDED));
  }

  /** The recipient has failed: a successor will find only what is in the mailbox. */
  onFailure(messages: ReadonlySet<unknown>): void {
    if (this.mailbox !== null || messages.has(this.message)) return;
    this.failed(this.#noReply("it failed"));
  }

  override detach(): void {
    super.detach();
    this.message.close();
  }

  override timedOut(): void {
    this.fail(this.#late());
  }

  override get waitsFor(): string {
    return this.mailbox === null ? `a reply of ${this.coro}` : super.waitsFor;
  }

  // Once code of the program has the message, any coroutine may answer.
  override isDeadlocked(dead: (owner: Owner) => boolean): boolean {
    return super.isDeadlocked(dead) && (this.mailbox !== null || this.#isUnseen());
  }

  /** Looks for the message from where it was last: messages leave from the front, so it can only be further ahead. */
  #isUnseen(): boolean {
    const messages = this.coro.mailbox?.messages;
    let index = Math.min(this.#index, (messages?.length ?? 0) - 1);
    while (index >= 0 && messages!.at(index) !== this.message) index--;
    this.#index = index;
    return index >= 0 && !this.message.seen;
  }

  #late(): TimeoutError {
    return new TimeoutError(`${this.coro} did not reply in time`);
  }

  #noReply(reason: string): NoReplyError {
    return withoutStack(new NoReplyError(`${this.coro} did not reply as ${reason}`, this.coro));
  }
}
