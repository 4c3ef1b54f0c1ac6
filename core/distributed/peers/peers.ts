/**
 * The other joinings of a network, as one scheduler sees them: it drives their sessions, dials them, and passes what
 * arrives to the services.
 *
 * The sessions are written once a turn: whatever sends has asked for a turn by then, and everything that was ready before
 * has run. Links bring frames outside of coroutines.
 */
import type { Coro } from "../../coroutine/coro.ts";
import type { CoroLoop } from "../../coroutine/coro_loop.ts";
import { race } from "../../coroutine/race.ts";
import { ByteReader } from "../cbor/byte_reader.ts";
import { DecodeError } from "../cbor/decode_error.ts";
import { Decoder } from "../cbor/decoder.ts";
import type { Handles } from "../cbor/handles.ts";
import type { Engine, Link, LinkTrust } from "../engine.ts";
import { type LossReason, PeerEndedError, ProtocolError } from "../errors.ts";
import { Location } from "../location.ts";
import type { Connection } from "../session/connection.ts";
import type { LinkSecurity } from "../session/cryptography.ts";
import type { DialOutcome } from "../session/dial_outcome.ts";
import { PeerId } from "../session/peer_id.ts";
import type { Session } from "../session/session.ts";
import type { EndReason } from "../session/session_frames.ts";
import { type SessionEvents, Sessions, type SessionsOptions } from "../session/sessions.ts";
import { type DialHost, Dialing, noEngine, type OpenedLink, schemeOf } from "./dialing.ts";
import { GuardedLink } from "./guarded_link.ts";
import { decodeIntroduction } from "./introduction.ts";
import { Kind } from "./operation_kind.ts";
import { OperationReader } from "./operation_reader.ts";
import { OperationWriter } from "./operation_writer.ts";
import { Peer, type PeerOwner } from "./peer.ts";
import { type PeerMatch, PeerWaits } from "./peer_waits.ts";
import type { Service } from "./service.ts";
import { Turn } from "./turn.ts";

/** Links through another peer, which has authenticated both ends. */
export const RELAYED: LinkTrust = { trusted: true };

/** How long a peer that was discovered is dialed. */
const DISCOVERY_SECONDS = 5;

/** What {@linkcode Peers} is made of. */
export interface PeersOptions {
  /** The run loop of the scheduler. */
  readonly loop: CoroLoop;
  /** The coroutine that has joined: errors that nobody waits for are reported with it. */
  readonly reporter: Coro;
  /** This joining. */
  readonly location: Location;
  /** What the sessions are made of. */
  readonly sessions: SessionsOptions;
  /** How links are protected. */
  readonly securityOf: (trust: LinkTrust) => LinkSecurity;
  /** Takes apart what the codec does not know, and makes it again. */
  readonly handles: Handles;
  /** A random number from 0 (included) to 1 (excluded). */
  readonly random: () => number;
}

/** How much was sent and received, in operations. */
export interface Traffic {
  sent: number;
  received: number;
  resent: number;
  duplicates: number;
}

/** Is told that a peer has come or gone. */
export type StatusListener = (location: Location, reason: "joined" | EndReason) => void;

/** Opens links through other peers. */
export interface Relay {
  /** Whether links to other peers go through this one, or its links through this peer. */
  carries(peer: Peer | null): boolean;
  /** Opens one; `null` if the address is that of an engine of this peer. */
  dial(address: string, seconds: number, expected?: PeerId): Generator<unknown, Link, unknown> | null;
}

/** See the head of this file. */
export class Peers implements SessionEvents, PeerOwner, DialHost {
  /** This joining. */
  readonly location: Location;
  /** The run loop of the scheduler. */
  readonly loop: CoroLoop;
  /** Writes operations. */
  readonly writer: OperationWriter;
  /** The bytes of the longest message that this side takes. */
  readonly maxMessage: number;
  /** Stands for this peer, as the home of what was given out and is not known here any more. */
  readonly forgotten: Peer;
  /** Operations that this side has refused. */
  refusedOperations = 0;
  /** Reaches peers that no engine reaches. */
  relay: Relay | null = null;
  /** Called when a peer has come or gone. */
  onStatus: StatusListener | null = null;
  /** A random number from 0 (included) to 1 (excluded). */
  readonly random: () => number;
  /** The coroutine that has joined: what happens on behalf of peers happens in its name. */
  readonly reporter: Coro;
  private readonly engines: Engine[] = [];
  private readonly securityOf: (trust: LinkTrust) => LinkSecurity;
  private readonly sessions: Sessions;
  private readonly reader: OperationReader;
  private readonly unpacker: Decoder;
  private readonly services: (Service | undefined)[] = [];
  private readonly serviceSet: Set<Service> = new Set();
  private readonly byId: Map<string, Peer> = new Map();
  /** What waits for peers to be connected. */
  readonly waits: PeerWaits = new PeerWaits(this);
  private readonly redialing: Set<Peer> = new Set();
  /** The ids of joinings that were discovered and are being dialed. */
  private readonly finding: Set<string> = new Set();
  private readonly dialing: Dialing;
  private readonly turn: Turn;
  /** What the sessions that have ended have sent and received. */
  private readonly past: Traffic = { sent: 0, received: 0, resent: 0, duplicates: 0 };
  private hasStopped = false;

