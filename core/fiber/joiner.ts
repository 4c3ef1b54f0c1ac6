/**
 * Those who wait for the end of a coroutine, in a list that runs through themselves: joining and leaving take
 * constant time, and the common case of one joiner allocates nothing.
 */

/** Somebody who waits for the end of a coroutine: an operation, or a promise. */
export interface Joiner {
  /** The next in the ring; `null` outside a ring. */
  nextJoiner: Joiner | null;
  /** The one before in the ring. */
  prevJoiner: Joiner | null;
  /** It returned or was terminated. */
  resolve(value: unknown): void;
  /** It failed. */
  reject(error: unknown): void;
}

/** Adds `joiner` as the last; answers the first. */
export function addJoiner(first: Joiner | null, joiner: Joiner): Joiner {
  if (first === null) {
    joiner.nextJoiner = joiner.prevJoiner = joiner;
    return joiner;
  }
  const last = first.prevJoiner!;
  last.nextJoiner = joiner;
  joiner.prevJoiner = last;
  joiner.nextJoiner = first;
  first.prevJoiner = joiner;
  return first;
}

/** Takes `joiner` out, if it is in; answers the first of those that are left. */
export function removeJoiner(first: Joiner | null, joiner: Joiner): Joiner | null {
  const next = joiner.nextJoiner;
  if (next === null) return first;
  const prev = joiner.prevJoiner!;
  prev.nextJoiner = next;
  next.prevJoiner = prev;
  joiner.nextJoiner = joiner.prevJoiner = null;
  if (first !== joiner) return first;
  return next === joiner ? null : next;
}

/** The joiners, first to last. */
export function listJoiners(first: Joiner | null): Joiner[] {
  const all: Joiner[] = [];
  for (let at = first; at !== null; at = at.nextJoiner === first ? null : at.nextJoiner) all.push(at);
  return all;
}
