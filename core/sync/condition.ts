import { runningCoro } from "../coroutine/coro_of.ts";
import { checkCount } from "../base/count.ts";
import { describe } from "../base/describe.ts";
import type { Operation } from "../fiber/operation.ts";
import { type Limit, limitSeconds } from "../base/limit.ts";
import { limited } from "../operations/limited.ts";
import { ConditionWait, ConditionWaitFor } from "./condition_wait.ts";
import type { Lock } from "./lock.ts";
import { BaseLock, type LockStatistics } from "./base_lock.ts";
import { checkOptionalName, describeNamed } from "../base/name.ts";
import { RLock } from "./rlock.ts";
import { WaitQueue } from "../fiber/wait_queue.ts";

/** The state of a {@linkcode Condition} at one moment. */
export interface ConditionStatistics {
  /** How many operations wait to be notified. Once notified, they wait for the lock and no longer count. */
  readonly waiters: number;
  /** The state of its lock. */
  readonly lock: LockStatistics;
}

/**
 * Lets coroutines that share a lock wait for each other's changes.
 *
 * `wait()` releases the lock, waits for a notification and acquires the lock again. However it ends (notified, timed
 * out, or interrupted by an error or a termination), it ends holding the lock, to the same depth, so that the `finally`
 * blocks around it can rely on that. After a notification the coroutine still has to wait for the lock, and another may
 * change things before it gets it: check again what was waited for, or use `waitFor`.
 *
 * @example
 * ```ts
 * import { Condition, Coro, run } from "@asyncoro/asyncoro";
 * import { assertEquals } from "@std/assert";
 *
 * await run(function* () {
 *   const changed = new Condition();
 *   const stock: string[] = [];
 *   new Coro(function* () {
 *     using _ = yield* changed.hold();
 *     stock.push("apple");
 *     changed.notify();
 *   });
 *   using _ = yield* changed.hold();
 *   assertEquals(yield* changed.waitFor(() => stock.length > 0, 5), true);
 *   assertEquals(stock.pop(), "apple");
 * });
 * ```
 */
export class Condition {
  /** Its name in `dump()` and in errors, if it was given one. */
  readonly name: string | undefined;
  readonly #lock: BaseLock;
  /** @internal The operations that wait to be notified. */
  protected readonly waiters: WaitQueue<ConditionWait> = new WaitQueue<ConditionWait>();

  /**
   * Makes a condition.
   *
   * @param lock The lock that its users share, possibly with other conditions; an `RLock` of its own by default.
   * @param name For `dump()` and errors.
   * @throws {TypeError} If `lock` is neither a `Lock` nor an `RLock`, or `name` not a string.
   */
  constructor(lock?: Lock | RLock | BaseLock | null, name?: string) {
    this.name = checkOptionalName(name, "condition");
    const shared: unknown = lock ?? new RLock(name);
    if (!(shared instanceof BaseLock)) {
      throw new TypeError(
        `Cannot create a condition as 'lock' must be a Lock or an RLock: current value is ${describe(shared)}`,
      );
    }
    this.#lock = shared;
  }

  /**
   * Acquires its lock. Others get a turn only if it has to wait.
   *
   * @param blocking `false` never waits.
   * @param limit Seconds to wait at most, a duration or an `AbortSignal`, see {@linkcode Limit}; zero or less does not
   * wait.
   * @returns `true`, or `false` on timeout.
   * @throws {TypeError} If `blocking` is not a boolean or `limit` is not a valid limit.
   */
  acquire(blocking = true, limit?: Limit): Operation<boolean> {
    return this.#lock.acquire(blocking, limit);
  }

  /**
   * Acquires its lock until the end of a block: `using _ = yield* condition.hold()`.
   *
   * @returns A guard that releases it, once, when it is disposed of.
   */
  hold(): Operation<Disposable> {
    return this.#lock.hold();
  }

  /**
   * Releases its lock.
   *
   * @throws {Error} If it is not held; for an `RLock`, if the calling coroutine does not hold it.
   */
  release(): void {
    this.#lock.release();
  }

