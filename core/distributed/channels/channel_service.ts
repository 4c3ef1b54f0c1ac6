/**
 * Channels across peers.
 *
 * A channel lives where it was opened, its *home*: there its transform runs, and there it is known how many subscribers
 * each peer has. Who they are is known at the peer alone, where the handle to the channel has them in its sets. A message
 * goes from the home once to each peer that has subscribers, and is spread there to them.
 *
 *     SUBSCRIBE    request, channel, whether a channel subscribes, invitation or 0      answered: `Answer`
 *     UNSUBSCRIBE  request or 0, channel, coroutines and channels that are fewer        answered: `Answer`
 *     INVITE       request, whether to subscribe, seconds, channel, subscriber          answered: `Answer`, `Invited`
 *     PUBLISH      channel, message
 *     BROADCAST    request, channel, subscribers to wait for, seconds, message          answered: `Answer`, coroutines
 *     SPREAD       request or 0, channel, seconds or null, identity, message            answered: `Answer`, coroutines
 *     CLOSED       channel
 *     SETTLED      origin, number
 *
 * Channels are their numbers at their home, in INVITE handles. The parts of answers to BROADCAST and SPREAD are numbers of
 * coroutines. The identity of SPREAD is 0, or 1 with the origin, the number there, and up to which number its broadcasts
 * have come to their end (`broadcasts.ts`).
 *
 * A subscriber is added where it is when the answer to SUBSCRIBE arrives: the home has counted it then, and whatever it
 * sends afterwards comes after the answer.
 */
import type { Channel } from "../../messages/channel.ts";
import type { HandleType } from "../handle_types.ts";
import { Kind } from "../peers/operation_kind.ts";
import type { OperationReader } from "../peers/operation_reader.ts";
import type { Peer } from "../peers/peer.ts";
import type { Peers } from "../peers/peers.ts";
import type { Service } from "../peers/service.ts";
import { WeakHandles } from "../peers/weak_handles.ts";
import type { PeerAction, Permissions } from "../permissions.ts";
import { Answer } from "./answer.ts";
import { Audience, type AudienceOwner } from "./audience.ts";
import { Broadcasts, type Identity } from "./broadcasts.ts";
import { ChannelExports } from "./channel_exports.ts";
import { ChannelHandleType, type ChannelNumbers } from "./channel_handle_type.ts";
import { HandleRequests } from "./handle_requests.ts";
import { IncomingDeliver, type IncomingOptions } from "./incoming_deliver.ts";
import { Invitations } from "./invitations.ts";
import { InviteRequest } from "./invite_request.ts";
import { RemoteChannel } from "./remote_channel.ts";
import { secondsOf } from "./seconds.ts";
import { Spreading } from "./spreading.ts";
import { Tally } from "./tally.ts";

/** What the service needs to know of the network. */
export interface ChannelServiceOptions {
  readonly peers: Peers;
  readonly permissions: Permissions;
  /** Whether handles are never collected, for a simulation. */
  readonly holdsHandles: boolean;
}

/** See the head of this file. */
export class ChannelService implements Service, ChannelNumbers, AudienceOwner {
  /** How channels are sent. */
  readonly handleType: HandleType;
  /** What may reach this peer again. */
  readonly broadcasts: Broadcasts;
  /** What handles ask of other peers. */
  readonly requests: HandleRequests;
  readonly peers: Peers;
  readonly spreading: Spreading;
  private readonly options: ChannelServiceOptions;
  private readonly exports: ChannelExports = new ChannelExports();
  private readonly handles: WeakHandles<RemoteChannel>;
  private readonly invitations: Invitations;

  constructor(options: ChannelServiceOptions) {
    const { peers } = options;
    this.options = options;
    this.peers = peers;
    this.handleType = new ChannelHandleType(peers, this);
    this.handles = new WeakHandles((peer) => peers.release(peer), options.holdsHandles);
    this.broadcasts = new Broadcasts({
      loop: peers.loop,
      id: peers.location.peerId,
      online: () => peers.online(),
      tellSettled(peer, origin, number) {
        if (peer.isOnline) peer.post(peers.writer.begin(Kind.SETTLED).bytes(origin).integer(number));
      },
    });
    this.spreading = new Spreading(this.broadcasts);
    this.requests = new HandleRequests(peers);
    this.invitations = new Invitations(peers, options.permissions, this.requests);
    const { SUBSCRIBE, UNSUBSCRIBE, INVITE, PUBLISH, BROADCAST, SPREAD, CLOSED, SETTLED } = Kind;
    peers.addService(this, SUBSCRIBE, UNSUBSCRIBE, INVITE, PUBLISH, BROADCAST, SPREAD, CLOSED, SETTLED);
  }

