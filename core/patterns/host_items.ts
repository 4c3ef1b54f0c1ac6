/**
 * Items that the host brings, and the coroutines that wait for them: the base of `each`, `events` and `signals`.
 *
 * Either items are kept or coroutines wait, never both. Coroutines are served first come, first served. An item that
 * was granted to a wait which is then cut short goes to the next wait.
 */
import { TimeoutError } from "../base/errors.ts";
import { Fifo } from "../base/fifo.ts";
import { type Limit, limitSeconds } from "../base/limit.ts";
import type { ItemSource } from "../coroutine/items.ts";
import type { WaitingFiber } from "../fiber/context.ts";
import { type Operation, WAITING } from "../fiber/operation.ts";
import type { Owner } from "../fiber/owner.ts";
import type { Loop } from "../fiber/schedulable.ts";
import { WaitQueue } from "../fiber/wait_queue.ts";
import { limited } from "../operations/limited.ts";
import { QueuedWait } from "./queued_wait.ts";

/** See the head of this file. */
export abstract class HostItems<T> implements ItemSource<T> {
  /** What `next()` waits for, in words. */
  abstract readonly awaits: string;
  readonly #kept: Fifo<T> = new Fifo();
  readonly #waiting: WaitQueue<NextItem<T>> = new WaitQueue();
  readonly #limit: Limit;
  readonly #seconds: number;
  #finished = false;
  #closed = false;
  #failure: { readonly error: unknown } | null = null;

  /** `limit` is for each item. */
  constructor(limit: Limit = undefined) {
    this.#limit = limit;
    this.#seconds = limitSeconds(limit, "wait for items");
  }

  /** The first coroutine is about to wait: asks the host for an item. What this throws is thrown at the yield. */
  protected abstract demand(): void;

  /** Whether coroutines of a run loop wait for the host, and not for one of their own. */
  isHostBound(_loop: Loop): boolean {
    return true;
  }

  /** A coroutine waits: it began to, or it became a daemon, or ceased to be one. */
  awaitedBy(_coro: Owner): void {}

  /** No coroutine waits any more. */
  protected unawaited(): void {}

  /** No more items are wanted. Called once, unless the source has finished before. */
  protected abstract stop(): void;

  /** The items that are kept, oldest first. */
  protected get kept(): { readonly length: number } & Iterable<T> {
    return this.#kept;
  }

  /** Whether coroutines wait. */
  protected get awaited(): boolean {
    return this.#waiting.length > 0;
  }

  /** Whether no more items come; some may be kept. */
  protected get finished(): boolean {
    return this.#finished;
  }

  get ended(): boolean {
    return this.#finished && this.#failure === null && this.#kept.length === 0;
  }

  next<E>(end: E): Operation<T | E> {
    return limited(new NextItem<T | E>(this, end, this.#seconds), this.#limit);
  }

  /** The host has brought an item. */
  protected offer(item: T): void {
    if (this.#finished) return;
    const wait = this.#shift();
    if (wait === null) this.#kept.push(item);
    else wait.grant(item);
  }

  /** Drops the item that has been kept longest. */
  protected dropOldest(): void {
    this.#kept.shift();
  }

  /** No more items come. What is kept can still be taken; then every `next` is at the end, or fails with the error. */
  protected finish(failure: { readonly error: unknown } | null = null): void {
    if (this.#finished) return;
    this.#finished = true;
    this.#failure = failure;
    for (let wait = this.#shift(); wait !== null; wait = this.#shift()) this.#settleEnd(wait);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    const finished = this.#finished;
    this.finish();
    this.#failure = null;
    while (this.#kept.length > 0) this.#kept.shift();
    if (!finished) this.stop();
  }

  /** A wait begins: settles it if an item is kept or none will come, or else takes it into the queue. */
  begin(wait: NextItem<T>): void {
    if (this.#kept.length > 0) return wait.grant(this.#kept.shift());
    if (this.#finished) return this.#settleEnd(wait);
    if (this.#waiting.length === 0) this.demand();
    this.#waiting.push(wait);
  }

  /** A wait is over without an item. */
  leave(wait: NextItem<T>): void {
    this.#waiting.remove(wait);
    if (this.#waiting.length === 0) this.unawaited();
  }

  /** Takes back an item that was granted and not handed over: it is the next one, even after the end. */
  putBack(item: T): void {
    if (this.#closed) return;
    const wait = this.#shift();
    if (wait === null) this.#kept.unshift(item);
    else wait.grant(item);
  }

  #shift(): NextItem<T> | null {
    const wait = this.#waiting.shift();
    if (wait !== null && this.#waiting.length === 0) this.unawaited();
    return wait;
  }

  #settleEnd(wait: NextItem<T>): void {
    if (this.#failure === null) wait.settle(wait.end);
    else wait.settleError(this.#failure.error);
  }
}

/** Waits for the next item. */
class NextItem<T> extends QueuedWait<T> {
  /** Its value if there are no more items. */
  declare readonly end: unknown;
  declare private readonly source: HostItems<unknown>;
  // Whether its outcome is an item, and not the end.
  declare private granted: boolean;

  constructor(source: HostItems<T>, end: unknown, seconds: number) {
    super(seconds);
    this.source = source as HostItems<unknown>;
    this.end = end;
    this.granted = false;
  }

  get label(): string {
    return "next";
  }

  override get waitsFor(): string {
    return this.source.awaits;
  }

  protected override enter(): void {
    this.source.begin(this);
  }

  protected override isHostBound(loop: Loop): boolean {
    return this.source.isHostBound(loop);
  }

  override begin(fiber: WaitingFiber): boolean {
    if (super.begin(fiber)) return true;
    this.source.awaitedBy(fiber.owner);
    return false;
  }

  override waiterChanged(): void {
    if (this.state === WAITING) this.source.awaitedBy(this.fiber!.owner);
  }

  /** Gives it an item. It is not in the queue. */
  grant(item: unknown): void {
    this.granted = true;
    this.settle(item);
  }

  override detach(): void {
    this.uncount();
    this.source.leave(this);
  }

  override reclaim(): void {
    if (this.granted) this.source.putBack(this.outcome);
  }

  override timedOut(): void {
    this.fail(new TimeoutError(`next() timed out waiting for ${this.waitsFor}`));
  }
}
