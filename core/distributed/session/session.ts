/**
 * A session: what two joinings have sent to each other and not yet acknowledged. It survives its links.
 *
 * # Types, from the bottom
 *
 *     frame, frame_splitter, frame_seal     bytes of a link <-> frames
 *     dialer, acceptor, transcript          a handshake as two state machines
 *     send_side, receive_side               operations <-> sequence numbers
 *     session                               one peer: both sides, liveness, the end
 *     connection                            one link: splitter, handshake, seals, then the frames of a session
 *     sessions                              all of one joining: which link serves which session
 *
 * # Who calls
 *
 * The network holds one `Sessions`, and a simulation holds one for each of its peers. It calls `dial()` or `accept()`
 * with each link that has opened, and passes on what the link reports to the `Connection` that it gets: `receive()`,
 * `drained()`, `closed()`. It calls `enqueue()` and `withdraw()` on sessions. At the end of a turn it calls
 * `sessions.flush(now)`, and `sessions.tick(now)` when `sessions.nextDeadline` has come. What happens is told to
 * `SessionEvents`. The network dials again when a session is not connected, keeps the waits of its operations, and ends
 * them when the session has ended.
 *
 * Nothing here reads a clock, uses a socket, waits, or makes random numbers: time is an argument, in seconds, and never
 * goes back. What is marked as internal is for the files of this folder.
 *
 * # Transitions
 *
 *     connecting --start()--> open --end()--> ended
 *          +-------------------------end()------^
 *
 * `connecting`: somebody wants to send and there is no session yet. Operations queue up; none has a sequence number.
 * `open`: there is a number that both sides know, or will when they meet. Within it, `attach()` and `detach()` come and
 * go with links: whenever a link is attached, what the peer has not received is sent again.
 * `ended`: `left` by a goodbye, or `lost` when the peer was not heard for `peerTimeout`, or when a link that tells of the
 * end of its peer has told so (`liveness.ts`). It happens once and is final;
 * what is still queued will not be sent, and the peer may or may not have received what it has not acknowledged. The
 * same peer is met again in a new `Session`.
 *
 * # Invariants
 *
 * 1. Within a session, each operation is received once and in order; a prefix of what was sent has been received.
 * 2. An operation is acknowledged only after it was received.
 * 3. Losing is mutual: a session that has ended on one side ends on the other when they meet, or by its own timer.
 * 4. At most one link serves a session at a time.
 */
import {
  type Bye,
  decodeBye,
  decodeData,
  decodePart,
  decodePing,
  encodeBye,
  encodePing,
  type EndReason,
  type Ping,
} from "./session_frames.ts";
import { Kind, kindOf, MalformedFrameError } from "./frame.ts";
import type { Hello } from "./handshake_frames.ts";
import { Liveness } from "./liveness.ts";
import { ReceiveSide } from "./receive_side.ts";
import { SendSide } from "./send_side.ts";
import { OversizeCheck } from "./oversize_check.ts";
import type { PeerId } from "./peer_id.ts";

/** What an operation may have beside the message in it. */
export const OPERATION_OVERHEAD = 64 * 1024;
/** No more is written to a link that has this many bytes queued, until it has drained. */
export const LINK_QUEUE = 1024 * 1024;
/** The same for what is in the background: what others send meanwhile waits behind no more than this. */
export const BACKGROUND_LINK_QUEUE = 512 * 1024;
/** After this many bytes an ack is written in the same turn. */
const ACK_BYTES = 64 * 1024;

/** A link as a session sees it. */
export interface SessionLink {
  /** The bytes of the longest frame that both sides take. */
  readonly maxFrame: number;
  /** The bytes that a seal takes at the end of each frame. */
  readonly sealBytes: number;
  /** The bytes that wait in the link. */
  readonly queued: number;
  /** Whether silence is no loss. */
  readonly lasting: boolean;
  /** Seals and writes a frame. */
  writeFrame(frame: Uint8Array): void;
  /** Closes the link. It reports nothing more. */
  close(): void;
}

/** What a session needs to know of the side that it is on. */
export interface SessionLimits {
  /** Seconds of silence after which a sign of life is written. */
  readonly heartbeat: number;
  /** Seconds after the last frame of the peer at which the peer is lost. */
  readonly peerTimeout: number;
  /** Seconds that a session waits to be opened. */
  readonly connectTimeout: number;
  /** The bytes of the longest message that this side takes. */
  readonly maxMessage: number;
  /** The bytes that may be queued in a session. */
  readonly maxQueue: number;
}

