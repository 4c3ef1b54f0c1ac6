/**
 * Asks a consumer of JetStream for messages, once.
 *
 * A message that comes when nobody wants it any more is given back, so that it need not wait until its lease has ended.
 */
import { type HostTimer, startTimer, stopTimer } from "../host/timers.ts";
import type { NatsConnectionLike, NatsMessageLike } from "./connection.ts";
import { watchConnection } from "./connection_watch.ts";

/** What is asked for. */
export interface PullRequest {
  /** How many messages at most. */
  readonly batch: number;
  /** How many seconds to wait for the first one; 0: not at all. */
  readonly seconds: number;
}

/** What has come. */
export interface Pulled {
  readonly messages: readonly NatsMessageLike[];
  /** Whether the server has refused the request: the consumer may have been deleted, or has too many requests. */
  readonly refused: boolean;
}

/** The codes by which a server says that there are no messages, or no more. */
const NO_MESSAGES: readonly number[] = [404, 408];
/** Seconds that the server has for its response, beyond what it is to wait. */
const RESPONSE_SECONDS = 5;
const GIVE_BACK = "-NAK";

/**
 * See the head of this file.
 *
 * @param consumer The subject at which the consumer takes requests.
 * @param replies A new subject, to which it sends messages.
 */
export function pull(
  connection: NatsConnectionLike,
  consumer: string,
  replies: string,
  request: PullRequest,
  signal: AbortSignal,
): Promise<Pulled> {
  return new Promise((resolve, reject) => {
    const messages: NatsMessageLike[] = [];
    let ended = false;
    let timer: HostTimer | null = null;
    const end = (refused: boolean, isComplete: boolean): void => {
      if (ended) return;
      ended = true;
      unwatch();
      signal.removeEventListener("abort", abort);
      if (timer !== null) stopTimer(timer);
      // Messages may be on their way.
      if (isComplete) subscription.unsubscribe();
      else subscription.drain().catch(() => {});
      resolve({ messages, refused });
    };
    const giveUp = (): void => end(false, false);
    const abort = (): void => {
      for (const message of messages.splice(0)) giveBack(connection, message.reply!);
      giveUp();
    };
    const received = (error: Error | null, message: NatsMessageLike): void => {
      if (error !== null) {
        reject(error);
        return end(true, true);
      }
      if (message.data.length === 0) return end(!NO_MESSAGES.includes(message.headers?.code ?? 0), true);
      if (ended) return giveBack(connection, message.reply!);
      messages.push(message);
      if (messages.length === request.batch) end(false, true);
    };
    const subscription = connection.subscribe(replies, { callback: received });
    const unwatch = watchConnection(connection, { restored: giveUp, closed: giveUp });
    signal.addEventListener("abort", abort);
    timer = startTimer(giveUp, request.seconds + RESPONSE_SECONDS, false);
    connection.publish(consumer, JSON.stringify(wireRequest(request)), { reply: replies });
  });
}

/** Gives a message back, to be handed out again at once. */
export function giveBack(connection: NatsConnectionLike, reply: string): void {
  try {
    connection.publish(reply, GIVE_BACK);
  } catch {
    // The connection was closed: it is handed out again when its lease has ended.
  }
}

function wireRequest({ batch, seconds }: PullRequest): Record<string, unknown> {
  return seconds > 0 ? { batch, expires: seconds * 1e9 } : { batch, no_wait: true };
}
