import { describe } from "../base/describe.ts";
import { TimeoutError } from "../base/errors.ts";
import type { CompletionWaiter } from "../fiber/joiner.ts";
import { Operation } from "../fiber/operation.ts";
import { Reaction } from "../fiber/reaction.ts";
import type { Fiber } from "../fiber/fiber.ts";
import { type Timeout, toSeconds } from "../base/duration.ts";

/** Waits for a promise. */
export class Until extends Operation<unknown> implements CompletionWaiter {
  declare nextJoiner: CompletionWaiter | null;
  declare prevJoiner: CompletionWaiter | null;
  declare private readonly promise: PromiseLike<unknown>;
  /** By which it waits. */
  declare private reaction: Reaction | null;
  /** What became of the promise before the wait began. */
  declare private early: { readonly failed: boolean; readonly outcome: unknown } | null;

  constructor(promise: PromiseLike<unknown>, seconds = Infinity) {
    super();
    this.nextJoiner = null;
    this.prevJoiner = null;
    this.promise = promise;
    this.reaction = null;
    this.early = null;
    this.limit = seconds;
  }

  get label(): string {
    return "until";
  }

  // From now on the promise's rejection is no uncaught error, also if the wait never begins.
  override takenOver(): void {
    this.reaction = Reaction.join(this.promise, this);
  }

  override letGo(): void {
    this.reaction?.leave(this);
    this.reaction = null;
  }

  override begin(fiber: Fiber): boolean {
    if (this.early !== null) return this.early.failed ? this.fail(this.early.outcome) : this.give(this.early.outcome);
    this.reaction ??= Reaction.join(this.promise, this);
    if (this.limit <= 0) {
      this.letGo();
      return this.fail(this.late());
    }
    fiber.loop.hostOperations++;
    return false;
  }

  override resolve(value: unknown): void {
    if (this.settles(false, value)) super.resolve(value);
  }

  override reject(error: unknown): void {
    if (this.settles(true, error)) super.reject(error);
  }

  /** The promise is settled. Answers whether somebody waits for that, or keeps it for when the wait begins. */
  private settles(failed: boolean, outcome: unknown): boolean {
    this.reaction = null;
    if (this.fiber === null) {
      this.early = { failed, outcome };
      return false;
    }
    this.fiber.loop.hostOperations--;
    return true;
  }

  // A promise cannot be cancelled; it is no longer waited for, and what it brings reaches nobody.
  override detach(): void {
    this.fiber!.loop.hostOperations--;
    this.letGo();
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
