import type { Operation } from "../fiber/operation.ts";
import type { ChannelDeliver } from "./channel_deliver.ts";

/** A coroutine or channel of another peer. */
export interface RemoteHandle {
  /**
   * Makes the operation that adds a subscriber to a channel or removes it: one of the two is this handle. If that is the
   * subscriber, its own peer does so.
   */
  change(
    action: "subscribe" | "unsubscribe",
    channel: object,
    subscriber: object,
    seconds: number,
  ): Operation<boolean>;
}

/** A channel, as its subscribers on other peers see it. */
export interface RemotelyHeard {
  /** Reaches its subscribers on other peers; `null` if no peer can have it. */
  readonly remote: RemoteSubscribers | null;
}

/**
 * Reaches the subscribers of a channel that are on other peers. A room above knows how.
 *
 * In the sets of the channel there is a stand-in for each of them, which counts as a subscriber and takes no message. Its
 * mailbox is full as long as the queue to its peer is.
 */
export interface RemoteSubscribers {
  /**
   * Encodes what channels pass on, for their subscribers on other peers. Returns a function that sends it, to be called
   * with the number of coroutines here that got the message. That returns the number, or `null` if peers are to tell theirs:
   * then `deliver` has been given what it waits for, and is resolved later.
   *
   * @param versions What each channel that the message reaches passes on.
   * @param seen What the message has reached.
   * @throws {TypeError} If it is not sendable, and this process has sent it. Nothing was sent then.
   */
  prepare<T>(
    versions: ReadonlyMap<RemotelyHeard, T>,
    seen: Set<object>,
    deliver: ChannelDeliver<T> | null,
  ): ((count: number) => number | null) | undefined;
  /** The channel was closed. */
  closed(): void;
}
