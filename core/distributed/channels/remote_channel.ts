import { UnsupportedError } from "../../base/errors.ts";
import { describe } from "../../base/describe.ts";
import { type Limit, limitSeconds } from "../../base/limit.ts";
import type { Coro } from "../../coroutine/coro.ts";
import type { Operation } from "../../fiber/operation.ts";
import { Channel, type ChannelStatistics, type Transform } from "../../messages/channel.ts";
import { ChannelClosedError } from "../../messages/errors.ts";
import { limited } from "../../operations/limited.ts";
import { PeerLostError } from "../errors.ts";
import type { Location } from "../location.ts";
import { Peer } from "../peers/peer.ts";

/** What is done with a subscriber. */
export type Change = "subscribe" | "unsubscribe";

/** What subscribes to a channel. */
export type Subscriber = Coro | Channel<unknown>;

/** What a handle needs of the service that it belongs to. */
export interface RemoteChannelOwner {
  /** Sends a message to the home of a channel. */
  publish(channel: RemoteChannel, message: unknown): void;
  /** Makes the operation that delivers a message, copied now, to the subscribers of a channel. */
  delivery(channel: RemoteChannel, message: unknown, seconds: number, n: number): Operation<number>;
  /** Makes the operation that adds a subscriber of this process to a channel, or removes it. */
  subscription(
    action: Change,
    channel: RemoteChannel,
    subscriber: Subscriber,
    seconds: number,
  ): Operation<boolean>;
  /** Makes the operation that has a subscriber of another peer subscribe to a channel, or unsubscribe. */
  invitation(
    action: Change,
    channel: Channel<unknown>,
    subscriber: Subscriber,
    peer: Peer,
    seconds: number,
  ): Operation<boolean>;
  /** Keeps a handle from being collected as long as it has subscribers. */
  hold(channel: RemoteChannel, hasSubscribers: boolean): void;
  /** Tells the home of a channel that it has fewer subscribers here. */
  unsubscribed(channel: RemoteChannel, coros: number, channels: number): void;
}

/**
 * A channel of another peer: a handle to it, which is accepted wherever a channel is.
 *
 * There is one object for each channel as long as it is referenced. Messages go to the channel's own peer, where its
 * transform runs, and from there once to each peer that has subscribers. What only the channel's own process can do throws
 * an `UnsupportedError`.
 *
 * When the peer is lost or has left, its subscribers are removed, and every use throws a `ChannelClosedError`; should that
 * joining return, the handle works again.
 */
// Of the channel that it extends, it uses the sets of subscribers: those of this process. The home knows how many they are.
export class RemoteChannel<T = unknown> extends Channel<T> {
  /** @internal Its peer. */
  readonly peer: Peer;
  /** @internal The number that its peer knows it by. */
  readonly number: number;
  readonly #owner: RemoteChannelOwner;
  #isClosed = false;
  /** How many subscribers its home counts for this peer. */
  #counted = { coros: 0, channels: 0 };

  /** @internal Handles come from peers. */
  constructor(owner: RemoteChannelOwner, peer: Peer, number: number, name: string) {
    if (!(peer instanceof Peer)) {
      throw new TypeError("Cannot make a RemoteChannel: it is found with Channel.locate(), or comes in a message");
    }
    super(name);
    this.#owner = owner;
    this.peer = peer;
    this.number = number;
  }

  /** Where it is. */
  override get location(): Location {
    // There is no peer yet when the constructor of `Channel` asks, which only wants to know whether it is elsewhere.
    return (this.peer as Peer | undefined)?.location as Location;
  }

  /** Its name and location. */
  override toString(): string {
    return `${this.name}@${this.peer}`;
  }

