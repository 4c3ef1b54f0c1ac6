import type { Peer } from "./peer.ts";

/**
 * Handles to what peers have, by the numbers that the peers know it by: one object for each, as long as it is referenced.
 */
export class WeakHandles<H extends object> {
  private readonly byPeer: Map<Peer, Map<number, WeakRef<H>>> = new Map();
  private readonly released: (peer: Peer) => void;
  /** Holds every handle, in a simulation: there the moment of a garbage collection must have no effect. */
  private readonly held: Set<H> | null;
  private readonly collected: FinalizationRegistry<{ readonly peer: Peer; readonly number: number }>;

  /** `released` is called when nothing refers to what a peer has any more. */
  constructor(released: (peer: Peer) => void, holdsAll: boolean) {
    this.released = released;
    this.held = holdsAll ? new Set() : null;
    this.collected = new FinalizationRegistry(({ peer, number }) => this.forget(peer, number));
  }

  /** The handle, which `make` makes if there is none. */
  get(peer: Peer, number: number, make: () => H): H {
    let handles = this.byPeer.get(peer);
    if (handles === undefined) this.byPeer.set(peer, handles = new Map());
    const known = this.find(peer, number);
    if (known !== undefined) return known;
    const handle = make();
    handles.set(number, new WeakRef(handle));
    this.collected.register(handle, { peer, number });
    this.held?.add(handle);
    return handle;
  }

  /** The handle, if there is one. */
  find(peer: Peer, number: number): H | undefined {
    return this.byPeer.get(peer)?.get(number)?.deref();
  }

  /** Whether there are handles to what a peer has. */
  has(peer: Peer): boolean {
    return this.byPeer.has(peer);
  }

  /** All handles to what a peer has that are referenced. */
  of(peer: Peer): H[] {
    const handles = this.byPeer.get(peer) ?? new Map<number, WeakRef<H>>();
    return [...handles.values()].map((ref) => ref.deref()).filter((handle) => handle !== undefined);
  }

  private forget(peer: Peer, number: number): void {
    const handles = this.byPeer.get(peer);
    if (handles === undefined || handles.get(number)?.deref() !== undefined) return;
    handles.delete(number);
    if (handles.size > 0) return;
    this.byPeer.delete(peer);
    this.released(peer);
  }
}
