/** Requests about the subscribers of channels. */
import { Coro } from "../../coroutine/coro.ts";
import type { Fiber } from "../../fiber/fiber.ts";
import type { Channel } from "../../messages/channel.ts";
import { ChannelClosedError } from "../../messages/errors.ts";
import type { OperationReader } from "../peers/operation_reader.ts";
import type { Peer } from "../peers/peer.ts";
import { type PreparedRequest, RequestWait } from "../peers/request_wait.ts";
import { Answer } from "./answer.ts";
import type { Change, RemoteChannel } from "./remote_channel.ts";

/** Asks the home of a channel to count a subscriber of this process, and adds that when it agrees. */
export class SubscribeRequest extends RequestWait<boolean> {
  readonly label = "subscribe";
  private readonly channel: RemoteChannel;
  private readonly subscriber: Coro | Channel<unknown>;
  /** Whether this has added it. */
  private added = false;

  constructor(
    channel: RemoteChannel,
    subscriber: Coro | Channel<unknown>,
    request: PreparedRequest,
    seconds: number,
  ) {
    super(channel.peer, request, seconds);
    this.channel = channel;
    this.subscriber = subscriber;
  }

  override get waitsFor(): string {
    return `an answer of the peer of channel ${this.channel}`;
  }

  override begin(fiber: Fiber): boolean {
    const { channel, subscriber } = this;
    channel.mustBeOpen("subscribe");
    if (channel.has(subscriber)) return this.give(true);
    if (!(subscriber instanceof Coro)) subscriber.mustBeOpen("subscribe");
    else if (!subscriber.acceptsMessages) return this.give(false);
    return super.begin(fiber);
  }

  protected override accept(answer: number): void {
    if (answer === Answer.CLOSED) this.channel.closed();
    if (answer === Answer.CLOSED) return this.unreachable();
    const before = this.channel.has(this.subscriber);
    const accepted = answer === Answer.DONE && this.channel.accepted(this.subscriber);
    this.added = accepted && !before;
    this.settle(accepted);
  }

  override reclaim(): void {
    if (this.added && this.channel.has(this.subscriber)) this.channel.remove(this.subscriber);
  }

  protected override cancelRequest(): void {
    this.peer.requests.register(this.number, new AbandonedSubscribe(this.channel, this.subscriber));
  }

  protected override tooLarge(): void {
    this.settle(false);
  }

  protected override unreachable(): void {
    this.settleError(this.channel.closedError("subscribe"));
  }

  override timedOut(): void {
    this.give(false);
  }
}

/** The home of a channel counts a subscriber that is not to be one any more. */
class AbandonedSubscribe {
  readonly quiet = true;
  private readonly channel: RemoteChannel;
  private readonly subscriber: Coro | Channel<unknown>;

  constructor(channel: RemoteChannel, subscriber: Coro | Channel<unknown>) {
    this.channel = channel;
    this.subscriber = subscriber;
  }

  answered(reader: OperationReader): void {
    if (reader.integer() === Answer.DONE) this.channel.declined(this.subscriber);
  }

  parted(): void {}
}

/** Removes a subscriber of this process, and waits until the home of the channel knows of it. */
export class UnsubscribeRequest extends RequestWait<boolean> {
  readonly label = "unsubscribe";
  private readonly channel: RemoteChannel;
  private readonly subscriber: Coro | Channel<unknown>;

  constructor(
    channel: RemoteChannel,
    subscriber: Coro | Channel<unknown>,
    request: PreparedRequest,
    seconds: number,
  ) {
    super(channel.peer, request, seconds);
    this.channel = channel;
    this.subscriber = subscriber;
  }

  override get waitsFor(): string {
    return `an answer of the peer of channel ${this.channel}`;
  }

  override begin(fiber: Fiber): boolean {
    // It gets no message from now on, whether or not this wait ends well.
    if (!this.channel.remove(this.subscriber)) return this.give(false);
    return super.begin(fiber);
  }

  protected override accept(): void {
    this.settle(true);
  }

  protected override cancelRequest(): void {}

  protected override tooLarge(): void {
    this.settle(true);
  }

  protected override unreachable(): void {
    this.settle(true);
  }

  override timedOut(): void {
    this.give(true);
  }
}

/** Asks the peer of a coroutine or channel to have it subscribe to a channel of any peer, or unsubscribe. */
export class InviteRequest extends RequestWait<boolean> {
  readonly label: Change;
  /** The channel. */
  readonly channel: Channel<unknown>;
  private readonly subscriber: Coro | Channel<unknown>;
  private readonly undo: () => void;
  /** Whether this has led to its being a subscriber. */
  private added = false;

  /** `undo` is called if it has become a subscriber and nobody waits for that any more. */
  constructor(
    action: Change,
    channel: Channel<unknown>,
    subscriber: Coro | Channel<unknown>,
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
