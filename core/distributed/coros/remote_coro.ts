import { UnsupportedError } from "../../base/errors.ts";
import { describe, isError } from "../../base/describe.ts";
import { type Timeout, toSeconds } from "../../base/duration.ts";
import { withoutStack } from "../../base/error_report.ts";
import { type Limit, limitSeconds, limitSignal } from "../../base/limit.ts";
import { PromiseWaiter } from "../../coroutine/completion.ts";
import { Coro } from "../../coroutine/coro.ts";
import type { CoroLoop } from "../../coroutine/coro_loop.ts";
import {
  addEndListener,
  type EndListener,
  type EndListeners,
  notifyEndListeners,
  removeEndListener,
} from "../../coroutine/end_listeners.ts";
import { MonitorException, type Outcome } from "../../coroutine/errors.ts";
import { DEFAULT_PRIORITY } from "../../coroutine/spawn_options.ts";
import { addCompletionWaiter, type CompletionWaiter, removeCompletionWaiter } from "../../fiber/completion_waiter.ts";
import type { Operation } from "../../fiber/operation.ts";
import { countPeerWait } from "../../fiber/peer_wait.ts";
import type { Owner } from "../../fiber/owner.ts";
import { GRACE_SECONDS } from "../../fiber/unwinding.ts";
import type { OutcomeReceiver } from "../../operations/joinable.ts";
import type { Channel } from "../../messages/channel.ts";
import { limited } from "../../operations/limited.ts";
import { PeerLostError } from "../errors.ts";
import type { Location } from "../location.ts";
import type { Peer } from "../peers/peer.ts";
import type { PreparedRequest } from "../peers/requests.ts";
import { Control } from "./control.ts";
import { RemoteAsk, RemoteDeliver } from "./requests.ts";

const ASK_SECONDS = 5;

/** What a handle needs of the service that it belongs to. */
export interface RemoteCoroOwner {
  /** The run loop of the scheduler that has joined. */
  readonly loop: CoroLoop;
  /** Sends a message. */
  send(coro: RemoteCoro, message: unknown): boolean;
  /** Has the end of a coroutine told, from now on. */
  watch(coro: RemoteCoro): void;
  /** Nobody waits for its end any more. */
  unwatch(coro: RemoteCoro): void;
  /** Writes the message of a `deliver` or an `ask`, as a copy, and reads its answer. */
  prepare(coro: RemoteCoro, kind: number, message: unknown): PreparedRequest;
  /** Asks for a resumption, an error or the end. */
  control(coro: RemoteCoro, what: number, value: unknown): boolean;
  /** Makes the operation that has a coroutine of a peer subscribe to a channel, or unsubscribe. */
  readonly invitation: (
    action: "subscribe" | "unsubscribe",
    channel: Channel<unknown>,
    coro: Coro,
    peer: Peer,
    seconds: number,
  ) => Operation<boolean>;
  /** Has a coroutine of a peer monitor another one. */
  monitor(monitor: RemoteCoro, observed: Coro): boolean;
}

/**
 * A coroutine of another peer: a handle to it, which is accepted wherever a coroutine is.
 *
 * There is one object for each coroutine as long as it is referenced. Sending, delivering, asking, monitoring and waiting
 * for the end work as with a coroutine of this process; `resume`, `throw` and `terminate` are requests, and `true` means
 * that they were sent. What only a coroutine itself or its own process can do throws an `UnsupportedError`.
 *
 * A handle learns that its coroutine has ended when it is told so: as somebody waits for that, or as a `deliver` did not
 * arrive.
 */
export class RemoteCoro<R = unknown> extends Coro<R> {
  /** @internal Its peer. */
  declare readonly peer: Peer;
  declare private readonly remoteOwner: RemoteCoroOwner;
  declare private readonly remoteName: string;
  declare private first: CompletionWaiter | null;
  // Coroutines of this process that monitor it.
  declare private readonly localMonitors: Set<Coro>;
  declare private listeners: EndListeners;
  declare private known: Outcome | null;
  // Whether it is known to have ended, even if it is not known how.
  declare private over: boolean;

