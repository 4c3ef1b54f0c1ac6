/** Requests to coroutines of peers that wait for an answer: `deliver` and `ask`. */
import { TimeoutError } from "../../base/errors.ts";
import type { Fiber } from "../../fiber/fiber.ts";
import { HostWait } from "../../fiber/host_wait.ts";
import { PeerLostError } from "../errors.ts";
import { Kind } from "../peers/operation_kind.ts";
import type { OperationReader } from "../peers/operation_reader.ts";
import type { Peer } from "../peers/peer.ts";
import type { PendingRequest } from "../peers/requests.ts";

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
export interface RequestTarget {
  /** Its peer. */
  readonly peer: Peer;
  /** `false` once it is known to have ended. */
  isAlive(): boolean;
  /** It has refused a message as it has ended. */
  hasEnded(): void;
  /** How it reads in messages. */
  toString(): string;
}

/** A request that was written, with a copy of its message. */
export interface PreparedRequest {
  /** The operation. */
  readonly operation: Uint8Array;
  /** The bytes of the message in it. */
  readonly messageBytes: number;
  /** The number of the request. */
  readonly number: number;
}

/** Sends an operation that was written before, when there is room for it, and waits for its answer. */
abstract class RemoteRequest<T> extends HostWait<T> implements PendingRequest {
  protected readonly target: RequestTarget;
  readonly #request: PreparedRequest;
  #ticket = -1;
  #roomListener: (() => void) | null = null;

  constructor(target: RequestTarget, request: PreparedRequest, seconds: number) {
    super();
    this.target = target;
    this.#request = request;
    this.limit = seconds;
  }

  override get waitsFor(): string {
    return `an answer of ${this.target}`;
  }

  override begin(fiber: Fiber): boolean {
    const { target } = this;
    if (this.limit <= 0) {
      this.timedOut();
      return true;
    }
    if (!target.isAlive() || !target.peer.isReachable) {
      this.unreachable(target.isAlive() ? target.peer.lastLoss ?? "lost" : "gone");
      return true;
    }
    this.count(fiber);
    this.#sendWhenRoom();
    return false;
  }

  #sendWhenRoom(): void {
    const { peer } = this.target;
    const { operation, messageBytes, number } = this.#request;
    this.#roomListener = null;
    if (!peer.isReachable) return this.unreachable(peer.lastLoss ?? "lost");
    if (!peer.hasRoom(operation.length)) {
      this.#roomListener = () => this.#sendWhenRoom();
      peer.roomListeners.add(this.#roomListener);
      return;
    }
    peer.requests.register(number, this);
    this.#ticket = peer.postBytes(operation, messageBytes);
    peer.whenTooLarge(this.#ticket, () => {
      peer.requests.remove(number);
      this.refused();
    });
  }

  override detach(): void {
    this.uncount();
    const { peer } = this.target;
    if (this.#roomListener !== null) peer.roomListeners.delete(this.#roomListener);
    this.#roomListener = null;
    if (this.#ticket < 0) return;
    peer.requests.remove(this.#request.number);
    if (!peer.withdraw(this.#ticket)) peer.cancel(this.#request.number);
  }

  /** The answer has come, of one of the kinds above. */
  answered(reader: OperationReader): void {
    try {
      this.#take(reader.integer(), reader);
    } catch (error) {
      this.settleError(error);
    }
  }

  #take(answer: number, reader: OperationReader): void {
    if (answer === Answer.DONE) return this.done(reader);
    if (answer === Answer.FAILED) return this.settleError(reader.value());
    if (answer === Answer.DROPPED) return this.dropped();
    if (answer === Answer.ENDED) {
      this.target.hasEnded();
      return this.unreachable("gone");
    }
    this.refused();
  }

  parted(error: PeerLostError): void {
    this.unreachable(error.reason);
  }

  protected abstract done(reader: OperationReader): void;
  protected abstract dropped(): void;
  protected abstract refused(): void;
  protected abstract unreachable(reason: PeerLostError["reason"]): void;
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
    this.settleError(new Error(`${this.target} did not reply as a mailbox was full`));
  }

  protected override refused(): void {
    this.settleError(new Error(`${this.target} did not reply as its peer has refused the message`));
  }

  protected override unreachable(reason: PeerLostError["reason"]): void {
    this.settleError(new PeerLostError(this.target.peer.location, reason));
  }

  override timedOut(): void {
    this.fail(new TimeoutError(`${this.target} did not reply in time`));
  }
}
