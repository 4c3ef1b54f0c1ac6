/**
 * Channels: a message sent to a channel reaches all its subscribers.
 *
 * Sending has two parts. First the transforms of all channels that the message reaches are called, which is code of the
 * program; then the message is put into the mailboxes, which calls no code of the program. So a transform may send,
 * close or throw, and no coroutine sees a part of a broadcast.
 */
import type { BoundedMailbox } from "../coroutine/bounded_mailbox.ts";
import type { PeerLocation } from "../coroutine/peer_location.ts";
import { ChannelDeliver } from "./channel_deliver.ts";
import type { RemoteHandle, RemoteSubscribers } from "./remote_subscribers.ts";
import { context, type WaitingFiber } from "../fiber/context.ts";
import { Coro } from "../coroutine/coro.ts";
import { describe } from "../base/describe.ts";
import { ChannelClosedError } from "./errors.ts";
import { withinContext } from "../host/async_context.ts";
import type { Operation } from "../fiber/operation.ts";
import { Immediate } from "../operations/immediate.ts";
import { printError } from "../base/error_report.ts";
import { WaitQueue } from "../fiber/wait_queue.ts";
import { type Limit, limitSeconds } from "../base/limit.ts";
import { limited } from "../operations/limited.ts";
import { checkName, type NamesOwner, Registry } from "../coroutine/names.ts";
import { currentNamesOwner } from "../coroutine/names_owner.ts";

/** Changes a message before the subscribers get it: returns the new message, or `null` or `undefined` to drop it. */
export type Transform<T> = (name: string, message: T) => T | null | undefined;

/** A subscriber of a channel of `T`: a coroutine, or a channel that takes messages of this type, and possibly others. */
export type Subscriber<T, S = T> = Coro | (Channel<S> & ([T] extends [S] ? unknown : never));

/** How much a channel is used. */
export interface ChannelStatistics {
  /** Coroutines that subscribe to it, those of peers included. */
  readonly subscribers: number;
  /** Channels that subscribe to it, those of peers included. */
  readonly channels: number;
  /** Calls of `deliver` that wait for subscribers, or for room in their mailboxes. */
  readonly waiting: number;
  /** Messages that a subscriber did not get from `send`, as its mailbox was full, or too much waited for its peer. */
  readonly dropped: number;
}

/** In place of a message, if a transform has dropped it. */
const DROPPED: unique symbol = Symbol("dropped");

/**
 * @internal Names of open channels, of every scheduler in the process that has joined no network. Marked as pure, so that
 * bundlers drop it where channels are not used.
 */
// deno-lint-ignore no-explicit-any -- channels of all types share the names
export const channelNames: Registry<Channel<any>> = /* @__PURE__ */ new Registry<Channel<any>>("channel", () => true);

/**
 * Broadcasts messages to the coroutines and channels that subscribe to it.
 *
 * Channels may subscribe to channels, also in cycles: each channel applies its own transform, and a coroutine gets a
 * message once, by the shortest path on which no transform drops it. Messages from one sender arrive in the order sent,
 * whether through channels, `send` or `deliver`.
 *
 * A subscriber whose bounded mailbox is full does not hold back the others: `send` passes it by, and `deliver` waits. A
 * mailbox that drops its oldest messages is never full.
 *
 * A coroutine that ends is unsubscribed; one that failed stays subscribed as long as a monitor may restart it.
 * Subscribing and unsubscribing take effect for messages sent later. An open channel is kept in memory by its name: close
 * it, or declare it with `using`.
 *
 * On a scheduler that has joined a network, `locate` finds channels of peers, too, and what subscribes may be on any peer.
 * A channel lives where it was opened, and its transform runs there. Each peer with subscribers gets a message once, as a
 * copy. Through the channel of a third peer the order holds within that channel. A message that may come several ways
 * comes by the fastest, so when a way is lost or new, a later one may overtake it.
 *
 * @example
 * ```ts
 * import { Channel, run } from "@asyncoro/asyncoro";
 * import { assertEquals } from "@std/assert";
 *
 * await run(function* (coro) {
 *   using news = new Channel<string>("news", (_name, text) => text.toUpperCase());
 *   yield* news.subscribe(coro);
 *   news.send("hello");
 *   assertEquals(yield* coro.receive(), "HELLO");
 * });
 * ```
 */
