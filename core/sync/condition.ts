import { runningCoro } from "../coroutine/coro_of.ts";
import { describe } from "../base/describe.ts";
import type { Operation } from "../fiber/operation.ts";
import { type Timeout, toSeconds } from "../base/duration.ts";
import { ConditionWait, ConditionWaitFor } from "./condition_wait.ts";
import type { Lock } from "./lock.ts";
import { type LockStatistics, Mutex } from "./mutex.ts";
import { called, checkName } from "./label.ts";
import { RLock } from "./rlock.ts";
import { checkCount } from "./semaphore.ts";
import { WaitQueue } from "../fiber/wait_queue.ts";

/** What a {@linkcode Condition} is doing, at one moment. */
export interface ConditionStatistics {
  /** How many wait to be notified. Those that were notified wait for the lock. */
  readonly waiters: number;
  /** What its lock is doing. */
  readonly lock: LockStatistics;
}

/**
 * Lets coroutines that share a lock wait for each other's changes.
 *
 * `wait()` releases the lock, waits for a notification and acquires the lock again. It has the lock again, to the
 * same depth, however it ends: notified, timed out, or interrupted by an error or a termination, so that the caller's
 * `finally` blocks find things as they left them. Who is notified has to wait for the lock in any case; another may
 * have changed things meanwhile, so look again, or use `waitFor`.
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
  readonly #lock: Mutex;
  /** @internal Who waits to be notified. */
  protected readonly waiters: WaitQueue<ConditionWait> = new WaitQueue<ConditionWait>();

  /**
   * Makes a condition.
   *
   * @param lock The lock that its users share, possibly with other conditions; an `RLock` of its own by default.
   * @param name For `dump()` and errors.
   * @throws {TypeError} If `lock` is neither a `Lock` nor an `RLock`, or `name` not a string.
   */
  constructor(lock?: Lock | RLock | Mutex | null, name?: string) {
    this.name = checkName(name, "condition");
    const shared: unknown = lock ?? new RLock(name);
    if (!(shared instanceof Mutex)) {
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
   * @param timeout Seconds to wait at the most, or a duration; zero or less does not wait.
   * @returns `true`, or `false` if it was not to be had in time.
   * @throws {TypeError} If `blocking` is not a boolean or `timeout` is no time.
   */
  acquire(blocking = true, timeout?: Timeout): Operation<boolean> {
    return this.#lock.acquire(blocking, timeout);
  }

  /**
   * Acquires its lock until the end of a block: `using _ = yield* condition.hold()`.
   *
   * @returns What releases it, once, when it is disposed of.
   */
  hold(): Operation<Disposable> {
    return this.#lock.hold();
  }

  /**
   * Releases its lock.
   *
   * @throws {Error} If it is not held; if it is an `RLock`, by the coroutine that calls.
   */
  release(): void {
    this.#lock.release();
  }

  /** Whether somebody has its lock. */
  locked(): boolean {
    return this.#lock.locked();
  }

  /**
   * Releases the lock, waits until it is notified and acquires the lock again, to the same depth.
   *
   * The limit is for the notification; getting the lock back takes as long as it takes, in a coroutine that was
   * interrupted or terminated too. A notification that reaches a coroutine which is interrupted before it goes on
   * passes to the next that waits.
   *
   * @param timeout Seconds to wait for the notification at the most, or a duration; with zero or less it does not
   * wait and keeps the lock.
   * @returns `true`, or `false` if it was not notified in time.
   * @throws {TypeError} If `timeout` is no time.
   * @throws {Error} If the coroutine that calls does not have the lock.
   */
  wait(timeout?: Timeout): Operation<boolean> {
    const seconds = toSeconds(timeout, "wait on a condition");
    this.mustHold("wait on");
    return new ConditionWait(this, this.#lock, this.waiters, seconds) as Operation<unknown> as Operation<boolean>;
  }

  /**
   * Waits until `predicate` gives something true: looks at once, and again after every notification. It looks with
   * the lock held.
   *
   * @param predicate A plain function; what it throws is thrown here.
   * @param timeout Seconds to wait at the most, in all, or a duration; zero or less looks once.
   * @returns What the predicate gave last: something false if time was up.
   * @throws {TypeError} If `predicate` is not a function or `timeout` is no time.
   * @throws {Error} If the coroutine that calls does not have the lock.
   */
  waitFor<T>(predicate: () => T, timeout?: Timeout): Operation<T> {
    if (typeof predicate !== "function") {
      throw new TypeError(
        `Cannot wait on ${this} as 'predicate' must be a function: current value is ${describe(predicate)}`,
      );
    }
    const seconds = toSeconds(timeout, "wait on a condition");
    this.mayLook();
    return new ConditionWaitFor(this, predicate, seconds) as Operation<unknown> as Operation<T>;
  }

  /**
   * Wakes those that wait longest. They go on when they have got the lock, in that order.
   *
   * @param n How many at the most.
   * @throws {TypeError} If `n` is not a number.
   * @throws {RangeError} If `n` is negative or no integer.
   * @throws {Error} If the coroutine that calls does not have the lock.
   */
  notify(n = 1): void {
    checkCount(n, 0, "notify coroutines as 'n'");
    this.mustHold("notify");
    this.wake(n);
  }

  /**
   * Wakes all that wait. They go on when they have got the lock, in the order in which they came.
   *
   * @throws {Error} If the coroutine that calls does not have the lock.
   */
  notifyAll(): void {
    this.mustHold("notify");
    this.wake(Infinity);
  }

  /** @internal Notifies, whoever asks. */
  wake(n: number): void {
    for (let left = Math.min(n, this.waiters.length); left > 0; left--) this.waiters.shift()!.notify();
  }

  /** What it is doing: how many wait to be notified, and the state of its lock. */
  statistics(): ConditionStatistics {
    return Object.freeze({ waiters: this.waiters.length, lock: this.#lock.statistics() });
  }

  /** How it reads in messages: `condition 'stock'`. */
  toString(): string {
    const text = called("condition", this.name);
    return this.name === undefined && this.#lock.name !== undefined ? `${text} of ${this.#lock}` : text;
  }

  /** @internal Throws if whoever calls must not even look at what it waits for. */
  protected mayLook(): void {
    this.mustHold("wait on");
  }

  /** @internal Throws if its lock is not held by whoever calls. */
  protected mustHold(action: string): void {
    const coro = runningCoro();
    if (coro !== null && this.#lock.owner === coro) return;
    throw this.#lock.misuse(`${action} ${this}`, "its lock", coro);
  }
}
