import { describe } from "../describe.ts";
import { TimeoutError } from "../errors.ts";
import { Operation } from "../operation.ts";
import type { Strand } from "../strand.ts";
import { type Timeout, toSeconds } from "../time.ts";

/** Waits for a promise. */
export class Until extends Operation<unknown> {
  #promise: PromiseLike<unknown>;
  #loop: Strand["loop"] | null = null;

  constructor(promise: PromiseLike<unknown>, seconds = Infinity) {
    super();
    this.#promise = promise;
    this.limit = seconds;
  }

  get label(): string {
    return "until";
  }

  override begin(strand: Strand): boolean {
    const loop = strand.loop;
    this.#loop = loop;
    loop.hostOperations++;
    // `resolve` leaves promises as they are and tames other thenables: ones that throw, answer at once or twice.
    Promise.resolve(this.#promise).then(
      (value) => {
        this.#leave();
        this.resolve(value);
      },
      (error) => {
        this.#leave();
        this.reject(error);
      },
    );
    if (this.limit > 0) return false;
    this.detach();
    return this.fail(this.#late());
  }

  // A promise cannot be cancelled; it is no longer waited for, and what it brings finds another state.
  override detach(): void {
    this.#leave();
  }

  override timedOut(): void {
    this.fail(this.#late());
  }

  override swappable(): boolean {
    return false;
  }

  #leave(): void {
    if (this.#loop !== null) this.#loop.hostOperations--;
    this.#loop = null;
  }

  #late(): TimeoutError {
    return new TimeoutError("until() waited in vain: the promise was not settled in time");
  }
}

/**
 * Waits for a promise: its value comes back, its rejection is thrown.
 *
 * @param promise A promise or thenable, of any origin.
 * @param timeout Seconds to wait at the most, or a duration; no limit by default.
 * @throws {TimeoutError} At the yield, if the promise is not settled in time. The promise itself goes on.
 * @throws {TypeError} If `promise` is not thenable or `timeout` is no time.
 *
 * @example
 * ```ts
 * import { run, until } from "@asyncoro/asyncoro";
 * import { assertEquals } from "@std/assert";
 *
 * const text = await run(function* () {
 *   return yield* until(new Response("hello").text(), 5);
 * });
 * assertEquals(text, "hello");
 * ```
 */
export function until<T>(promise: PromiseLike<T>, timeout?: Timeout): Operation<T> {
  if (typeof (promise as { then?: unknown } | null)?.then !== "function") {
    throw new TypeError(
      `Cannot wait as until() takes a promise: current value is ${describe(promise)}`,
    );
  }
  return new Until(promise, toSeconds(timeout, "wait for a promise")) as Operation<unknown> as Operation<T>;
}
