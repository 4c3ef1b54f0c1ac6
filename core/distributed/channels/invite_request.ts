import { Coro } from "../../coroutine/coro.ts";
import type { Fiber } from "../../fiber/fiber.ts";
import type { Channel } from "../../messages/channel.ts";
import { ChannelClosedError } from "../../messages/errors.ts";
import type { OperationReader } from "../peers/operation_reader.ts";
import type { Peer } from "../peers/peer.ts";
import { RequestWait } from "../peers/request_wait.ts";
import type { PreparedRequest } from "../peers/requests.ts";
import { Answer } from "./answer.ts";
import type { Change, RemoteChannel, Subscriber } from "./remote_channel.ts";

/** Asks the peer of a coroutine or channel to have it subscribe to a channel of any peer, or unsubscribe. */
export class InviteRequest extends RequestWait<boolean> {
  readonly label: Change;
  /** The channel. */
  readonly channel: Channel<unknown>;
  private readonly subscriber: Subscriber;
  private readonly undo: () => void;
  /** Whether this has led to its being a subscriber. */
  private added = false;

  /** `undo` is called if it has become a subscriber and nobody waits for that any more. */
  constructor(
    action: Change,
    channel: Channel<unknown>,
    subscriber: Subscriber,
    peer: Peer,
    request: PreparedRequest,
    seconds: number,
    undo: () => void,
  ) {
    super(peer, request, seconds);
    this.label = action;
    this.channel = channel;
    this.subscriber = subscriber;
    this.undo = undo;
  }

  override get waitsFor(): string {
    return `an answer of the peer of ${this.subscriber}`;
  }

  override begin(fiber: Fiber): boolean {
    this.channel.mustBeOpen(this.label);
    return super.begin(fiber);
  }

  protected override accept(answer: number, reader: OperationReader): void {
    if (answer === Answer.CLOSED) throw this.closedError();
    const invited = answer === Answer.DONE ? reader.integer() : Invited.NO;
    this.added = this.label === "subscribe" && invited === Invited.NOW;
    this.settle(invited !== Invited.NO);
  }

  override reclaim(): void {
    if (this.added) this.undo();
  }

  protected override cancelRequest(): void {
    super.cancelRequest();
    if (this.label === "subscribe") this.peer.requests.register(this.number, new AbandonedInvite(this.undo));
  }

  protected override tooLarge(): void {
    this.settle(false);
  }

  protected override unreachable(): void {
    const { subscriber } = this;
    if (subscriber instanceof Coro) this.settle(false);
    else this.settleError((subscriber as RemoteChannel).closedError(this.label));
  }

  override timedOut(): void {
    this.give(false);
  }

  private closedError(): ChannelClosedError {
    const what = `channel '${this.channel.name}'${this.subscriber instanceof Coro ? "" : " or its subscriber"}`;
    return new ChannelClosedError(
      `Cannot ${this.label} as ${what} is closed, or cannot be reached by ${this.peer}: open a new one, or try again`,
    );
  }
}

/** What INVITE has led to. */
export const Invited = {
  /** It is no subscriber, or was none. */
  NO: 0,
  /** It was a subscriber before. */
  BEFORE: 1,
  /** It has become one, or is one no longer. */
  NOW: 2,
} as const;

/** A subscriber was added that is not to be one any more. */
class AbandonedInvite {
  readonly quiet = true;
  private readonly undo: () => void;

  constructor(undo: () => void) {
    this.undo = undo;
  }

  answered(reader: OperationReader): void {
    if (reader.integer() === Answer.DONE && reader.integer() === Invited.NOW) this.undo();
  }

  parted(): void {}
}
