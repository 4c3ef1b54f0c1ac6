/**
 * The waiters for one completion, such as the end of a coroutine, as an intrusive ring: adding and removing take constant
 * time, and one waiter alone allocates nothing.
 */

/** Waits for a completion: an operation, or a promise. */
export interface CompletionWaiter {
  /** The next in the ring; `null` outside a ring. */
  nextCompletionWaiter: CompletionWaiter | null;
  /** The one before in the ring. */
  prevCompletionWaiter: CompletionWaiter | null;
  /** Completed with a value. */
  resolve(value: unknown): void;
  /** Completed with an error. */
  reject(error: unknown): void;
  /**
   * For one that waits for more than this completion: it can never come. Fails that wait, if it is under way, and stays
   * in the ring. Returns whether it did.
   */
  deadlocked?(error: Error): boolean;
  /** For the entry of a group: whether a deadline or a signal may end the group, and with it what is completed here. */
  readonly underDeadline?: boolean;
}

/** The links of a waiter that is in no ring. */
export const UNLINKED: { nextCompletionWaiter: null; prevCompletionWaiter: null } = /* @__PURE__ */ Object.freeze({
  nextCompletionWaiter: null,
  prevCompletionWaiter: null,
});

/** Adds a waiter as the last; returns the first. */
export function addCompletionWaiter(
  first: CompletionWaiter | null,
  waiter: CompletionWaiter,
): CompletionWaiter {
  if (first === null) {
    waiter.nextCompletionWaiter = waiter.prevCompletionWaiter = waiter;
    return waiter;
  }
  const last = first.prevCompletionWaiter!;
  last.nextCompletionWaiter = waiter;
  waiter.prevCompletionWaiter = last;
  waiter.nextCompletionWaiter = first;
  first.prevCompletionWaiter = waiter;
  return first;
}

/** Removes a waiter, if it is in the ring; returns the first of the remaining ones. */
export function removeCompletionWaiter(
  first: CompletionWaiter | null,
  waiter: CompletionWaiter,
): CompletionWaiter | null {
  const next = waiter.nextCompletionWaiter;
  if (next === null) return first;
  if (next === waiter) {
    waiter.nextCompletionWaiter = waiter.prevCompletionWaiter = null;
    return null;
  }
  const prev = waiter.prevCompletionWaiter!;
  prev.nextCompletionWaiter = next;
  next.prevCompletionWaiter = prev;
  waiter.nextCompletionWaiter = waiter.prevCompletionWaiter = null;
  return first === waiter ? next : first;
}

/** The waiters, in their order. */
export function listCompletionWaiters(first: CompletionWaiter | null): CompletionWaiter[] {
  const all: CompletionWaiter[] = [];
  for (let at = first; at !== null; at = at.nextCompletionWaiter === first ? null : at.nextCompletionWaiter) {
    all.push(at);
  }
  return all;
}