  constructor(options: PeersOptions) {
    this.location = options.location;
    this.loop = options.loop;
    this.reporter = options.reporter;
    this.random = options.random;
    this.securityOf = options.securityOf;
    this.writer = new OperationWriter(options.handles);
    this.maxMessage = options.sessions.maxMessage;
    this.forgotten = new Peer(options.location, this);
    this.forgotten.lastLoss = "gone";
    this.reader = new OperationReader(options.handles);
    this.unpacker = new Decoder(options.handles);
    this.sessions = new Sessions(options.sessions, this);
    this.dialing = new Dialing(this);
    this.turn = new Turn(options.loop, () => {
      this.sessions.tick(this.now());
      return this.sessions.nextDeadline;
    });
  }

  /** Whether the network has not been left. */
  get isOpen(): boolean {
    return !this.hasStopped;
  }

  /** The time by the scheduler's clock, in seconds. */
  now(): number {
    return this.loop.now();
  }

  /** Has a service read the operations of these kinds. */
  addService(service: Service, ...kinds: number[]): void {
    this.serviceSet.add(service);
    for (const kind of kinds) this.services[kind] = service;
  }

  /** Reports an error that nobody waits for. */
  report(error: unknown): void {
    this.loop.reportError(error, this.reporter);
  }

  /**
   * Copies a message, to be sent later, in the form in which it travels.
   *
   * @throws {SerializationError} If it is not sendable.
   * @throws {MessageTooLargeError} If it is larger than this side takes.
   */
  pack(message: unknown, root?: string): Uint8Array<ArrayBuffer> {
    return this.writer.encodeMessage(message, this.maxMessage, root);
  }

  /**
   * Makes a message again.
   *
   * @throws {SerializationError} If its bytes are not those of a message.
   */
  unpack(bytes: Uint8Array): unknown {
    return this.unpacker.decode(new ByteReader(bytes));
  }

  // --- peers --------------------------------------------------------------------------------------------------

  /** All that are remembered, connected or not. */
  [Symbol.iterator](): Iterator<Peer> {
    return this.byId.values();
  }

  /** The peers with an open session. */
  online(): Peer[] {
    return [...this.byId.values()].filter((peer) => peer.isOnline);
  }

  /** The peer of a location, which may never have been connected. */
  peerAt(location: Location): Peer {
    let peer = this.byId.get(location.id);
    if (peer === undefined) this.byId.set(location.id, peer = new Peer(location, this));
    return peer;
  }

  /** The peer of a joining, if it is remembered. */
  find(id: string): Peer | null {
    return this.byId.get(id) ?? null;
  }

  /** The location of a joining: the same object for the same joining, while it is remembered. */
  locationOf(id: Uint8Array, name: string, addresses: readonly string[]): Location {
    const peerId = new PeerId(id);
    if (peerId.text === this.location.id) return this.location;
    return this.byId.get(peerId.text)?.location ?? new Location(peerId, name, addresses);
  }

  /** The session with a peer, for what is to be sent to it: a new one waits to be opened, and the peer is dialed. */
  sessionFor(peer: Peer): Session {
    if (peer.session === null) {
      peer.session = this.sessions.connecting(peer.location.peerId, this.now());
      this.redial(peer);
    }
    return peer.session;
  }

  /** Forgets a peer, if it has no session and nothing refers to it. To be called when something no longer does. */
  release(peer: Peer): void {
    if (peer.session !== null || this.isNeeded(peer)) return;
    if (this.byId.get(peer.location.id) === peer) this.byId.delete(peer.location.id);
  }

  private isNeeded(peer: Peer): boolean {
    for (const service of this.serviceSet) if (service.needs?.(peer) === true) return true;
    return false;
  }

  /** Says goodbye to a peer. Returns whether it was connected. */
  close(location: Location): boolean {
    const session = this.byId.get(location.id)?.session ?? null;
    if (session === null || session.state !== "open") return false;
    session.leave(this.now());
    return true;
  }

  /** Says goodbye to the peer at an address, if one is connected. */
  closeAt(address: string): void {
    const peer = this.online().find(({ location }) => location.addresses.includes(address));
    if (peer !== undefined) this.close(peer.location);
  }

  // --- links --------------------------------------------------------------------------------------------------

