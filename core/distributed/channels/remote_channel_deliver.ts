import type { OperationReader } from "../peers/operation_reader.ts";
import { RequestWait } from "../peers/request_wait.ts";
import type { PreparedRequest } from "../peers/requests.ts";
import { Answer } from "./answer.ts";
import type { RemoteChannel } from "./remote_channel.ts";

/** The operation of `deliver` of a channel of another peer. */
export class RemoteChannelDeliver extends RequestWait<number> {
  readonly label = "deliver";
  private readonly channel: RemoteChannel;
  private readonly reportRefusal: () => void;
  private received = 0;

  constructor(
    channel: RemoteChannel,
    request: PreparedRequest,
    seconds: number,
    reportRefusal: () => void,
  ) {
    super(channel.peer, request, seconds);
    this.channel = channel;
    this.reportRefusal = reportRefusal;
  }

  override get waitsFor(): string {
    return `acknowledgements of the subscribers of channel ${this.channel}`;
  }

  progressed(reader: OperationReader): void {
    this.received += reader.integer();
  }

  protected override accept(answer: number, reader: OperationReader): void {
    if (answer === Answer.CLOSED) this.channel.closed();
    if (answer === Answer.CLOSED) return this.unreachable();
    this.settle(answer === Answer.DONE ? this.received + reader.integer() : 0);
  }

  protected override tooLarge(): void {
    this.reportRefusal();
    this.settle(0);
  }

  protected override unreachable(): void {
    this.settleError(this.channel.closedError("deliver"));
  }

  override timedOut(): void {
    this.give(this.received);
  }
}
