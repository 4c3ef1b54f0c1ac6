import type { Operation } from "../../fiber/operation.ts";
import { call } from "../../operations/call.ts";
import { checkCount } from "../../base/count.ts";
import { Condition } from "./condition.ts";
import { BrokenBarrierError } from "../errors.ts";

/** What a {@linkcode Barrier} is doing, at one moment. */
export interface BarrierStatistics {
  /** How many it lets pass at a time. */
  readonly parties: number;
  /** How many wait for the others. */
  readonly waiters: number;
  /** Whether it is broken. */
  readonly broken: boolean;
}

/**
 * Lets a number of tasks wait for each other: when so many are there, all of them go on, and the next so many may come.
 *
 * Who comes while the former ones are still on their way out waits until they are gone. A task that is cancelled while
 * it waits leaves.
 *
 * @example
 * ```ts
 * import { Barrier, gather, run } from "@asyncoro/asyncoro/asyncio";
 * import { assertEquals } from "@std/assert";
 *
 * const barrier = new Barrier(3);
 * const places = await run(function* () {
 *   return yield* gather(barrier.wait(), barrier.wait(), barrier.wait());
 * });
 * assertEquals(places.toSorted(), [0, 1, 2]);
 * ```
 */
export class Barrier {
  /** How many it lets pass at a time. */
  readonly parties: number;
  #state: "filling" | "draining" | "resetting" | "broken" = "filling";
  // Those that are in it, waiting or on their way out.
  #count = 0;
  readonly #changed = new Condition();

  /**
   * Makes a barrier that nobody is in.
   *
   * @param parties How many it lets pass at a time.
   * @throws {TypeError} If `parties` is not a number.
   * @throws {RangeError} If it is not a positive integer.
   */
  constructor(parties: number) {
    this.parties = checkCount(parties, 1, "create a barrier as 'parties'");
  }

  /** How many wait for the others. */
  get nWaiting(): number {
    return this.#state === "filling" ? this.#count : 0;
  }

  /** Whether it is broken: `abort()` was called, and `reset()` not since. */
  get broken(): boolean {
    return this.#state === "broken";
  }

  /**
   * Waits until the others are there.
   *
   * @returns A number from 0 to `parties - 1`, another one for each of them.
   * @throws {BrokenBarrierError} At the yield, if the barrier is broken, or is aborted or reset meanwhile.
   */
  wait(): Operation<number> {
    return call(this.#wait());
  }

  /**
   * Empties it: those that wait get a `BrokenBarrierError`, and a broken barrier works again.
   */
  reset(): Operation<void> {
    return call(this.#change(() => this.#state = this.#count > 0 ? "resetting" : "filling"));
  }

  /** Breaks it: those that wait get a `BrokenBarrierError`, and those that come, until it is reset. */
  abort(): Operation<void> {
    return call(this.#change(() => this.#state = "broken"));
  }

  /** What it is doing. */
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
    const place = this.#count++;
    try {
      yield* this.#pass(place);
      return place;
    } finally {
      this.#leave();
    }
  }

  *#pass(place: number): Generator<unknown, void, unknown> {
    if (place + 1 === this.parties) {
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
