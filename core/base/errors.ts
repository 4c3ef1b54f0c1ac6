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

/** A resource (such as a socket, listener, pipe or file) was used after it was closed, or was closed during a wait. */
export class ClosedError extends Error {
  /** Always `"ClosedError"`. */
  override name = "ClosedError";
}
