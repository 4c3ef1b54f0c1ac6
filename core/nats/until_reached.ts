/** Repeats a request to JetStream until the server can be reached. */
import { deferred } from "../base/deferred.ts";
import { startTimer } from "../host/timers.ts";
import type { NatsConnectionLike } from "./connection.ts";
import { watchConnection } from "./connection_watch.ts";
import { apiCode, NOT_ENABLED } from "./jetstream.ts";

/** Seconds between two attempts. */
const PAUSE = 0.25;

/** What the client throws if there was no response, or nobody who could give one. */
const NO_RESPONSE: readonly unknown[] = ["TimeoutError", "NoRespondersError", "JetStreamNotEnabled"];

/**
 * Makes a request, and makes it again if the connection broke or the server is not ready, until there is a response. A
 * request may so have its effect twice: it must be one that may.
 *
 * @param signal Ends it between two attempts.
 * @throws What the request throws if the server refuses it, or the connection was closed.
 */
export async function untilReached<T>(
  connection: NatsConnectionLike,
  request: () => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  for (;;) {
    signal?.throwIfAborted();
    // What was sent before the connection broke gets no response, and the client would wait for it in vain.
    const broken = deferred<void>();
    const unwatch = watchConnection(connection, { restored: broken.resolve, closed: () => {} });
    try {
      const response = await Promise.race([request().then((value) => ({ value })), broken.promise]);
      if (response !== undefined) return response.value;
    } catch (error) {
      if (connection.isClosed() || !isPassing(error)) throw error;
      await Promise.race([pause(PAUSE), broken.promise]);
    } finally {
      unwatch();
    }
  }
}

/** Waits for so many seconds. */
export function pause(seconds: number): Promise<void> {
  return new Promise((resolve) => void startTimer(resolve, seconds, false));
}

/** Whether the same request may succeed later. */
function isPassing(error: unknown): boolean {
  const code = apiCode(error);
  if (code !== undefined) return (error as { status?: number }).status === 503 && !NOT_ENABLED.includes(code);
  const { name, cause } = error as { name?: unknown; cause?: { name?: unknown } };
  return NO_RESPONSE.includes(name) || name === "RequestError" && NO_RESPONSE.includes(cause?.name);
}
