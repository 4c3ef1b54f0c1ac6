/**
 * What is used of JetStream: the parts of `JetStreamClient` and `JetStreamManager` of @nats-io/jetstream, of which the
 * user has an own copy. Times are in nanoseconds here.
 */

/** A client of JetStream, as `jetstream()` of @nats-io/jetstream returns it. */
export interface JetStreamLike {
  /** What the subjects of the API start with. */
  readonly apiPrefix: string;
  /** Stores a message. */
  publish(
    subject: string,
    payload?: Uint8Array,
    options?: { msgID?: string; expect?: { lastSubjectSequence?: number } },
  ): Promise<unknown>;
}

/** A stream to be made. */
export interface JetStreamConfigLike {
  /** Its name. */
  readonly name: string;
  /** The subjects of its messages. */
  readonly subjects: string[];
  /** Whether a message is removed once it is acknowledged. */
  readonly retention: "limits" | "workqueue";
  /** Where messages are kept. */
  readonly storage: "file" | "memory";
  /** How many servers of a cluster keep them. */
  readonly num_replicas: number;
  /** How many messages of a subject are kept. */
  readonly max_msgs_per_subject?: number;
  /** How long messages are kept. */
  readonly max_age?: number;
  /** Whether messages may be read past the API, which is faster. */
  readonly allow_direct?: boolean;
  /** What is published for each message once it is stored. */
  readonly republish?: { src: string; dest: string };
}

/** A stream that is there. */
export interface JetStreamInfoLike {
  /** How it was set up. */
  readonly config: { readonly subjects: string[]; readonly num_replicas: number; readonly allow_direct: boolean };
  /** What is in it: its subjects, if they were asked for, with the number of messages of each. */
  readonly state: { readonly subjects?: Record<string, number> };
}

/** A message of a stream. */
export interface JetStreamMessageLike {
  /** Its sequence number. */
  readonly seq: number;
  /** Its bytes. */
  readonly data: Uint8Array;
}

/** A consumer to be made, or to be updated. */
export interface JetStreamConsumerConfigLike {
  /** Its name. */
  readonly durable_name: string;
  /** The messages that it hands out. */
  readonly filter_subject: string;
  /** How they are acknowledged. */
  readonly ack_policy: "explicit";
  /** After what time a message that was not acknowledged is handed out again. */
  readonly ack_wait: number;
  /** How many messages may be handed out and not acknowledged; -1: any number. */
  readonly max_ack_pending: number;
}

/** The part of JetStream that makes streams and reads them, as `jetstreamManager()` of @nats-io/jetstream returns it. */
export interface JetStreamManagerLike {
  /** Streams. */
  readonly streams: {
    add(config: JetStreamConfigLike): Promise<JetStreamInfoLike>;
    info(stream: string, options?: { subjects_filter?: string }): Promise<JetStreamInfoLike>;
    getMessage(stream: string, query: { last_by_subj: string }): Promise<JetStreamMessageLike | null>;
    purge(stream: string, options?: { filter: string; seq?: number }): Promise<unknown>;
  };
  /** Reading past the API. */
  readonly direct: {
    getMessage(stream: string, query: { last_by_subj: string }): Promise<JetStreamMessageLike | null>;
  };
  /** Consumers. */
  readonly consumers: {
    add(stream: string, config: JetStreamConsumerConfigLike): Promise<unknown>;
    info(stream: string, consumer: string): Promise<{
      num_pending: number;
      num_ack_pending: number;
      delivered: { stream_seq: number };
    }>;
  };
}

/** The code of an error of JetStream's API; `undefined` if it is another error. */
export function apiCode(error: unknown): number | undefined {
  const { name, code } = error as { name?: unknown; code?: unknown };
  return typeof code === "number" && typeof name === "string" && name in API_ERRORS ? code : undefined;
}

const API_ERRORS = { JetStreamApiError: true, StreamNotFoundError: true, ConsumerNotFoundError: true };

/** There is no stream of that name. */
export const STREAM_NOT_FOUND = 10059;
/** The last message of the subject is another one than was expected. Servers have two codes for it. */
export const WRONG_LAST_SEQUENCE: readonly number[] = [10071, 10164];
/** The server, or the account, has no JetStream. */
export const NOT_ENABLED: readonly number[] = [10039, 10076];
