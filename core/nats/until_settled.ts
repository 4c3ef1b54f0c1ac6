/** Waits until a job is settled: looks whenever the server says that its state was stored, and now and then. */
import type { JobState, SettledJob } from "../cluster/durable/job_store.ts";
import { startTimer, stopTimer } from "../host/timers.ts";
import type { NatsConnectionLike } from "./connection.ts";
import { watchConnection } from "./connection_watch.ts";

/** Seconds after which it looks, as the word of the server may be lost. */
const LOOK_SECONDS = 5;

/**
 * See the head of this file.
 *
 * @param changed The subject at which the server says that the state was stored.
 * @param look Returns what is known of the job.
 */
export async function untilSettled(
  connection: NatsConnectionLike,
  changed: string,
  look: () => Promise<JobState>,
  signal: AbortSignal,
): Promise<SettledJob> {
  // Resolved when it is time to look; a new one for each look, made before it.
  let due = Promise.withResolvers<void>();
  const wake = (): void => due.resolve();
  const refused = Promise.withResolvers<never>();
  refused.promise.catch(() => {});
  const callback = (error: Error | null): void => error === null ? wake() : refused.reject(error);
  const subscription = connection.subscribe(changed, { callback });
  const unwatch = watchConnection(connection, { restored: wake, closed: wake });
  signal.addEventListener("abort", wake);
  try {
    for (;;) {
      due = Promise.withResolvers();
      const state = await look();
      if (state.kind === "done" || state.kind === "dead") return state;
      const timer = startTimer(wake, LOOK_SECONDS, false);
      await Promise.race([due.promise, refused.promise]).finally(() => stopTimer(timer));
      signal.throwIfAborted();
    }
  } finally {
    subscription.unsubscribe();
    unwatch();
    signal.removeEventListener("abort", wake);
  }
}
