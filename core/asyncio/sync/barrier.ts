import type { Operation } from "../../fiber/operation.ts";
import { call } from "../../operations/call.ts";
import { checkCount } from "../../base/count.ts";
import { Condition } from "./condition.ts";
import { BrokenBarrierError } from "../errors.ts";

/** The state of a {@linkcode Barrier} at one moment. */
export interface BarrierStatistics {
  /** How many tasks have to wait in it before they go on together. */
  readonly parties: number;
  /** How many tasks wait for the others. */
  readonly waiters: number;
  /** Whether it is broken. */
  readonly broken: boolean;
}

/**
 * Lets a number of tasks wait for each other: when that number is reached, all of them go on, and the barrier is ready
 * for the next ones.
 *
 * A task that comes while the previous ones are still leaving waits until they have left. A task that is cancelled
 * while it waits leaves the barrier.
 *
 * @example
 * ```ts
 * import { Barrier, gather, run } from "@asyncoro/asyncoro/asyncio";
 * import { assertEquals } from "@std/assert";
 *
 * const barrier = new Barrier(3);
 * const indices = await run(function* () {
 *   return yield* gather(barrier.wait(), barrier.wait(), barrier.wait());
 * });
 * assertEquals(indices.toSorted(), [0, 1, 2]);
 * ```
 */
export class Barrier {
  /** How many tasks have to wait in it before they go on together. */
  readonly parties: number;
  #state: "filling" | "draining" | "resetting" | "broken" = "filling";
  // The tasks in it, waiting or leaving.
  #count = 0;
  readonly #changed = new Condition();

  /**
   * Makes a barrier without tasks in it.
   *
   * @param parties How many tasks have to wait in it before they go on together.
   * @throws {TypeError} If `parties` is not a number.
   * @throws {RangeError} If it is not a positive integer.
   */
  constructor(parties: number) {
    this.parties = checkCount(parties, 1, "create a barrier as 'parties'");
  }

  /** How many tasks wait for the others. */
  get nWaiting(): number {
    return this.#state === "filling" ? this.#count : 0;
  }

  /** Whether it is broken: `abort()` was called, and `reset()` has not been called since. */
  get broken(): boolean {
    return this.#state === "broken";
  }

  /**
   * Waits until the other tasks wait too.
   *
   * @returns A number from 0 to `parties - 1`, a different one for each task.
   * @throws {BrokenBarrierError} At the yield, if the barrier is broken, or is aborted or reset during the wait.
   */
  wait(): Operation<number> {
    return call(this.#wait());
  }

  /** Resets it: a `BrokenBarrierError` is thrown in tasks that wait, and a broken barrier works again. */
  reset(): Operation<void> {
    return call(this.#change(() => this.#state = this.#count > 0 ? "resetting" : "filling"));
  }

  /** Breaks it: until it is reset, a `BrokenBarrierError` is thrown in tasks that wait and in tasks that come. */
  abort(): Operation<void> {
    return call(this.#change(() => this.#state = "broken"));
  }

  /** Its state at this moment. */
  statistics(): BarrierStatistics {
    return Object.freeze({ parties: this.parties, waiters: this.nWaiting, broken: this.broken });
  }

  *#change(change: () => void): Generator<unknown, void, unknown> {
    using _ = yield* this.#changed.hold();
    change();
    this.#changed.notifyAll();
  }

  *#wait(): Generator<unknown, number, unknown> {
    using _ = yield* this.#changed.hold();
    yield* this.#changed.waitFor(() => this.#state === "filling" || this.#state === "broken");
    if (this.#state === "broken") {
      throw new BrokenBarrierError("Cannot wait as the barrier was aborted: reset() mends it");
    }
    const index = this.#count++;
    try {
      yield* this.#pass(index);
      return index;
    } finally {
      this.#leave();
    }
  }

  *#pass(index: number): Generator<unknown, void, unknown> {
    if (index + 1 === this.parties) {
      this.#state = "draining";
      this.#changed.notifyAll();
      return;
    }
    yield* this.#changed.waitFor(() => this.#state !== "filling");
    if (this.#state !== "draining") {
      throw new BrokenBarrierError("The barrier was aborted or reset while others waited");
    }
  }

  #leave(): void {
    this.#count--;
    if (this.#count > 0) return;
    if (this.#state !== "broken") this.#state = "filling";
    this.#changed.notifyAll();
  }
}
