import type { Fiber } from "../../fiber/fiber.ts";
import { PeerWait } from "../../fiber/peer_wait.ts";
import type { Location } from "../location.ts";
import type { Peer } from "./peer.ts";

/** Whether a peer is one of those that are waited for, and in the state that is waited for. */
export type PeerMatch = (peer: Peer) => boolean;

/** The waits for peers to be connected. */
export class PeerWaits {
  readonly #waits: Set<MatchWait> = new Set();
  readonly #peers: Iterable<Peer>;

  /** `peers` are all peers, connected or not. */
  constructor(peers: Iterable<Peer>) {
    this.#peers = peers;
  }

  /** A peer that matches now. */
  find(matches: PeerMatch): Location | null {
    for (const peer of this.#peers) if (matches(peer)) return peer.location;
    return null;
  }

  /** Waits for a peer that matches, for so many seconds at most; `waitsFor` names it in messages. */
  wait(matches: PeerMatch, waitsFor: string, seconds = Infinity): MatchWait {
    return new MatchWait(this, this.#waits, matches, waitsFor, seconds);
  }

  /** A session has been opened with a peer, or has a link again. */
  connected(peer: Peer): void {
    for (const wait of this.#waits) if (wait.matches(peer)) wait.settle(peer.location);
  }

  /** The network has been left. */
  left(): void {
    for (const wait of this.#waits) wait.settle(null);
  }
}

/** Waits until a peer matches: `null` after a timeout, or when the network has been left. */
class MatchWait extends PeerWait<Location | null> {
  readonly label = "locate";
  readonly matches: PeerMatch;
  readonly #owner: PeerWaits;
  readonly #waits: Set<MatchWait>;
  readonly #waitsFor: string;

  constructor(owner: PeerWaits, waits: Set<MatchWait>, matches: PeerMatch, waitsFor: string, seconds: number) {
    super();
    this.#owner = owner;
    this.#waits = waits;
    this.matches = matches;
    this.#waitsFor = waitsFor;
    this.limit = seconds;
  }

  override get waitsFor(): string {
    return this.#waitsFor;
  }

  override begin(fiber: Fiber): boolean {
    const found = this.#owner.find(this.matches);
    if (found !== null || this.limit <= 0) return this.give(found);
    this.#waits.add(this);
    this.count(fiber);
    return false;
  }

  override settle(location: Location | null): void {
    this.#waits.delete(this);
    super.settle(location);
  }

  override detach(): void {
    this.uncount();
    this.#waits.delete(this);
  }

  override timedOut(): void {
    this.give(null);
  }
}
