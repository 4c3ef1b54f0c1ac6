/** A channel was used after `close()`. */
export class ChannelClosedError extends Error {
  /** Always `"ChannelClosedError"`. */
  override name = "ChannelClosedError";
}

/**
 * A queue was closed: nothing can be put into it any more, and what was in it has been taken.
 *
 * The `cause` of a `put` that fails is the error that `close()` was given, if any.
 */
export class QueueClosedError extends Error {
  /** Always `"QueueClosedError"`. */
  override name = "QueueClosedError";
}
