/** Requests to the homes of channels about subscribers of this process. */
import { Coro } from "../../coroutine/coro.ts";
import type { Fiber } from "../../fiber/fiber.ts";
import type { OperationReader } from "../peers/operation_reader.ts";
import { RequestWait } from "../peers/request_wait.ts";
import type { PreparedRequest } from "../peers/requests.ts";
import { Answer } from "./answer.ts";
import type { RemoteChannel, Subscriber } from "./remote_channel.ts";

/** Tells the home of a channel about a subscriber of this process. */
abstract class HomeRequest extends RequestWait<boolean> {
  protected readonly channel: RemoteChannel;
  protected readonly subscriber: Subscriber;

  constructor(channel: RemoteChannel, subscriber: Subscriber, request: PreparedRequest, seconds: number) {
    super(channel.peer, request, seconds);
    this.channel = channel;
    this.subscriber = subscriber;
  }

  override get waitsFor(): string {
    return `an answer of the peer of channel ${this.channel}`;
  }
}

/** Asks the home of a channel to count a subscriber of this process, and adds that when it agrees. */
export class SubscribeRequest extends HomeRequest {
  readonly label = "subscribe";
  /** Whether this has added it. */
  private added = false;

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
  private readonly subscriber: Subscriber;

  constructor(channel: RemoteChannel, subscriber: Subscriber) {
    this.channel = channel;
    this.subscriber = subscriber;
  }

  answered(reader: OperationReader): void {
    if (reader.integer() === Answer.DONE) this.channel.declined(this.subscriber);
  }

  parted(): void {}
}

/** Removes a subscriber of this process, and waits until the home of the channel knows of it. */
export class UnsubscribeRequest extends HomeRequest {
  readonly label = "unsubscribe";

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
