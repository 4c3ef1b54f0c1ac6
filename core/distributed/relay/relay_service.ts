/**
 * Links through a third peer, for peers that no engine reaches, such as the servers of a node.
 *
 *     RELAY     request, id of the peer that is to be reached, its address     answered with one of `Answer`
 *     TUNNEL    key of the tunnel, bytes
 *     TAKEN     key of the tunnel, number of bytes
 *     UNLINKED  key of the tunnel, 1 if the peer behind the sender has ended
 *
 * A peer that serves others, the relay, has sessions with all whom it connects. It passes on what comes out of one tunnel
 * into another, and knows nothing of the session in it: that is between the two ends. A peer whose only link is to its
 * relay, its gateway, reaches everybody through it.
 *
 * Only two kinds of links are relayed: to peers that are reached through this one, and from them.
 */
import { DecodeError } from "../cbor/decode_error.ts";
import type { Link } from "../engine.ts";
import { type LossReason, PeerEndedError } from "../errors.ts";
import type { Location } from "../location.ts";
import { Kind } from "../peers/operation_kind.ts";
import type { OperationReader } from "../peers/operation_reader.ts";
import type { OperationWriter } from "../peers/operation_writer.ts";
import type { Peer } from "../peers/peer.ts";
import { type Peers, type Relay, RELAYED } from "../peers/peers.ts";
import type { Service } from "../peers/service.ts";
import { PeerId } from "../session/peer_id.ts";
import { ID_BYTES } from "../session/handshake_frames.ts";
import { OpenTunnel } from "./open_tunnel.ts";
import { RelayLink } from "./relay_link.ts";
import { Answer, RelayRequest } from "./relay_request.ts";
import { relayIdOf, withoutRelay } from "./relayed_address.ts";
import { splice, Tunnel, type TunnelOwner } from "./tunnel.ts";

/** Seconds in which a relay connects to the next peer on the way, and in which that opens its part. */
const STEP_SECONDS = 5;

/** See the head of this file. */
export class RelayService implements Service, Relay, TunnelOwner {
  /** Whether this peer relays for those that are reached through it. */
  isRelay = false;
  /** The peer through which this one reaches all others; `null` if it has engines for that. */
  gateway: Location | null = null;
  private readonly peers: Peers;
  private readonly tunnels: Map<Peer, Map<number, Tunnel>> = new Map();

  constructor(peers: Peers) {
    this.peers = peers;
    peers.relay = this;
    peers.addService(this, Kind.RELAY, Kind.TUNNEL, Kind.TAKEN, Kind.UNLINKED);
  }

  /** How many tunnels end here, or pass through. */
  get size(): number {
    let count = 0;
    for (const tunnels of this.tunnels.values()) count += tunnels.size;
    return count;
  }

  carries(peer: Peer | null): boolean {
    return peer !== null && this.tunnels.has(peer);
  }

  get writer(): OperationWriter {
    return this.peers.writer;
  }

  // --- this side opens a link -----------------------------------------------------------------------------------

  dial(address: string, seconds: number, expected?: PeerId): Generator<unknown, Link, unknown> | null {
    const { gateway } = this;
    const isDirect = gateway === null ? relayIdOf(address) === null : expected?.text === gateway.id;
    if (isDirect) return null;
    if (expected === undefined) throw new Error(`Cannot dial ${address} as it is reached by its location only`);
    return this.openLink(address, expected, seconds);
  }

  private *openLink(address: string, target: PeerId, seconds: number): Generator<unknown, Link, unknown> {
    const { gateway, peers } = this;
    const end = peers.now() + seconds;
    const hop = gateway === null ? yield* this.connectHop(address, target, seconds) : peers.find(gateway.id);
    if (hop === null) throw new PeerEndedError(`Cannot dial ${address} as the peer that relays has ended`);
    return new RelayLink(yield* this.openTunnel(hop, address, target, end - peers.now()));
  }

  private openTunnel(hop: Peer, address: string, target: PeerId, seconds: number): OpenTunnel {
    const request = hop.prepare(Kind.RELAY, (writer) => writer.bytes(target.bytes).value(address));
    return new OpenTunnel(hop, request, { address, seconds, open: (number) => this.add(hop, 2 * number) });
  }

