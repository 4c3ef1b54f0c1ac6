/**
 * Waiting for promises, in a way that can be given up without a trace.
 *
 * A reaction cannot be taken off a promise: one that lives long would keep whatever ever waited for it. So a reaction
 * holds a list of those who wait, which they leave. One that nobody uses any more serves all later waits for the same
 * promise, so that a promise has no more reactions than there ever were waits at the same time.
 */
import { addCompletionWaiter, type CompletionWaiter, removeCompletionWaiter } from "./joiner.ts";

/** The reactions that were left, of promises that are not settled: they are there for whoever waits next. */
const shared = new WeakMap<object, Reaction>();

/** A reaction of a promise or thenable, and those who wait by it. */
export class Reaction {
  declare private readonly promise: object;
  declare private firstCompletionWaiter: CompletionWaiter | null;
  declare private isShared: boolean;

  private constructor(promise: PromiseLike<unknown>, firstCompletionWaiter: CompletionWaiter) {
    this.promise = promise;
    this.firstCompletionWaiter = firstCompletionWaiter;
    this.isShared = false;
    // `resolve` leaves promises as they are and tames other thenables: ones that throw, answer at once or twice.
    Promise.resolve(promise).then((value) => this.settled(true, value), (error) => this.settled(false, error));
  }

  /** Makes `completionWaiter` wait for a promise: it is resolved or rejected, in a later microtask, unless it leaves before. */
  static join(promise: PromiseLike<unknown>, completionWaiter: CompletionWaiter): Reaction {
    const reaction = shared.get(promise);
    if (reaction === undefined) return new Reaction(promise, addCompletionWaiter(null, completionWaiter));
    reaction.firstCompletionWaiter = addCompletionWaiter(reaction.firstCompletionWaiter, completionWaiter);
    return reaction;
  }

  /** Takes `completionWaiter` out, which has been told nothing yet. */
  leave(completionWaiter: CompletionWaiter): void {
    this.firstCompletionWaiter = removeCompletionWaiter(this.firstCompletionWaiter, completionWaiter);
    if (this.firstCompletionWaiter !== null || this.isShared || shared.has(this.promise)) return;
    this.isShared = true;
    shared.set(this.promise, this);
  }

  private settled(ok: boolean, outcome: unknown): void {
    if (!this.isShared) return this.tell(ok, outcome);
    shared.delete(this.promise);
    // Those who wait by a reaction of their own came before those who share this one.
    if (this.firstCompletionWaiter !== null) queueMicrotask(() => this.tell(ok, outcome));
  }

  private tell(ok: boolean, outcome: unknown): void {
    for (
      let completionWaiter = this.firstCompletionWaiter;
      completionWaiter !== null;
      completionWaiter = this.firstCompletionWaiter
    ) {
      this.firstCompletionWaiter = removeCompletionWaiter(completionWaiter, completionWaiter);
      if (ok) completionWaiter.resolve(outcome);
      else completionWaiter.reject(outcome);
    }
  }
}