  // --- peers --------------------------------------------------------------------------------------------------

  needs(peer: Peer): boolean {
    return this.handles.has(peer);
  }

  parted(peer: Peer): void {
    this.broadcasts.parted(peer);
    for (const channel of this.handles.of(peer)) channel.parted();
    for (const [, channel] of [...this.exports]) this.audienceOf(channel)!.remove(peer);
  }

  /** The network has been left. The sessions have ended. */
  stop(): void {
    for (const [, channel] of this.exports) channel.remote = null;
    this.exports.clear();
    this.broadcasts.stop();
  }

  // --- channels of this process -------------------------------------------------------------------------------

  numberOf(channel: Channel<unknown>): number | null {
    const known = this.exports.numberOf(channel);
    if (known !== undefined) return known;
    // It belongs to another scheduler of this process.
    if (channel.namesOwner.names !== this.peers.loop.names) return null;
    const number = this.exports.add(channel);
    if (channel.isOpen) channel.remote = new Audience(this, channel, number);
    else this.exports.close(number);
    return number;
  }

  original(number: number, name: string): Channel<unknown> {
    const channel = this.exports.original(number);
    if (channel !== undefined) return channel;
    const handle = this.handle(this.peers.forgotten, number, name);
    handle.closed();
    return handle;
  }

  handle(peer: Peer, number: number, name: string): RemoteChannel {
    return this.handles.get(peer, number, () => new RemoteChannel(this.requests, peer, number, name));
  }

  private audienceOf(channel: Channel<unknown>): Audience | null {
    return channel.remote instanceof Audience && channel.remote.owner === this ? channel.remote : null;
  }

  channelClosed({ number }: Audience): void {
    this.exports.close(number);
    for (const peer of this.peers.online()) peer.post(this.peers.writer.begin(Kind.CLOSED).integer(number));
  }

  // --- from peers ---------------------------------------------------------------------------------------------

  received(peer: Peer, kind: number, reader: OperationReader): void {
    switch (kind) {
      case Kind.SUBSCRIBE:
        return this.receiveSubscribe(peer, reader);
      case Kind.UNSUBSCRIBE:
        return this.receiveUnsubscribe(peer, reader);
      case Kind.INVITE:
        return this.invitations.received(peer, reader);
      case Kind.PUBLISH:
        return this.receivePublish(peer, reader);
      case Kind.BROADCAST:
        return this.receiveBroadcast(peer, reader);
      case Kind.SPREAD:
        return this.receiveSpread(peer, reader);
      case Kind.CLOSED:
        return this.handles.find(peer, reader.integer())?.closed();
      default:
        return this.broadcasts.settled(reader.bytes(), reader.integer());
    }
  }

  private receiveSubscribe(peer: Peer, reader: OperationReader): void {
    const [request, number, isChannel, invitation] = [1, 2, 3, 4].map(() => reader.integer());
    const channel = this.exports.find(number);
    if (channel === undefined) return this.answer(peer, request, Answer.CLOSED);
    const { session } = peer;
    const invited = peer.requests.find(invitation);
    const isInvited = invited instanceof InviteRequest && invited.channel === channel;
    const allowed = isInvited || this.allows(peer, "subscribe", channel);
    // `allow` of the program may have closed the channel, or ended the session.
    if (peer.session !== session) return;
    if (!allowed) return this.answer(peer, request, Answer.REFUSED);
    if (channel.remote === null || !channel.isOpen) return this.answer(peer, request, Answer.CLOSED);
    this.audienceOf(channel)!.add(peer, isChannel === 1);
    this.answer(peer, request, Answer.DONE);
    channel.subscribersChanged();
  }

