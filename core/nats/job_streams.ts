/**
 * The streams of a store of jobs and the consumers of its queues, which are made when they are used first.
 *
 * A server that was killed may have forgotten that jobs were acknowledged. It does not hand them out again, but they stay in
 * the stream. So whenever the connection was restored, queues in which there is nothing to do are emptied.
 */
import type { NatsConnectionLike } from "./connection.ts";
import { watchConnection } from "./connection_watch.ts";
import {
  apiCode,
  type JetStreamConfigLike,
  type JetStreamInfoLike,
  type JetStreamLike,
  type JetStreamManagerLike,
  STREAM_NOT_FOUND,
} from "./jetstream.ts";
import type { JobSubjects } from "./job_subjects.ts";
import { untilReached } from "./until_reached.ts";

/** Which streams and consumers. */
export interface JobStreamsPlan {
  readonly connection: NatsConnectionLike;
  readonly subjects: JobSubjects;
  /** Seconds that a lease lasts. */
  readonly leaseSeconds: number;
  readonly storage: "file" | "memory";
  readonly replicas: number;
  /** Seconds that states are kept; `Infinity`: for ever. */
  readonly retention: number;
  jetstream(): JetStreamLike;
  jetstreamManager(): Promise<JetStreamManagerLike>;
}

/** JetStream, with the streams of the store. */
export interface OpenStreams {
  readonly client: JetStreamLike;
  readonly manager: JetStreamManagerLike;
  /**
   * What reads states. It is faster past the API, but of a stream with replicas one may read what lags behind, and so miss
   * that a job was settled.
   */
  readonly states: Pick<JetStreamManagerLike["streams"], "getMessage">;
}

/** See the head of this file. */
export class JobStreams {
  readonly #plan: JobStreamsPlan;
  #opening: Promise<OpenStreams> | null = null;
  // The consumers of queues, by their tokens: as promises, as several may ask for one at once.
  readonly #consumers = new Map<string, Promise<void>>();
  #watching = false;

  constructor(plan: JobStreamsPlan) {
    this.#plan = plan;
  }

  /** Returns JetStream, once the streams are there. */
  open(): Promise<OpenStreams> {
    this.#opening ??= this.#open().catch((error) => {
      this.#opening = null;
      throw error;
    });
    return this.#opening;
  }

  /** Waits until there is a consumer for a queue. */
  async openQueue(queue: string): Promise<OpenStreams> {
    const streams = await this.open();
    let consumer = this.#consumers.get(queue);
    if (consumer === undefined) {
      consumer = this.#addConsumer(streams, queue).catch((error) => {
        this.#consumers.delete(queue);
        throw error;
      });
      this.#consumers.set(queue, consumer);
    }
    await consumer;
    return streams;
  }

  /** The consumer of a queue may have been deleted: it is made anew when it is used next. */
  forgetQueue(queue: string): void {
    this.#consumers.delete(queue);
  }

  async #open(): Promise<OpenStreams> {
    const { connection, subjects, retention } = this.#plan;
    const client = this.#plan.jetstream();
    const manager = await untilReached(connection, () => this.#plan.jetstreamManager().catch(explain));
    await this.#addStream(manager, {
      ...this.#stream(subjects.jobs, [subjects.job("*", "*")]),
      retention: "workqueue",
    });
    const { config } = await this.#addStream(manager, {
      ...this.#stream(subjects.states, [subjects.state("*", "*"), subjects.dead("*", "*")]),
      max_msgs_per_subject: 1,
      allow_direct: true,
      max_age: retention === Infinity ? 0 : nanoseconds(retention),
      republish: {
        src: subjects.state("*", "*"),
        dest: subjects.changed("{{wildcard(1)}}", "{{wildcard(2)}}"),
      },
    });
    this.#watch(manager);
    const states = config.allow_direct && config.num_replicas === 1 ? manager.direct : manager.streams;
    return { client, manager, states };
  }

  #stream(name: string, subjects: string[]): JetStreamConfigLike {
    const { storage, replicas } = this.#plan;
    return { name, subjects, retention: "limits", storage, num_replicas: replicas };
  }

  /** Makes a stream, if there is none of that name: one that is there may have been set up otherwise, on purpose. */
  async #addStream(manager: JetStreamManagerLike, stream: JetStreamConfigLike): Promise<JetStreamInfoLike> {
    const { connection } = this.#plan;
    try {
      const info = await untilReached(connection, () => manager.streams.info(stream.name));
      if (stream.subjects.every((subject) => info.config.subjects.includes(subject))) return info;
    } catch (error) {
      if (apiCode(error) !== STREAM_NOT_FOUND) throw error;
      return await untilReached(connection, () => manager.streams.add(stream));
    }
    throw new Error(
      `Cannot open the store of jobs as stream ${stream.name} has other subjects: choose another 'prefix'`,
    );
  }

  async #addConsumer({ manager }: OpenStreams, queue: string): Promise<void> {
    const { connection, subjects, leaseSeconds } = this.#plan;
    const config = {
      durable_name: queue,
      filter_subject: subjects.job(queue, "*"),
      ack_policy: "explicit",
      ack_wait: nanoseconds(leaseSeconds),
      max_ack_pending: -1,
    } as const;
    await untilReached(connection, () => manager.consumers.add(subjects.jobs, config));
    await untilReached(connection, () => this.#purge(manager, queue));
  }

  #watch(manager: JetStreamManagerLike): void {
    if (this.#watching) return;
    this.#watching = true;
    const { connection } = this.#plan;
    const purgeAll = async (): Promise<void> => {
      for (const queue of [...this.#consumers.keys()]) {
        await untilReached(connection, () => this.#purge(manager, queue));
      }
    };
    watchConnection(connection, {
      // If it does not succeed, more is stored than need be, and nothing else.
      restored: () => void purgeAll().catch(() => {}),
      closed: () => {},
    });
  }

  /**
   * Removes what is left in a queue in which no job waits and none is handed out: all up to the last one that was handed
   * out. While jobs are handed out, nothing says which: servers let `ack_floor` pass those that are handed out again.
   */
  async #purge(manager: JetStreamManagerLike, queue: string): Promise<void> {
    const { subjects } = this.#plan;
    const { num_pending, num_ack_pending, delivered } = await manager.consumers.info(subjects.jobs, queue);
    if (num_pending + num_ack_pending > 0 || delivered.stream_seq === 0) return;
    await manager.streams.purge(subjects.jobs, { filter: subjects.job(queue, "*"), seq: delivered.stream_seq + 1 });
  }
}

/** A server that was never reached may have no JetStream: it is not worth waiting for. */
function explain(error: Error): never {
  if (error.name !== "JetStreamNotEnabled") throw error;
  throw new Error("Cannot open the store of jobs as the server has no JetStream: start it with --jetstream", {
    cause: error,
  });
}

function nanoseconds(seconds: number): number {
  return Math.round(seconds * 1e9);
}
