/**
 * Waiting for promises, with waits that can be given up and leave nothing behind.
 *
 * A reaction cannot be removed from a promise: a promise with a long life would retain everything that ever waited for
 * it. So a reaction holds a list of waiters, which they can leave. The first reaction that all its waiters have left serves
 * all later waits for its promise, so a promise has no more reactions than it had waits at the same time.
 */
import { addCompletionWaiter, type CompletionWaiter, removeCompletionWaiter } from "./completion_waiter.ts";

/** The reaction that all later waiters for a promise join, once its first waiters have left it; until it is settled. */
const shared = new WeakMap<object, Reaction>();

/** A reaction of a promise or thenable, and its waiters. */
export class Reaction {
  declare private readonly promise: object;
  declare private first: CompletionWaiter | null;
  declare private isShared: boolean;

  private constructor(promise: PromiseLike<unknown>, first: CompletionWaiter) {
    this.promise = promise;
    this.first = first;
    this.isShared = false;
    // `resolve` returns promises as they are and wraps other thenables, which may throw, or settle at once or twice.
    Promise.resolve(promise).then((value) => this.settled(true, value), (error) => this.settled(false, error));
  }

  /** Makes a waiter wait for a promise: it is resolved or rejected in a later microtask, unless it leaves before. */
  static join(promise: PromiseLike<unknown>, waiter: CompletionWaiter): Reaction {
    const reaction = shared.get(promise);
    if (reaction === undefined) return new Reaction(promise, addCompletionWaiter(null, waiter));
    reaction.first = addCompletionWaiter(reaction.first, waiter);
    return reaction;
  }

  /** Removes a waiter that is not settled yet. */
  leave(waiter: CompletionWaiter): void {
    this.first = removeCompletionWaiter(this.first, waiter);
    if (this.first !== null || this.isShared || shared.has(this.promise)) return;
    this.isShared = true;
    shared.set(this.promise, this);
  }

  private settled(ok: boolean, outcome: unknown): void {
    if (!this.isShared) return this.settleAll(ok, outcome);
    shared.delete(this.promise);
    // Waiters with a reaction of their own came before the waiters of this shared one.
    if (this.first !== null) queueMicrotask(() => this.settleAll(ok, outcome));
  }

  private settleAll(ok: boolean, outcome: unknown): void {
    for (let waiter = this.first; waiter !== null; waiter = this.first) {
      this.first = removeCompletionWaiter(waiter, waiter);
      if (ok) waiter.resolve(outcome);
      else waiter.reject(outcome);
    }
  }
}
