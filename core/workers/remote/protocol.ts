/**
 * The protocol between the pool and its workers. The constants are sent to the worker as JSON.
 *
 * The memory of a worker: `CONTROL_WORDS` control words, then the ring of commands, then the ring of responses.
 *
 * Commands (words):
 *
 *     RUN      state, id, target, mode, count, values    runs a task; with count -1 its arguments travel by port
 *     FETCH                                              takes the next port message: data for the commands that follow
 *     DEFINE   target, index                             defines a target: its source, or its module and name
 *     FORGET   target
 *
 * `state` is the word by which a task is claimed: the worker changes it from READY to TAKEN before it begins the task,
 * the pool from READY to REVOKED to take the task back. The first of the two gets the task. So it is known for each
 * task whether it has begun, and tasks can be in a worker's ring behind a long one: the pool takes them back for an
 * idle worker, for a more urgent task, at a cancellation, or when the worker ends.
 *
 * Responses (words):
 *
 *     DONE, ITEM, PROGRESS   id, value      the result; an item of a generator; progress
 *     FAIL, CRASH            id, number     a port message describes the error
 *     UNREAD                 id, number     the task has not begun, as its arguments could not be read; likewise
 */

/** Control words, by index. */
export const WORD = {
  /** Words of commands written. The worker waits on it. */
  IN_HEAD: 0,
  /** Words of commands read. The pool waits on it for room, when no task in the ring will have a response. */
  IN_TAIL: 1,
  /** Words of responses written. The pool waits on it. */
  OUT_HEAD: 2,
  /** Words of responses read. A worker without room waits on it. */
  OUT_TAIL: 3,
  /** 1 while the pool waits for responses. The worker sets it to 0 when it wakes the pool, so it does so once. */
  POOL_WAITS: 4,
  /** The id of the task that is asked to stop. */
  CANCEL: 5,
  /** How many items of the running stream its reader has taken. A generator that is too far ahead waits on it. */
  TAKEN: 6,
  /** 1 once the worker is ready to run tasks. */
  READY: 7,
} as const;

/** Kinds of commands and responses, states of a task in the ring, flags of a mode, and a count. */
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
  /** A flag of the mode: the items that a generator yields are wanted. */
  STREAM: 1,
  /** A count: the arguments travel by port. */
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

/** The description of an error. */
export interface ErrorNote {
  /** The built-in class that it is an instance of. */
  readonly kind: string;
  readonly name: string;
  readonly message: string;
  readonly stack: string | undefined;
  /** `null` if it has none. */
  readonly cause: CarriedValue | null;
  /** Its other own properties. */
  readonly fields: readonly (readonly [key: string, value: CarriedValue])[];
}

/** The value of a property of an error: an error by its index among the notes, an array with errors, or a clone. */
export type CarriedValue =
  | { readonly error: number }
  | { readonly list: readonly CarriedValue[] }
  | { readonly value: unknown };

/** The definition of a target. */
export type TargetNote =
  | { readonly source: string; readonly method: boolean; readonly name: string }
  | { readonly module: string; readonly name: string };
