/**
 * The error classes of asyncio that callers catch. `TimeoutError` is the package's own.
 */

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
