/**
 * A queue whose waiters are served one after the other, each when its time has come: the takes of a rate limiter, the
 * ticks of a ticker.
 *
 * Only the first has a time at which it is served, and its fiber's timer is set for it. When it is served or leaves, the
 * next is the first. The fiber's timer serves the limit of the wait as well.
 */
import { TimeoutError } from "../base/errors.ts";
import type { WaitingFiber } from "../fiber/context.ts";
import { SharedClock } from "../fiber/shared_clock.ts";
import { Waiter, WaitQueue } from "../fiber/wait_queue.ts";

/** Times that differ by less, in seconds, are the same: sums of fractions are not exact. */
export const RESOLUTION = 1e-9;

/** See the head of this file. */
export abstract class TimedQueue<W extends TimedWait<unknown> = TimedWait<unknown>> {
  /** Its time. */
  readonly clock: SharedClock = new SharedClock();
  /** Those that wait. */
  readonly waiters: WaitQueue<W> = new WaitQueue<W>();

  /** When the waiter, which is the first from `now` on, can be served. */
  abstract timeFor(waiter: W, now: number): number;

  /** Serves the waiter at a time. Returns what its operation evaluates to. */
  abstract serve(waiter: W, time: number): unknown;

  /**
   * A waiter has become the first, or may be served earlier than it was: serves those whose time has come, and sets the
   * timer of the one that is first then.
   */
  serveDue(): void {
    for (let first = this.waiters.head; first !== null; first = this.waiters.head) {
      const now = this.clock.now(first.fiber!.loop.clock);
      const time = this.timeFor(first, now);
      if (time > now + RESOLUTION) return first.serveAt(this.clock.local(time));
      this.waiters.remove(first);
      first.resolve(this.serve(first, now));
    }
  }
}

/** A wait in a {@linkcode TimedQueue}. */
export abstract class TimedWait<T> extends Waiter<T> {
  /** Its queue. */
  abstract readonly queue: TimedQueue;

  // By the clock of its scheduler: when it is served, `Infinity` while it is not the first, and when its limit passes.
  #time = Infinity;
  #deadline = Infinity;

  /** What did not come in time, in words, for the error. */
  protected abstract get tooLate(): string;

  /** Called when it begins; what it throws is thrown at the yield. */
  protected begins(): void {}

  override begin(fiber: WaitingFiber): boolean {
    this.begins();
    const { queue } = this;
    const { clock } = fiber.loop;
    const now = queue.clock.now(clock);
    const time = queue.waiters.length > 0 ? Infinity : queue.timeFor(this, now);
    if (time <= now + RESOLUTION) return this.give(queue.serve(this, now));
    if (this.limit <= 0) {
      this.timedOut();
      return true;
    }
    this.#deadline = this.limit < Infinity ? clock.now() + this.limit : Infinity;
    queue.waiters.push(this);
    this.serveAt(queue.clock.local(time));
    return false;
  }

  // `begin()` has set the timer.
  override arm(): void {}

  /** Sets the timer: it is served at a time of its scheduler's clock. */
  serveAt(time: number): void {
    const { loop } = this.fiber!;
    this.#time = time;
    loop.arm(this.fiber!, Math.min(time, this.#deadline));
  }

  override expire(): void {
    const { queue } = this;
    const { clock } = this.fiber!.loop;
    const now = clock.now();
    if (this.#time <= now + RESOLUTION) {
      queue.waiters.remove(this);
      // Uses the planned time and not the slightly later one at which the timer fired: the delays would add up.
      this.give(queue.serve(this, queue.clock.now(clock) - (now - this.#time)));
      queue.serveDue();
    } else if (now >= this.#deadline) {
      this.detach();
      this.timedOut();
    } else {
      this.serveAt(this.#time);
    }
  }

  override detach(): void {
    const { waiters } = this.queue;
    const first = waiters.head === this;
    waiters.remove(this);
    if (first) this.queue.serveDue();
  }

  override timedOut(): void {
    this.fail(new TimeoutError(`Time is up: ${this.tooLate} within ${this.limit} seconds`));
  }
}
