import type { OperationReader } from "../peers/operation_reader.ts";
import { type PreparedRequest, RemoteRequest } from "../peers/remote_request.ts";
import { Answer } from "./answer.ts";
import type { RemoteChannel } from "./remote_channel.ts";

/** The operation of `deliver` of a channel of another peer. */
export class RemoteChannelDeliver extends RemoteRequest<number> {
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

  answered(reader: OperationReader): void {
    try {
      const answer = reader.integer();
      if (answer === Answer.CLOSED) {
        this.channel.closed();
        return this.unreachable();
      }
      this.settle(answer === Answer.DONE ? this.received + reader.integer() : 0);
    } catch (error) {
      this.settleError(error);
    }
  }

  protected override refused(): void {
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
