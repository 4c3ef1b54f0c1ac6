import type { Locate, NameWaiter, Registry } from "../../coroutine/names.ts";
import { countPeerWait } from "../../fiber/peer_wait.ts";
import type { QueueLinks } from "../../fiber/wait_queue.ts";
import { ProtocolError } from "../errors.ts";
import type { Location } from "../location.ts";
import { Kind } from "../peers/operation_kind.ts";
import type { OperationReader } from "../peers/operation_reader.ts";
import type { Peer } from "../peers/peer.ts";
import type { Peers } from "../peers/peers.ts";

/** What searches need of what manages them. */
export interface SearchHost {
  readonly peers: Peers;
  /** The searches that have begun and not ended. */
  readonly searches: Set<Search<object>>;
}

/** A request to a peer: its number, and the ticket with which it was sent. */
interface Question {
  readonly number: number;
  readonly ticket: number;
}

/**
 * One `locate` that has found nothing here: it waits for a registration here, and has asked peers, each of which answers
 * when the name is registered there. The first to come ends it.
 *
 * What is asked once is not asked again in the same session. A peer that is lost does not know the question any more, so
 * it is asked again when it is met.
 */
export class Search<T extends object> implements NameWaiter<T> {
  nextWaiter: QueueLinks | null = null;
  prevWaiter: QueueLinks | null = null;
  readonly name: string;
  private readonly locate: Locate<T>;
  private readonly registry: Registry<T>;
  private readonly host: SearchHost;
  private readonly includes: (value: unknown) => value is T;
  private readonly ended: () => void;
  private readonly asked: Map<Peer, Question> = new Map();
  /** Whom it asks: one peer, all of them, or none. */
  private readonly whom: Peer | "all" | "none";
  /** Whether it waits for a registration here. */
  private waitsHere = false;

  constructor(
    locate: Locate<T>,
    registry: Registry<T>,
    host: SearchHost,
    includes: (value: unknown) => value is T,
    ended: () => void,
  ) {
    const { peers } = host;
    this.name = locate.name;
    this.locate = locate;
    this.registry = registry;
    this.host = host;
    this.includes = includes;
    this.ended = ended;
    if (locate.location === null) this.whom = "all";
    else this.whom = peers.location.equals(locate.location) ? "none" : peers.peerAt(locate.location as Location);
  }

  /** Begins. */
  begin(): void {
    const { peers, searches } = this.host;
    searches.add(this as unknown as Search<object>);
    // From now on a peer may end the wait, at any time.
    countPeerWait(peers.loop, 1);
    this.waitsHere = typeof this.whom === "string";
    if (this.waitsHere) this.registry.wait(this);
    if (this.whom === "all") { for (const peer of peers.online()) this.ask(peer); }
    else if (this.whom !== "none") this.ask(this.whom);
  }

  /** A peer has been met. */
  met(peer: Peer): void {
    if (this.whom === "all" || this.whom === peer) this.ask(peer);
  }

  /** Whether a peer must be met for an answer. */
  needs(peer: Peer): boolean {
    return this.whom === peer;
  }

  /** An entry has been registered here. */
  resolve(entry: T): void {
    this.waitsHere = false;
    this.end();
    this.locate.resolve(entry);
  }

  /** Ends it, and leaves nothing behind, neither here nor at peers. */
  end(): void {
    const { peers, searches } = this.host;
    searches.delete(this as unknown as Search<object>);
    countPeerWait(peers.loop, -1);
    if (this.waitsHere) this.registry.stopWaiting(this);
    for (const [peer, question] of this.asked) this.withdraw(peer, question);
    this.asked.clear();
    this.ended();
    if (typeof this.whom !== "string") peers.release(this.whom);
  }

  private ask(peer: Peer): void {
    if (this.asked.has(peer)) return;
    const { writer } = this.host.peers;
    const number = peer.requests.add({
      answered: (reader) => this.answered(peer, reader),
      parted: () => this.asked.delete(peer),
    });
    writer.begin(Kind.FIND).integer(number).value(this.registry.kind).value(this.name);
    this.asked.set(peer, { number, ticket: peer.post(writer) });
  }

  private answered(peer: Peer, reader: OperationReader): void {
    this.asked.delete(peer);
    const entry = reader.value();
    if (!this.includes(entry)) {
      throw new ProtocolError(`Peer ${peer} was asked for a ${this.registry.kind} and has sent something else`);
    }
    this.end();
    this.locate.resolve(entry);
  }

  private withdraw(peer: Peer, { number, ticket }: Question): void {
    peer.requests.remove(number);
    if (!peer.withdraw(ticket)) peer.cancel(number);
  }
}