  /** @internal How `console.log` shows it: its peer leads to the whole network. */
  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return `RemoteChannel ${this}`;
  }

  /**
   * Sends a message, as a copy. Never waits.
   *
   * @returns `true`.
   * @throws {SerializationError} If it is not sendable.
   * @throws {MessageTooLargeError} If it is too large for either side.
   * @throws {BackpressureError} If too many bytes wait to be acknowledged by the peer.
   * @throws {ChannelClosedError} If it is closed, or its peer was lost or has left.
   */
  override send(message: T): boolean {
    this.mustBeOpen("send");
    this.#owner.publish(this as RemoteChannel, message);
    return true;
  }

  /**
   * Sends a message, copied now, once the channel has subscribers, and waits until coroutines have acknowledged it.
   *
   * @param limit How long to wait at most; with zero or less nothing is sent.
   * @param n The number of subscribers to wait for, of all peers.
   * @returns How many coroutines got the message until time is up, of all peers; 0 if the transform dropped it or the peer
   * refused it.
   * @throws {SerializationError} If it is not sendable.
   * @throws {MessageTooLargeError} If it is too large for either side.
   * @throws {ChannelClosedError} If it is closed or its peer was lost or has left, also while this waits.
   */
  override deliver(message: T, limit?: Limit, n = 0): Operation<number> {
    this.mustBeOpen("deliver");
    const seconds = limitSeconds(limit, "deliver");
    if (!Number.isInteger(n) || n < 0) {
      throw new RangeError(`Cannot deliver as 'n' must be an integer of 0 or more: current value is ${describe(n)}`);
    }
    return limited(this.#owner.delivery(this as RemoteChannel, message, seconds, n), limit);
  }

  /** Throws an {@linkcode UnsupportedError}. */
  override setTransform(_transform: Transform<T> | null): never {
    throw this.#unsupported("set the transform of");
  }

  /** Throws an {@linkcode UnsupportedError}. */
  override close(): never {
    throw this.#unsupported("close");
  }

  /** Throws an {@linkcode UnsupportedError}. */
  override statistics(): ChannelStatistics {
    throw this.#unsupported("count the subscribers of");
  }

  #unsupported(action: string): UnsupportedError {
    return new UnsupportedError(`Cannot ${action} channel ${this} as it is on another peer: have that peer do it`);
  }

  // --- subscribers --------------------------------------------------------------------------------------------

  /** @internal */
  change(
    action: Change,
    channel: Channel<unknown>,
    subscriber: Subscriber,
    seconds: number,
  ): Operation<boolean> {
    return subscriber === this
      ? this.#owner.invitation(action, channel, subscriber, this.peer, seconds)
      : this.#owner.subscription(action, this as RemoteChannel, subscriber, seconds);
  }

  /** @internal Whether it has a subscriber of this process. */
  has(subscriber: Subscriber): boolean {
    const set: Set<Subscriber> = subscriber instanceof Channel ? this.channels as Set<never> : this.coros;
    return set.has(subscriber);
  }

  /** @internal Its home counts a subscriber of this process more. Returns whether that was added. */
  accepted(subscriber: Subscriber): boolean {
    this.#counted[subscriber instanceof Channel ? "channels" : "coros"]++;
    try {
      return this.add(subscriber as Coro | Channel<T>);
    } finally {
      this.#tellHome();
    }
  }

  /** @internal Its home counts a subscriber of this process more, which is not to be one any more. */
  declined(subscriber: Subscriber): void {
    this.#counted[subscriber instanceof Channel ? "channels" : "coros"]++;
    this.#tellHome();
  }

  /** @internal */
  override subscribersChanged(): void {
    super.subscribersChanged();
    this.#tellHome();
  }

  #tellHome(): void {
    const [coros, channels] = [this.coros.size, this.channels.size];
    const fewer = [this.#counted.coros - coros, this.#counted.channels - channels];
    this.#counted = { coros, channels };
    if (fewer[0] > 0 || fewer[1] > 0) this.#owner.unsubscribed(this as RemoteChannel, fewer[0], fewer[1]);
    this.#owner.hold(this as RemoteChannel, coros + channels > 0);
  }

  // --- the end ------------------------------------------------------------------------------------------------

  /** @internal */
  override get isOpen(): boolean {
    return !this.#isClosed;
  }

  /** @internal Its home has closed it. */
  closed(): void {
    this.#isClosed = true;
    this.parted();
  }

  /** @internal The session with its peer has ended. */
  parted(): void {
    this.#counted = { coros: 0, channels: 0 };
    this.removeAll(this.closedError("deliver"));
    this.#owner.hold(this as RemoteChannel, false);
  }

  /** @internal */
  override mustBeOpen(action: string): void {
    if (this.#isClosed || !this.peer.isReachable) throw this.closedError(action);
  }

  /** @internal The error of a use when it is closed, or cannot be reached. */
  closedError(action: string): ChannelClosedError {
    if (this.#isClosed) {
      return new ChannelClosedError(
        `Cannot ${action} as channel '${this.name}' of ${this.peer} is closed: open a new one`,
      );
    }
    const cause = new PeerLostError(this.peer.location, this.peer.lastLoss ?? "lost");
    return new ChannelClosedError(`Cannot ${action} as the peer of channel '${this.name}' is not there: ${this.peer}`, {
      cause,
    });
  }
}
