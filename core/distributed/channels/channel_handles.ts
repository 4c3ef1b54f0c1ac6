import type { Peer } from "../peers/peer.ts";
import { RemoteChannel, type RemoteChannelOwner } from "./remote_channel.ts";

/** The handles to channels of peers: one object for each channel, as long as it is referenced or has subscribers. */
export class ChannelHandles {
  private readonly owner: RemoteChannelOwner;
  private readonly released: (peer: Peer) => void;
  private readonly byPeer: Map<Peer, Map<number, WeakRef<RemoteChannel>>> = new Map();
  /** Those that have subscribers; all of them in a simulation, where the moment of a collection must have no effect. */
  private readonly held: Set<RemoteChannel> = new Set();
  private readonly holdsAll: boolean;
  private readonly collected: FinalizationRegistry<{ readonly peer: Peer; readonly number: number }>;

  /** `released` is called when nothing refers to channels of a peer any more. */
  constructor(owner: RemoteChannelOwner, released: (peer: Peer) => void, holdsAll: boolean) {
    this.owner = owner;
    this.released = released;
    this.holdsAll = holdsAll;
    this.collected = new FinalizationRegistry(({ peer, number }) => this.forget(peer, number));
  }

  /** The handle of a channel of a peer. */
  handle(peer: Peer, number: number, name: string): RemoteChannel {
    const known = this.find(peer, number);
    if (known !== undefined) return known;
    const channel = new RemoteChannel(this.owner, peer, number, name);
    let handles = this.byPeer.get(peer);
    if (handles === undefined) this.byPeer.set(peer, handles = new Map());
    handles.set(number, new WeakRef(channel));
    this.collected.register(channel, { peer, number });
    if (this.holdsAll) this.held.add(channel);
    return channel;
  }

  /** The handle of a channel, if there is one. */
  find(peer: Peer, number: number): RemoteChannel | undefined {
    return this.byPeer.get(peer)?.get(number)?.deref();
  }

  /** Keeps a handle from being collected, or no longer. */
  hold(channel: RemoteChannel, flag: boolean): void {
    if (flag) this.held.add(channel);
    else if (!this.holdsAll) this.held.delete(channel);
  }

  /** Whether there are handles to channels of a peer. */
  has(peer: Peer): boolean {
    return this.byPeer.has(peer);
  }

  /** All handles to channels of a peer that are referenced. */
  of(peer: Peer): RemoteChannel[] {
    const handles = this.byPeer.get(peer)?.values() ?? [];
    return [...handles].map((ref) => ref.deref()).filter((channel) => channel !== undefined);
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