/** What holds a session, and is told what happens to it. */
export interface SessionOwner {
  /** The time. */
  readonly now: number;
  /** `flush()` is to be called at the end of the turn. */
  wantsFlush(session: Session): void;
  /** `tick()` is to be called at this time. */
  wantsTick(deadline: number): void;
  /** An operation has arrived. Its bytes are valid during the call. */
  received(session: Session, operation: Uint8Array): void;
  /** The peer has received the next `count` operations, in the order in which they were sent. */
  acknowledged(session: Session, count: number): void;
  /** An operation that was enqueued before the peer's limit was known is larger than that. It has been removed. */
  refusedOperation(session: Session, ticket: number): void;
  /** A link has been attached or has gone. */
  connectionChanged(session: Session): void;
  /** The session has ended. Called once. */
  ended(session: Session, reason: EndReason): void;
}

/** See the head of this file. */
export class Session {
  /** The joining on the other side. */
  declare readonly peer: PeerId;
  /** How far it is. */
  declare private phase: "connecting" | "open" | "ended";
  declare private sessionNumber: number;
  declare private readonly limits: SessionLimits;
  declare private readonly owner: SessionOwner;
  declare private readonly sending: SendSide;
  declare private readonly receiving: ReceiveSide;
  declare private readonly liveness: Liveness;
  declare private readonly oversize: OversizeCheck;
  declare private link: SessionLink | null;
  declare private peerHello: Hello | null;
  declare private peerIntroduction: Uint8Array;
  /** A PING is to be written at the next flush, if no other frame is. */
  declare private pingDue: boolean;

  /** Creates a session that is `connecting`. */
  constructor(peer: PeerId, limits: SessionLimits, owner: SessionOwner, now: number) {
    this.peer = peer;
    this.phase = "connecting";
    this.sessionNumber = 0;
    this.limits = limits;
    this.owner = owner;
    this.sending = new SendSide();
    this.receiving = new ReceiveSide(limits.maxMessage + OPERATION_OVERHEAD);
    this.liveness = new Liveness(now + limits.connectTimeout);
    this.oversize = new OversizeCheck();
    this.link = null;
    this.peerHello = null;
    this.peerIntroduction = new Uint8Array(0);
    this.pingDue = false;
    owner.wantsTick(this.liveness.lostAt);
  }

  /** `"connecting"`, `"open"` or `"ended"`. */
  get state(): "connecting" | "open" | "ended" {
    return this.phase;
  }

  /** The number that both sides know the session by; 0 before it is open. */
  get number(): number {
    return this.sessionNumber;
  }

  /** Whether a link serves it now. */
  get connected(): boolean {
    return this.link !== null;
  }

  /** What the peer says of itself. Empty before the session is open. */
  get introduction(): Uint8Array {
    return this.peerIntroduction;
  }

  /** The bytes of the longest message that the peer takes; `Infinity` before the session is open. */
  get maxMessage(): number {
    return this.peerHello?.maxMessage ?? Infinity;
  }

  /** Seconds after which the peer gives up; 0 before the session is open. */
  get peerTimeout(): number {
    return this.peerHello?.peerTimeout ?? 0;
  }

  /** The bytes that are not acknowledged, sent or not, in the background or not. */
  get queuedBytes(): number {
    return this.sending.queuedBytes;
  }

  /** Whether everything that was enqueued has been acknowledged or withdrawn. */
  get settled(): boolean {
    return this.sending.acknowledged === this.sending.assigned && !this.sending.hasMore;
  }

  /** The sequence number up to which the peer's operations have been received. */
  get received(): number {
    return this.receiving.received;
  }

  /** How many operations were sent, received, sent again, and dropped as received before. */
  get counts(): { sent: number; received: number; resent: number; duplicates: number } {
    const { resent } = this.sending;
    const { received, duplicates } = this.receiving;
    return { sent: this.sending.assigned, received, resent, duplicates };
  }

  /** When `tick()` is to be called next. */
  get nextDeadline(): number {
    if (this.phase === "ended") return Infinity;
    return this.link === null ? this.liveness.lostAt : this.liveness.nextDeadline;
  }

