import type { NameWaiter, Registry } from "../../coroutine/names.ts";
import type { QueueLinks } from "../../fiber/wait_queue.ts";
import { Kind } from "../peers/operation_kind.ts";
import type { Peer } from "../peers/peer.ts";
import type { Peers } from "../peers/peers.ts";
import type { OpenRequest } from "../peers/requests.ts";
import type { Permissions } from "../permissions.ts";
import type { Session } from "../session/session.ts";

/**
 * The question of a peer for a name. It is answered when the name is registered here.
 *
 * If the program does not let the peer locate what has the name, the peer must not learn that there is anything: the
 * question waits on, for the next registration.
 */
export class Finding<T extends object> implements NameWaiter<T>, OpenRequest {
  nextWaiter: QueueLinks | null = null;
  prevWaiter: QueueLinks | null = null;
  readonly name: string;
  private readonly peer: Peer;
  private readonly session: Session | null;
  private readonly number: number;
  private readonly registry: Registry<T>;
  private readonly peers: Peers;
  private readonly permissions: Permissions;

  constructor(
    peer: Peer,
    number: number,
    name: string,
    registry: Registry<T>,
    peers: Peers,
    permissions: Permissions,
  ) {
    this.peer = peer;
    this.session = peer.session;
    this.number = number;
    this.name = name;
    this.registry = registry;
    this.peers = peers;
    this.permissions = permissions;
  }

  /** Answers, or waits. */
  begin(): void {
    const entry = this.registry.find(this.name);
    if (entry === null || !this.answer(entry)) this.wait();
  }

  /** An entry has been registered. */
  resolve(entry: T): void {
    this.peer.requests.removeOpen(this.number);
    if (!this.answer(entry)) this.wait();
  }

  /** The peer does not want the answer any more. */
  cancelled(): void {
    this.registry.stopWaiting(this);
  }

  private wait(): void {
    // `allow` of the program may have ended the session.
    if (this.peer.session !== this.session) return;
    this.peer.requests.addOpen(this.number, this);
    this.registry.wait(this);
  }

  /** Sends the answer, if the peer may have it. Returns whether it may. */
  private answer(entry: T): boolean {
    const { peer, peers, name } = this;
    const request = { peer: peer.location, action: "locate", name, target: entry } as const;
    if (!this.permissions.allows(request)) return false;
    if (peer.session !== this.session) return true;
    try {
      peers.writer.begin(Kind.ANSWER).integer(this.number).value(entry);
      peer.post(peers.writer);
    } catch (error) {
      // This runs within the program's call of `register()`, which has succeeded.
      peers.report(error);
    }
    return true;
  }
}