  /** Adds an engine. Links that it accepts are given to `accept()`. */
  addEngine(engine: Engine): void {
    this.engines.push(engine);
  }

  /** Takes a link that another peer has dialed. */
  accept(link: Link, trust: LinkTrust): void {
    if (this.hasStopped) return link.close();
    const guarded = new GuardedLink(link);
    this.start(guarded, this.sessions.accept(guarded, this.securityOf(trust), this.now()));
  }

  /** Begins the handshake on a link that this side has dialed. */
  begin({ link, trust }: OpenedLink, expected: PeerId | undefined): Connection {
    if (this.hasStopped) {
      link.close();
      throw new Error("Cannot connect as the network has been left");
    }
    const guarded = new GuardedLink(link);
    const connection = this.sessions.dial(guarded, this.securityOf(trust), this.now(), expected);
    this.start(guarded, connection);
    return connection;
  }

  /** Opens a link: through another peer, or by the engine for the scheme of the address. */
  *open(address: string, seconds: number, expected?: PeerId): Generator<unknown, OpenedLink, unknown> {
    const relayed = this.relay?.dial(address, seconds, expected) ?? null;
    if (relayed !== null) return { link: yield* relayed, trust: RELAYED };
    const engine = this.engineFor(address);
    return { link: yield* engine.dial(address, seconds), trust: engine };
  }

  /** A peer will not be heard again: ends the session with it, if there is one. */
  lose(id: PeerId): void {
    this.sessions.sessionWith(id)?.lose();
  }

  /** The engine that dials an address. Throws a `TypeError` if there is none. */
  private engineFor(address: string): Engine {
    const scheme = schemeOf(address);
    const engine = this.engines.find((engine) => scheme === "" || engine.scheme === scheme);
    if (engine === undefined) throw noEngine(address, this.engines);
    return engine;
  }

  /** Dials until the peer is connected, by whichever side; see {@linkcode Dialing.connect}. */
  *connect(address: string, seconds: number, expected?: PeerId): Generator<unknown, Location, unknown> {
    const url = schemeOf(address) === "" ? `${this.engineFor(address).scheme}://${address}` : address;
    const isThere: PeerMatch = ({ session, location }) =>
      session?.connected === true && (expected?.text === location.id || location.addresses.includes(url));
    const known = this.waits.find(isThere);
    if (known !== null) return known;
    const met = yield* race(this.dial(address, seconds, expected), this.waits.wait(isThere, `peer ${address}`));
    if (met === null) throw new Error(`Cannot connect to ${address} as the network has been left`);
    return met;
  }

  private *dial(address: string, seconds: number, expected?: PeerId): Generator<unknown, Location, unknown> {
    const session = yield* this.dialing.connect(address, seconds, expected);
    return session === "self" ? this.location : this.byId.get(session.peer.text)!.location;
  }

  /** Another peer of the network has been found at an address: connects to it. */
  discovered(address: string, id: PeerId): void {
    if (this.hasStopped || this.finding.has(id.text) || this.byId.get(id.text)?.isOnline === true) return;
    this.finding.add(id.text);
    const connecting = this.connect(address, DISCOVERY_SECONDS, id);
    const body = function* (): Generator<unknown, void, unknown> {
      try {
        yield* connecting;
      } catch {
        // It may have left again. If not, it is found again.
      }
    };
    this.spawn(`dial ${address}`, body(), () => this.finding.delete(id.text));
  }

  private start(link: GuardedLink, connection: Connection): void {
    link.start({
      frame: (bytes) => connection.receive(bytes, this.now()),
      drained: () => connection.drained(),
      closed: (reason) => connection.closed(this.now(), reason instanceof PeerEndedError),
    });
  }

  /** Dials a peer in a coroutine of its own, until it is connected or nobody needs it. */
  private redial(peer: Peer): void {
    if (this.redialing.has(peer) || !this.wantsDial(peer)) return;
    this.redialing.add(peer);
    this.spawn(`dial ${peer}`, this.dialing.redial(peer, () => this.wantsDial(peer)), () => {
      this.redialing.delete(peer);
      this.release(peer);
    });
  }

  private wantsDial(peer: Peer): boolean {
    if (this.hasStopped || peer.lastLoss === "left" && peer.session === null) return false;
    if (peer.session !== null) return !peer.session.connected;
    return this.isNeeded(peer);
  }

  /** Runs a generator as a daemon of the scheduler. */
  spawn(name: string, body: Generator<unknown, void, unknown>, ended: () => void = () => {}): Coro {
    const target = function* (): Generator<unknown, void, unknown> {
      try {
        yield* body;
      } finally {
        ended();
      }
    };
    return this.loop.scheduler.spawnWith({ name, daemon: true }, target);
  }

  // --- the end ------------------------------------------------------------------------------------------------

  /** Whether everything that was sent has been acknowledged. */
  get isSettled(): boolean {
    for (const session of this.sessions) if (!session.settled) return false;
    return true;
  }

