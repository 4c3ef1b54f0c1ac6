/**
 * The kinds of operations: what peers ask of each other within a session, and tell each other.
 *
 * An operation is a byte, its kind, and then CBOR items. A *request* has a number, which its answer repeats; each side
 * of a session numbers its own. The items of each kind are described where it is written and read.
 */
export const Kind = {
  /** The answer to a request: the number of the request, and what it asks for. */
  ANSWER: 1,
  /** The other side does not want the answer to a request any more: its number. */
  CANCEL: 2,
  /** A message: `coros/`. */
  SEND: 3,
  /** A request: a message whose arrival is to be told. */
  DELIVER: 4,
  /** A request: a message that is to be replied to. */
  ASK: 19,
  /** The end of a coroutine is to be told. */
  WATCH: 5,
  /** The end of a coroutine need not be told any more. */
  UNWATCH: 6,
  /** A coroutine has ended. */
  ENDED: 7,
  /** A coroutine of the other side is to monitor one of any side. */
  MONITOR: 8,
  /** A coroutine is to be resumed or terminated, or an error thrown in it. */
  CONTROL: 9,
  /** A request: what has a name, now or later: `names/`. */
  FIND: 10,
  /** A request: a subscriber is to be added to a channel, or removed: `channels/`. */
  SUBSCRIBE: 11,
  /** A message for the subscribers of a channel. */
  PUBLISH: 12,
  /** A request: a message for the subscribers of a channel, whose arrival is to be counted. */
  BROADCAST: 13,
  /** A message for the subscribers of a channel that are on this side. */
  SPREAD: 14,
  /** A channel has been closed. */
  CLOSED: 15,
  /** A request: a function is to be run as a coroutine: `rci/`. */
  INVOKE: 16,
  /** A request: a file is to be received or deleted: `files/`. */
  FILE: 17,
  /** A part of a file. */
  CHUNK: 18,
  /** So much of a file has been written. */
  WRITTEN: 20,
} as const;
