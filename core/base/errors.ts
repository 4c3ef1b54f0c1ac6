/**
 * The errors that every room throws. Bad arguments are `TypeError` and `RangeError`.
 */

/** Something did not happen in time. */
export class TimeoutError extends Error {
  /** Always `"TimeoutError"`. */
  override name = "TimeoutError";
}

/** What was used needs a capability that this runtime does not have; the message names it. */
export class UnsupportedError extends Error {
  /** Always `"UnsupportedError"`. */
  override name = "UnsupportedError";
}

/**
 * A socket, listener, pipe, file or database cursor was used after this side closed it, or was closed while a coroutine
 * waited.
 */
export class ClosedError extends Error {
  /** Always `"ClosedError"`. */
  override name = "ClosedError";
}