  /** Says goodbye to all peers, and does no more. */
  stop(): void {
    if (this.hasStopped) return;
    this.hasStopped = true;
    // What goes through another peer goes before the goodbye to that one.
    const [carriers, others] = partition([...this.sessions], ({ peer }) => this.relay?.carries(this.find(peer.text)));
    for (const session of [...others, ...carriers]) session.leave(this.now());
    this.sessions.giveUpHandshakes();
    this.turn.stop();
    this.waits.left();
  }

  // --- figures ------------------------------------------------------------------------------------------------

  /** How much was sent and received. */
  get traffic(): Traffic {
    const total = { ...this.past };
    for (const session of this.sessions) add(total, session.counts);
    return total;
  }

  /** The bytes that are not acknowledged. */
  get queuedBytes(): number {
    let bytes = 0;
    for (const session of this.sessions) bytes += session.queuedBytes;
    return bytes;
  }

  /** How many waits there are for peers. */
  get pending(): number {
    let count = 0;
    for (const peer of this.byId.values()) count += peer.requests.size;
    for (const service of this.serviceSet) count += service.pending ?? 0;
    return count;
  }

  /** Operations and handshakes that this side has refused. */
  get refusedCount(): number {
    return this.refusedOperations + this.sessions.refusedHandshakes;
  }

  // --- events of sessions -------------------------------------------------------------------------------------

  /** @internal */
  opened(session: Session): void {
    const { text } = session.peer;
    let peer = this.byId.get(text);
    if (peer === undefined || peer.location.addresses.length === 0) {
      const { name, addresses } = decodeIntroduction(session.introduction);
      const location = new Location(session.peer, name, addresses);
      if (peer === undefined) this.byId.set(text, peer = new Peer(location, this));
      else peer.location = location;
    }
    peer.open(session);
    for (const service of this.serviceSet) service.met?.(peer);
    this.onStatus?.(peer.location, "joined");
    this.waits.connected(peer);
  }

  /** @internal */
  received(session: Session, operation: Uint8Array): void {
    const peer = this.byId.get(session.peer.text)!;
    try {
      this.dispatch(peer, operation);
    } catch (error) {
      this.report(error instanceof DecodeError ? malformed(peer, error) : error);
    }
  }

  private dispatch(peer: Peer, operation: Uint8Array): void {
    const { reader } = this;
    const kind = reader.begin(operation);
    if (kind === Kind.ANSWER) return peer.requests.answer(reader.integer(), reader);
    if (kind === Kind.PROGRESS) return peer.requests.progress(reader.integer(), reader);
    if (kind === Kind.CANCEL) return peer.requests.cancel(reader.integer());
    const service = this.services[kind];
    if (service === undefined) throw new DecodeError(`Cannot read an operation of an unknown kind: it is ${kind}`);
    service.received(peer, kind, reader);
  }

  /** @internal */
  acknowledged(session: Session): void {
    this.byId.get(session.peer.text)?.roomMade();
  }

  /** @internal */
  refused(session: Session, ticket: number): void {
    this.byId.get(session.peer.text)?.tooLarge(ticket);
  }

  /** @internal */
  connectionChanged(session: Session): void {
    const peer = this.byId.get(session.peer.text);
    if (peer === undefined || session.state !== "open") return;
    if (session.connected) this.waits.connected(peer);
    else this.redial(peer);
  }

  /** @internal */
  ended(session: Session, reason: EndReason): void {
    add(this.past, session.counts);
    const peer = this.byId.get(session.peer.text);
    if (peer === undefined || peer.session !== session) return;
    const wasOnline = session.number !== 0;
    peer.part(reason);
    for (const service of this.serviceSet) service.parted?.(peer, reason satisfies LossReason);
    if (wasOnline) this.onStatus?.(peer.location, reason);
    this.redial(peer);
    this.release(peer);
  }

  /** @internal */
  dialed(connection: Connection, outcome: DialOutcome): void {
    this.dialing.dialed(connection, outcome);
  }

  /** @internal */
  changed(): void {
    this.turn.request();
  }
}

/** The items for which a condition holds, and the others. */
function partition<T>(items: readonly T[], condition: (item: T) => boolean | undefined): [T[], T[]] {
  return [items.filter(condition), items.filter((item) => !condition(item))];
}

function add(total: Traffic, counts: Readonly<Traffic>): void {
  total.sent += counts.sent;
  total.received += counts.received;
  total.resent += counts.resent;
  total.duplicates += counts.duplicates;
}

/** What is reported of an operation that cannot be read. */
function malformed(peer: Peer, error: DecodeError): ProtocolError {
  return new ProtocolError(`Peer ${peer} has sent an operation that is malformed: ${error.message}`, { cause: error });
}