  /** The next peer on the way, connected: the relay in the address, or else the target itself. */
  private *connectHop(address: string, target: PeerId, seconds: number): Generator<unknown, Peer, unknown> {
    const relayId = relayIdOf(address);
    const isOwn = relayId === this.peers.location.id;
    const id = relayId === null || isOwn ? target : PeerId.parse(relayId)!;
    const known = this.peers.find(id.text);
    // A peer that this one relays to has one link, and has ended with that.
    if (isOwn ? known?.session?.connected === true : known?.isOnline === true) return known!;
    if (isOwn) throw new PeerEndedError(`Cannot dial ${address} as the peer has ended`);
    yield* this.peers.connect(withoutRelay(address), seconds, id);
    return this.peers.find(id.text)!;
  }

  // --- operations of peers --------------------------------------------------------------------------------------

  received(peer: Peer, kind: number, reader: OperationReader): void {
    if (kind === Kind.RELAY) return this.takeRequest(peer, reader);
    // The keys of the two sides differ in who has made the request.
    const tunnel = this.tunnels.get(peer)?.get(reader.integer() ^ 1);
    // It was closed by this side meanwhile.
    if (tunnel === undefined) return;
    if (kind === Kind.TUNNEL) tunnel.arrived(reader.view());
    else if (kind === Kind.TAKEN) tunnel.taken(reader.integer());
    else tunnel.closed(reader.integer() === 1);
  }

  parted(peer: Peer, _reason: LossReason): void {
    const tunnels = this.tunnels.get(peer);
    this.tunnels.delete(peer);
    for (const tunnel of tunnels?.values() ?? []) tunnel.closed(true);
  }

  private takeRequest(peer: Peer, reader: OperationReader): void {
    const number = reader.integer();
    const id = reader.bytes();
    const address = reader.text();
    if (id.length !== ID_BYTES) {
      throw new DecodeError(`Cannot relay as an id has ${ID_BYTES} bytes: it has ${id.length}`);
    }
    const target = new PeerId(id);
    const request = new RelayRequest(peer, number, this.writer);
    if (target.equals(this.peers.location.peerId)) return this.accept(request);
    const refusal = this.refusalOf(peer, target, address);
    if (refusal !== null) return request.answer(refusal);
    request.begin();
    this.peers.spawn(`relay to ${address}`, this.forward(request, address, target));
  }

  /** The link ends here. */
  private accept(request: RelayRequest): void {
    const link = new RelayLink(request.open(this.add(request.peer, 2 * request.number + 1)));
    this.peers.accept(link, RELAYED);
  }

  private refusalOf(peer: Peer, target: PeerId, address: string): number | null {
    const own = this.peers.location.id;
    if (this.isRelay && (this.isServed(peer) || this.isServed(this.peers.find(target.text)))) return null;
    if (this.isRelay && relayIdOf(address) === own) return Answer.ENDED;
    this.peers.refusedOperations++;
    return Answer.REFUSED;
  }

  /** Whether a peer is reached through this one, and connected. */
  private isServed(peer: Peer | null): boolean {
    if (peer === null || !peer.isOnline) return false;
    return relayIdOf(peer.location.addresses[0] ?? "") === this.peers.location.id;
  }

  /** Opens the next part of the way, and joins both. */
  private *forward(request: RelayRequest, address: string, target: PeerId): Generator<unknown, void, unknown> {
    try {
      const hop = yield* this.connectHop(address, target, STEP_SECONDS);
      const far = yield* this.openTunnel(hop, address, target, STEP_SECONDS);
      // It is opened to the end before it is given up: so no error of a dial is on its way that nobody takes.
      if (request.isCancelled) return far.close(false);
      splice(request.open(this.add(request.peer, 2 * request.number + 1)), far);
    } catch (error) {
      request.answer(error instanceof PeerEndedError ? Answer.ENDED : Answer.UNREACHABLE);
    }
  }

  // --- tunnels --------------------------------------------------------------------------------------------------

  private add(peer: Peer, key: number): Tunnel {
    const tunnel = new Tunnel(peer, key, this);
    let tunnels = this.tunnels.get(peer);
    if (tunnels === undefined) this.tunnels.set(peer, tunnels = new Map());
    tunnels.set(key, tunnel);
    return tunnel;
  }

  forget(tunnel: Tunnel): void {
    const tunnels = this.tunnels.get(tunnel.peer);
    tunnels?.delete(tunnel.key);
    if (tunnels?.size === 0) this.tunnels.delete(tunnel.peer);
    if (tunnel.key % 2 === 1) tunnel.peer.requests.removeOpen((tunnel.key - 1) / 2);
  }
}
