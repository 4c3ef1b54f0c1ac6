import type { RoomQueue, RoomWaiter } from "../../coroutine/bounded_mailbox.ts";
import type { Coro } from "../../coroutine/coro.ts";
import { WaitQueue } from "../../fiber/wait_queue.ts";
import type { Channel } from "../../messages/channel.ts";
import type { ChannelDeliver } from "../../messages/channel_deliver.ts";
import type { RemotelyHeard, RemoteSubscribers } from "../../messages/remote_subscribers.ts";
import type { Peer } from "../peers/peer.ts";
import type { Peers } from "../peers/peers.ts";
import { standInChannel, standInCoro, type StandInMailbox } from "./stand_in.ts";

/** The subscribers of a channel that one peer has. The peer gets one message for all of them. */
export class Outlet implements StandInMailbox, RoomQueue {
  readonly peer: Peer;
  /** What stands for its coroutines in the channel. */
  readonly coros: Coro[] = [];
  /** What stands for its channels. */
  readonly channels: Channel<unknown>[] = [];
  /** The bytes of the message that is being sent. */
  bytes = 1;
  /** What waits for room in the queue to the peer. */
  readonly waiting: WaitQueue<RoomWaiter> = new WaitQueue();

  constructor(peer: Peer) {
    this.peer = peer;
  }

  overflowFor(): "wait" | null {
    if (this.peer.hasRoom(this.bytes)) return null;
    this.peer.roomListeners.add(this.serve);
    return "wait";
  }

  private readonly serve = (): void => {
    while (this.waiting.length > 0 && this.peer.hasRoom(1)) this.waiting.shift()!.roomMade();
    if (this.waiting.length > 0) this.peer.roomListeners.add(this.serve);
  };
}

/** What an audience needs of the network that it belongs to. */
export interface AudienceOwner {
  /** The peers. */
  readonly peers: Peers;
  /** Sends messages to peers. */
  readonly spreading: Pick<RemoteSubscribers, "prepare">;
  /** The channel of an audience was closed. */
  channelClosed(audience: Audience): void;
}

/** The subscribers that peers have for a channel of this process, which was given out. */
export class Audience implements RemoteSubscribers {
  /** Its network. */
  readonly owner: AudienceOwner;
  /** The channel. */
  readonly channel: Channel<unknown>;
  /** The number that peers know the channel by. */
  readonly number: number;
  private readonly byPeer: Map<Peer, Outlet> = new Map();

  constructor(owner: AudienceOwner, channel: Channel<unknown>, number: number) {
    this.owner = owner;
    this.channel = channel;
    this.number = number;
  }

  /** The subscribers by peer. */
  get outlets(): MapIterator<Outlet> {
    return this.byPeer.values();
  }

  /** Whether there are none. */
  get isEmpty(): boolean {
    return this.byPeer.size === 0;
  }

  /** Whether a channel is among them. */
  get hasChannels(): boolean {
    for (const { channels } of this.outlets) if (channels.length > 0) return true;
    return false;
  }

  /** A peer has a subscriber more. The channel is still to be told, see `subscribersChanged()`. */
  add(peer: Peer, isChannel: boolean): void {
    let outlet = this.byPeer.get(peer);
    if (outlet === undefined) this.byPeer.set(peer, outlet = new Outlet(peer));
    if (isChannel) {
      const standIn = standInChannel();
      outlet.channels.push(standIn);
      this.channel.channels.add(standIn);
    } else {
      const standIn = standInCoro(outlet);
      outlet.coros.push(standIn);
      this.channel.coros.add(standIn);
    }
  }

  /** A peer has so many subscribers less; all of them by default. */
  remove(peer: Peer, coros = Infinity, channels = Infinity): void {
    const outlet = this.byPeer.get(peer);
    if (outlet === undefined) return;
    for (; coros > 0 && outlet.coros.length > 0; coros--) this.channel.coros.delete(outlet.coros.pop()!);
    for (; channels > 0 && outlet.channels.length > 0; channels--) this.channel.channels.delete(outlet.channels.pop()!);
    if (outlet.coros.length + outlet.channels.length === 0) this.byPeer.delete(peer);
    this.channel.subscribersChanged();
  }

  prepare<T>(
    versions: ReadonlyMap<RemotelyHeard, T>,
    seen: Set<object>,
    deliver: ChannelDeliver<T> | null,
  ): ((count: number) => number | null) | undefined {
    return this.owner.spreading.prepare(versions, seen, deliver);
  }

  /** How it reads in messages. */
  toString(): string {
    return `subscribers of channel '${this.channel.name}' on ${this.byPeer.size} peers`;
  }

  /** How `console.log` shows it: the fields lead to the whole network. */
  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return `Audience: ${this}`;
  }

  closed(): void {
    this.byPeer.clear();
    this.owner.channelClosed(this);
  }
}
