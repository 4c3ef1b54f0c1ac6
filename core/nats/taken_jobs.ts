/** Taking jobs from a queue, and what the server needs to know later of those that were taken. */
import { describe } from "../base/describe.ts";
import type { Lease } from "../cluster/durable/job_store.ts";
import type { NatsConnectionLike, NatsMessageLike } from "./connection.ts";
import { decodeJob } from "./job_records.ts";
import type { JobStreams } from "./job_streams.ts";
import { fromToken, type JobSubjects } from "./job_subjects.ts";
import type { JobTable } from "./job_table.ts";
import { giveBack, pull, type PullRequest } from "./pull.ts";
import { pause } from "./until_reached.ts";

/** A job that was taken. Queue and id are parts of subjects here. */
export interface TakenJob {
  readonly queue: string;
  readonly id: string;
  /** The sequence number of the state that it replaces. */
  readonly replaces: number;
  /** Where it is acknowledged. */
  readonly reply: string;
}

/** Seconds that the server waits for a job, before it is asked again. */
const WAIT_SECONDS = 5;
/** Seconds before a server that has refused to hand out jobs is asked again. */
const REFUSED_SECONDS = 0.25;

/** See the head of this file. */
export class TakenJobs {
  readonly #connection: NatsConnectionLike;
  readonly #streams: JobStreams;
  readonly #table: JobTable;
  readonly #subjects: JobSubjects;
  readonly #taken = new WeakMap<Lease, TakenJob>();

  constructor(connection: NatsConnectionLike, streams: JobStreams, table: JobTable, subjects: JobSubjects) {
    this.#connection = connection;
    this.#streams = streams;
    this.#table = table;
    this.#subjects = subjects;
  }

  /**
   * The job of a lease.
   *
   * @throws {TypeError} If it is not a lease of this store.
   */
  of(lease: Lease, action: string): TakenJob {
    const taken = this.#taken.get(lease);
    if (taken !== undefined) return taken;
    throw new TypeError(
      `Cannot ${action} as 'lease' must be one that take() of this store has returned: current value is ${
        describe(lease)
      }`,
    );
  }

  /**
   * Waits until there are jobs, and takes them: in turn as many as are there, and, if there are none, the next that comes.
   * A server that was killed may miss jobs that it is to hand out again, and then hands out nothing, until it is asked
   * again: that is why it is not asked to wait for longer.
   */
  async take(queue: string, name: string, n: number, signal: AbortSignal): Promise<Lease[]> {
    for (let waits = false;;) {
      const request = waits ? { batch: 1, seconds: WAIT_SECONDS } : { batch: n, seconds: 0 };
      const messages = await this.#pull(name, request, signal);
      const leases = await this.#leasesOf(messages, queue, name, signal);
      if (leases.length > 0) return leases;
      signal.throwIfAborted();
      // If all that came were settled, there may be more.
      waits = !waits && messages.length === 0;
    }
  }

  /** Gives jobs back that nobody will work on. */
  giveBack(leases: readonly Lease[]): void {
    for (const lease of leases) giveBack(this.#connection, this.#taken.get(lease)!.reply);
  }

  /** Removes a job from its queue. If the server does not hear of it, the job is handed out again, and found settled. */
  acknowledge({ reply }: TakenJob): void {
    try {
      this.#connection.publish(reply, "+ACK");
    } catch {
      // The connection was closed.
    }
  }

  async #pull(name: string, request: PullRequest, signal: AbortSignal): Promise<readonly NatsMessageLike[]> {
    const { client } = await this.#streams.openQueue(name);
    signal.throwIfAborted();
    const consumer = `${client.apiPrefix}.CONSUMER.MSG.NEXT.${this.#subjects.jobs}.${name}`;
    const { messages, refused } = await pull(this.#connection, consumer, this.#subjects.newPull(), request, signal);
    if (refused) {
      this.#streams.forgetQueue(name);
      await pause(REFUSED_SECONDS);
    }
    return messages;
  }

  async #leasesOf(
    messages: readonly NatsMessageLike[],
    queue: string,
    name: string,
    signal: AbortSignal,
  ): Promise<Lease[]> {
    try {
      const leases = await Promise.all(messages.map((message) => this.#leaseOf(message, queue, name, signal)));
      return leases.filter((lease) => lease !== null);
    } catch (error) {
      for (const { reply } of messages) giveBack(this.#connection, reply!);
      throw error;
    }
  }

  /** The lease of a job; `null` if it is settled. Then it is removed from the queue. */
  async #leaseOf(message: NatsMessageLike, queue: string, name: string, signal: AbortSignal): Promise<Lease | null> {
    const { replaces, job } = decodeJob(message.data);
    const id = message.subject.slice(this.#subjects.job(name, "").length);
    const taken = { queue: name, id, replaces, reply: message.reply! };
    const state = await this.#table.state(name, id, signal);
    if ((state?.sequence ?? 0) === replaces) {
      const lease = { queue, id: fromToken(id), job, attempt: attemptOf(message.reply!) };
      this.#taken.set(lease, taken);
      return lease;
    }
    // Who has given it up may have ended before it was listed.
    if (state?.settled.kind === "dead") await this.#table.listDead(name, id, signal);
    this.acknowledge(taken);
    return null;
  }
}

/**
 * How often a message was handed out, by the subject at which it is acknowledged:
 * `$JS.ACK.<stream>.<consumer>.<deliveries>...`, or `$JS.ACK.<domain>.<account>.<stream>...` from newer servers.
 */
function attemptOf(reply: string): number {
  const parts = reply.split(".");
  return Number(parts[parts.length === 9 ? 4 : 6]);
}
