/**
 * The error classes of asyncio that callers catch. `TimeoutError` is the package's own.
 */
import { describe } from "../base/describe.ts";
import { EOFError } from "../io/errors.ts";

/**
 * A future or task was cancelled.
 *
 * When a task is cancelled, it is thrown in the task at the point where it waits. Clean up in `finally`; code that catches
 * it should throw it again, unless the task is to go on in spite of the cancellation.
 */
export class CancelledError extends Error {
  /** Always `"CancelledError"`. */
  override name = "CancelledError";
}

/**
 * @internal The message of a cancellation, as text.
 *
 * @throws {TypeError} If no text can be made of it.
 */
export function checkMessage(message: string | undefined): string | undefined {
  if (message === undefined || typeof message === "string") return message;
  try {
    // Not String(), which takes symbols.
    return `${message}`;
  } catch {
    throw new TypeError(`Cannot cancel as 'message' must be a string: current value is ${describe(message)}`);
  }
}

/** A future that is not done was asked for its outcome, or a future that is done was given another. */
export class InvalidStateError extends Error {
  /** Always `"InvalidStateError"`. */
  override name = "InvalidStateError";
}

/** `getNowait()` was called on an empty queue. */
export class QueueEmpty extends Error {
  /** Always `"QueueEmpty"`. */
  override name = "QueueEmpty";
}

/** `putNowait()` was called on a full queue. */
export class QueueFull extends Error {
  /** Always `"QueueFull"`. */
  override name = "QueueFull";
}

/** The queue was shut down: no item can be put, and none is left to get. */
export class QueueShutDown extends Error {
  /** Always `"QueueShutDown"`. */
  override name = "QueueShutDown";
}

/** The barrier was aborted, or it was reset while the task waited. */
export class BrokenBarrierError extends Error {
  /** Always `"BrokenBarrierError"`. */
  override name = "BrokenBarrierError";
}

/** A stream ended before a read was complete; `partial` has the bytes that were read. */
export class IncompleteReadError extends EOFError {
  /** Always `"IncompleteReadError"`. */
  override name = "IncompleteReadError";
  /** The number of bytes to read; `null` for a read up to a separator. */
  readonly expected: number | null;

  /**
   * Makes the error.
   *
   * @param partial The bytes before the end of the stream, which were taken out of it.
   * @param expected The number of bytes to read; `null` for a read up to a separator.
   */
  constructor(partial: Uint8Array, expected: number | null) {
    const wanted = expected === null ? "a separator" : `${expected} bytes`;
    super(`The stream ended after ${partial.length} bytes and before ${wanted}`, partial);
    this.expected = expected;
  }
}

/** There are more bytes before the separator than the limit of the reader allows; they stay in the stream. */
export class LimitOverrunError extends Error {
  /** Always `"LimitOverrunError"`. */
  override name = "LimitOverrunError";
  /** How many bytes can be read without finding the separator. */
  readonly consumed: number;

  /**
   * Makes the error.
   *
   * @param message The message.
   * @param consumed How many bytes can be read without finding the separator.
   */
  constructor(message: string, consumed: number) {
    super(message);
    this.consumed = consumed;
  }
}
