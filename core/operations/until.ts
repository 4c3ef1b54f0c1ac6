import { describe } from "../describe.ts";
import { TimeoutError } from "../errors.ts";
import type { Joiner } from "../joiner.ts";
import { Operation } from "../operation.ts";
import { Reaction } from "../reaction.ts";
import type { Strand } from "../strand.ts";
import { type Timeout, toSeconds } from "../time.ts";

/** Waits for a promise. */
export class Until extends Operation<unknown> implements Joiner {
  declare nextJoiner: Joiner | null;
  declare prevJoiner: Joiner | null;
  declare private promise: PromiseLike<unknown>;
  declare private reaction: Reaction | null;

  constructor(promise: PromiseLike<unknown>, seconds = Infinity) {
    super();
    this.nextJoiner = null;
    this.prevJoiner = null;
    this.promise = promise;
    this.reaction = null;
    this.limit = seconds;
  }

  get label(): string {
    return "until";
  }

  override takenOver(): void {
    this.adopt();
    Reaction.handle(this.promise);
  }

  override begin(strand: Strand): boolean {
    this.adopt();
    if (this.limit <= 0) {
      Reaction.handle(this.promise);
      return this.fail(this.late());
    }
    strand.loop.hostOperations++;
    this.reaction = Reaction.join(this.promise, this);
    return false;
  }

  /** The `then` of another thenable may begin something, so it is called once for each wait. */
  private adopt(): void {
    if (!(this.promise instanceof Promise)) this.promise = Promise.resolve(this.promise);
  }

  override resolve(value: unknown): void {
    this.strand!.loop.hostOperations--;
    super.resolve(value);
  }

  override reject(error: unknown): void {
    this.strand!.loop.hostOperations--;
    super.reject(error);
  }

  // A promise cannot be cancelled; it is no longer waited for, and what it brings reaches nobody.
  override detach(): void {
    this.strand!.loop.hostOperations--;
    this.reaction!.leave(this);
  }

  override timedOut(): void {
    this.fail(this.late());
  }

  override swappable(): boolean {
    return false;
  }

  private late(): TimeoutError {
    return new TimeoutError("until() waited in vain: the promise was not settled in time");
  }
}

/**
 * Waits for a promise: its value comes back, its rejection is thrown.
 *
 * A promise tells what became of it in a later microtask, even if it is settled already: with a timeout of zero or less
 * it is always late. When the wait is over, however it ended, or never began as a race was decided before, a rejection
 * of the promise is no uncaught error.
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
