import { Semaphore } from "./semaphore.ts";

/**
 * A semaphore that never has more permits than it began with: releasing a permit that was not acquired is an error.
 *
 * @example
 * ```ts
 * import { BoundedSemaphore, run } from "@asyncoro/asyncoro/asyncio";
 * import { assertThrows } from "@std/assert";
 *
 * await run(function* () {
 *   const connections = new BoundedSemaphore(10, "connections");
 *   yield* connections.acquire();
 *   connections.release();
 *   assertThrows(() => connections.release(), RangeError);
 * });
 * ```
 */
export class BoundedSemaphore extends Semaphore {
  /**
   * Makes a semaphore that never has more permits than it begins with.
   *
   * @param value How many permits there are at first, and at most.
   * @param name For `dump()` and errors.
   * @throws {TypeError} If `value` is not a number, or `name` not a string.
   * @throws {RangeError} If `value` is negative or not an integer.
   */
  constructor(value = 1, name?: string) {
    super(value, name, value);
  }
}
