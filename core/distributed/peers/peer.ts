import { type LossReason, PeerLostError } from "../errors.ts";
import type { Location } from "../location.ts";
import type { Session } from "../session/session.ts";
import type { OperationWriter } from "./operation_writer.ts";
import { Kind } from "./operation_kind.ts";
import { type PreparedRequest, Requests } from "./requests.ts";

/** What a peer needs of all peers. */
export interface PeerOwner {
  /** Whether the network has not been left. */
  readonly isOpen: boolean;
  /** Writes operations. */
  readonly writer: OperationWriter;
  /** The bytes of the longest message that this side takes. */
  readonly maxMessage: number;
  /** The session with a peer, for what is to be sent to it: a new one waits to be opened, and the peer is dialed. */
  sessionFor(peer: Peer): Session;
}

/** Waits for room in the queue to a peer, or for everything to be acknowledged. Called when something was, or at the end. */
export type RoomListener = () => void;

/**
 * Another joining of the network: what is sent to it, and what is asked.
 *
 * It lives as long as something refers to it. Its session comes and goes: when one ends, everything that waited for it is
 * settled, and what is sent afterwards waits for a new one.
 */
export class Peer {
  /** Which joining it is. */
  location: Location;
  /** The session with it, connecting or open. */
  session: Session | null = null;
  /** The requests of both sides that have not been answered. */
  readonly requests: Requests = new Requests();
  /** Why the last session ended; `null` if there was none, or while there is one that was opened. */
  lastLoss: LossReason | null = null;
  /** Called once when there may be room. Each adds itself again if there is not enough. */
  readonly roomListeners: Set<RoomListener> = new Set();
  private readonly owner: PeerOwner;
  /** What to call if an operation turns out to be too large, by ticket; while the peer's limit is not known. */
  private readonly oversized: Map<number, () => void> = new Map();

  constructor(location: Location, owner: PeerOwner) {
    this.location = location;
    this.owner = owner;
  }

  /** Whether there is a session that was opened and has not ended. */
  get isOnline(): boolean {
    return this.session !== null && this.session.state === "open";
  }

  /** Whether what is sent may arrive: there is a session, or it has never been lost, or has not left for good. */
  get isReachable(): boolean {
    return this.owner.isOpen && (this.session !== null || this.lastLoss === null);
  }

  /** The bytes of the longest message that both sides take, as far as is known. */
  get maxMessage(): number {
    return Math.min(this.owner.maxMessage, this.session?.maxMessage ?? Infinity);
  }

  /** Whether an operation of so many bytes may be queued. If nothing is queued, any may. */
  hasRoom(bytes: number): boolean {
    return this.session === null || this.session.hasRoom(bytes);
  }

  /** Writes a request, to be sent later: `write` writes what follows its number. */
  prepare(kind: number, write: (writer: OperationWriter) => void): PreparedRequest {
    const number = this.requests.reserve();
    const { writer } = this.owner;
    write(writer.begin(kind).integer(number));
    const { messageBytes } = writer;
    return { operation: writer.take(), messageBytes, number };
  }

  /**
   * Sends the operation that has been written.
   *
   * @returns Its ticket, for {@linkcode Peer.withdraw}.
   */
  post(writer: OperationWriter): number {
    const { messageBytes } = writer;
    return this.postBytes(writer.take(), messageBytes);
  }

  /** Sends an operation, which belongs to the session from now on, as {@linkcode Peer.post} does. */
  postBytes(operation: Uint8Array, messageBytes: number): number {
    return this.owner.sessionFor(this).enqueue(operation, messageBytes);
  }

  /**
   * Sends the operation that has been written when nothing else is to be sent: messages go before it. It has no part in
   * `maxQueue`. The peer is online.
   */
  postBackground(writer: OperationWriter): void {
    this.session!.enqueueBackground(writer.take());
  }

  /** Removes an operation that has not been written to a link. Returns whether it was removed. */
  withdraw(ticket: number): boolean {
    return this.session !== null && this.session.withdraw(ticket);
  }

  /** Does not want the answer to a request any more that was written. */
  cancel(number: number): void {
    if (this.session !== null) this.post(this.owner.writer.begin(Kind.CANCEL).integer(number));
  }

  /** Has `listener` called if the operation of a ticket is larger than the peer takes, which may not be known yet. */
  whenTooLarge(ticket: number, listener: () => void): void {
    if (!this.isOnline) this.oversized.set(ticket, listener);
  }

  /** @internal An operation that waited for the session was larger than the peer takes. */
  tooLarge(ticket: number): void {
    this.oversized.get(ticket)?.();
  }

  /** @internal A session has been opened. */
  open(session: Session): void {
    this.session = session;
    this.lastLoss = null;
    this.oversized.clear();
  }

  /** @internal The session has ended: settles what waited for it. */
  part(reason: LossReason): void {
    this.session = null;
    this.lastLoss = reason;
    this.oversized.clear();
    if (!this.requests.isEmpty) this.requests.part(new PeerLostError(this.location, reason));
    this.roomMade();
  }

  /** @internal Something was acknowledged or withdrawn. */
  roomMade(): void {
    if (this.roomListeners.size === 0) return;
    const listeners = [...this.roomListeners];
    this.roomListeners.clear();
    for (const listener of listeners) listener();
  }

  /** Its location. */
  toString(): string {
    return String(this.location);
  }
}
