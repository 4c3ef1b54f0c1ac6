import type { CancelledError } from "../errors.ts";

/** The requests to cancel a task. */
export class Cancellation {
  /** How many requests were made and not withdrawn. */
  requests = 0;
  /** The latest error for the coroutine to throw. The coroutine knows whether it was thrown. */
  error: CancelledError | null = null;
  /** Aborts the task's signal, if the signal was asked for. */
  abort: AbortController | null = null;
}
