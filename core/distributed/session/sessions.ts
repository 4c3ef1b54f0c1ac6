/**
 * The sessions of one joining: which link serves which session, and when a session starts.
 *
 * # Starting
 *
 * The acceptor only *offers* a session. The dialer starts it when it takes the WELCOME; the acceptor when the dialer's
 * next frame has come, or when a later handshake shows that the dialer has started it, in either direction. So a
 * WELCOME that is lost leaves no half-made session. Numbers are never used again: each joining counts its offers, and
 * the offers of the lower id are even, those of the higher odd.
 *
 * In a PROOF the dialer names its session and its own offers. The acceptor resumes the one that both know: the dialer's
 * session if it is the acceptor's too or was offered by it, else the acceptor's session if it was offered by the dialer.
 * If they have none in common, a new one is offered, and starting it ends the old ones on both sides: losing is mutual.
 *
 * # Crossing
 *
 * When both dial, the link of the lower id stays. The lower id refuses the other's PROOF while its own handshake is
 * under way, and the higher id drops its own when the other's PROOF comes, or sends no PROOF if it came before. Handshakes that are older than one that has
 * succeeded are dropped: their next frame may still be on its way. So both sides choose the same link.
 */
import { type CloseReason, Connection, type ConnectionOwner, MAX_FRAME, type Wire } from "./connection.ts";
import type { Hmac, LinkSecurity, RandomBytes } from "./cryptography.ts";
import { type DialOutcome, outcomeOf } from "./dial_outcome.ts";
import type { DialerStep } from "./dialer.ts";
import { MAX_HANDSHAKE_FRAME } from "./frame.ts";
import type { HandshakeContext } from "./handshake_context.ts";
import {
  type Claim,
  type Hello,
  MAX_INTRODUCTION,
  NONCE_BYTES,
  Refusal,
  type VersionRange,
  type Welcome,
} from "./handshake_frames.ts";
import { PeerId } from "./peer_id.ts";
import { PeerRecord } from "./peer_record.ts";
import { Session, type SessionLimits, type SessionOwner } from "./session.ts";
import type { EndReason } from "./session_frames.ts";

/** Connections that have not been authenticated, at the most. */
const MAX_UNAUTHENTICATED = 64;

/** Refusals that are counted. The others happen between peers that know the secret, and are as it should be. */
const FAULTS: readonly number[] = [Refusal.VERSION, Refusal.AUTHENTICATION, Refusal.FULL];

/** What a joining is, and its limits. */
export interface SessionsOptions extends SessionLimits {
  /** The id of this joining: 16 random bytes. */
  readonly id: Uint8Array;
  /** The name of the network. */
  readonly network: string;
  /** The versions that it speaks. */
  readonly versions: VersionRange;
  /** What it says of itself to peers that have proved themselves: 384 bytes at the most. */
  readonly introduction: Uint8Array;
  /** Seconds for a handshake. */
  readonly handshakeTimeout: number;
  /** How many sessions there may be. */
  readonly maxPeers: number;
  /** HMAC-SHA-256. */
  readonly hmac: Hmac;
  /** A source of random bytes. */
  readonly random: RandomBytes;
}

/** What is told to the network. The calls come from within `receive()`, `tick()` and the like. */
export interface SessionEvents {
  /** A session has been opened. It can be written to; it is connected in a moment. */
  opened(session: Session): void;
  /** An operation has arrived. Its bytes are valid during the call. */
  received(session: Session, operation: Uint8Array): void;
  /** The peer has received the next `count` operations: there is more room. */
  acknowledged(session: Session, count: number): void;
  /** An operation is larger than the peer takes, which was not known when it was enqueued. It has been removed. */
  refused(session: Session, ticket: number): void;
  /** A link serves the session, or none does any more: then both sides are to dial. */
  connectionChanged(session: Session): void;
  /** The session has ended; told once. Everything that waits for it is to be settled. */
  ended(session: Session, reason: EndReason): void;
  /** How a dial ended; told once. */
  dialed(connection: Connection, outcome: DialOutcome): void;
  /** `flush()` is to be called at the end of this turn, and `nextDeadline` may be earlier. */
  changed(): void;
}

/** See the head of this file. */
export class Sessions implements ConnectionOwner, SessionOwner {
  /** The id of this joining. */
  readonly id: PeerId;
  /** Handshakes that this side has refused as acceptor. */
  refusedHandshakes = 0;
  /** The time of the last call that said it. */
  now = -Infinity;
  private readonly options: SessionsOptions;
  private readonly events: SessionEvents;
  private readonly records: Map<string, PeerRecord> = new Map();
  private readonly handshakes: Set<Connection> = new Set();
  /** Accepted and not authenticated, oldest first. */
  private readonly unauthenticated: Set<Connection> = new Set();
  /** The peer that a dial is to find. */
  private readonly expected: Map<Connection, PeerId> = new Map();
  private readonly toFlush: Set<Session> = new Set();
  private offerCount = 0;
  private earliest = Infinity;
  private told = false;