  /** @internal Handles are made by {@linkcode RemoteCoro.make}. */
  constructor() {
    super(notConstructible());
  }

  /** @internal Makes the handle of a coroutine that a peer knows by this number. */
  static make(owner: RemoteCoroOwner, peer: Peer, number: number, name: string): RemoteCoro {
    const coro = Object.create(RemoteCoro.prototype) as RemoteCoro;
    Object.assign(coro, {
      loop: owner.loop,
      slot: -1,
      level: DEFAULT_PRIORITY,
      id: number,
      parent: 0,
      createdAt: owner.loop.uptime(),
      mailbox: null,
      ownedResource: null,
      peer,
      remoteOwner: owner,
      remoteName: name,
      first: null,
      localMonitors: new Set(),
      listeners: null,
      known: null,
      over: false,
    });
    coro.initialize((function* () {})(), undefined);
    return coro;
  }

  /** Where it is. */
  override get location(): Location {
    return this.peer.location;
  }

  /** The name that it had when the handle was made. */
  override get name(): string {
    return this.remoteName;
  }

  override set name(_name: string) {
    throw unsupported(this, "set the name of");
  }

  /** That of a coroutine by default: its own is not known here. */
  override get priority(): number {
    return DEFAULT_PRIORITY;
  }

  override set priority(_priority: number) {
    throw unsupported(this, "set the priority of");
  }

  /** `false`: whether it is one is not known here. */
  override get daemon(): boolean {
    return false;
  }

  /** Its name, number and location. */
  override toString(): string {
    return `${this.remoteName}/${this.id}@${this.peer}`;
  }

  /** `false` once it is known to have ended. */
  override isAlive(): boolean {
    return !this.over;
  }

  /** @internal Whether a message may arrive. */
  override get acceptsMessages(): boolean {
    return !this.over && this.peer.isReachable;
  }

  // --- messages -----------------------------------------------------------------------------------------------

  /**
   * Sends a message, as a copy. Never waits.
   *
   * @returns `true` if it was accepted for sending; `false` if the coroutine is known to have ended or its peer was lost or
   * has left.
   * @throws {SerializationError} If it is not sendable.
   * @throws {MessageTooLargeError} If it is too large for either side.
   * @throws {BackpressureError} If too many bytes wait to be acknowledged by the peer.
   */
  override send(message: unknown): boolean {
    return this.remoteOwner.send(this as RemoteCoro, message);
  }

  /**
   * Sends a message, copied now, and waits until it is in the mailbox.
   *
   * @param limit How long to wait at most; with zero or less nothing is sent.
   * @returns 1 when it is in the mailbox; 0 when time is up: it may still arrive, once; -1 if the coroutine has ended, is
   * not known there, or its peer was lost or has left.
   * @throws {SerializationError} If it is not sendable.
   * @throws {MessageTooLargeError} If it is too large for either side.
   */
  override deliver(message: unknown, limit?: Limit): Operation<number> {
    const seconds = limitSeconds(limit, "deliver");
    const request = this.remoteOwner.prepare(this as RemoteCoro, RemoteDeliver.KIND, message);
    return limited(new RemoteDeliver(this as RemoteCoro, request, seconds), limit);
  }

  /** Sends a request, copied now, and waits for the reply, as with a coroutine of this process. */
  override ask<T = unknown>(message: unknown, limit: Limit = ASK_SECONDS): Operation<T> {
    const seconds = limitSeconds(limit, "ask");
    const request = this.remoteOwner.prepare(this as RemoteCoro, RemoteAsk.KIND, message);
    return limited(new RemoteAsk<T>(this as RemoteCoro, request, seconds), limit);
  }

  /** @internal */
  change(
    action: "subscribe" | "unsubscribe",
    channel: Channel<unknown>,
    _subscriber: Coro,
    seconds: number,
  ): Operation<boolean> {
    return this.remoteOwner.invitation(action, channel, this as Coro, this.peer, seconds);
  }

  // --- requests to control it ---------------------------------------------------------------------------------