  /** Whether so many bytes more may be queued. If nothing is queued, any number may. The background does not count. */
  hasRoom(bytes: number): boolean {
    const queued = this.sending.queuedBytes - this.sending.backgroundBytes;
    return queued === 0 || queued + bytes <= this.limits.maxQueue;
  }

  /**
   * Adds an operation, which belongs to the session from now on.
   *
   * @param operation Its bytes.
   * @param messageBytes The bytes of the message in it, which the peer's limit counts.
   * @returns Its ticket, for `withdraw()`.
   * @throws {Error} If the session has ended.
   */
  enqueue(operation: Uint8Array, messageBytes: number = operation.length): number {
    if (this.phase === "ended") throw new Error("Cannot enqueue as the session has ended: use a new one");
    const ticket = this.sending.enqueue(operation);
    if (this.peerHello === null) this.oversize.add(ticket, messageBytes);
    this.owner.wantsFlush(this);
    return ticket;
  }

  /**
   * Adds an operation that is written when nothing else is to be, after those that were added so before. The
   * caller limits how many bytes there are. The session is open.
   */
  enqueueBackground(operation: Uint8Array): void {
    this.sending.enqueueBackground(operation);
    this.owner.wantsFlush(this);
  }

  /** Removes an operation that has not been written. Returns whether it was removed. */
  withdraw(ticket: number): boolean {
    return this.sending.withdraw(ticket);
  }

  /** Says goodbye, after what can be sent. Both sides see `left`. */
  leave(now: number): void {
    this.flush(now);
    this.sayGoodbye("left");
    this.end("left");
  }

  /** Gives the peer up. */
  lose(): void {
    this.sayGoodbye("lost");
    this.end("lost");
  }

  /** @internal Opens the session: both sides know its number, or will when they meet. */
  start(number: number, hello: Hello, introduction: Uint8Array, now: number): void {
    this.phase = "open";
    this.sessionNumber = number;
    this.peerHello = hello;
    this.peerIntroduction = introduction;
    const interval = Math.min(this.limits.heartbeat, hello.peerTimeout / 3);
    this.liveness.open(now, interval, this.limits.peerTimeout);
    for (const ticket of this.oversize.tooLarge(hello.maxMessage)) {
      if (this.sending.withdraw(ticket)) this.owner.refusedOperation(this, ticket);
    }
  }

  /**
   * @internal A link serves the session from now on, in place of the one before.
   *
   * @param received Up to where the peer has received, as it has just said. It may have received more since.
   * @throws {MalformedFrameError} If the peer cannot have received so much.
   */
  attach(link: SessionLink, received: number, now: number): void {
    this.takeAck(received);
    if (this.phase === "ended") return;
    const before = this.link;
    this.link = link;
    before?.close();
    this.sending.resume();
    this.receiving.resume();
    this.liveness.linked(now, link.lasting);
    this.liveness.wrote(now);
    // The dialer's next frame confirms the session, so there must be one. It costs the acceptor no more than an ack.
    this.wantPing();
    this.owner.wantsTick(this.nextDeadline);
    this.owner.connectionChanged(this);
  }

  /** @internal A link has gone. */
  detach(link: SessionLink): void {
    if (this.link !== link) return;
    this.link = null;
    this.liveness.unlinked(this.owner.now);
    this.owner.wantsTick(this.nextDeadline);
    this.owner.connectionChanged(this);
  }

  /**
   * @internal Takes a frame of the peer, without its seal.
   *
   * @throws {MalformedFrameError} If it is not a frame of a session.
   */
  takeFrame(frame: Uint8Array, now: number): void {
    const kind = kindOf(frame);
    if (kind === Kind.DATA) this.takeData(frame, now);
    else if (kind === Kind.PART) this.takePart(frame, now);
    else if (kind === Kind.PING) this.takePing(decodePing(frame), now);
    else if (kind === Kind.BYE) this.takeBye(decodeBye(frame));
    else throw new MalformedFrameError(`Frame of kind ${kind} in a session`);
    this.liveness.heard(now);
    this.afterFrame(now);
  }

