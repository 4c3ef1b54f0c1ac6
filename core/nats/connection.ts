/**
 * What is used of a connection to a NATS server: the parts of `NatsConnection` of @nats-io/nats-core, of which the user
 * has an own copy.
 */
import { describe } from "../base/describe.ts";
import { isThenable } from "../base/generator.ts";

/** A message of NATS, as `Msg` of @nats-io/nats-core. */
export interface NatsMessageLike {
  /** Where it was published. */
  readonly subject: string;
  /** Its bytes. */
  readonly data: Uint8Array;
  /** Where a reply is to be sent to. */
  readonly reply?: string;
  /** Its headers; the server's own messages have a code there. */
  readonly headers?: { readonly code: number };
}

/** A subscription, as `Subscription` of @nats-io/nats-core. */
export interface NatsSubscriptionLike {
  /** Ends it at once. */
  unsubscribe(): void;
  /** Ends it after the messages that are on their way. */
  drain(): Promise<void>;
}

/** A connection to a NATS server, as `NatsConnection` of @nats-io/nats-core. */
export interface NatsConnectionLike {
  /** What the server says of itself, while the client is connected. */
  readonly info?: {
    /** The most bytes that a message may have. */
    readonly max_payload: number;
  };
  /** Sends a message. */
  publish(subject: string, payload?: Uint8Array | string, options?: { reply?: string }): void;
  /** Receives the messages of a subject. */
  subscribe(
    subject: string,
    options?: { callback?: (error: Error | null, message: NatsMessageLike) => void },
  ): NatsSubscriptionLike;
  /** Waits until the server has all that was sent. */
  flush(): Promise<void>;
  /** Tells when the connection breaks and when it is there again. */
  status(): AsyncIterable<{ readonly type: string }>;
  /** Whether the connection was closed for good. */
  isClosed(): boolean;
}

const METHODS = ["publish", "subscribe", "flush", "status", "isClosed"] as const;

/**
 * Returns the connection unchanged.
 *
 * @param action What cannot be done if it is none, for the message.
 * @throws {TypeError} If it is not a connection.
 */
export function checkConnection(connection: unknown, action: string): NatsConnectionLike {
  if (typeof connection === "object" && connection !== null) {
    const methods = connection as Record<string, unknown>;
    if (METHODS.every((name) => typeof methods[name] === "function")) return connection as NatsConnectionLike;
  }
  const hint = isThenable(connection) ? ", wait for the promise that connect() returns" : "";
  throw new TypeError(
    `Cannot ${action} as 'connection' must be a NatsConnection of @nats-io/nats-core: ` +
      `current value is ${describe(connection)}${hint}`,
  );
}
