/**
 * Which broadcasts are under way and may reach this peer again, by another path or around a cycle of channels of several
 * peers.
 *
 * Each has the number that the peer gave it where it began, its *origin*. A peer keeps, for each broadcast, what it has
 * reached here. The origin knows when a broadcast has come to its end everywhere, as every peer acknowledges it when all to
 * which it has passed it on have done so. All broadcasts up to that with the number `settled` have come to their end: the
 * origin tells so with the next one, and some time after the last. So what is kept is bounded by what is under way.
 *
 * What comes after it was settled is dropped. That happens only if a peer was lost on its way. When an origin is lost, what
 * is known to be under way is settled by those who have lost it; and some time after another peer was lost, what that one
 * had passed on.
 */
import { Timer } from "../../fiber/timer.ts";
import type { CoroLoop } from "../../coroutine/coro_loop.ts";
import { DEFAULT_PRIORITY } from "../../coroutine/spawn_options.ts";
import type { Peer } from "../peers/peer.ts";
import { PeerId } from "../session/peer_id.ts";

/** Seconds without broadcasts under way, after which the peers are told so. */
const IDLE_SECONDS = 1;
/** Seconds after the loss of a peer until nothing that it has passed on is expected to come by another way. */
const LOSS_SECONDS = 60;
/** How many broadcasts of one origin are kept at the most. An origin has that many under way only if it means harm. */
const MAX_KEPT = 100_000;
/** How many origins are remembered. */
const MAX_ORIGINS = 10_000;

/** What tells a broadcast from all others. */
export interface Identity {
  /** The id of the peer where it began. */
  readonly origin: Uint8Array;
  /** Its number there. */
  readonly number: number;
  /** All broadcasts of the origin up to this number have come to their end. */
  readonly settled: number;
}

interface Origin {
  readonly id: PeerId;
  settled: number;
  /** What each broadcast under way has reached here. */
  readonly reached: Map<number, Set<object>>;
  /** The peers to which broadcasts were passed on that may not be settled there. */
  readonly passedTo: Set<Peer>;
  /** The peers that have passed on broadcasts that are not settled here. */
  readonly passedBy: Set<Peer>;
  /** One of these was lost: it will not tell those to which it has passed them on. */
  hasLost: boolean;
}

/** What is needed of the network. */
export interface BroadcastsHost {
  /** The run loop of the scheduler. */
  readonly loop: CoroLoop;
  /** The id of this peer. */
  readonly id: PeerId;
  /** The peers that are connected. */
  online(): Peer[];
  /** Tells a peer that an origin has settled all broadcasts up to a number. */
  tellSettled(peer: Peer, origin: Uint8Array, settled: number): void;
}

/** See the head of this file. */
export class Broadcasts {
  private readonly host: BroadcastsHost;
  private readonly own: Origin;
  /** The others, in the order in which they were last heard of. */
  private readonly origins: Map<string, Origin> = new Map();
  private last = 0;
  private timer: Timer | null = null;
  private readonly lossTimers: Set<Timer> = new Set();

  constructor(host: BroadcastsHost) {
    this.host = host;
    this.own = originOf(host.id);
  }

  /** How many are kept. */
  get size(): number {
    let size = this.own.reached.size;
    for (const { reached } of this.origins.values()) size += reached.size;
    return size;
  }

  /** A broadcast begins here. `reached` is what it has reached, and is kept from now on. */
  begin(reached: Set<object>): Identity {
    this.own.reached.set(++this.last, reached);
    return { origin: this.own.id.bytes, number: this.last, settled: this.own.settled };
  }

  /** A broadcast that began here has come to its end. */
  complete(number: number): void {
    const { own } = this;
    own.reached.delete(number);
    const [earliest] = own.reached.keys();
    own.settled = (earliest ?? this.last + 1) - 1;
    if (own.reached.size === 0 && (own.passedTo.size > 0 || own.hasLost)) this.tellLater();
  }

  private tellLater(): void {
    this.timer?.cancel();
    this.timer = new Timer(this.host.loop, DEFAULT_PRIORITY, IDLE_SECONDS, () => {
      this.timer = null;
      if (this.own.reached.size === 0) this.passOn(this.own);
    });
  }