  /** @throws {RangeError} If the id has not 16 bytes, or the introduction is too long. */
  constructor(options: SessionsOptions, events: SessionEvents) {
    this.id = new PeerId(options.id);
    const { length } = options.introduction;
    if (length > MAX_INTRODUCTION) {
      throw new RangeError(
        `Cannot introduce as ${MAX_INTRODUCTION} bytes are allowed: current value has ${length}, use a shorter name`,
      );
    }
    this.options = options;
    this.events = events;
  }

  /** When `tick()` is to be called, to be read after `flush()` and `tick()`. It may be earlier than needed, never later. */
  get nextDeadline(): number {
    return this.earliest;
  }

  /** The sessions that are connecting or open. */
  *[Symbol.iterator](): Generator<Session, void, unknown> {
    for (const { session } of this.records.values()) if (session !== null) yield session;
  }

  /** How many peers, handshakes and waiting writes are remembered. All are 0 some time after the last session ended. */
  get sizes(): { peers: number; handshakes: number; flushes: number } {
    return { peers: this.records.size, handshakes: this.handshakes.size, flushes: this.toFlush.size };
  }

  /** The session with a peer, if there is one. */
  sessionWith(id: PeerId): Session | null {
    return this.records.get(id.text)?.session ?? null;
  }

  /** The session with a peer, for what is to be sent to it: a new one waits to be opened. */
  connecting(id: PeerId, now: number): Session {
    this.advance(now);
    const record = this.recordOf(id);
    record.session ??= new Session(id, this.options, this, now);
    return record.session;
  }

  /** Takes a link that this side has dialed. `expected` is the peer that it is to find there, if that is known. */
  dial(wire: Wire, security: LinkSecurity, now: number, expected?: PeerId): Connection {
    const connection = this.open(wire, security, now, true);
    if (expected !== undefined) this.expected.set(connection, expected);
    return connection;
  }

  /** Takes a link that another has dialed. */
  accept(wire: Wire, security: LinkSecurity, now: number): Connection {
    const connection = this.open(wire, security, now, false);
    this.unauthenticated.add(connection);
    if (this.unauthenticated.size > MAX_UNAUTHENTICATED) {
      const [oldest] = this.unauthenticated;
      oldest.expire();
    }
    return connection;
  }

  /** Writes what the sessions have to write. To be called at the end of a turn in which `changed()` was told. */
  flush(now: number): void {
    this.advance(now);
    this.told = true;
    for (const session of this.toFlush) {
      this.toFlush.delete(session);
      session.flush(now);
      this.wantsTick(session.nextDeadline);
    }
    this.told = false;
  }

  /** Does what is due, and writes: peers are lost, signs of life and acks are written, handshakes are given up. */
  tick(now: number): void {
    this.advance(now);
    if (now >= this.earliest) {
      for (const connection of this.handshakes) if (now >= connection.deadline) connection.expire();
      for (const record of this.records.values()) record.session?.tick(now);
    }
    this.flush(now);
    if (now >= this.earliest) this.findEarliest();
  }

  /** The time has come, before anything else is told. */
  advance(now: number): void {
    this.now = now;
  }

  /** @internal The acceptor of a dial has said who it is. */
  acceptorKnown(connection: Connection, hello: Hello): Claim | null {
    const id = new PeerId(hello.id);
    const expected = this.expected.get(connection);
    // This side as an acceptor refuses itself: it is no HELLO of ours, or one that was sent back.
    if (id.equals(this.id)) return this.giveUp(connection, { kind: "impostor" });
    if (expected !== undefined && !id.equals(expected)) return this.giveUp(connection, { kind: "another peer", id });
    const record = this.recordOf(id);
    const { session } = record;
    if (session !== null && session.connected) return this.giveUp(connection, { kind: "connected", session });
    const isCrossed = record.dialing !== null || (record.isOffering && !record.keepsOwnDial);
    if (isCrossed) return this.giveUp(connection, { kind: "crossed" });
    record.dialing = connection;
    record.addHandshake(connection);
    connection.claimed = record.current;
    return {
      current: record.current,
      offered: record.offered,
      left: record.left,
      received: session?.received ?? 0,
      introduction: this.options.introduction,
    };
  }

