import type { Peer } from "../peers/peer.ts";
import { RemoteCoro, type RemoteCoroOwner } from "./remote_coro.ts";

interface PeerHandles {
  readonly byNumber: Map<number, WeakRef<RemoteCoro>>;
  /** Those whose end is waited for: they must not be collected. By number. */
  readonly watched: Map<number, RemoteCoro>;
}

/** The handles to coroutines of peers: one object for each coroutine, as long as it is referenced. */
export class HandleTable {
  private readonly owner: RemoteCoroOwner;
  private readonly byPeer: Map<Peer, PeerHandles> = new Map();
  private readonly released: (peer: Peer) => void;
  /** Holds every handle, in a simulation: there the moment of a garbage collection must have no effect. */
  private readonly held: Set<RemoteCoro> | null;
  private readonly collected: FinalizationRegistry<{ readonly peer: Peer; readonly number: number }>;

  /** `released` is called when nothing refers to coroutines of a peer any more. */
  constructor(owner: RemoteCoroOwner, released: (peer: Peer) => void, holdsAll: boolean) {
    this.owner = owner;
    this.released = released;
    this.held = holdsAll ? new Set() : null;
    this.collected = new FinalizationRegistry(({ peer, number }) => this.forget(peer, number));
  }

  /** The handle of a coroutine of a peer. */
  handle(peer: Peer, number: number, name: string): RemoteCoro {
    const handles = this.handlesOf(peer);
    const known = handles.byNumber.get(number)?.deref();
    if (known !== undefined) return known;
    const coro = RemoteCoro.make(this.owner, peer, number, name);
    handles.byNumber.set(number, new WeakRef(coro));
    this.collected.register(coro, { peer, number });
    this.held?.add(coro);
    return coro;
  }

  /** Whether there are handles to coroutines of a peer. */
  has(peer: Peer): boolean {
    return this.byPeer.has(peer);
  }

  /** All handles to coroutines of a peer that are referenced. */
  of(peer: Peer): RemoteCoro[] {
    const { byNumber } = this.byPeer.get(peer) ?? NO_HANDLES;
    return [...byNumber.values()].map((ref) => ref.deref()).filter((coro) => coro !== undefined);
  }

  /** The end of a coroutine is waited for. Returns whether it was not before. */
  watch(coro: RemoteCoro): boolean {
    const { watched } = this.handlesOf(coro.peer);
    if (watched.has(coro.id)) return false;
    watched.set(coro.id, coro);
    return true;
  }

  /** The end of a coroutine is not waited for any more. Returns whether it was. */
  unwatch(coro: RemoteCoro): boolean {
    return this.byPeer.get(coro.peer)?.watched.delete(coro.id) ?? false;
  }

  /** The handle of a coroutine whose end is waited for. Its end is not waited for any more. */
  takeWatched(peer: Peer, number: number): RemoteCoro | undefined {
    const watched = this.byPeer.get(peer)?.watched;
    const coro = watched?.get(number);
    watched?.delete(number);
    return coro;
  }

  /** How many coroutines are watched. */
  get watchedCount(): number {
    let count = 0;
    for (const { watched } of this.byPeer.values()) count += watched.size;
    return count;
  }

  private handlesOf(peer: Peer): PeerHandles {
    let handles = this.byPeer.get(peer);
    if (handles === undefined) this.byPeer.set(peer, handles = { byNumber: new Map(), watched: new Map() });
    return handles;
  }

  private forget(peer: Peer, number: number): void {
    const handles = this.byPeer.get(peer);
    if (handles === undefined || handles.byNumber.get(number)?.deref() !== undefined) return;
    handles.byNumber.delete(number);
    if (handles.byNumber.size > 0) return;
    this.byPeer.delete(peer);
    this.released(peer);
  }
}

const NO_HANDLES: PeerHandles = { byNumber: new Map(), watched: new Map() };