  /** A broadcast has come from a peer. Returns what it has reached here; `null` if it has come to its end. */
  arrived({ origin: id, number, settled }: Identity, peer: Peer): Set<object> | null {
    const peerId = new PeerId(id);
    if (peerId.text === this.own.id.text) return this.own.reached.get(number) ?? null;
    const origin = this.originOf(peerId);
    settle(origin, settled);
    if (number <= origin.settled) return null;
    origin.passedBy.add(peer);
    let reached = origin.reached.get(number);
    if (reached === undefined) origin.reached.set(number, reached = new Set());
    if (origin.reached.size > MAX_KEPT) settle(origin, origin.reached.keys().next().value!);
    return reached;
  }

  /** A broadcast is passed on to a peer. */
  passed({ origin: id }: Identity, peer: Peer): void {
    const peerId = new PeerId(id);
    (peerId.text === this.own.id.text ? this.own : this.originOf(peerId)).passedTo.add(peer);
  }

  /** A peer has told that an origin has settled all broadcasts up to a number. */
  settled(id: Uint8Array, number: number): void {
    const origin = this.origins.get(new PeerId(id).text);
    if (origin !== undefined) this.settleNow(origin, number);
  }

  /** A session with a peer has ended. */
  parted(peer: Peer): void {
    for (const origin of [this.own, ...this.origins.values()]) {
      if (origin.passedTo.delete(peer)) origin.hasLost = true;
    }
    for (const origin of this.origins.values()) {
      if (origin.reached.size === 0) continue;
      // An origin that is lost tells no more what has come to its end, and another peer does not pass that on.
      if (origin.id.text === peer.location.id) this.settleNow(origin, lastOf(origin));
      else if (origin.passedBy.has(peer)) this.settleLater(origin, lastOf(origin));
    }
  }

  private settleNow(origin: Origin, number: number): void {
    settle(origin, number);
    // While others are under way, the peers to which they were passed on are to be told later.
    if (origin.reached.size === 0) this.passOn(origin);
  }

  private settleLater(origin: Origin, number: number): void {
    const timer = new Timer(this.host.loop, DEFAULT_PRIORITY, LOSS_SECONDS, () => {
      this.lossTimers.delete(timer);
      this.settleNow(origin, number);
    });
    this.lossTimers.add(timer);
  }

  /** The network has been left. */
  stop(): void {
    this.timer?.cancel();
    this.timer = null;
    for (const timer of this.lossTimers) timer.cancel();
    this.lossTimers.clear();
    this.own.reached.clear();
    this.origins.clear();
  }

  private passOn(origin: Origin): void {
    const peers = origin.hasLost ? this.host.online() : [...origin.passedTo];
    origin.passedTo.clear();
    origin.hasLost = false;
    for (const peer of peers) this.host.tellSettled(peer, origin.id.bytes, origin.settled);
  }

  private originOf(id: PeerId): Origin {
    const origin = this.origins.get(id.text) ?? originOf(id);
    this.origins.delete(id.text);
    this.origins.set(id.text, origin);
    if (this.origins.size > MAX_ORIGINS) this.origins.delete(this.origins.keys().next().value!);
    return origin;
  }
}

function originOf(id: PeerId): Origin {
  return { id, settled: 0, reached: new Map(), passedTo: new Set(), passedBy: new Set(), hasLost: false };
}

/** The number of the last broadcast that is under way. There is one. */
function lastOf({ reached }: Origin): number {
  return reached.keys().reduce((last, number) => Math.max(last, number));
}

function settle(origin: Origin, settled: number): void {
  const { reached, settled: before } = origin;
  if (settled <= before) return;
  origin.settled = settled;
  if (settled - before > reached.size) {
    for (const number of reached.keys()) if (number <= settled) reached.delete(number);
  } else {
    for (let number = before + 1; number <= settled; number++) reached.delete(number);
  }
  if (reached.size === 0) origin.passedBy.clear();
}
