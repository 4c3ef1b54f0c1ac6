/**
 * The error classes of asyncio that callers catch. `TimeoutError` is the package's own.
 */
import { EOFError } from "../base/errors.ts";

/**
 * What was waited for, or the task itself, was cancelled.
 *
 * It is thrown in a task at the point where it waits. Cleanup belongs into `finally`; whoever catches it throws it
 * again, or has cancelled a cancellation.
 */
export class CancelledError extends Error {
  /** Always `"CancelledError"`. */
  override name = "CancelledError";
}

/** A future was asked for what it does not have yet, or told what it knows already. */
export class InvalidStateError extends Error {
  /** Always `"InvalidStateError"`. */
  override name = "InvalidStateError";
}

/** `getNowait()` found the queue empty. */
export class QueueEmpty extends Error {
  /** Always `"QueueEmpty"`. */
  override name = "QueueEmpty";
}

/** `putNowait()` found the queue full. */
export class QueueFull extends Error {
  /** Always `"QueueFull"`. */
  override name = "QueueFull";
}

/** The queue was shut down: nothing can be put, and nothing is left to get. */
export class QueueShutDown extends Error {
  /** Always `"QueueShutDown"`. */
  override name = "QueueShutDown";
}

/** The barrier was aborted, or reset while somebody waited in it. */
export class BrokenBarrierError extends Error {
  /** Always `"BrokenBarrierError"`. */
  override name = "BrokenBarrierError";
}

/** A stream ended before all had come that was asked for; `partial` is what came. */
export class IncompleteReadError extends EOFError {
  /** Always `"IncompleteReadError"`. */
  override name = "IncompleteReadError";
  /** How many bytes were asked for; `null` if they were to end with a separator. */
  readonly expected: number | null;

  /**
   * Makes the error.
   *
   * @param partial What came before the end; it has been taken out of the stream.
   * @param expected How many bytes were asked for; `null` if that is not known.
   */
  constructor(partial: Uint8Array, expected: number | null) {
    super(`The stream ended after ${partial.length} bytes of ${expected ?? "an unknown number of"} expected`, partial);
    this.expected = expected;
  }
}

/** What a separator was looked for in is longer than the limit of the reader; it stays in the stream. */
export class LimitOverrunError extends Error {
  /** Always `"LimitOverrunError"`. */
  override name = "LimitOverrunError";
  /** How many bytes can be read without finding the separator. */
  readonly consumed: number;

  /**
   * Makes the error.
   *
   * @param message What happened.
   * @param consumed How many bytes can be read without finding the separator.
   */
  constructor(message: string, consumed: number) {
    super(message);
    this.consumed = consumed;
  }
}