  /** @internal The acceptor has offered a session, or resumes one. */
  welcomed(connection: Connection, welcome: Welcome): void {
    const record = this.recordFor(connection);
    const { number } = welcome;
    if (!record.knows(number) && !record.isNew(number, connection.claimed)) {
      return void this.giveUp(connection, { kind: "crossed" });
    }
    const session = this.serve(record, connection, number, welcome.received);
    this.events.dialed(connection, session === null ? { kind: "closed" } : { kind: "connected", session });
  }

  /** @internal The acceptor has refused. */
  refused(connection: Connection, refusal: DialerStep & { kind: "refused" }): void {
    if (refusal.code === Refusal.LEFT && refusal.proved) this.wasLeft(this.recordFor(connection), connection.claimed);
    const isImpostor = refusal.code === Refusal.SELF && !connection.hasReachedSelf;
    this.giveUp(
      connection,
      isImpostor ? { kind: "impostor" } : outcomeOf(refusal.code, this.options.versions, refusal.versions),
    );
  }

  /** @internal A dialer has said who it is. */
  dialerKnown(_connection: Connection, hello: Hello): number {
    if (!new PeerId(hello.id).equals(this.id)) return 0;
    for (const dial of this.handshakes) dial.ownHelloCame(hello);
    return Refusal.SELF;
  }

  /** @internal A dialer has been refused. */
  dialerRefused(connection: Connection, code: number): void {
    if (FAULTS.includes(code)) this.refusedHandshakes++;
    this.forgetConnection(connection);
  }

  /** @internal A dialer has proved itself. */
  dialerProved(connection: Connection, claim: Claim): void {
    this.unauthenticated.delete(connection);
    const record = this.recordFor(connection);
    if (claim.left !== 0 && claim.left === record.current) record.session!.end("left");
    const code = this.refusalFor(record, claim);
    if (code !== 0) {
      connection.refuse(code);
      return this.release(record);
    }
    if (record.dialing !== null) this.drop(record.dialing);
    record.addHandshake(connection);
    const number = record.commonNumber(claim) || this.newOffer(record, connection);
    const dialerReceived = claim.current === number ? claim.received : 0;
    connection.offer({ number, dialerReceived }, record.current === number ? record.session!.received : 0);
  }

  /** @internal The dialer has started or resumed what was offered. */
  confirmed(connection: Connection): Session | null {
    const record = this.recordFor(connection);
    const { number, dialerReceived } = connection.offered!;
    if (!record.knows(number)) return null;
    return this.serve(record, connection, number, dialerReceived);
  }

  /** @internal A link has gone. */
  closed(connection: Connection, reason: CloseReason): void {
    if (reason.kind === "malformed" && this.unauthenticated.has(connection)) this.refusedHandshakes++;
    if (connection.dialed && this.handshakes.has(connection)) this.giveUp(connection, reason);
    else this.forgetConnection(connection);
  }

  /** @internal */
  wantsFlush(session: Session): void {
    this.toFlush.add(session);
    this.tell();
  }

  /** @internal */
  wantsTick(deadline: number): void {
    if (deadline >= this.earliest) return;
    this.earliest = deadline;
    this.tell();
  }

  /** @internal */
  received(session: Session, operation: Uint8Array): void {
    this.events.received(session, operation);
  }

  /** @internal */
  acknowledged(session: Session, count: number): void {
    this.events.acknowledged(session, count);
  }

  /** @internal */
  refusedOperation(session: Session, ticket: number): void {
    this.events.refused(session, ticket);
  }

  /** @internal */
  connectionChanged(session: Session): void {
    this.events.connectionChanged(session);
  }

  /** @internal */
  ended(session: Session, reason: EndReason): void {
    const record = this.recordOf(session.peer);
    this.toFlush.delete(session);
    if (record.session === session) record.session = null;
    if (session.number !== 0) {
      record.clearOffers();
      if (reason === "left") record.left = session.number;
      record.keep(this.now + this.memory(session.peerTimeout));
    }
    this.release(record);
    this.events.ended(session, reason);
  }

  /** Why a dialer that has proved itself is refused; 0: it is not. */
  private refusalFor(record: PeerRecord, claim: Claim): number {
    if (record.dialing !== null && record.keepsOwnDial) return Refusal.CROSSING;
    if (record.hasLeft(claim)) return Refusal.LEFT;
    if (record.session === null && this.peerCount() >= this.options.maxPeers) return Refusal.FULL;
    return 0;
  }

  private newOffer(record: PeerRecord, connection: Connection): number {
    return record.addOffer(++this.offerCount, this.now + this.memory(connection.hello!.peerTimeout));
  }

  /** For how long the peer can still name a number in silence: until it has given up and its last handshake is over. */
  private memory(peerTimeout: number): number {
    const { heartbeat, handshakeTimeout } = this.options;
    return Math.max(peerTimeout, this.options.peerTimeout) + heartbeat + 2 * handshakeTimeout;
  }

