/**
 * The waits of a condition.
 *
 * A wait is first in the condition's queue. When it is notified, times out or is cancelled, it moves to the queue of the
 * lock, and it ends when it holds the lock. So a notification alone does not make the coroutine ready, and a
 * cancellation may have to wait for the lock.
 */
import { context } from "../fiber/context.ts";
import type { Coro } from "../coroutine/coro.ts";
import { coroOf } from "../coroutine/coro_of.ts";
import { CANCELLING, type Operation, SPENT, WAITING } from "../fiber/operation.ts";
import { Call } from "../operations/call.ts";
import type { Fiber } from "../fiber/fiber.ts";
import { Acquisition } from "./acquirable.ts";
import type { BaseLock } from "./base_lock.ts";
import type { WaitQueue } from "../fiber/wait_queue.ts";

/** A condition, as its waits use it. */
export interface WaitedCondition {
  /** Wakes up to `n` coroutines that wait longest. */
  wake(n: number): void;
  /** Waits for a notification, for so many seconds at most. */
  wait(seconds: number): Operation<boolean>;
}

/** Waits to be notified, without the lock, and then for the lock. */
export class ConditionWait extends Acquisition<boolean> {
  protected readonly condition: WaitedCondition;
  protected readonly lock: BaseLock;
  protected readonly waiters: WaitQueue<ConditionWait>;
  #notified = false;
  // The reason of its signal, if that ended the wait for a notification.
  #abortion: { readonly reason: unknown } | null = null;
  /** Whether it is in the queue of the lock, or has the lock. */
  protected regaining = false;

  constructor(condition: WaitedCondition, lock: BaseLock, waiters: WaitQueue<ConditionWait>, seconds: number) {
    super();
    this.condition = condition;
    this.lock = lock;
    this.waiters = waiters;
    this.limit = seconds;
  }

  get label(): string {
    return "wait";
  }

  override get waitsFor(): string {
    return this.regaining ? this.lock.waitsFor : `${this.condition}`;
  }

  override begin(fiber: Fiber): boolean {
    const lock = this.lock;
    if (!lock.holds(coroOf(fiber))) throw lock.misuse(`wait on ${this.condition}`, "its lock", coroOf(fiber));
    if (this.limit <= 0) return this.give(false);
    this.waiters.push(this);
    lock.releaseFor(this);
    return false;
  }

  /** Notifies it. It has been taken out of the condition's queue. */
  notify(): void {
    this.#notified = true;
    this.woken();
  }

  /** Called when it was notified. */
  protected woken(): void {
    if (this.regain()) this.resolve(true);
  }

  override granted(): void {
    if (this.state !== CANCELLING) {
      return this.#abortion === null ? this.resolve(this.#notified) : this.reject(this.#abortion.reason);
    }
    // It was cancelled, and the fiber goes on now that it has the lock.
    const fiber = this.fiber!;
    this.state = SPENT;
    fiber.wait = null;
    fiber.loop.makeReady(fiber);
  }

  override expire(): void {
    // It was notified in time or cancelled: the wait for the lock has no limit.
    if (this.regaining) return;
    this.detach();
    if (this.regain()) this.give(false);
  }

  override abort(reason: unknown): void {
    if (this.regaining) return;
    this.detach();
    this.#abortion = { reason };
    if (this.regain()) this.reject(reason);
  }

  override cancel(): boolean {
    if (this.state === CANCELLING) return false;
    if (this.state !== WAITING) return super.cancel();
    if (this.regaining) {
      if (this.#notified) this.condition.wake(1);
      this.state = CANCELLING;
      return false;
    }
    this.detach();
    return this.regainCancelled();
  }

  /** Begins to acquire the lock again for a wait that was cancelled. Returns whether it has it already. */
  protected regainCancelled(): boolean {
    const has = this.regain();
    this.state = has ? SPENT : CANCELLING;
    return has;
  }

  override detach(): void {
    if (this.regaining) this.lock.waiters.remove(this);
    else this.waiters.remove(this);
  }

  // The coroutine keeps the lock, which its `finally` block releases; only the notification passes on.
  override reclaim(): void {
    if (this.outcome === true) this.condition.wake(1);
  }

  override isDeadlocked(dead: (coro: Coro) => boolean): boolean {
    const owner = this.lock.owner;
    return this.regaining && owner !== null && dead(owner);
  }

  /** Acquires the lock again, or joins its queue. Returns whether it has it. */
  protected regain(): boolean {
    this.regaining = true;
    if (this.lock.take(this)) return true;
    this.lock.waiters.push(this);
    const coro = coroOf(this.fiber!);
    coro.loop.noteBlocked(coro);
    return false;
  }
}

/** Waits until a predicate returns a true value. */
export class ConditionWaitFor<T> extends Call<T> {
  override get label(): string {
    return "waitFor";
  }

  readonly #condition: WaitedCondition;
  readonly #progress: Progress;

  constructor(condition: WaitedCondition, predicate: () => T, seconds: number) {
    const progress = { notified: false };
    super(waitFor(condition, predicate, seconds, progress));
    this.#condition = condition;
    this.#progress = progress;
  }

  override reclaim(): void {
    if (this.#progress.notified) this.#condition.wake(1);
  }
}

interface Progress {
  /** Whether the last wait was ended by a notification. */
  notified: boolean;
}

function* waitFor<T>(
  condition: WaitedCondition,
  predicate: () => T,
  seconds: number,
  progress: Progress,
): Generator<unknown, T, unknown> {
  const clock = context.fiber!.loop.clock;
  const deadline = clock.now() + seconds;
  let value = predicate();
  for (let left = seconds; !value && left > 0; left = deadline - clock.now()) {
    progress.notified = yield* condition.wait(left);
    value = predicate();
  }
  return value;
}
