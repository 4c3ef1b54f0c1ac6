/**
 * One link, from its opening to its end: a handshake, then the frames of the session that it serves.
 *
 *     handshake --WELCOME taken-----------------------> serving --> closed      the dialer
 *     handshake --WELCOME written--> offered --frame--> serving --> closed      the acceptor
 *
 * `offered`: the dialer has proved itself and may start the session, or resume it. Its next frame says that it has.
 *
 * Invariants: before the other side has been authenticated, no frame above 512 bytes is kept and no operation is read.
 * Malformed bytes close the link and nothing else. Once closed, nothing that the link still brings has any effect.
 */
import { Acceptor, type AcceptorStep } from "./acceptor.ts";
import type { Hmac } from "./cryptography.ts";
import { Dialer, type DialerStep } from "./dialer.ts";
import { Kind, kindOf, MalformedFrameError } from "./frame.ts";
import { FrameOpener, FrameSealer, SEAL_BYTES } from "./frame_seal.ts";
import { FrameSplitter } from "./frame_splitter.ts";
import type { HandshakeContext } from "./handshake_context.ts";
import type { Claim, Hello, Welcome } from "./handshake_frames.ts";
import type { Session, SessionLink } from "./session.ts";
import type { FrameKeys } from "./transcript.ts";

/** No frame is longer than this, whatever the link takes. */
export const MAX_FRAME = 1024 * 1024;

/**
 * A link of an engine, open. It may lose what is written, but keeps the order. What was written before `close()` is
 * still sent. It calls nobody from within `write()` or `close()`.
 */
export interface Wire {
  /** The bytes that one write may have. */
  readonly maxFrame: number;
  /** The bytes that were written and have not been sent. */
  readonly queued: number;
  /** Whether it loses nothing, and reports the end of the peer: then silence is no loss. */
  readonly lasting?: boolean;
  /** Writes a whole frame, which belongs to the link from now on. */
  write(frame: Uint8Array): void;
  /** Closes it. */
  close(): void;
}

/** How a connection ended: a side or the engine closed it, the handshake took too long, malformed bytes came. */
export type CloseReason =
  | { readonly kind: "closed" }
  | { readonly kind: "timeout" }
  | { readonly kind: "malformed"; readonly error: MalformedFrameError };

/** What decides on a connection: it knows the sessions. It closes the connection if it does not want it. */
export interface ConnectionOwner {
  /** The time, before anything else is told. */
  advance(now: number): void;
  /** The acceptor has said who it is. Returns what to claim; `null` if the connection has been closed. */
  acceptorKnown(connection: Connection, hello: Hello): Claim | null;
  /** The acceptor welcomes this side. */
  welcomed(connection: Connection, welcome: Welcome): void;
  /** The acceptor refuses this side. The connection has been closed. */
  refused(connection: Connection, refusal: DialerStep & { kind: "refused" }): void;
  /** A dialer has said who it is. Returns the code to refuse it with; 0: go on. */
  dialerKnown(connection: Connection, hello: Hello): number;
  /** A dialer has been refused with this code, and the connection closed. */
  dialerRefused(connection: Connection, code: number): void;
  /** A dialer has proved itself: the owner calls `offer()` or `refuse()`. */
  dialerProved(connection: Connection, claim: Claim): void;
  /** The dialer has started or resumed what was offered. Returns the session; `null` if it does not exist any more. */
  confirmed(connection: Connection): Session | null;
  /** The connection has been closed, other than by its session or its owner. */
  closed(connection: Connection, reason: CloseReason): void;
}

/** What is offered to a dialer. */
export interface Offer {
  /** The number of the session. */
  readonly number: number;
  /** Up to where the dialer has received in it. */
  readonly dialerReceived: number;
}

/** See the head of this file. */
export class Connection implements SessionLink {
  /** Whether this side has dialed. */
  readonly dialed: boolean;
  /** When the handshake is given up. */
  readonly deadline: number;
  /** What the other side says of itself, from its HELLO on. It holds once the handshake is over. */
  hello: Hello | null = null;
  /** @internal The number of the session that this side had when it sent its PROOF. */
  claimed = 0;
  /** @internal Whether this side has accepted the link that it has dialed. */
  hasReachedSelf = false;
  /** @internal What this side has offered as acceptor. */
  offered: Offer | null = null;
  private phase: "handshake" | "offered" | "serving" | "closed" = "handshake";
  private session: Session | null = null;
  private sealer: FrameSealer | null = null;
  private opener: FrameOpener | null = null;
  private peerIntroduction: Uint8Array = new Uint8Array(0);
  private readonly wire: Wire;
  private readonly owner: ConnectionOwner;
  private readonly context: HandshakeContext;
  private readonly hmac: Hmac;
  private readonly splitter: FrameSplitter = new FrameSplitter();
  private readonly dialer: Dialer | null;
  private readonly acceptor: Acceptor | null;

  constructor(
    wire: Wire,
    context: HandshakeContext,
    hmac: Hmac,
    owner: ConnectionOwner,
    { dialed, deadline }: { dialed: boolean; deadline: number },
  ) {
    this.wire = wire;
    this.context = context;
    this.hmac = hmac;
    this.owner = owner;
    this.dialed = dialed;
    this.deadline = deadline;
    this.dialer = dialed ? new Dialer(context) : null;
    this.acceptor = dialed ? null : new Acceptor(context);
    if (this.dialer !== null) wire.write(this.dialer.hello());
  }

  /** Whether it has been closed, by any side. */
  get isClosed(): boolean {
    return this.phase === "closed";
  }

  /** What the other side says of itself, once it has proved itself. */
  get introduction(): Uint8Array {
    return this.peerIntroduction;
  }

