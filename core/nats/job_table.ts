/**
 * Jobs and states as JetStream has them: reading them, and writing them if nobody else has written meanwhile.
 *
 * Queues and ids are parts of subjects here. Every method may be repeated, and waits until the server is reached.
 */
import type { JobState, SettledJob } from "../cluster/durable/job_store.ts";
import type { NatsConnectionLike } from "./connection.ts";
import { apiCode, type JetStreamMessageLike, WRONG_LAST_SEQUENCE } from "./jetstream.ts";
import { decodeJob, decodeState, encodeJob, type JobRecord, type StateRecord } from "./job_records.ts";
import type { JobStreams, OpenStreams } from "./job_streams.ts";
import type { JobSubjects } from "./job_subjects.ts";
import { newId } from "./subjects.ts";
import { untilReached } from "./until_reached.ts";

/** A record, with the sequence number of its message. */
type Stored<T> = T & { readonly sequence: number };

/** See the head of this file. */
export class JobTable {
  readonly #connection: NatsConnectionLike;
  readonly #streams: JobStreams;
  readonly #subjects: JobSubjects;

  constructor(connection: NatsConnectionLike, streams: JobStreams, subjects: JobSubjects) {
    this.#connection = connection;
    this.#streams = streams;
    this.#subjects = subjects;
  }

  /** Returns the job that is in a queue under this id. */
  async job(queue: string, id: string, signal?: AbortSignal): Promise<Stored<JobRecord> | null> {
    const { manager } = await this.#streams.open();
    const message = await this.#last(manager.streams, this.#subjects.jobs, this.#subjects.job(queue, id), signal);
    return message && { ...decodeJob(message.data), sequence: message.seq };
  }

  /** Returns how the job of this id was settled. */
  async state(queue: string, id: string, signal?: AbortSignal): Promise<Stored<StateRecord> | null> {
    const { states } = await this.#streams.open();
    const message = await this.#last(states, this.#subjects.states, this.#subjects.state(queue, id), signal);
    return message && { ...decodeState(message.data), sequence: message.seq };
  }

  /**
   * Puts a job into its queue.
   *
   * @param last The sequence number of the job that is in the queue under this id; 0: none.
   * @returns Whether it is so, and the job is stored.
   */
  addJob(queue: string, id: string, record: JobRecord, last: number, signal?: AbortSignal): Promise<boolean> {
    return this.#write(this.#subjects.job(queue, id), encodeJob(record), last, signal);
  }

  /**
   * Stores a state.
   *
   * @param replaces The sequence number of the state that the id has; 0: none.
   * @returns Whether it is so, and the new one is stored.
   */
  addState(queue: string, id: string, state: Uint8Array, replaces: number, signal?: AbortSignal): Promise<boolean> {
    return this.#write(this.#subjects.state(queue, id), state, replaces, signal);
  }

  /** How a job was settled; `null` if it is not. */
  async settled(queue: string, id: string, signal?: AbortSignal): Promise<SettledJob | null> {
    const state = await this.state(queue, id, signal);
    if (state?.settled.kind !== "dead") return state && state.settled;
    // It may have been revived.
    const known = await this.known(queue, id, signal);
    return known.kind === "done" || known.kind === "dead" ? known : null;
  }

  /** What is known of a job. */
  async known(queue: string, id: string, signal?: AbortSignal): Promise<JobState> {
    const state = await this.state(queue, id, signal);
    if (state?.settled.kind === "done") return state.settled;
    const job = await this.job(queue, id, signal);
    // A dead job that is in its queue again was revived.
    if (job?.replaces === (state?.sequence ?? 0)) return { kind: "pending" };
    if (state !== null) return state.settled;
    // A job leaves its queue after its state was stored: it may have been settled between the two.
    return (await this.state(queue, id, signal))?.settled ?? { kind: "unknown" };
  }

  /** Returns the ids of the jobs that were given up at some time. */
  async everDead(queue: string, signal?: AbortSignal): Promise<string[]> {
    const filter = this.#subjects.dead(queue, "*");
    const { manager } = await this.#streams.open();
    const options = { subjects_filter: filter };
    const { state } = await untilReached(
      this.#connection,
      () => manager.streams.info(this.#subjects.states, options),
      signal,
    );
    return Object.keys(state.subjects ?? {}).map((subject) => subject.slice(filter.length - 1));
  }

  /** Lists a job among those that were given up. */
  async listDead(queue: string, id: string, signal?: AbortSignal): Promise<void> {
    const { client } = await this.#streams.open();
    await untilReached(this.#connection, () => client.publish(this.#subjects.dead(queue, id)), signal);
  }

  /** Lists it there no more. */
  async unlistDead(queue: string, id: string, signal?: AbortSignal): Promise<void> {
    const { manager } = await this.#streams.open();
    const filter = this.#subjects.dead(queue, id);
    await untilReached(this.#connection, () => manager.streams.purge(this.#subjects.states, { filter }), signal);
  }

  #last(
    messages: OpenStreams["states"],
    stream: string,
    subject: string,
    signal?: AbortSignal,
  ): Promise<JetStreamMessageLike | null> {
    return untilReached(this.#connection, () => messages.getMessage(stream, { last_by_subj: subject }), signal);
  }

  async #write(subject: string, bytes: Uint8Array, last: number, signal?: AbortSignal): Promise<boolean> {
    const { client } = await this.#streams.open();
    // By its id the server knows a message that is sent again, as there was no response, and accepts it.
    const options = { msgID: newId(), expect: { lastSubjectSequence: last } };
    try {
      await untilReached(this.#connection, () => client.publish(subject, bytes, options), signal);
      return true;
    } catch (error) {
      if (WRONG_LAST_SEQUENCE.includes(apiCode(error) ?? 0)) return false;
      throw error;
    }
  }
}
