import type { Fiber } from "../../fiber/fiber.ts";
import { PeerWait } from "../../fiber/peer_wait.ts";
import type { LossReason, PeerLostError } from "../errors.ts";
import type { OperationReader } from "./operation_reader.ts";
import type { Peer } from "./peer.ts";
import type { PendingRequest, PreparedRequest } from "./requests.ts";

/** Sends a request that was written before, when there is room for it, and waits for its answer. */
export abstract class RequestWait<T> extends PeerWait<T> implements PendingRequest {
  protected readonly peer: Peer;
  readonly #request: PreparedRequest;
  #ticket = -1;
  #roomListener: (() => void) | null = null;

  constructor(peer: Peer, request: PreparedRequest, seconds: number) {
    super();
    this.peer = peer;
    this.#request = request;
    this.limit = seconds;
  }

  /** The number of the request. */
  protected get number(): number {
    return this.#request.number;
  }

  override begin(fiber: Fiber): boolean {
    if (this.limit <= 0) {
      this.timedOut();
      return true;
    }
    if (!this.peer.isReachable) {
      this.unreachable(this.peer.lastLoss ?? "lost");
      return true;
    }
    this.count(fiber);
    this.#sendWhenRoom();
    return false;
  }

  #sendWhenRoom(): void {
    const { peer } = this;
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
      this.tooLarge();
    });
  }

  override detach(): void {
    this.uncount();
    const { peer } = this;
    if (this.#roomListener !== null) peer.roomListeners.delete(this.#roomListener);
    this.#roomListener = null;
    if (this.#ticket < 0) return;
    peer.requests.remove(this.#request.number);
    if (!peer.withdraw(this.#ticket)) this.cancelRequest();
  }

  /** Tells the peer that what was asked for is not wanted any more. */
  protected cancelRequest(): void {
    this.peer.cancel(this.number);
  }

  /** The answer has come. */
  answered(reader: OperationReader): void {
    try {
      this.accept(reader.integer(), reader);
    } catch (error) {
      this.settleError(error);
    }
  }

  parted(error: PeerLostError): void {
    this.unreachable(error.reason);
  }

  /** Settles it with an answer of this kind. What it throws is the outcome. */
  protected abstract accept(answer: number, reader: OperationReader): void;
  /** Settles it: the peer does not take a request of this size. */
  protected abstract tooLarge(): void;
  /** Settles it: no answer will come. */
  protected abstract unreachable(reason: LossReason): void;
}
