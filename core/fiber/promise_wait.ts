import { TimeoutError } from "../base/errors.ts";
import type { Fiber } from "./fiber.ts";
import type { CompletionWaiter } from "./joiner.ts";
import { Operation } from "./operation.ts";
import { Reaction } from "./reaction.ts";

/** Waits for a promise. */
export class PromiseWait extends Operation<unknown> implements CompletionWaiter {
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

  /** The promise is settled. Returns whether somebody waits for that, or keeps it for when the wait begins. */
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
