/**
 * The errors that several rooms throw. For invalid arguments they throw `TypeError` and `RangeError`.
 */

/** An operation did not end before its timeout. */
export class TimeoutError extends Error {
  /** Always `"TimeoutError"`. */
  override name = "TimeoutError";
}

/** A feature was used that needs a capability which this runtime does not have. The message names it. */
export class UnsupportedError extends Error {
  /** Always `"UnsupportedError"`. */
  override name = "UnsupportedError";
}

/**
 * A socket, listener, pipe, file or database cursor was used after this side closed it, or was closed while a coroutine
 * waited for it.
 */
export class ClosedError extends Error {
  /** Always `"ClosedError"`. */
  override name = "ClosedError";
}

/** A bounded queue or mailbox has no room for another item, and its policy is to throw. */
export class QueueFullError extends Error {
  /** Always `"QueueFullError"`. */
  override name = "QueueFullError";
}
