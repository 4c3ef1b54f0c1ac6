/**
 * The waits of a queue: for an item, or for room.
 *
 * A wait that is woken tries again when its turn comes; if another was faster, it waits again, as the last in the queue.
 * So an item is not assigned to a wait in advance, and a priority queue gives the least item at the time it is taken, as
 * in asyncio.
 */
import { context } from "../../fiber/context.ts";
import { alreadyYielded, DONE_RESULT, notYielded, outsideCoroutine } from "../../fiber/operation.ts";
import type { Fiber } from "../../fiber/fiber.ts";
import { Waiter, type WaitQueue } from "../../fiber/wait_queue.ts";
import { parkInSubroutine, waitOn } from "../../operations/repeated_wait.ts";

// A copy; see `fiber/operation_state.ts`.
const enum State {
  TAKEN_OVER = 1,
  ITERATING = 2,
  WAITING = 3,
  RESOLVED = 4,
  REJECTED = 5,
  SPENT = 7,
}

/** What a wait needs of its queue. */
export interface WaitableQueue<T> {
  readonly getters: WaitQueue<QueueWait<unknown>>;
  readonly putters: WaitQueue<QueueWait<unknown>>;
  readonly isShutDown: boolean;
  empty(): boolean;
  full(): boolean;
  /** Adds an item. There is room. */
  add(item: T): void;
  /** Takes an item out. The queue is not empty. */
  remove(): T;
  shutDownError(): Error;
}

/** Wakes the operation that waits longest. Returns whether there was one. */
export function wakeFirst(waiters: WaitQueue<QueueWait<unknown>>): boolean {
  const first = waiters.shift();
  first?.wake();
  return first !== null;
}

/**
 * @internal
 * See the head of this file.
 *
 * The methods of `Operation` that a program runs for each item are here once more, for the reason that `FrequentOperation`
 * gives: in a program that waits for other things too, an item took twice as long.
 */
export abstract class QueueWait<T> extends Waiter<T> {
  /** The operations that wait for the same. */
  protected abstract get waiters(): WaitQueue<QueueWait<unknown>>;

  /** Does what the operation is for and settles it, if that is possible. Returns whether it was. */
  protected abstract attempt(): boolean;

  /** It was woken and does not go on: wakes another. */
  protected abstract passOn(): void;

  /** Makes the same wait once more. */
  protected abstract again(): QueueWait<T>;

  override begin(): boolean {
    return this.attempt();
  }

  // Only for a plain `yield`: with `yield*`, `next()` does it.
  override park(fiber: Fiber): boolean {
    return parkInSubroutine(this, fiber, this.again());
  }

  /** Makes it try again when its turn comes. It has been taken out of the queue of waiters. */
  wake(): void {
    this.resolve(undefined);
  }

  override [Symbol.iterator](): Iterator<unknown, T, unknown> {
    if (this.state > State.TAKEN_OVER) throw alreadyYielded(this);
    this.state = State.ITERATING;
    return this as unknown as Iterator<unknown, T, unknown>;
  }

  override next(): IteratorResult<unknown, unknown> {
    if (this.state === State.ITERATING) {
      const { fiber } = context;
      if (fiber === null) throw outsideCoroutine(this);
      this.fiber = fiber;
      // A coroutine whose operations never wait would starve the others: now and then it gives them a turn first.
      if (--fiber.loop.stepBudget <= 0) return this.giveWay();
      if (!this.attempt()) return this.waitInLine();
    } else if (this.state === State.WAITING) {
      throw notYielded(this);
    } else if (this.state === State.RESOLVED && !this.attempt()) {
      return this.waitInLine();
    }
    const failed = this.state === State.REJECTED;
    const outcome = this.take();
    if (failed) throw outcome;
    DONE_RESULT.value = outcome;
    return DONE_RESULT;
  }

  private giveWay(): IteratorYieldResult<unknown> {
    const parked = waitOn(this);
    this.wake();
    return parked;
  }

  private waitInLine(): IteratorYieldResult<unknown> {
    this.waiters.push(this);
    return waitOn(this);
  }

  override take(): unknown {
    const outcome = this.outcome;
    const fiber = this.fiber!;
    if (fiber.frames === null && this.state === State.RESOLVED) fiber.last = outcome;
    this.state = State.SPENT;
    this.outcome = undefined;
    return outcome;
  }

  override give(value: unknown): true {
    this.state = State.RESOLVED;
    this.outcome = value;
    return true;
  }

  override detach(): void {
    this.waiters.remove(this);
  }

  override reclaim(): void {
    this.passOn();
  }
}

/** Waits for an item. */
export class Get<T> extends QueueWait<T> {
  declare private readonly queue: WaitableQueue<T>;

  constructor(queue: WaitableQueue<T>) {
    super();
    this.queue = queue;
  }

  get label(): string {
    return "get";
  }

  override get waitsFor(): string {
    return `an item of ${this.queue}`;
  }

  protected override get waiters(): WaitQueue<QueueWait<unknown>> {
    return this.queue.getters;
  }

  protected override attempt(): boolean {
    if (!this.queue.empty()) return this.give(this.queue.remove());
    return this.queue.isShutDown && this.fail(this.queue.shutDownError());
  }

  protected override passOn(): void {
    if (!this.queue.empty()) wakeFirst(this.waiters);
  }

  protected override again(): Get<T> {
    return new Get(this.queue);
  }
}

/** Waits for room. */
export class Put<T> extends QueueWait<void> {
  declare private readonly queue: WaitableQueue<T>;
  declare private readonly item: T;

  constructor(queue: WaitableQueue<T>, item: T) {
    super();
    this.queue = queue;
    this.item = item;
  }

  get label(): string {
    return "put";
  }

  override get waitsFor(): string {
    return `room in ${this.queue}`;
  }

  protected override get waiters(): WaitQueue<QueueWait<unknown>> {
    return this.queue.putters;
  }

  protected override attempt(): boolean {
    if (this.queue.isShutDown) return this.fail(this.queue.shutDownError());
    if (this.queue.full()) return false;
    this.queue.add(this.item);
    return this.give(undefined);
  }

  protected override passOn(): void {
    if (!this.queue.full()) wakeFirst(this.waiters);
  }

  protected override again(): Put<T> {
    return new Put(this.queue, this.item);
  }
}
