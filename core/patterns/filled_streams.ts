import type { Loop } from "../fiber/schedulable.ts";

/**
 * A stream that a coroutine fills. If a coroutine of the same run loop reads it, each of them waits for the other and not
 * for the host: virtual time need not wait for them, and a deadlock between the two is found.
 */
export interface FilledStream {
  /** The run loop of the coroutine that fills it. */
  readonly loop: Loop;
  /** The run loop of the coroutine that has waited last for an item; `null` if none has, as far as is known. */
  readBy: Loop | null;
}

/** The streams that coroutines fill. */
export const filledStreams: WeakMap<ReadableStream, FilledStream> = new WeakMap();
