import type { Coro } from "../coroutine/coro.ts";
import { describe } from "../base/describe.ts";
import { Acquirable, type Acquisition } from "./acquirable.ts";

/** What a semaphore is doing, at one moment. */
export interface SemaphoreStatistics {
  /** Permits that are free. */
  readonly value: number;
  /** How many wait for one. */
  readonly waiters: number;
}

/**
 * A number of permits: `acquire` takes one, waiting in line if there is none, and `release` adds some.
 *
 * Permits belong to nobody: any code may release any number, and the number of permits may grow by that. See
 * `BoundedSemaphore` for one that does not allow it.
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
  /** @internal The most permits there may be. */
  protected readonly bound: number = Infinity;

  /**
   * Makes a semaphore.
   *
   * @param value How many permits there are at first.
   * @param name For `dump()` and errors.
   * @throws {TypeError} If `value` is not a number, or `name` not a string.
   * @throws {RangeError} If `value` is negative or no integer.
   */
  constructor(value = 1, name?: string) {
    super("semaphore", name);
    this.#value = checkCount(value, 0, "create a semaphore as 'value'");
  }

  /** @internal */
  override get kind(): string {
    return "semaphore";
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
   * Adds permits. Those that wait longest have them at once and run when their turn comes.
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
      this.admit(next);
    }
  }

  /** @internal Lets one in that was taken out of the queue. */
  protected admit(entrant: Acquisition): void {
    entrant.granted();
  }

  /** What it is doing: how many permits are free, and how many wait for one. */
  statistics(): SemaphoreStatistics {
    return Object.freeze({ value: this.#value, waiters: this.waiters.length });
  }

  /** @internal */
  override take(_entrant: Acquisition): boolean {
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
  override notHeld(coro: Coro): Error {
    return new Error(`Cannot release ${this} as ${coro} holds no permit: current value is ${this.#value}`);
  }
}

/** The count itself, if it is an integer and not less than `least`. */
export function checkCount(count: unknown, least: number, what: string): number {
  if (Number.isSafeInteger(count) && count as number >= least) return count as number;
  const needed = `must be ${least === 0 ? "an integer of 0 or more" : "a positive integer"}`;
  const text = `Cannot ${what} ${needed}: current value is ${describe(count)}`;
  throw typeof count === "number" ? new RangeError(text) : new TypeError(text);
}
