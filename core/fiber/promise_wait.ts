import { TimeoutError } from "../base/errors.ts";
import type { WaitingFiber } from "./context.ts";
import { CountedWait } from "./counted_wait.ts";
import type { CompletionWaiter } from "./completion_waiter.ts";
import { Reaction } from "./reaction.ts";

/** Waits for a promise. */
export class PromiseWait<T> extends CountedWait<T> implements CompletionWaiter {
  declare nextCompletionWaiter: CompletionWaiter | null;
  declare prevCompletionWaiter: CompletionWaiter | null;
  // `null` if it is made when the wait begins.
  declare protected promise: PromiseLike<T> | null;
  // Set while it waits for the promise, which it may do before the wait has begun.
  declare private reaction: Reaction | null;
  // The outcome of the promise, if that came before the wait began.
  declare private early: { readonly failed: boolean; readonly outcome: unknown } | null;

  constructor(promise: PromiseLike<T> | null, seconds = Infinity) {
    super();
    this.nextCompletionWaiter = null;
    this.prevCompletionWaiter = null;
    this.promise = promise;
    this.reaction = null;
    this.early = null;
    this.limit = seconds;
  }

  get label(): string {
    return "until";
  }

  // From now on a rejection of the promise is handled, even if the wait never begins.
  override takenOver(): void {
    if (this.promise !== null) this.reaction = Reaction.join(this.promise, this);
  }

  override discarded(): void {
    this.leave();
  }

  override begin(fiber: WaitingFiber): boolean {
    if (this.early !== null) return this.early.failed ? this.fail(this.early.outcome) : this.give(this.early.outcome);
    this.reaction ??= Reaction.join(this.promise!, this);
    if (this.limit <= 0) {
      this.leave();
      return this.fail(timeoutError());
    }
    this.count(fiber);
    return false;
  }

  /** The promise is fulfilled. */
  override resolve(value: unknown): void {
    this.reaction = null;
    if (this.uncount()) super.resolve(value);
    else this.early = { failed: false, outcome: value };
  }

  /** The promise is rejected. */
  override reject(error: unknown): void {
    this.reaction = null;
    if (this.uncount()) super.reject(error);
    else this.early = { failed: true, outcome: error };
  }

  // A promise cannot be cancelled: it is no longer waited for, and its outcome is dropped.
  override detach(): void {
    this.uncount();
    this.leave();
  }

  override timedOut(): void {
    this.fail(timeoutError());
  }

  private leave(): void {
    this.reaction?.leave(this);
    this.reaction = null;
  }
}

/** The error of a wait for a promise that took too long. */
export function timeoutError(): TimeoutError {
  return new TimeoutError("the promise did not settle in time");
}