  /** Asks for a resumption of its sleep. Returns whether that was sent. */
  override resume(update?: unknown): boolean {
    return this.remoteOwner.control(this as RemoteCoro, Control.RESUME, update);
  }

  /** Asks for an error to be thrown in it. Returns whether that was sent. */
  override throw(error: unknown): boolean {
    if (isError(error)) return this.remoteOwner.control(this as RemoteCoro, Control.THROW, error);
    throw new TypeError(`Cannot throw in ${this} as 'error' must be an Error: current value is ${describe(error)}`);
  }

  /** Asks for its end. Returns whether that was sent. */
  override terminate(grace: Timeout = GRACE_SECONDS): boolean {
    const seconds = toSeconds(grace, "terminate", "grace");
    return this.remoteOwner.control(this as RemoteCoro, Control.TERMINATE, Math.max(0, seconds));
  }

  // --- the end ------------------------------------------------------------------------------------------------

  /** A promise of its result, see {@linkcode Coro.value}. */
  override value(limit?: Limit): Promise<R> {
    const seconds = limitSeconds(limit, "wait for a coroutine");
    const signal = limitSignal(limit);
    return new Promise((resolve, reject) => {
      new PromiseWaiter(resolve as (value: unknown) => void, reject).waitFor(this as Coro, seconds, signal);
    });
  }

  /** @internal */
  override giveOutcome(waiter: OutcomeReceiver): boolean {
    if (this.known === null && this.peer.isReachable) return false;
    const { known } = this;
    if (known === null) waiter.fail(new PeerLostError(this.peer.location, this.peer.lastLoss ?? "lost"));
    else if (known.kind === "return") waiter.give(known.value);
    else if (known.kind === "terminate") waiter.give(this.last);
    else waiter.fail(known.error);
    return true;
  }

  /** @internal */
  override addCompletionWaiter(waiter: CompletionWaiter): void {
    if (this.first === null) countPeerWait(this.loop, 1);
    this.first = addCompletionWaiter(this.first, waiter);
    this.remoteOwner.watch(this as RemoteCoro);
  }

  /** @internal */
  override joinGroup(entry: CompletionWaiter): void {
    this.addCompletionWaiter(entry);
  }

  /** @internal */
  override removeCompletionWaiter(waiter: CompletionWaiter): void {
    this.first = removeCompletionWaiter(this.first, waiter);
    if (this.first === null) countPeerWait(this.loop, -1);
    this.unwatchIfUnused();
  }

  /** @internal */
  override get completionWaiters(): readonly CompletionWaiter[] {
    return [];
  }

  /** @internal It was reported where it happened. */
  override markUnhandled(): void {}

  /** @internal */
  override get unhandled(): boolean {
    return false;
  }

  /** @internal The host may always end a wait for it. */
  override isDeadlocked(): boolean {
    return false;
  }

  /** @internal */
  override get underDeadline(): boolean {
    return false;
  }

  /** @internal Whether its end is waited for. */
  get isWatched(): boolean {
    return this.first !== null || this.localMonitors.size > 0;
  }

  // --- monitors -----------------------------------------------------------------------------------------------

  /** @internal It is to monitor a coroutine: its own peer sees to that. */
  override observe(coro: Coro): boolean {
    return this.remoteOwner.monitor(this as RemoteCoro, coro);
  }

  /** @internal */
  override takeMonitor(monitor: Coro): boolean {
    const end = this.endForMonitors();
    if (end !== null) {
      this.tell(monitor, end);
      return true;
    }
    this.localMonitors.add(monitor);
    monitor.addEndListener(this as EndListener);
    this.remoteOwner.watch(this as RemoteCoro);
    return true;
  }

  /** @internal A monitor has ended. */
  override onEnd(monitor: Owner): void {
    this.localMonitors.delete(monitor as Coro);
    this.unwatchIfUnused();
  }

  /** @internal */
  private endForMonitors(): Outcome | null {
    if (this.known !== null || this.peer.isReachable) return this.known;
    return { kind: "lost", error: new PeerLostError(this.peer.location, this.peer.lastLoss ?? "lost") };
  }

