/**
 * Channels: what is sent to one reaches all its subscribers.
 *
 * Sending has two parts. First the transforms of all channels that the message comes to are called, which is the
 * caller's code; then the message is posted to the coroutines, where nothing but the mailboxes is touched. So a
 * transform that sends, closes or throws finds every channel in order, and nobody sees half a broadcast.
 */
import { context, type WaitingFiber } from "../fiber/context.ts";
import { Coro } from "../coroutine/coro.ts";
import { describe } from "../base/describe.ts";
import { ChannelClosedError } from "./errors.ts";
import { withinContext } from "../host/async_context.ts";
import type { Operation } from "../fiber/operation.ts";
import { Immediate } from "../operations/immediate.ts";
import { printError } from "../base/error_report.ts";
import { Waiter, WaitQueue } from "../fiber/wait_queue.ts";
import { type Timeout, toSeconds } from "../base/duration.ts";
import { checkName, LocalRegistry, type Registry } from "../coroutine/names.ts";

/**
 * What a channel makes of a message before its subscribers get it: another message, or `null` or `undefined` to drop
 * it.
 */
export type Transform<T> = (name: string, message: T) => T | null | undefined;

/** Who may subscribe to a channel of `T`: a coroutine, or a channel that takes messages of that type, maybe others too. */
export type Subscriber<T, S = T> = Coro | (Channel<S> & ([T] extends [S] ? unknown : never));

/** How many use a channel. */
export interface ChannelStatistics {
  /** Coroutines that subscribe to it. */
  readonly subscribers: number;
  /** Channels that subscribe to it. */
  readonly channels: number;
  /** `deliver`s that wait for subscribers. */
  readonly waiting: number;
}

const DROPPED: unique symbol = Symbol("dropped");

/** Names of open channels. Pure, so that a bundle without channels is one without this. */
const registry: Registry<Channel<unknown>> = /* @__PURE__ */ new LocalRegistry<Channel<unknown>>(
  "channel",
  () => true,
);