  /** Whether its lock is held. */
  locked(): boolean {
    return this.#lock.locked();
  }

  /**
   * Releases the lock, waits until it is notified and acquires the lock again, to the same depth.
   *
   * The limit is for the wait for the notification only; acquiring the lock again has no limit, even in a coroutine
   * that was interrupted or terminated. If a coroutine is notified and then interrupted before it runs, the
   * notification passes to the next that waits.
   *
   * @param limit Seconds to wait for the notification at most, a duration or an `AbortSignal`, see {@linkcode Limit}; with
   * zero or less it does not wait and keeps the lock.
   * @returns `true`, or `false` on timeout.
   * @throws {TypeError} If `limit` is not a valid limit.
   * @throws {Error} If the calling coroutine does not hold the lock.
   */
  wait(limit?: Limit): Operation<boolean> {
    const seconds = limitSeconds(limit, "wait on a condition");
    this.mustHold("wait on");
    return limited(this.newWait(this.#lock, seconds), limit);
  }

  /** @internal The operation for one `wait()`. */
  protected newWait(lock: BaseLock, seconds: number): Operation<boolean> {
    return new ConditionWait(this, lock, this.waiters, seconds);
  }

  /**
   * Waits until `predicate` returns a true value. It is called at once, and again after every notification, always with
   * the lock held.
   *
   * @param predicate A plain function; what it throws is thrown here.
   * @param limit Seconds to wait at most, in all, a duration or an `AbortSignal`; with zero or less the predicate is called
   * once.
   * @returns What the predicate returned last: a false value on timeout.
   * @throws {TypeError} If `predicate` is not a function or `limit` is not a valid limit.
   * @throws {Error} If the calling coroutine does not hold the lock.
   */
  waitFor<T>(predicate: () => T, limit?: Limit): Operation<T> {
    if (typeof predicate !== "function") {
      throw new TypeError(
        `Cannot wait on ${this} as 'predicate' must be a function: current value is ${describe(predicate)}`,
      );
    }
    const seconds = limitSeconds(limit, "wait on a condition");
    this.mayLook();
    return limited(new ConditionWaitFor<T>(this, predicate, seconds), limit);
  }

  /**
   * Wakes the coroutines that wait longest. Each goes on when it has acquired the lock, in the same order.
   *
   * @param n How many at most.
   * @throws {TypeError} If `n` is not a number.
   * @throws {RangeError} If `n` is negative or not an integer.
   * @throws {Error} If the calling coroutine does not hold the lock.
   */
  notify(n = 1): void {
    checkCount(n, 0, "notify coroutines as 'n'");
    this.mustHold("notify");
    this.wake(n);
  }

  /**
   * Wakes every coroutine that waits. Each goes on when it has acquired the lock, in the order in which they came.
   *
   * @throws {Error} If the calling coroutine does not hold the lock.
   */
  notifyAll(): void {
    this.mustHold("notify");
    this.wake(Infinity);
  }

  /** @internal Wakes up to `n` coroutines. Does not check that the caller holds the lock. */
  wake(n: number): void {
    for (let left = Math.min(n, this.waiters.length); left > 0; left--) this.waiters.shift()!.notify();
  }

  /** Its state at this moment: how many operations wait to be notified, and the state of its lock. */
  statistics(): ConditionStatistics {
    return Object.freeze({ waiters: this.waiters.length, lock: this.#lock.statistics() });
  }

  /** How it reads in messages: `condition 'stock'`. */
  toString(): string {
    const text = describeNamed("condition", this.name);
    return this.name === undefined && this.#lock.name !== undefined ? `${text} of ${this.#lock}` : text;
  }

  /** @internal Throws if the caller may not call the predicate of `waitFor`. */
  protected mayLook(): void {
    this.mustHold("wait on");
  }

  /** @internal Throws if the caller does not hold its lock. */
  protected mustHold(action: string): void {
    const coro = runningCoro();
    if (coro !== null && this.#lock.owner === coro) return;
    throw this.#lock.misuse(`${action} ${this}`, "its lock", coro);
  }
}