  /** The bytes of the longest frame that both sides take. */
  get maxFrame(): number {
    return Math.min(this.context.hello.maxFrame, this.hello!.maxFrame);
  }

  /** The bytes that a seal takes. */
  get sealBytes(): number {
    return this.sealer === null ? 0 : SEAL_BYTES;
  }

  /** The bytes that wait in the link. */
  get queued(): number {
    return this.wire.queued;
  }

  /** Whether silence is no loss. */
  get lasting(): boolean {
    return this.wire.lasting === true;
  }

  /** The link has brought bytes: frames, or parts of them, in order. */
  receive(bytes: Uint8Array, now: number): void {
    if (this.phase === "closed") return;
    this.owner.advance(now);
    try {
      this.splitter.push(bytes, (frame) => this.takeFrame(frame, now));
    } catch (error) {
      if (!(error instanceof MalformedFrameError)) throw error;
      this.fail({ kind: "malformed", error });
    }
  }

  /** The link has room again. */
  drained(): void {
    this.session?.drained();
  }

  /**
   * The link has been closed by the engine or the other side, or this side wants no connection any more. `peerEnded`: the
   * peer will not be heard again.
   */
  closed(now: number, peerEnded = false): void {
    const { session } = this;
    this.owner.advance(now);
    this.fail({ kind: "closed" });
    if (peerEnded) session?.lose();
  }

  /** @internal Gives up a handshake that has taken too long. */
  expire(): void {
    this.fail({ kind: "timeout" });
  }

  /** @internal This side has accepted a link whose dialer has said this, with the id of this side. */
  ownHelloCame({ nonce }: Hello): void {
    if (this.dialed && this.context.hello.nonce.every((byte, i) => byte === nonce[i])) this.hasReachedSelf = true;
  }

  /** @internal Seals and writes a frame of the session. */
  writeFrame(frame: Uint8Array): void {
    if (this.phase === "closed") return;
    this.sealer?.seal(frame);
    this.wire.write(frame);
  }

  /** @internal Closes the link. Nobody is told: only its session and its owner call this. */
  close(): void {
    if (this.phase === "closed") return;
    this.phase = "closed";
    this.session = null;
    this.splitter.stop();
    this.wire.close();
  }

  /** @internal Offers a session to the dialer, or to resume one. */
  offer(offer: Offer, received: number): void {
    const introduction = this.context.introduction;
    this.offered = offer;
    this.phase = "offered";
    this.wire.write(this.acceptor!.welcome({ number: offer.number, received, introduction }));
    this.setKeys(this.acceptor!.frameKeys());
  }

  /** @internal Refuses the dialer, with one of `Refusal`. */
  refuse(code: number): void {
    this.sendRefusal(code, this.acceptor!.refuse(code));
  }

  /** @internal The handshake is over: from now on the link serves a session. */
  serve(session: Session): void {
    this.phase = "serving";
    this.session = session;
  }

  private takeFrame(frame: Uint8Array, now: number): void {
    if (this.phase === "handshake") this.takeHandshakeFrame(frame);
    else this.takeSessionFrame(this.opener === null ? frame : this.opener.open(frame), now);
  }

  private takeSessionFrame(frame: Uint8Array, now: number): void {
    if (this.phase === "offered") this.confirm(frame);
    // A frame closes the link at times, and what comes after it must have no effect.
    this.session?.takeFrame(frame, now);
  }

  private confirm(frame: Uint8Array): void {
    const kind = kindOf(frame);
    if (kind < Kind.DATA || kind > Kind.BYE) throw new MalformedFrameError(`Frame of kind ${kind} after WELCOME`);
    if (this.owner.confirmed(this) === null) this.fail({ kind: "closed" });
  }

  private takeHandshakeFrame(frame: Uint8Array): void {
    if (this.dialer !== null) this.dialerStep(this.dialer, this.dialer.take(frame));
    else this.acceptorStep(this.acceptor!.take(frame));
  }

  private dialerStep(dialer: Dialer, step: DialerStep): void {
    if (step.kind === "known") {
      this.hello = step.hello;
      const claim = this.owner.acceptorKnown(this, step.hello);
      if (claim !== null) this.wire.write(dialer.prove(claim));
    } else if (step.kind === "welcome") {
      this.setKeys(dialer.frameKeys());
      this.peerIntroduction = step.welcome.introduction;
      this.owner.welcomed(this, step.welcome);
    } else {
      this.close();
      this.owner.refused(this, step);
    }
  }

  private acceptorStep(step: AcceptorStep): void {
    if (step.kind === "hello") {
      this.hello = step.hello;
      const code = this.owner.dialerKnown(this, step.hello);
      if (code === 0) this.wire.write(step.reply);
      else this.refuse(code);
    } else if (step.kind === "proof") {
      this.peerIntroduction = step.claim.introduction;
      this.owner.dialerProved(this, step.claim);
    } else {
      this.sendRefusal(step.code, step.reply);
    }
  }

  private sendRefusal(code: number, frame: Uint8Array): void {
    this.wire.write(frame);
    this.close();
    this.owner.dialerRefused(this, code);
  }

  private setKeys(keys: FrameKeys): void {
    this.splitter.limit = this.context.hello.maxFrame;
    if (!this.context.security.sealed) return;
    this.sealer = new FrameSealer(this.dialed ? keys.dialer : keys.acceptor, this.hmac);
    this.opener = new FrameOpener(this.dialed ? keys.acceptor : keys.dialer, this.hmac);
  }

  private fail(reason: CloseReason): void {
    if (this.phase === "closed") return;
    const { session } = this;
    this.close();
    session?.detach(this);
    this.owner.closed(this, reason);
  }
}