export class Channel<T = unknown> {
  // Among whose names its name is. It leads to the whole scheduler, which `console.log` would show.
  readonly #namesOwner: NamesOwner = currentNamesOwner();
  readonly #name: string;
  #transform: Transform<T> | null;
  #closed = false;
  /** @internal The coroutines that subscribe to it. */
  readonly coros: Set<Coro> = new Set();
  /** @internal The channels that subscribe to it. */
  readonly channels: Set<Channel<T>> = new Set();
  // The channels to which it subscribes.
  readonly #sources: Set<Channel<T>> = new Set();
  readonly #waiting: WaitQueue<ChannelDeliver<T>> = new WaitQueue();
  #dropped = 0;
  /** @internal Reaches its subscribers on other peers; `null` if no peer can have it. */
  remote: RemoteSubscribers | null = null;

  /**
   * Opens a channel.
   *
   * @param name Unique among the open channels; among those of its scheduler if that has joined a network.
   * @param transform Called for each message, with the channel's name and the message. If it drops a message that comes
   * through several channels, it is called again with the version of the next channel.
   * @throws {TypeError} If `name` is not a string or is empty, or `transform` is not a function.
   * @throws {Error} If another channel of this name is open.
   */
  constructor(name: string, transform?: Transform<T> | null) {
    this.#name = checkName(name, "open a channel");
    this.#transform = checkTransform(transform ?? null);
    if (this.location !== null || channelNames.at(this.#namesOwner).register(name, this)) return;
    throw new Error(`Cannot open a channel as another one of that name is open: current value is ${describe(name)}`);
  }

  /**
   * Finds the open channel of a name, waiting until one is opened; for a scheduler that has joined a network also among
   * the channels of its peers, see {@linkcode Coro.locate}.
   *
   * @param name The name.
   * @param limit How long to wait at most; zero or less does not wait, and asks no peer.
   * @param location Where to look only.
   * @returns The channel, or `null` after a timeout. An error is thrown at the `yield` if a location is given and the
   * scheduler has joined no network.
   * @throws {TypeError} If `name` is not a string or is empty, or `limit` is not a valid limit.
   */
  static locate<T = unknown>(
    name: string,
    limit?: Limit,
    location?: PeerLocation | null,
  ): Operation<Channel<T> | null> {
    return channelNames.locate(name, limit, location);
  }

  /** Its name. */
  get name(): string {
    return this.#name;
  }

  /** @internal Among whose names that is. */
  get namesOwner(): NamesOwner {
    return this.#namesOwner;
  }

  /** Where it is, if it is a handle to a channel of another peer; `null` for one of this process. */
  get location(): PeerLocation | null {
    return null;
  }

  /** Its name. */
  toString(): string {
    return this.#name;
  }

  /**
   * Adds a subscriber; adding it again has no effect. Within one process it never waits.
   *
   * @param subscriber A coroutine or a channel.
   * @param limit How long to wait at most.
   * @returns `true`, or `false` if the coroutine has ended, or if a peer was to agree and did not, or not in time.
   * @throws {TypeError} If `subscriber` is neither, or `limit` is not a valid limit.
   * @throws {ChannelClosedError} If this channel or the subscribing one is closed.
   */
  subscribe<S = T>(subscriber: Subscriber<T, S>, limit?: Limit): Operation<boolean> {
    return this.#change("subscribe", subscriber as Coro | Channel<T>, limit);
  }

  /**
   * Removes a subscriber. Within one process it never waits.
   *
   * @param subscriber A coroutine or a channel.
   * @param limit How long to wait at most.
   * @returns Whether it was subscribed.
   * @throws {TypeError} If `subscriber` is neither, or `limit` is not a valid limit.
   * @throws {ChannelClosedError} If this channel is closed.
   */
  unsubscribe<S = T>(subscriber: Subscriber<T, S>, limit?: Limit): Operation<boolean> {
    return this.#change("unsubscribe", subscriber as Coro | Channel<T>, limit);
  }

  /**
   * Sends a message to all subscribers. One whose bounded mailbox is full is passed by and counted, see
   * {@linkcode Channel.statistics}.
   *
   * @param message Anything; it is not copied. With subscribers on peers it must be sendable.
   * @returns `false` if the transform dropped it. A transform that throws drops it, too, and the error is reported: to
   * the `onError` hook of the running coroutine's scheduler, or on stderr.
   * @throws {ChannelClosedError} If the channel is closed.
   * @throws {TypeError} If there are subscribers on peers and the message is not sendable; nobody gets it then.
   * @throws {MessageTooLargeError} If it is too large for a peer with subscribers; nobody gets it then.
   */
  send(message: T): boolean {
    this.mustBeOpen("send");
    return this.broadcast(message, context.fiber, null) !== DROPPED;
  }

  /**
   * Waits until there are subscribers and no mailbox of theirs is full, then sends to all. While it waits it does not
   * hold back other messages to them.
   *
   * With subscribers on peers it then waits for their acknowledgements. A peer waits until no mailbox there is full.
   *
   * @param message Anything; it is not copied. With subscribers on peers it must be sendable.
   * @param limit How long to wait at most; zero or less does not wait, and sends nothing to peers.
   * @param n The number of subscribers to wait for. A channel counts as one.
   * @returns How many coroutines got the message, including those of subscribed channels, and of peers as far as they have
   * acknowledged it in time; 0 after a timeout before it was sent, or if the transform dropped it. What `send` throws of a
   * message that is not sendable, or too large, is thrown at the `yield`.
   * @throws {TypeError} If `limit` is not a valid limit.
   * @throws {RangeError} If `n` is not an integer of 0 or more.
   * @throws {ChannelClosedError} If the channel is closed, or is closed while this waits.
   */
  deliver(message: T, limit?: Limit, n = 0): Operation<number> {
    this.mustBeOpen("deliver");
    const seconds = limitSeconds(limit, "deliver");
    if (!Number.isInteger(n) || n < 0) {
      throw new RangeError(`Cannot deliver as 'n' must be an integer of 0 or more: current value is ${describe(n)}`);
    }
    return limited(new ChannelDeliver(this, message, seconds, n), limit);
  }

  /**
   * Replaces the transform.
   *
   * @param transform The new one, or `null` for none.
   * @throws {TypeError} If it is neither a function nor `null`.
   * @throws {ChannelClosedError} If the channel is closed.
   */
  setTransform(transform: Transform<T> | null): void {
    this.mustBeOpen("set the transform");
    this.#transform = checkTransform(transform);
  }

  /**
   * Closes it: its subscribers and its name are removed, and every `deliver` that waits fails with `ChannelClosedError`,
   * as does any later use. Closing it again has no effect.
   */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    channelNames.at(this.#namesOwner).forget(this);
    this.remote?.closed();
    this.removeAll(this.#closedError("deliver"));
  }

  /** @internal Removes all subscribers, and itself from what it subscribes to. What waits fails with an error. */
  removeAll(error: ChannelClosedError): void {
    for (const coro of this.coros) coro.removeEndListener(this);
    for (const channel of this.channels) channel.#sources.delete(this);
    const sources = [...this.#sources];
    for (const channel of sources) channel.channels.delete(this);
    this.coros.clear();
    this.channels.clear();
    this.#sources.clear();
    for (let waiter = this.#waiting.head; waiter !== null; waiter = this.#waiting.head) {
      waiter.detach();
      waiter.reject(error);
    }
    for (const channel of sources) channel.subscribersChanged();
  }

  /** The same as {@linkcode Channel.close}, for `using`. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** Counts its subscribers and waiters, and the messages that were dropped. */
  statistics(): ChannelStatistics {
    return {
      subscribers: this.coros.size,
      channels: this.channels.size,
      waiting: this.#waiting.length,
      dropped: this.#dropped,
    };
  }

  /** @internal A subscriber has ended. */
  onEnd(coro: Coro): void {
    this.coros.delete(coro);
    this.subscribersChanged();
  }

  // --- subscribers --------------------------------------------------------------------------------------------

  #change(action: "subscribe" | "unsubscribe", subscriber: Coro | Channel<T>, limit: Limit): Operation<boolean> {
    this.mustBeOpen(action);
    const seconds = limitSeconds(limit, action);
    if (!(subscriber instanceof Coro || subscriber instanceof Channel)) {
      throw new TypeError(
        `Cannot ${action} as 'subscriber' must be a coroutine or a channel: current value is ${describe(subscriber)}`,
      );
    }
    const handle = subscriber.location === null ? this : subscriber;
    const change = handle.location === null
      ? new Immediate(action, () => action === "subscribe" ? this.add(subscriber) : this.remove(subscriber))
      : (handle as unknown as RemoteHandle).change(action, this, subscriber, seconds);
    return limited(change, limit);
  }

  /** @internal Adds a subscriber of this process. Returns whether it accepts messages. */
  add(subscriber: Coro | Channel<T>): boolean {
    this.mustBeOpen("subscribe");
    if (subscriber instanceof Coro) {
      if (!subscriber.acceptsMessages) return false;
      this.coros.add(subscriber);
      subscriber.addEndListener(this);
    } else {
      subscriber.mustBeOpen("subscribe");
      this.channels.add(subscriber);
      subscriber.#sources.add(this);
    }
    this.subscribersChanged();
    return true;
  }

  /** @internal Removes a subscriber of this process. Returns whether it was one. */
  remove(subscriber: Coro | Channel<T>): boolean {
    this.mustBeOpen("unsubscribe");
    if (subscriber instanceof Coro) {
      if (!this.coros.delete(subscriber)) return false;
      subscriber.removeEndListener(this);
    } else {
      if (!this.channels.delete(subscriber)) return false;
      subscriber.#sources.delete(this);
    }
    this.subscribersChanged();
    return true;
  }

  /**
   * @internal
   * The set of subscribers has changed. A `deliver` that waits here, or on a channel that passes messages on to this one,
   * may now go on.
   */
  subscribersChanged(): void {
    if (this.#sources.size === 0) return this.deliverWaiting();
    const above = new Set<Channel<T>>([this]);
    for (const channel of above) for (const source of channel.#sources) above.add(source);
    for (const channel of above) channel.deliverWaiting();
  }

  // --- sending ------------------------------------------------------------------------------------------------

  /**
   * @internal
   * Sends a message to all that it has not reached.
   *
   * @param seen The channels that have passed it on, and the coroutines that it has reached.
   * @returns How many coroutines got it, `null` if peers will tell how many, or that the transform dropped it.
   */
  broadcast(
    message: T,
    sender: WaitingFiber | null,
    deliver: ChannelDeliver<T> | null,
    seen?: Set<object>,
  ): number | null | typeof DROPPED {
    const passed = this.#filter(message, sender);
    if (passed === DROPPED) return DROPPED;
    return this.channels.size === 0 && this.remote === null && seen === undefined
      ? this.#post(passed)
      : this.#spread(passed, sender, deliver, seen);
  }

  #post(message: T): number {
    let count = 0;
    for (const coro of this.coros) if (this.#give(coro, message)) count++;
    return count;
  }

  #give(coro: Coro, message: T): boolean {
    if (!isFull(coro, message)) return coro.send(message);
    this.#dropped++;
    return false;
  }

  /** Sends through the subscribed channels, nearest first. */
  #spread(
    message: T,
    sender: WaitingFiber | null,
    deliver: ChannelDeliver<T> | null,
    seen: Set<object> = new Set(),
  ): number | null {
    const versions = new Map<Channel<T>, T>([[this, message]]);
    let remote: RemoteSubscribers | null = null;
    seen.add(this);
    // The loop visits entries that are added meanwhile. A channel that dropped the message may get another version of it
    // by another path. A channel that passed it on is not visited again, so the loop ends.
    for (const [channel, version] of versions) {
      remote ??= channel.remote;
      for (const subscriber of channel.channels) {
        if (seen.has(subscriber)) continue;
        const passed = subscriber.#filter(version, sender);
        if (passed === DROPPED) continue;
        seen.add(subscriber);
        versions.set(subscriber, passed);
      }
    }
    const post = remote?.prepare(versions, seen, deliver);
    let count = 0;
    for (const [channel, version] of versions) {
      for (const coro of channel.coros) {
        if (seen.has(coro)) continue;
        seen.add(coro);
        if (this.#give(coro, version)) count++;
      }
    }
    return post === undefined ? count : post(count);
  }

  /** A mailbox that is full, of a coroutine that a message may reach; `null` if there is none. */
  #fullMailbox(message: T): BoundedMailbox | null {
    const channels = new Set<Channel<T>>([this]);
    for (const channel of channels) {
      for (const coro of channel.coros) if (isFull(coro, message)) return coro.mailbox as BoundedMailbox;
      for (const subscriber of channel.channels) channels.add(subscriber);
    }
    return null;
  }

  #filter(message: T, sender: WaitingFiber | null): T | typeof DROPPED {
    const transform = this.#transform;
    if (transform === null) return message;
    try {
      // A `deliver` that had to wait is carried out while other code runs, and the transform needs the context of the
      // coroutine that called `deliver`.
      return sender === null || sender === context.fiber
        ? transform(this.#name, message) ?? DROPPED
        : withinContext(sender.hostContext, () => transform(this.#name, message)) ?? DROPPED;
    } catch (error) {
      const coro = sender?.owner;
      if (coro !== undefined) coro.loop.reportError(error, coro);
      else printError(`Uncaught error in the transform of channel '${this.#name}'`, error);
      return DROPPED;
    }
  }

  // --- deliver ------------------------------------------------------------------------------------------------

  /** @internal Sends for a `deliver`, or lets it wait for subscribers. Returns whether it has an outcome. */
  begin(deliver: ChannelDeliver<T>): boolean {
    if (this.#closed) return deliver.fail(this.#closedError("deliver"));
    if (this.#isReady(deliver)) {
      const count = this.sendFor(deliver);
      return count !== null && deliver.give(count);
    }
    if (deliver.limit <= 0) {
      deliver.waitForRoom(null);
      return deliver.give(0);
    }
    this.#waiting.push(deliver);
    return false;
  }

  /** @internal Sends for a `deliver`. Returns how many coroutines got the message; `null` if peers will tell how many. */
  sendFor(deliver: ChannelDeliver<T>): number | null {
    const count = this.broadcast(deliver.message, deliver.fiber, deliver, deliver.seen);
    return count === DROPPED ? 0 : count;
  }

  /** @internal A `deliver` no longer waits. */
  stopWaiting(deliver: ChannelDeliver<T>): void {
    this.#waiting.remove(deliver);
  }

  /** @internal Sends for every `deliver` that waits and need not wait longer. */
  deliverWaiting(): void {
    // Starts at the head each time, as a transform may have changed the queue.
    for (let waiter = this.#firstReady(); waiter !== null; waiter = this.#firstReady()) {
      this.#waiting.remove(waiter);
      waiter.ready();
    }
  }

  #firstReady(): ChannelDeliver<T> | null {
    for (let waiter = this.#waiting.head; waiter !== null; waiter = waiter.nextWaiter as ChannelDeliver<T> | null) {
      if (this.#isReady(waiter)) return waiter;
    }
    return null;
  }

  /** Whether a `deliver` may send now. If it may not, the first mailbox that is full will tell when it has room. */
  #isReady(deliver: ChannelDeliver<T>): boolean {
    const isHeard = deliver.n <= this.coros.size + this.channels.size;
    const full = isHeard ? this.#fullMailbox(deliver.message) : null;
    deliver.waitForRoom(full);
    return isHeard && full === null;
  }

  // --- checks -------------------------------------------------------------------------------------------------

  /** @internal Whether it is not known to be closed. */
  get isOpen(): boolean {
    return !this.#closed;
  }

  /** @internal Throws if it is closed. */
  mustBeOpen(action: string): void {
    if (this.#closed) throw this.#closedError(action);
  }

  #closedError(action: string): ChannelClosedError {
    return new ChannelClosedError(`Cannot ${action} as channel '${this.#name}' is closed: open a new one`);
  }
}

/** Whether a coroutine has no room for a message. A mailbox that drops its oldest messages always has room. */
function isFull(coro: Coro, message: unknown): boolean {
  const overflow = coro.mailbox === null ? null : coro.mailbox.overflowFor(message);
  return overflow !== null && overflow !== "drop-oldest" && coro.acceptsMessages;
}

function checkTransform<T>(transform: Transform<T> | null): Transform<T> | null {
  if (transform === null || typeof transform === "function") return transform;
  throw new TypeError(
    `Cannot set the transform of a channel as 'transform' must be a function: current value is ${describe(transform)}`,
  );
}
