/**
 * What the pool and its workers agree on. It is sent to the worker as JSON.
 *
 * The memory of a worker: `CONTROL_WORDS` control words, then the ring of commands, then that of answers.
 *
 * Commands (words):
 *
 *     RUN      state, id, target, mode, count, values    a task; with count -1 its arguments travel by port
 *     FETCH                                              the next port message is there: data for what follows
 *     DEFINE   target, index                             what a target is: its source, or its module and name
 *     FORGET   target
 *
 * `state` is the word by which a task is claimed: the worker changes it from READY to TAKEN before it begins, the
 * pool from READY to REVOKED to have it back. Whoever comes second has lost. So it is known of each task whether it
 * has begun, and tasks can stand in a worker's ring behind a long one at no risk: a worker with nothing to do, a more
 * urgent task, a cancellation, or the end of the worker gets them back.
 *
 * Answers (words):
 *
 *     DONE, ITEM, PROGRESS   id, value      the result; what a generator yields; progress
 *     FAIL, CRASH            id, number     a port message describes the error
 *     UNREAD                 id, number     the task has not begun, as its arguments could not be read; likewise
 */

/** Control words, by index. */
export const WORD = {
  /** Words of commands written. The worker waits on it. */
  IN_HEAD: 0,
  /** Words of commands read. The pool waits on it for room, when nothing in the ring will be answered. */
  IN_TAIL: 1,
  /** Words of answers written. The pool waits on it. */
  OUT_HEAD: 2,
  /** Words of answers read. A worker without room waits on it. */
  OUT_TAIL: 3,
  /** 1 while the pool waits for answers; who answers takes it back, and so wakes it once. */
  POOL_WAITS: 4,
  /** The id of the task that is asked to stop. */
  CANCEL: 5,
  /** How many items of the running stream its reader has taken. A generator that is too far ahead waits on it. */
  TAKEN: 6,
  /** 1 once the worker has begun to work. */
  READY: 7,
} as const;

/** Kinds of commands and answers, states of a task in the ring, and what the arguments of a task are. */
export const CODE = {
  RUN: 1,
  FETCH: 2,
  DEFINE: 3,
  FORGET: 4,
  DONE: 1,
  FAIL: 2,
  ITEM: 3,
  PROGRESS: 4,
  CRASH: 5,
  UNREAD: 6,
  READY: 0,
  TAKEN: 1,
  REVOKED: 2,
  /** A mode: what a generator yields is wanted. */
  STREAM: 1,
  /** Arguments by port, instead of their count. */
  BY_PORT: -1,
  /** Items that a generator may be ahead of its reader. */
  AHEAD: 64,
} as const;

/** How many control words there are. */
export const CONTROL_WORDS = 16;
/** How many words each ring has: a power of two. */
export const RING_WORDS = 8192;
/** How many words the arguments of a task may take in the ring. */
export const MAX_ARGUMENT_WORDS = 512;

/** An error, as it travels. */
export interface ErrorNote {
  /** The built-in class that it is an instance of. */
  readonly kind: string;
  readonly name: string;
  readonly message: string;
  readonly stack: string | undefined;
  /** `null` if it has none. */
  readonly cause: CarriedValue | null;
  /** Its other own properties that can be cloned. */
  readonly fields: readonly (readonly [key: string, value: CarriedValue])[];
}

/** Something that an error has: an error by its place among the notes, an array with errors in it, or a clone. */
export type CarriedValue =
  | { readonly error: number }
  | { readonly list: readonly CarriedValue[] }
  | { readonly value: unknown };

/** What a target is, as it travels. */
export type TargetNote =
  | { readonly source: string; readonly method: boolean; readonly name: string }
  | { readonly module: string; readonly name: string };