  /** @internal */
  private tell(monitor: Coro, outcome: Outcome): void {
    monitor.send(withoutStack(new MonitorException(this as Coro, outcome)));
  }

  /** @internal */
  private unwatchIfUnused(): void {
    if (!this.isWatched) this.remoteOwner.unwatch(this as RemoteCoro);
  }

  // --- what the service tells it --------------------------------------------------------------------------------

  /**
   * @internal
   * It has ended. `last` is what `finish` returns of one that was terminated. One that may be restarted is not known to
   * have ended for good.
   */
  told(outcome: Outcome, last: unknown, mayBeRestarted: boolean): void {
    this.last = last;
    if (!mayBeRestarted) this.known = outcome;
    this.settle(outcome);
    if (!mayBeRestarted) this.hasEnded();
  }

  /** @internal Its peer was lost, has left, or does not know it any more: all that waits for its end is told so. */
  parted(error: PeerLostError): void {
    this.settle({ kind: "lost", error });
    this.dropListeners();
  }

  /** @internal Its peer does not know it any more, or does not tell: all that waits for its end is told so. */
  gone(): void {
    this.settle({ kind: "lost", error: new PeerLostError(this.peer.location, "gone") });
  }

  /** @internal It is known to have ended. How it ended may still be asked for. */
  hasEnded(): void {
    this.over = true;
    this.dropListeners();
  }

  /** @internal */
  private settle(outcome: Outcome): void {
    const monitors = [...this.localMonitors];
    this.localMonitors.clear();
    for (const monitor of monitors) {
      monitor.removeEndListener(this as EndListener);
      this.tell(monitor, outcome);
    }
    for (let waiter = this.first; waiter !== null; waiter = this.first) {
      this.first = removeCompletionWaiter(this.first, waiter);
      if (this.first === null) countPeerWait(this.loop, -1);
      if (outcome.kind === "return") waiter.resolve(outcome.value);
      else if (outcome.kind === "terminate") waiter.resolve(this.last);
      else waiter.reject(outcome.error);
    }
    this.unwatchIfUnused();
  }

  /** @internal It can receive no more, at least in this session: whatever refers to it as a recipient drops it. */
  dropListeners(): void {
    const { listeners } = this;
    this.listeners = null;
    notifyEndListeners(listeners, this as Coro);
  }

  /** @internal */
  override addEndListener(listener: EndListener): void {
    this.listeners = addEndListener(this.listeners, listener);
  }

  /** @internal */
  override removeEndListener(listener: EndListener): void {
    this.listeners = removeEndListener(this.listeners, listener);
  }

  // --- what only the coroutine or its process can do ------------------------------------------------------------

  /** Throws an {@linkcode UnsupportedError}. */
  override get signal(): AbortSignal {
    throw unsupported(this, "get the signal of");
  }

  /** Throws an {@linkcode UnsupportedError}. */
  override setDaemon(): never {
    throw unsupported(this, "make a daemon of");
  }

  /** Throws an {@linkcode UnsupportedError}. */
  override sleep(): never {
    throw unsupported(this, "suspend");
  }

  /** Throws an {@linkcode UnsupportedError}. */
  override receive(): never {
    throw unsupported(this, "receive the messages of");
  }

  /** Throws an {@linkcode UnsupportedError}. */
  override register(): never {
    throw unsupported(this, "register");
  }

  /** Throws an {@linkcode UnsupportedError}. */
  override unregister(): never {
    throw unsupported(this, "unregister");
  }

  /** Throws an {@linkcode UnsupportedError}. */
  override hotSwappable(): never {
    throw unsupported(this, "set hotSwappable of");
  }

  /** Throws an {@linkcode UnsupportedError}. */
  override hotSwap(): never {
    throw unsupported(this, "swap the generator of");
  }
}

function notConstructible(): never {
  throw new TypeError(
    "Cannot make a RemoteCoro: it is found with Coro.locate(), made by an RCI, or comes in a message",
  );
}

function unsupported(coro: RemoteCoro, action: string): UnsupportedError {
  return new UnsupportedError(`Cannot ${action} coroutine ${coro} as it is on another peer: send it a message`);
}