  /** @internal Writes what there is to write: once a turn, at its end. */
  flush(now: number): void {
    const { link, sending } = this;
    if (link === null) return;
    let wrote = false;
    while (this.link === link && sending.hasMore && link.queued < this.linkQueue) {
      link.writeFrame(sending.nextFrame(link.maxFrame, link.sealBytes, this.received));
      wrote = true;
    }
    if (this.link === link && (this.receiving.asksResend || (this.pingDue && !wrote))) {
      this.writePing(link);
      wrote = true;
    }
    if (wrote) this.afterWrite(now);
  }

  /** @internal The link has room again. */
  drained(): void {
    if (this.sending.hasMore) this.owner.wantsFlush(this);
  }

  /** @internal Does what is due at this time. */
  tick(now: number): void {
    if (this.phase === "ended") return;
    if (now >= this.liveness.lostAt) this.lose();
    else if (this.link !== null && now >= this.liveness.nextDeadline) this.wantPing();
  }

  /** Writes a frame of any kind and body into the link, for tests of what a peer may do. */
  forge(kindAndBody: Uint8Array): void {
    const { link } = this;
    if (link === null) return;
    const frame = new Uint8Array(4 + kindAndBody.length + link.sealBytes);
    new DataView(frame.buffer).setUint32(0, frame.length - 4);
    frame.set(kindAndBody, 4);
    link.writeFrame(frame);
  }

  /** @internal Ends the session. Nothing happens in it any more. */
  end(reason: EndReason): void {
    if (this.phase === "ended") return;
    this.phase = "ended";
    const { link } = this;
    this.link = null;
    link?.close();
    this.sending.clear();
    this.receiving.resume();
    this.oversize.clear();
    this.owner.ended(this, reason);
  }

  private takeData(frame: Uint8Array, now: number): void {
    const data = decodeData(frame);
    this.takeAck(data.ack);
    if (this.phase === "open") this.receiving.takeData(data, now, this.deliver);
  }

  private takePart(frame: Uint8Array, now: number): void {
    const part = decodePart(frame);
    this.takeAck(part.ack);
    if (this.phase === "open") this.receiving.takePart(part, now, this.deliver);
  }

  private takePing(ping: Ping, now: number): void {
    this.takeAck(ping.ack);
    // A question that was overtaken by a later ack is answered from its beginning.
    if (ping.resend) this.sending.resume(ping.ack === this.sending.acknowledged ? ping.assembled : 0);
    this.receiving.checkTail(ping.last, now);
    if (this.sending.hasMore) this.owner.wantsFlush(this);
  }

  private takeBye(bye: Bye): void {
    this.takeAck(bye.ack);
    this.end(bye.reason);
  }

  private takeAck(ack: number): void {
    const count = this.sending.acknowledge(ack);
    if (count > 0) this.owner.acknowledged(this, count);
  }

  private readonly deliver = (operation: Uint8Array): boolean => {
    this.owner.received(this, operation);
    return this.phase === "open";
  };

  /** Asks for what is due after a frame: a question for a resend, or an ack, now or in a little while. */
  private afterFrame(now: number): void {
    const { receiving } = this;
    if (this.phase === "ended") return;
    if (receiving.asksResend) this.owner.wantsFlush(this);
    if (!receiving.owesAck) return;
    if (receiving.unacknowledgedBytes >= ACK_BYTES) this.wantPing();
    else if (this.liveness.owesAck(now)) this.owner.wantsTick(this.liveness.nextDeadline);
  }

  private get linkQueue(): number {
    return this.sending.hasOnlyBackground ? BACKGROUND_LINK_QUEUE : LINK_QUEUE;
  }

  private afterWrite(now: number): void {
    this.pingDue = false;
    this.receiving.acknowledged();
    this.liveness.wrote(now);
  }

  private wantPing(): void {
    this.pingDue = true;
    this.owner.wantsFlush(this);
  }

  private writePing(link: SessionLink): void {
    const { asksResend: resend, received: ack, assembled } = this.receiving;
    this.receiving.asksResend = false;
    link.writeFrame(encodePing({ last: this.sending.lastWritten, ack, resend, assembled }, link.sealBytes));
  }

  private sayGoodbye(reason: EndReason): void {
    const { link } = this;
    if (link !== null) link.writeFrame(encodeBye({ ack: this.received, reason }, link.sealBytes));
  }
}
