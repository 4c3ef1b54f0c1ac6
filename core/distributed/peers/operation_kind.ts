/**
 * The kinds of operations: what peers ask of each other within a session, and tell each other.
 *
 * An operation is a byte, its kind, and then CBOR items. A *request* has a number, which its answer repeats; each side
 * of a session numbers its own. The items of each kind are described where it is written and read.
 */
export const Kind = {
  /** The answer to a request: the number of the request, and what it asks for. */
  ANSWER: 1,
  /** A part of the answer to a request: the number of the request, and what it asks for. More follows. */
  PROGRESS: 2,
  /** The other side does not want the answer to a request any more: its number. */
  CANCEL: 3,
  /** A message: `coros/`. */
  SEND: 4,
  /** A request: a message whose arrival is to be told. */
  DELIVER: 5,
  /** A request: a message that is to be replied to. */
  ASK: 6,
  /** The end of a coroutine is to be told. */
  WATCH: 7,
  /** The end of a coroutine need not be told any more. */
  UNWATCH: 8,
  /** A coroutine has ended. */
  ENDED: 9,
  /** A coroutine of the other side is to monitor one of any side. */
  MONITOR: 10,
  /** A coroutine is to be resumed or terminated, or an error thrown in it. */
  CONTROL: 11,
  /** A request: what has a name, now or later: `names/`. */
  FIND: 12,
  /** A request: the other side has a subscriber for a channel: `channels/`. */
  SUBSCRIBE: 13,
  /** A request: the other side has fewer subscribers for a channel. */
  UNSUBSCRIBE: 14,
  /** A request: a coroutine or channel of the other side is to subscribe to a channel of any side, or to unsubscribe. */
  INVITE: 15,
  /** A message for the subscribers of a channel. */
  PUBLISH: 16,
  /** A request: a message for the subscribers of a channel, whose arrival is to be counted. */
  BROADCAST: 17,
  /** A message for the subscribers of a channel that are on the other side; a request if their number is wanted. */
  SPREAD: 18,
  /** Broadcasts that may go round have come to their end. */
  SETTLED: 19,
  /** A channel has been closed. */
  CLOSED: 20,
  /** A request: a function is to be run as a coroutine: `rci/`. */
  INVOKE: 21,
  /** A request: a file is to be received or deleted: `files/`. */
  FILE: 22,
  /** A part of a file. */
  CHUNK: 23,
  /** So much of a file has been written. */
  WRITTEN: 24,
  /** A request: a link to a third peer is to be opened through the other side: `relay/`. */
  RELAY: 25,
  /** Bytes of a link that is relayed. */
  TUNNEL: 26,
  /** So many bytes of a link that is relayed have been taken. */
  TAKEN: 27,
  /** A link that is relayed has been closed. */
  UNLINKED: 28,
} as const;
