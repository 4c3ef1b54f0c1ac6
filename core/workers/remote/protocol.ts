/**
 * What a worker is told, and what it tells. The constants are sent to the worker as JSON.
 *
 * Messages of the host to the worker:
 *
 *     { memory, port }    the first one: the shared memory, and the port for what the rings cannot hold
 *     null                the watchdog has found that the worker does not read its commands: it looks again
 *
 * The shared memory: `CONTROL_WORDS` control words, then the ring of commands, then the ring of responses.
 *
 * Two control words concern the running task: the pool writes the id of a task that has begun into CANCEL to ask it to
 * stop, and counts in ITEMS_TAKEN the items of a generator that its reader has taken, so that the generator does not get
 * too far ahead.
 *
 * Commands, from the pool (words):
 *
 *     RUN      state, id, target, mode, count, values    runs a task
 *     FETCH                                              takes the next port message: data for the commands that follow
 *     DEFINE   target, index                             defines a target: its source, or its module and name
 *     FORGET   target                                    drops a target
 *
 * A `target` is the number of a function that tasks call; a worker is sent its definition before the first of these tasks.
 * `mode` is twice the limit of the task in milliseconds (0 for none), plus STREAM if the items of a generator are wanted.
 * `count` is the number of arguments, whose values follow; if it is BY_PORT, one word follows. That word and `index` are
 * positions in the port message that was fetched last, an array: there are the arguments of the task, or the definition (a
 * `TargetNote`).
 *
 * `state` is the word by which a task is claimed: the worker changes it from OFFERED to CLAIMED before it begins the
 * task, the pool from OFFERED to REVOKED to take the task back. Whichever comes first has the task. So it is known for
 * each task whether it has begun, and tasks can be in the ring of a worker behind a long one: the pool takes them back
 * for an idle worker, for a more urgent task, at a cancellation, or when the worker ends.
 *
 * Responses, from the worker (words):
 *
 *     DONE, ITEM, PROGRESS   id, value      the result; an item of a generator; progress
 *     FAIL                   id, number     the task has failed; the port message of this number describes the error
 *     UNREAD                 id, number     the task has not begun, as its arguments or target could not be read; likewise
 *     CRASH                  0, number      the worker ends after an error outside the call of a task; likewise
 */

/** Control words, by index. */
export const WORD = {
  /** How many words of commands were written. The worker waits on it. */
  IN_HEAD: 0,
  /** How many words of commands were read. The pool waits on it for room if no task in the ring will have a response. */
  IN_TAIL: 1,
  /** How many words of responses were written. The pool waits on it. */
  OUT_HEAD: 2,
  /** How many words of responses were read. A worker waits on it for room. */
  OUT_TAIL: 3,
  /** 1 while the pool waits for responses. The worker that wakes it sets it to 0, so that it wakes it only once. */
  POOL_WAITS: 4,
  /** The id of the task that is asked to stop. */
  CANCEL: 5,
  /** How many items of the running stream its reader has taken. A generator that is too far ahead waits on it. */
  ITEMS_TAKEN: 6,
  /** 1 once the worker is ready to run tasks. */
  STARTED: 7,
} as const;

/** The numbers in the rings. */
export const CODE = {
  // Commands.
  RUN: 1,
  FETCH: 2,
  DEFINE: 3,
  FORGET: 4,
  // Responses.
  DONE: 1,
  FAIL: 2,
  ITEM: 3,
  PROGRESS: 4,
  CRASH: 5,
  UNREAD: 6,
  // States of a task.
  OFFERED: 0,
  CLAIMED: 1,
  REVOKED: 2,
  /** A flag of the mode: the items that a generator yields are wanted. */
  STREAM: 1,
  /** A count of arguments: they travel by port. */
  BY_PORT: -1,
  /** How many items a generator may be ahead of its reader. */
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
