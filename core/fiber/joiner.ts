/**
 * Those who wait for the end of a coroutine, in a list that runs through themselves: joining and leaving take
 * constant time, and the common case of one waiter allocates nothing.
 */

/** Somebody who waits for the end of a coroutine: an operation, or a promise. */
export interface CompletionWaiter {
  /** The next in the ring; `null` outside a ring. */
  nextJoiner: CompletionWaiter | null;
  /** The one before in the ring. */
  prevJoiner: CompletionWaiter | null;
  /** It returned or was terminated. */
  resolve(value: unknown): void;
  /** It failed. */
  reject(error: unknown): void;
}

/** Adds `completionWaiter` as the last; returns the first. */
export function addCompletionWaiter(
  first: CompletionWaiter | null,
  completionWaiter: CompletionWaiter,
): CompletionWaiter {
  if (first === null) {
    completionWaiter.nextJoiner = completionWaiter.prevJoiner = completionWaiter;
    return completionWaiter;
  }
  const last = first.prevJoiner!;
  last.nextJoiner = completionWaiter;
  completionWaiter.prevJoiner = last;
  completionWaiter.nextJoiner = first;
  first.prevJoiner = completionWaiter;
  return first;
}

/** Takes `completionWaiter` out, if it is in; returns the first of those that are left. */
export function removeCompletionWaiter(
  first: CompletionWaiter | null,
  completionWaiter: CompletionWaiter,
): CompletionWaiter | null {
  const next = completionWaiter.nextJoiner;
  if (next === null) return first;
  const prev = completionWaiter.prevJoiner!;
  prev.nextJoiner = next;
  next.prevJoiner = prev;
  completionWaiter.nextJoiner = completionWaiter.prevJoiner = null;
  if (first !== completionWaiter) return first;
  return next === completionWaiter ? null : next;
}

/** The waiters, first to last. */
export function listCompletionWaiters(first: CompletionWaiter | null): CompletionWaiter[] {
  const all: CompletionWaiter[] = [];
  for (let at = first; at !== null; at = at.nextJoiner === first ? null : at.nextJoiner) all.push(at);
  return all;
}