  private receiveUnsubscribe(peer: Peer, reader: OperationReader): void {
    const [request, number, coros, channels] = [1, 2, 3, 4].map(() => reader.integer());
    const channel = this.exports.find(number);
    if (request > 0) this.answer(peer, request, Answer.DONE);
    if (channel !== undefined) this.audienceOf(channel)!.remove(peer, coros, channels);
  }

  private receivePublish(peer: Peer, reader: OperationReader): void {
    const number = reader.integer();
    const channel = this.exports.find(number);
    if (channel === undefined) return this.tellClosed(peer, number);
    const message = reader.value();
    if (!this.allows(peer, "publish", channel) || !channel.isOpen) return;
    const { reporter: sender } = this.peers;
    new IncomingDeliver(channel, message, { sender, seconds: null, tally: new Tally(), closed: () => {} }).start();
  }

  private receiveBroadcast(peer: Peer, reader: OperationReader): void {
    const request = reader.integer();
    const channel = this.exports.find(reader.integer());
    if (channel === undefined) return this.answer(peer, request, Answer.CLOSED);
    try {
      const n = reader.integer();
      const seconds = secondsOf(reader.value());
      const message = reader.value();
      const { session } = peer;
      const allowed = this.allows(peer, "publish", channel);
      if (peer.session !== session) return;
      if (!allowed) return this.answer(peer, request, Answer.REFUSED);
      this.begin(peer, request, channel, message, { n, seconds, whenClosed: Answer.CLOSED });
    } catch (error) {
      this.answer(peer, request, Answer.REFUSED);
      throw error;
    }
  }

  private receiveSpread(peer: Peer, reader: OperationReader): void {
    const request = reader.integer();
    const channel = this.handles.find(peer, reader.integer());
    const wait = reader.value();
    const seconds = wait === null ? null : secondsOf(wait);
    const identity = readIdentity(reader);
    const seen = identity === null ? undefined : this.broadcasts.arrived(identity, peer);
    if (channel === undefined || !channel.isOpen || seen === null || seen?.has(channel)) {
      return this.answer(peer, request, Answer.DONE, 0);
    }
    let message: unknown;
    try {
      message = reader.value();
    } catch (error) {
      this.answer(peer, request, Answer.DONE, 0);
      throw error;
    }
    this.begin(peer, request, channel, message, { seconds, identity, seen, whenClosed: Answer.DONE });
  }

  /** Sends a peer's message to the subscribers, and then tells the peer how many coroutines got it. */
  private begin(
    peer: Peer,
    request: number,
    channel: Channel<unknown>,
    message: unknown,
    options: { whenClosed: number } & Pick<IncomingOptions, "n" | "seconds" | "identity" | "seen">,
  ): void {
    const { session } = peer;
    const tally = new Tally();
    const answer = (status: number, count: number): void => {
      if (request === 0 || peer.session !== session) return;
      peer.requests.removeOpen(request);
      this.answer(peer, request, status, count);
    };
    tally.listen((added, settled) => {
      if (settled) return answer(Answer.DONE, added);
      if (request === 0 || added === 0 || peer.session !== session) return;
      peer.post(this.peers.writer.begin(Kind.PROGRESS).integer(request).integer(added));
    });
    const closed = (): void => answer(options.whenClosed, 0);
    const { reporter: sender } = this.peers;
    const incoming = new IncomingDeliver(channel, message, { ...options, sender, tally, closed });
    if (request > 0) peer.requests.addOpen(request, incoming);
    incoming.start();
  }

  // --- answers ------------------------------------------------------------------------------------------------

  /** Sends the answer to a request, unless its number is 0, for none, or the peer has been lost since. */
  private answer(peer: Peer, request: number, status: number, value = 0): void {
    if (request > 0 && peer.isOnline) {
      peer.post(this.peers.writer.begin(Kind.ANSWER).integer(request).integer(status).integer(value));
    }
  }

  private tellClosed(peer: Peer, number: number): void {
    peer.post(this.peers.writer.begin(Kind.CLOSED).integer(number));
  }

  private allows(peer: Peer, action: PeerAction, target: Channel<unknown>): boolean {
    return this.options.permissions.allows({ peer: peer.location, action, name: target.name, target });
  }
}

function readIdentity(reader: OperationReader): Identity | null {
  if (reader.integer() === 0) return null;
  return { origin: reader.bytes(), number: reader.integer(), settled: reader.integer() };
}
