import type { Operation } from "../../fiber/operation.ts";
import { Channel } from "../../messages/channel.ts";
import { BackpressureError } from "../errors.ts";
import { Kind } from "../peers/operation_kind.ts";
import type { Peer } from "../peers/peer.ts";
import type { Peers } from "../peers/peers.ts";
import { InviteRequest } from "./invite_request.ts";
import type { Change, RemoteChannel, RemoteChannelOwner, Subscriber } from "./remote_channel.ts";
import { RemoteChannelDeliver } from "./remote_channel_deliver.ts";
import { SubscribeRequest, UnsubscribeRequest } from "./subscription.ts";

/** What handles ask of other peers, as `channel_service.ts` says. */
export class HandleRequests implements RemoteChannelOwner {
  private readonly peers: Peers;
  /** The handles that have subscribers here: they must not be collected. */
  private readonly subscribed: Set<RemoteChannel> = new Set();

  constructor(peers: Peers) {
    this.peers = peers;
  }

  publish(channel: RemoteChannel, message: unknown): void {
    const { peer } = channel;
    const { writer } = this.peers;
    writer.begin(Kind.PUBLISH).integer(channel.number).message(message, peer.maxMessage);
    if (!peer.hasRoom(writer.length)) {
      throw new BackpressureError(
        `Cannot send to channel ${channel} as too much waits to be acknowledged: use deliver(), which waits, or send less`,
      );
    }
    const ticket = peer.post(writer);
    peer.whenTooLarge(ticket, () => this.peers.report(tooLarge(channel)));
  }

  delivery(channel: RemoteChannel, message: unknown, seconds: number, n: number): Operation<number> {
    const { peer } = channel;
    const request = peer.prepare(Kind.BROADCAST, (writer) => {
      const limit = seconds < Infinity ? seconds : Infinity;
      writer.integer(channel.number).integer(n).value(limit).message(message, peer.maxMessage);
    });
    return new RemoteChannelDeliver(channel, request, seconds, () => this.peers.report(tooLarge(channel)));
  }

  subscription(
    action: Change,
    channel: RemoteChannel,
    subscriber: Subscriber,
    seconds: number,
    invitation = 0,
  ): Operation<boolean> {
    if (action === "subscribe") {
      const request = channel.peer.prepare(Kind.SUBSCRIBE, (writer) => {
        writer.integer(channel.number).integer(subscriber instanceof Channel ? 1 : 0).integer(invitation);
      });
      return new SubscribeRequest(channel, subscriber, request, seconds);
    }
    const request = channel.peer.prepare(Kind.UNSUBSCRIBE, (writer) => {
      writer.integer(channel.number).integer(0).integer(0);
    });
    return new UnsubscribeRequest(channel, subscriber, request, seconds);
  }

  unsubscribed({ peer, number }: RemoteChannel, coros: number, channels: number): void {
    if (!peer.isOnline) return;
    const { writer } = this.peers;
    peer.post(writer.begin(Kind.UNSUBSCRIBE).integer(0).integer(number).integer(coros).integer(channels));
  }

  hold(channel: RemoteChannel, hasSubscribers: boolean): void {
    if (hasSubscribers) this.subscribed.add(channel);
    else this.subscribed.delete(channel);
  }

  invitation(
    action: Change,
    channel: Channel<unknown>,
    subscriber: Subscriber,
    peer: Peer,
    seconds: number,
  ): Operation<boolean> {
    const prepare = (action: Change) =>
      peer.prepare(Kind.INVITE, (writer) => {
        writer.integer(action === "subscribe" ? 1 : 0).value(seconds < Infinity ? seconds : Infinity);
        writer.value(channel, "channel").value(subscriber, "subscriber");
      });
    const undo = () => {
      if (peer.isOnline) peer.postBytes(prepare("unsubscribe").operation, 0);
    };
    return new InviteRequest(action, channel, subscriber, peer, prepare(action), seconds, undo);
  }
}

function tooLarge(channel: RemoteChannel): Error {
  return new RangeError(`Message to channel ${channel} was not sent as it is larger than the peer takes`);
}
