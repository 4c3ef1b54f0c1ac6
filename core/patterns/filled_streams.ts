import type { Loop } from "../fiber/schedulable.ts";

/**
 * The run loops whose coroutines fill streams. A coroutine of the same loop that reads such a stream waits for a
 * coroutine and not for the host: virtual time need not wait for it, and a deadlock between the two is found.
 */
export const filledStreams: WeakMap<ReadableStream, Loop> = new WeakMap();
