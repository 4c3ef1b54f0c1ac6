/**
 * Waits until a job is settled: until the server publishes the state that it has stored. Looks at first, and now and then, as
 * what the server publishes may be lost.
 */
import { deferred } from "../base/deferred.ts";
import type { SettledJob } from "../cluster/durable/job_store.ts";
import { startTimer, stopTimer } from "../host/timers.ts";
import type { NatsConnectionLike, NatsMessageLike } from "./connection.ts";
import { watchConnection } from "./connection_watch.ts";
import { decodeState } from "./job_records.ts";

/** Seconds between two looks. */
const LOOK_SECONDS = 5;

/**
 * See the head of this file.
 *
 * @param changed The subject at which the server publishes the state once it is stored.
 * @param look Returns how the job was settled; `null` if it is not.
 */
export async function untilSettled(
  connection: NatsConnectionLike,
  changed: string,
  look: () => Promise<SettledJob | null>,
  signal: AbortSignal,
): Promise<SettledJob> {
  // What ends the present wait: the state, `null` if it is time to look, or an error. It is made before the look, so that
  // nothing is missed meanwhile.
  let due = deferred<SettledJob | null>();
  const received = (error: Error | null, message: NatsMessageLike): void => {
    if (error === null) due.resolve(decodeState(message.data).settled);
    else due.reject(error);
  };
  const wake = (): void => due.resolve(null);
  const subscription = connection.subscribe(changed, { callback: received });
  const unwatch = watchConnection(connection, { restored: wake, closed: wake });
  signal.addEventListener("abort", wake);
  try {
    for (;;) {
      due = deferred();
      due.promise.catch(() => {});
      const state = await look() ?? await dueWithin(due.promise, wake);
      if (state !== null) return state;
      signal.throwIfAborted();
    }
  } finally {
    subscription.unsubscribe();
    unwatch();
    signal.removeEventListener("abort", wake);
  }
}

/** Waits for a promise that `wake` resolves, which is called when it is time to look again. */
async function dueWithin<T>(due: Promise<T>, wake: () => void): Promise<T> {
  const timer = startTimer(wake, LOOK_SECONDS, false);
  try {
    return await due;
  } finally {
    stopTimer(timer);
  }
}