/**
 * Broadcasts messages to the coroutines and channels that subscribe to it.
 *
 * Channels that subscribe to channels make a hierarchy, in which cycles do no harm: each channel applies its own
 * transform, and a coroutine gets a message once, by the shortest path that lets it through. Messages from one sender
 * arrive in the order sent, whether through channels, `send` or `deliver`.
 *
 * Coroutines that end drop out by themselves; one that failed stays as long as a monitor may restart it.
 * Subscribing and unsubscribing take effect for what is sent later. An open channel is kept by its name: close it, or
 * declare it with `using`.
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
  readonly #name: string;
  #transform: Transform<T> | null;
  #closed = false;
  readonly #coros: Set<Coro> = new Set();
  readonly #channels: Set<Channel<T>> = new Set();
  // Those that it subscribes to.
  readonly #above: Set<Channel<T>> = new Set();
  readonly #waiting: WaitQueue<Deliver<T>> = new WaitQueue();

  /**
   * Opens a channel.
   *
   * @param name Unique among the open channels.
   * @param transform Called once for every message, with the channel's name and the message.
   * @throws {TypeError} If `name` is not a string or is empty, or `transform` is not a function.
   * @throws {Error} If a channel of that name is open.
   */
  constructor(name: string, transform?: Transform<T> | null) {
    this.#name = checkName(name, "open a channel");
    this.#transform = checkTransform(transform ?? null);
    if (registry.register(name, this as Channel<unknown>)) return;
    throw new Error(`Cannot open a channel as another one of that name is open: current value is ${describe(name)}`);
  }

  /**
   * Finds the open channel of a name, waiting for one to be opened.
   *
   * @param name The name.
   * @param timeout Seconds to wait at the most, or a duration; zero or less does not wait.
   * @returns The channel, or `null` when time is up.
   * @throws {TypeError} If `name` is not a string or is empty, or `timeout` is no time.
   */
  static locate<T = unknown>(name: string, timeout?: Timeout): Operation<Channel<T> | null> {
    return registry.locate(name, timeout) as Operation<unknown> as Operation<Channel<T> | null>;
  }

  /** Its name. */
  get name(): string {
    return this.#name;
  }

  /** Its name. */
  toString(): string {
    return this.#name;
  }

  /**
   * Adds a subscriber; adding one twice is adding it once. Within one process it never waits.
   *
   * @param subscriber A coroutine or a channel.
   * @param timeout Seconds to wait at the most, or a duration.
   * @returns `true`, or `false` if the coroutine has ended.
   * @throws {TypeError} If `subscriber` is neither, or `timeout` is no time.
   * @throws {ChannelClosedError} If this channel or the subscribing one is closed.
   */
  subscribe<S = T>(subscriber: Subscriber<T, S>, timeout?: Timeout): Operation<boolean> {
    this.#checkSubscriber(subscriber, timeout, "subscribe");
    return new Immediate("subscribe", () => this.#add(subscriber as Coro | Channel<T>));
  }

  /**
   * Takes a subscriber out. Within one process it never waits.
   *
   * @param subscriber A coroutine or a channel.
   * @param timeout Seconds to wait at the most, or a duration.
   * @returns Whether it was subscribed.
   * @throws {TypeError} If `subscriber` is neither, or `timeout` is no time.
   * @throws {ChannelClosedError} If this channel is closed.
   */
  unsubscribe<S = T>(subscriber: Subscriber<T, S>, timeout?: Timeout): Operation<boolean> {
    this.#checkSubscriber(subscriber, timeout, "unsubscribe");
    return new Immediate("unsubscribe", () => this.#remove(subscriber as Coro | Channel<T>));
  }

  /**
   * Sends a message to all subscribers.
   *
   * @param message Anything; it is not copied.
   * @returns `false` if the transform dropped it. One that throws drops it too, and the error is reported: to the
   * `onError` hook of the running coroutine's scheduler, or on stderr.
   * @throws {ChannelClosedError} If the channel is closed.
   */
  send(message: T): boolean {
    this.#mustBeOpen("send");
    return this.#broadcast(message, context.fiber) !== DROPPED;
  }

  /**
   * Waits until there are subscribers, then sends.
   *
   * @param message Anything; it is not copied.
   * @param timeout Seconds to wait for subscribers at the most, or a duration; zero or less does not wait.
   * @param n How many subscribers to wait for. A channel that subscribes counts as one.
   * @returns How many coroutines got the message, through channels that subscribe too; 0 if time ran out first or
   * the transform dropped it.
   * @throws {TypeError} If `timeout` is no time.
   * @throws {RangeError} If `n` is not an integer of 0 or more.
   * @throws {ChannelClosedError} If the channel is closed, or is closed while this waits.
   */
  deliver(message: T, timeout?: Timeout, n = 0): Operation<number> {
    this.#mustBeOpen("deliver");
    const seconds = toSeconds(timeout, "deliver");
    if (!Number.isInteger(n) || n < 0) {
      throw new RangeError(`Cannot deliver as 'n' must be an integer of 0 or more: current value is ${describe(n)}`);
    }
    return new Deliver(this, message, seconds, n);
  }

  /**
   * Replaces the transform.
   *
   * @param transform The new one, or `null` for none.
   * @throws {TypeError} If it is neither a function nor `null`.
   * @throws {ChannelClosedError} If the channel is closed.
   */
  setTransform(transform: Transform<T> | null): void {
    this.#mustBeOpen("set the transform");
    this.#transform = checkTransform(transform);
  }

  /**
   * Closes it: subscribers are let go, its name is free, and whoever waits in `deliver` gets `ChannelClosedError`, as
   * does every later use. Closing again does nothing.
   */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    registry.forget(this as Channel<unknown>);
    for (const coro of this.#coros) coro.untie(this);
    for (const channel of this.#channels) channel.#above.delete(this);
    for (const channel of this.#above) channel.#channels.delete(this);
    this.#coros.clear();
    this.#channels.clear();
    this.#above.clear();
    for (let waiter = this.#waiting.shift(); waiter !== null; waiter = this.#waiting.shift()) {
      waiter.reject(this.#closedError("deliver"));
    }
  }

  /** The same as {@linkcode Channel.close}, for `using`. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** How many subscribe to it and wait for it. */
  statistics(): ChannelStatistics {
    return { subscribers: this.#coros.size, channels: this.#channels.size, waiting: this.#waiting.length };
  }

  /** @internal A subscriber has ended. */
  released(coro: Coro): void {
    this.#coros.delete(coro);
  }

  // --- subscribers --------------------------------------------------------------------------------------------

  #add(subscriber: Coro | Channel<T>): boolean {
    this.#mustBeOpen("subscribe");
    if (subscriber instanceof Coro) {
      if (!subscriber.acceptsMessages) return false;
      this.#coros.add(subscriber);
      subscriber.endListener(this);
    } else {
      subscriber.#mustBeOpen("subscribe");
      this.#channels.add(subscriber);
      subscriber.#above.add(this);
    }
    this.#deliverWaiting();
    return true;
  }

  #remove(subscriber: Coro | Channel<T>): boolean {
    this.#mustBeOpen("unsubscribe");
    if (subscriber instanceof Coro) {
      if (!this.#coros.delete(subscriber)) return false;
      subscriber.untie(this);
    } else {
      if (!this.#channels.delete(subscriber)) return false;
      subscriber.#above.delete(this);
    }
    return true;
  }

  get #size(): number {
    return this.#coros.size + this.#channels.size;
  }

  // --- sending ------------------------------------------------------------------------------------------------

  /** Returns how many coroutines got the message, or that the transform dropped it. */
  #broadcast(message: T, sender: WaitingFiber | null): number | typeof DROPPED {
    const passed = this.#filter(message, sender);
    if (passed === DROPPED) return DROPPED;
    return this.#channels.size === 0 ? this.#post(passed) : this.#spread(passed, sender);
  }

  #post(message: T): number {
    let count = 0;
    for (const coro of this.#coros) if (coro.send(message)) count++;
    return count;
  }

  /** Sends through the channels below, nearest first. */
  #spread(message: T, sender: WaitingFiber | null): number {
    const versions = new Map<Channel<T>, T>([[this, message]]);
    // A map may grow while it is gone through. A channel that dropped the message may get another version of it by
    // another path; one that let it pass is done, so this ends.
    for (const [channel, version] of versions) {
      for (const below of channel.#channels) {
        if (versions.has(below)) continue;
        const passed = below.#filter(version, sender);
        if (passed !== DROPPED) versions.set(below, passed);
      }
    }
    const reached = new Set<Coro>();
    for (const [channel, version] of versions) {
      for (const coro of channel.#coros) if (!reached.has(coro) && coro.send(version)) reached.add(coro);
    }
    return reached.size;
  }

  #filter(message: T, sender: WaitingFiber | null): T | typeof DROPPED {
    const transform = this.#transform;
    if (transform === null) return message;
    try {
      // A deliver that waited is done in the step of whoever subscribed.
      return sender === null || sender === context.fiber
        ? transform(this.#name, message) ?? DROPPED
        : withinContext(sender.hostContext, () => transform(this.#name, message)) ?? DROPPED;
    } catch (error) {
      const coro = sender?.owner;
      if (coro !== undefined) coro.scheduler.reportError(error, coro);
      else printError(`Uncaught error in the transform of channel '${this.#name}'`, error);
      return DROPPED;
    }
  }

  // --- deliver ------------------------------------------------------------------------------------------------

  /** @internal Sends for a `deliver` if it can; else that waits, if it may. Returns whether it is settled. */
  begin(deliver: Deliver<T>, fiber: WaitingFiber): boolean {
    if (this.#closed) return deliver.fail(this.#closedError("deliver"));
    if (deliver.n <= this.#size) return deliver.give(this.#count(deliver.message, fiber));
    if (deliver.limit <= 0) return deliver.give(0);
    this.#waiting.push(deliver);
    return false;
  }

  /** @internal A `deliver` no longer waits. */
  leave(deliver: Deliver<T>): void {
    this.#waiting.remove(deliver);
  }

  #deliverWaiting(): void {
    // From the start each time: a transform may have changed the queue.
    for (let waiter = this.#firstSatisfied(); waiter !== null; waiter = this.#firstSatisfied()) {
      this.#waiting.remove(waiter);
      waiter.resolve(this.#count(waiter.message, waiter.fiber));
    }
  }

  #firstSatisfied(): Deliver<T> | null {
    for (let waiter = this.#waiting.head; waiter !== null; waiter = waiter.nextWaiter as Deliver<T> | null) {
      if (waiter.n <= this.#size) return waiter;
    }
    return null;
  }

  #count(message: T, sender: WaitingFiber | null): number {
    const count = this.#broadcast(message, sender);
    return count === DROPPED ? 0 : count;
  }

  // --- checks -------------------------------------------------------------------------------------------------

  #checkSubscriber(subscriber: unknown, timeout: Timeout, action: string): void {
    this.#mustBeOpen(action);
    toSeconds(timeout, action);
    if (subscriber instanceof Coro || subscriber instanceof Channel) return;
    throw new TypeError(
      `Cannot ${action} as 'subscriber' must be a coroutine or a channel: current value is ${describe(subscriber)}`,
    );
  }

  #mustBeOpen(action: string): void {
    if (this.#closed) throw this.#closedError(action);
  }

  #closedError(action: string): ChannelClosedError {
    return new ChannelClosedError(`Cannot ${action} as channel '${this.#name}' is closed: open a new one`);
  }
}

/** Waits for subscribers, then sends. */
class Deliver<T> extends Waiter<number> {
  readonly label = "deliver";
  readonly message: T;
  readonly n: number;
  readonly #channel: Channel<T>;

  constructor(channel: Channel<T>, message: T, seconds: number, n: number) {
    super();
    this.#channel = channel;
    this.message = message;
    this.limit = seconds;
    this.n = n;
  }

  override begin(fiber: WaitingFiber): boolean {
    return this.#channel.begin(this, fiber);
  }

  override detach(): void {
    this.#channel.leave(this);
  }

  override timedOut(): void {
    this.give(0);
  }

  override get waitsFor(): string {
    return `${this.n} ${this.n === 1 ? "subscriber" : "subscribers"} of channel '${this.#channel.name}'`;
  }
}

function checkTransform<T>(transform: Transform<T> | null): Transform<T> | null {
  if (transform === null || typeof transform === "function") return transform;
  throw new TypeError(
    `Cannot set the transform of a channel as 'transform' must be a function: current value is ${describe(transform)}`,
  );
}