  /** Has a link serve the session of this number, which begins if it is not the current one. */
  private serve(record: PeerRecord, connection: Connection, number: number, peerReceived: number): Session | null {
    if (number !== record.current) this.start(record, connection, number);
    const { session } = record;
    for (const older of record.olderHandshakes(connection)) this.drop(older);
    if (session !== null && session.number === number) {
      connection.serve(session);
      session.attach(connection, peerReceived, this.now);
    }
    this.endHandshake(connection, record);
    if (session?.connected) return session;
    // The network ended it when it was told.
    connection.close();
    return null;
  }

  private start(record: PeerRecord, connection: Connection, number: number): void {
    if (record.current !== 0) record.session!.end("lost");
    record.clearOffers();
    record.session ??= new Session(record.id, this.options, this, this.now);
    const { session } = record;
    session.start(number, connection.hello!, connection.introduction, this.now);
    this.events.opened(session);
  }

  /** The acceptor has left the session that was claimed, or one that was offered. */
  private wasLeft(record: PeerRecord, claimed: number): void {
    if (record.current !== claimed) return;
    record.clearOffers();
    if (claimed !== 0) record.session!.end("left");
  }

  /** Closes the connections whose handshakes are under way, as nobody will tick when they are due. */
  giveUpHandshakes(): void {
    for (const connection of [...this.handshakes]) connection.closed(this.now);
  }

  private open(wire: Wire, security: LinkSecurity, now: number, dialed: boolean): Connection {
    this.advance(now);
    const { handshakeTimeout, peerTimeout } = this.options;
    // A dialer gives up earlier: it can dial again several times before the peer is lost.
    const deadline = now + (dialed ? Math.min(handshakeTimeout, peerTimeout / 4) : handshakeTimeout);
    const context = this.contextFor(wire, security);
    const connection = new Connection(wire, context, this.options.hmac, this, { dialed, deadline });
    this.handshakes.add(connection);
    this.wantsTick(deadline);
    return connection;
  }

  private contextFor(wire: Wire, security: LinkSecurity): HandshakeContext {
    const { network, introduction, versions, maxMessage, peerTimeout, random } = this.options;
    const maxFrame = Math.min(Math.max(wire.maxFrame, MAX_HANDSHAKE_FRAME), MAX_FRAME);
    const hello: Hello = { versions, id: this.id.bytes, nonce: random(NONCE_BYTES), maxMessage, maxFrame, peerTimeout };
    return { hello, network, introduction, security };
  }

  /** Closes the connection of a dial that has failed, or is not needed. */
  private giveUp(connection: Connection, outcome: DialOutcome): null {
    connection.close();
    this.forgetConnection(connection);
    this.events.dialed(connection, outcome);
    return null;
  }

  private drop(connection: Connection): void {
    if (connection.dialed) return void this.giveUp(connection, { kind: "crossed" });
    connection.close();
    this.forgetConnection(connection);
  }

  private forgetConnection(connection: Connection): void {
    this.unauthenticated.delete(connection);
    if (connection.hello === null) this.endHandshake(connection, null);
    else this.endHandshake(connection, this.records.get(new PeerId(connection.hello.id).text) ?? null);
  }

  private endHandshake(connection: Connection, record: PeerRecord | null): void {
    this.handshakes.delete(connection);
    this.expected.delete(connection);
    if (record === null) return;
    record.removeHandshake(connection);
    this.release(record);
  }

  /** The record of a peer that has said who it is. */
  private recordFor(connection: Connection): PeerRecord {
    return this.recordOf(new PeerId(connection.hello!.id));
  }

  private recordOf(id: PeerId): PeerRecord {
    let record = this.records.get(id.text);
    if (record === undefined) this.records.set(id.text, record = new PeerRecord(this.id, id));
    return record;
  }

  /** A record may not be needed any more, now or later. Only `tick()` forgets it, as others may hold it at the moment. */
  private release(record: PeerRecord): void {
    this.wantsTick(Math.max(this.now, record.forgottenAt));
  }

  private peerCount(): number {
    let count = 0;
    for (const _ of this) count++;
    return count;
  }

  private findEarliest(): void {
    this.earliest = Infinity;
    for (const connection of this.handshakes) this.earliest = Math.min(this.earliest, connection.deadline);
    for (const record of this.records.values()) {
      if (this.now >= record.forgottenAt) this.records.delete(record.id.text);
      else this.earliest = Math.min(this.earliest, record.session?.nextDeadline ?? record.forgottenAt);
    }
  }

  private tell(): void {
    if (this.told) return;
    this.told = true;
    this.events.changed();
  }
}
