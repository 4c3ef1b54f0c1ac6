import type { Coro } from "../coroutine/coro.ts";
import { checkCount } from "../base/count.ts";
import { Acquirable, type Acquisition } from "./acquirable.ts";

/** The state of a semaphore at one moment. */
export interface SemaphoreStatistics {
  /** Permits that are free. */
  readonly value: number;
  /** How many operations wait for one. */
  readonly waiters: number;
}

/**
 * A number of permits: `acquire` takes one, waiting in the queue if there is none, and `release` adds some.
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
export class Semaphore extends Acquirable {
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

  /** Whether all permits are taken, so that `acquire` would wait. */
  locked(): boolean {
    return this.#value === 0;
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
    for (let left = n; left > 0; left--) {
      const next = this.waiters.shift();
      if (next === null) {
        this.#value += left;
        return;
      }
      this.grant(next);
    }
  }

  /** @internal Grants a permit to a dequeued waiter. */
  protected grant(acquisition: Acquisition): void {
    acquisition.granted();
  }

  /** Its state at this moment: how many permits are free, and how many operations wait for one. */
  statistics(): SemaphoreStatistics {
    return Object.freeze({ value: this.#value, waiters: this.waiters.length });
  }

  /** @internal */
  override take(_acquisition: Acquisition): boolean {
    if (this.#value === 0) return false;
    this.#value--;
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
