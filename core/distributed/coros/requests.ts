/** Requests to coroutines of peers that wait for an answer: `deliver` and `ask`. */
import { TimeoutError } from "../../base/errors.ts";
import { withoutStack } from "../../base/error_report.ts";
import type { Coro } from "../../coroutine/coro.ts";
import { NoReplyError } from "../../coroutine/errors.ts";
import type { Fiber } from "../../fiber/fiber.ts";
import { type LossReason, PeerLostError } from "../errors.ts";
import { Kind } from "../peers/operation_kind.ts";
import type { OperationReader } from "../peers/operation_reader.ts";
import type { Peer } from "../peers/peer.ts";
import { RequestWait } from "../peers/request_wait.ts";
import type { PreparedRequest } from "../peers/requests.ts";

/** The first item of the answer to DELIVER and ASK. */
export const Answer = {
  /** The message is in the mailbox; for ASK the reply follows. */
  DONE: 0,
  /** The mailbox has dropped the message. */
  DROPPED: 1,
  /** The coroutine has ended, or is not known. */
  ENDED: 2,
  /** The peer has refused the message, or could not read it. */
  REFUSED: 3,
  /** An error, which follows, is thrown where the request waits. */
  FAILED: 4,
} as const;

/** A coroutine of a peer, as the recipient of a request. */
export interface RequestTarget extends Coro {
  /** Its peer. */
  readonly peer: Peer;
  /** It has refused a message as it has ended. */
  hasEnded(): void;
}

/** Asks something of a coroutine. */
abstract class RemoteRequest<T> extends RequestWait<T> {
  protected readonly target: RequestTarget;

  constructor(target: RequestTarget, request: PreparedRequest, seconds: number) {
    super(target.peer, request, seconds);
    this.target = target;
  }

  override get waitsFor(): string {
    return `an answer of ${this.target}`;
  }

  override begin(fiber: Fiber): boolean {
    if (this.limit <= 0 || this.target.isAlive()) return super.begin(fiber);
    this.unreachable("gone");
    return true;
  }

  protected override accept(answer: number, reader: OperationReader): void {
    if (answer === Answer.DONE) return this.done(reader);
    if (answer === Answer.FAILED) return this.settleError(reader.value());
    if (answer === Answer.DROPPED) return this.dropped();
    if (answer === Answer.ENDED) {
      this.target.hasEnded();
      return this.unreachable("gone");
    }
    this.refused();
  }

  protected override tooLarge(): void {
    this.refused();
  }

  protected abstract done(reader: OperationReader): void;
  protected abstract dropped(): void;
  protected abstract refused(): void;
}

/** The operation of `deliver`. */
export class RemoteDeliver extends RemoteRequest<number> {
  static readonly KIND: number = Kind.DELIVER;
  readonly label = "deliver";

  protected override done(): void {
    this.settle(1);
  }

  protected override dropped(): void {
    this.settle(0);
  }

  protected override refused(): void {
    this.settle(-1);
  }

  protected override unreachable(): void {
    this.settle(-1);
  }

  override timedOut(): void {
    this.give(0);
  }
}

/** The operation of `ask`. */
export class RemoteAsk<T> extends RemoteRequest<T> {
  static readonly KIND: number = Kind.ASK;
  readonly label = "ask";

  override get waitsFor(): string {
    return `a reply of ${this.target}`;
  }

  protected override done(reader: OperationReader): void {
    this.settle(reader.value());
  }

  protected override dropped(): void {
    this.noReply("a mailbox was full");
  }

  protected override refused(): void {
    this.noReply("its peer has refused the message");
  }

  protected override unreachable(reason: LossReason): void {
    if (reason === "gone") this.noReply("it has ended");
    else this.settleError(new PeerLostError(this.target.peer.location, reason));
  }

  private noReply(reason: string): void {
    this.settleError(withoutStack(new NoReplyError(`${this.target} did not reply as ${reason}`, this.target)));
  }

  override timedOut(): void {
    this.fail(new TimeoutError(`${this.target} did not reply in time`));
  }
}
