import type { Coro } from "../coroutine/coro.ts";
import { checkCount } from "../base/count.ts";
import { type Limit, limitSeconds } from "../base/limit.ts";
import type { Operation } from "../fiber/operation.ts";
import { limited } from "../operations/limited.ts";
import { Acquirable, type Acquisition } from "./acquirable.ts";
import { AcquireMany, type Permits } from "./acquire_many.ts";

/** The state of a semaphore at one moment. */
export interface SemaphoreStatistics {
  /** Permits that are free. */
  readonly value: number;
  /** How many operations wait. There may be free permits then, if the first waits for more than there are. */
  readonly waiters: number;
}

/**
 * A number of permits: `acquire` takes one, `acquireMany` several at once, waiting in the queue if there are not enough,
 * and `release` adds some.
 *
 * Those that wait are served in order: one that waits for many permits is not overtaken by others that need few.
 *
 * Permits have no owner: any code may release any number of them, and their number may grow that way. A
 * `BoundedSemaphore` does not allow it.
 *
 * @example
 * ```ts
 * import { all, run, Semaphore, sleep } from "@asyncoro/asyncoro";
 * import { assertEquals } from "@std/assert";
 *
 * const seats = new Semaphore(2, "seats");
 * let seated = 0;
 *
 * function* guest() {
 *   using _ = yield* seats.hold();
 *   seated++;
 *   assertEquals(seated <= 2, true);
 *   yield* sleep(0.01);
 *   seated--;
 * }
 *
 * await run(function* () {
 *   yield* all(guest(), guest(), guest());
 * });
 * assertEquals(seats.statistics(), { value: 2, waiters: 0 });
 * ```
 */
export class Semaphore extends Acquirable implements Permits {
  #value: number;
  /** @internal The largest number of permits there may be. */
  protected readonly bound: number;

  /**
   * Makes a semaphore.
   *
   * @param value How many permits there are at first.
   * @param name For `dump()` and errors.
   * @param bound For `BoundedSemaphore`: the largest number of permits there may be.
   * @throws {TypeError} If `value` is not a number, or `name` not a string.
   * @throws {RangeError} If `value` is negative or not an integer.
   */
  constructor(value = 1, name?: string, bound = Infinity) {
    super("semaphore", name);
    this.#value = checkCount(value, 0, "create a semaphore as 'value'");
    this.bound = bound;
  }

  /** @internal */
  override get kind(): string {
    return this.bound === Infinity ? "semaphore" : "bounded semaphore";
  }

  /** @internal */
  override get waitsFor(): string {
    return `a permit of ${this}`;
  }

  /** Whether `acquire` would wait: all permits are taken, or others wait. */
  locked(): boolean {
    return this.#value === 0 || this.waiters.length > 0;
  }

  /**
   * Acquires permits if they are free and nothing waits for permits, without waiting, from any code.
   *
   * @param n How many.
   * @returns Whether they were acquired.
   * @throws {TypeError} If `n` is not a number.
   * @throws {RangeError} If `n` is not a positive integer, or more than a `BoundedSemaphore` began with.
   */
  tryAcquire(n = 1): boolean {
    this.#checkPermits(n);
    if (this.locked() || this.#value < n) return false;
    this.#value -= n;
    return true;
  }

  /**
   * Acquires several permits at once, waiting until there are enough and those that came before have got theirs. Others
   * get a turn only if it has to wait.
   *
   * If it is interrupted after it was granted the permits and before it runs, they go back.
   *
   * @param n How many.
   * @param limit How long to wait at most; zero or less does not wait.
   * @throws {TimeoutError} At the yield, if there are not enough in time.
   * @throws {TypeError} If `n` is not a number, or `limit` is not valid.
   * @throws {RangeError} If `n` is not a positive integer, or more than a `BoundedSemaphore` began with: so many will
   * never be free.
   */
  acquireMany(n: number, limit?: Limit): Operation<void> {
    this.#checkPermits(n);
    return limited(new AcquireMany(this, n, limitSeconds(limit, "acquire permits")), limit);
  }

  #checkPermits(n: number): void {
    checkCount(n, 1, "acquire permits as 'n'");
    if (n <= this.bound) return;
    throw new RangeError(
      `Cannot acquire ${n} permits of ${this} as it never has more than it began with: current value is ${this.bound}`,
    );
  }

  /**
   * Adds permits. The operations that wait longest get them at once; their coroutines run when their turn comes.
   *
   * @param n How many.
   * @throws {TypeError} If `n` is not a number.
   * @throws {RangeError} If `n` is not a positive integer, or there would be more permits than a `BoundedSemaphore`
   * had at first.
   */
  release(n = 1): void {
    checkCount(n, 1, "release permits as 'n'");
    if (this.#value + n > this.bound) {
      throw new RangeError(
        `Cannot release ${n} of ${this} as there would be more permits than the ${this.bound} it began with: ` +
          `current value is ${this.#value}`,
      );
    }
    this.#value += n;
    this.admitWaiting();
  }

  /** @internal */
  admitWaiting(): void {
    for (let first = this.waiters.head; first !== null && first.amount <= this.#value; first = this.waiters.head) {
      this.waiters.remove(first);
      this.#value -= first.amount;
      this.grant(first);
    }
  }

  /** @internal */
  restore(n: number): void {
    const missing = Math.min(n, this.bound - this.#value);
    if (missing > 0) this.release(missing);
  }

  /** @internal Tells a waiter, which was removed from the queue, that it has its permits. */
  protected grant(acquisition: Acquisition): void {
    acquisition.granted();
  }

  /** Its state at this moment: how many permits are free, and how many operations wait for one. */
  statistics(): SemaphoreStatistics {
    return Object.freeze({ value: this.#value, waiters: this.waiters.length });
  }

  /** @internal */
  override take({ amount }: Acquisition): boolean {
    if (this.waiters.length > 0 || this.#value < amount) return false;
    this.#value -= amount;
    return true;
  }

  /** @internal */
  override holds(_coro: Coro): boolean {
    return this.#value < this.bound;
  }

  /** @internal */
  override giveBack(_coro: Coro): void {
    this.release();
  }

  /** @internal */
  override notHeld(_coro: Coro): Error {
    return new Error(`Cannot release ${this} as no permit is taken: current value is ${this.#value}`);
  }
}
