import type { Peer } from "../peers/peer.ts";
import { WeakHandles } from "../peers/weak_handles.ts";
import { RemoteCoro, type RemoteCoroOwner } from "./remote_coro.ts";

/** The handles to coroutines of peers, and those of them whose end is waited for. */
export class HandleTable {
  private readonly owner: RemoteCoroOwner;
  private readonly handles: WeakHandles<RemoteCoro>;
  /** Those whose end is waited for: they must not be collected. */
  private readonly watched: Map<Peer, Map<number, RemoteCoro>> = new Map();

  /** `released` is called when nothing refers to coroutines of a peer any more. */
  constructor(owner: RemoteCoroOwner, released: (peer: Peer) => void, holdsAll: boolean) {
    this.owner = owner;
    this.handles = new WeakHandles(released, holdsAll);
  }

  /** The handle of a coroutine of a peer. */
  handle(peer: Peer, number: number, name: string): RemoteCoro {
    return this.handles.get(peer, number, () => RemoteCoro.make(this.owner, peer, number, name));
  }

  /** Whether there are handles to coroutines of a peer. */
  has(peer: Peer): boolean {
    return this.handles.has(peer);
  }

  /** All handles to coroutines of a peer that are referenced. */
  of(peer: Peer): RemoteCoro[] {
    return this.handles.of(peer);
  }

  /** The end of a coroutine is waited for. Returns whether it was not before. */
  watch(coro: RemoteCoro): boolean {
    let watched = this.watched.get(coro.peer);
    if (watched === undefined) this.watched.set(coro.peer, watched = new Map());
    if (watched.has(coro.id)) return false;
    watched.set(coro.id, coro);
    return true;
  }

  /** The end of a coroutine is not waited for any more. Returns whether it was. */
  unwatch(coro: RemoteCoro): boolean {
    return this.takeWatched(coro.peer, coro.id) !== undefined;
  }

  /** The handle of a coroutine whose end is waited for. Its end is not waited for any more. */
  takeWatched(peer: Peer, number: number): RemoteCoro | undefined {
    const watched = this.watched.get(peer);
    const coro = watched?.get(number);
    if (watched?.delete(number) && watched.size === 0) this.watched.delete(peer);
    return coro;
  }

  /** How many coroutines are watched. */
  get watchedCount(): number {
    let count = 0;
    for (const watched of this.watched.values()) count += watched.size;
    return count;
  }
}
