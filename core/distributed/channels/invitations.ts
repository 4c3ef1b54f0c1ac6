import { Coro } from "../../coroutine/coro.ts";
import { Channel } from "../../messages/channel.ts";
import { ChannelClosedError } from "../../messages/errors.ts";
import { Immediate } from "../../operations/immediate.ts";
import { Kind } from "../peers/operation_kind.ts";
import type { OperationReader } from "../peers/operation_reader.ts";
import type { Peer } from "../peers/peer.ts";
import type { Peers } from "../peers/peers.ts";
import type { Permissions } from "../permissions.ts";
import { Answer } from "./answer.ts";
import type { HandleRequests } from "./handle_requests.ts";
import { Invited } from "./invite_request.ts";
import { type Change, RemoteChannel, type Subscriber } from "./remote_channel.ts";
import { secondsOf } from "./seconds.ts";

/** Has coroutines and channels of this process subscribe to channels of any peer, or unsubscribe, as peers ask. */
export class Invitations {
  private readonly peers: Peers;
  private readonly permissions: Permissions;
  private readonly requests: HandleRequests;

  constructor(peers: Peers, permissions: Permissions, requests: HandleRequests) {
    this.peers = peers;
    this.permissions = permissions;
    this.requests = requests;
  }

  /** An invitation has come from a peer. */
  received(peer: Peer, reader: OperationReader): void {
    const request = reader.integer();
    const action = reader.integer() === 1 ? "subscribe" : "unsubscribe";
    const seconds = secondsOf(reader.value());
    let [channel, subscriber]: unknown[] = [];
    try {
      [channel, subscriber] = [reader.value(), reader.value()];
    } catch (error) {
      this.answer(peer, request, Answer.REFUSED, Invited.NO);
      throw error;
    }
    const { session } = peer;
    if (!(channel instanceof Channel && isSubscriber(subscriber) && subscriber.location === null)) {
      return this.answer(peer, request, Answer.REFUSED, Invited.NO);
    }
    const allowed = this.allows(peer, subscriber) && (channel.location !== null || this.allows(peer, channel));
    if (peer.session !== session) return;
    if (!allowed) return this.answer(peer, request, Answer.REFUSED, Invited.NO);
    this.change(peer, request, action, channel, subscriber, seconds);
  }

  private allows(peer: Peer, target: Subscriber): boolean {
    return this.permissions.allows({ peer: peer.location, action: "subscribe", name: target.name, target });
  }

  private change(
    peer: Peer,
    request: number,
    action: Change,
    channel: Channel<unknown>,
    subscriber: Subscriber,
    seconds: number,
  ): void {
    const { session } = peer;
    const answer = (status: number, invited: number): void => {
      if (peer.session !== session) return;
      peer.requests.removeOpen(request);
      this.answer(peer, request, status, invited);
    };
    const before = hasSubscriber(channel, subscriber);
    // The home of the channel is not asked whether the peer may subscribe if it has asked for that itself.
    const operation = channel instanceof RemoteChannel
      ? this.requests.subscription(action, channel, subscriber, seconds, channel.peer === peer ? request : 0)
      : new Immediate(action, () => action === "subscribe" ? channel.add(subscriber) : channel.remove(subscriber));
    const body = function* (): Generator<unknown, void, unknown> {
      try {
        const changed = yield* operation;
        const invited = action === "subscribe" && before ? Invited.BEFORE : Invited.NOW;
        answer(Answer.DONE, changed ? invited : Invited.NO);
      } catch (error) {
        if (!(error instanceof ChannelClosedError)) throw error;
        answer(Answer.CLOSED, Invited.NO);
      }
    };
    const coro = this.peers.spawn(`${action} for ${peer}`, body());
    peer.requests.addOpen(request, {
      cancelled: () => {
        coro.terminate();
        if (peer.session === session) this.answer(peer, request, Answer.REFUSED, Invited.NO);
      },
    });
  }

  private answer(peer: Peer, request: number, status: number, invited: number): void {
    if (peer.isOnline) {
      peer.post(this.peers.writer.begin(Kind.ANSWER).integer(request).integer(status).integer(invited));
    }
  }
}

function isSubscriber(value: unknown): value is Subscriber {
  return value instanceof Coro || value instanceof Channel;
}

function hasSubscriber({ coros, channels }: Channel<unknown>, subscriber: Subscriber): boolean {
  return subscriber instanceof Channel ? channels.has(subscriber) : coros.has(subscriber);
}
