/**
 * The store that keeps jobs in JetStream.
 */
import { describe } from "../base/describe.ts";
import { checkCount } from "../base/count.ts";
import { toSeconds } from "../base/duration.ts";
import type { DeadJob, JobState, JobStore, Lease, SettledJob } from "../cluster/durable/job_store.ts";
import type { Operation } from "../fiber/operation.ts";
import { MessageTooLargeError } from "../io/errors.ts";
import { HostCall } from "../io/wait/host_call.ts";
import { Immediate } from "../operations/immediate.ts";
import type { NatsConnectionLike } from "./connection.ts";
import { encodeDead, encodeDone, OVERHEAD } from "./job_records.ts";
import { JobStreams } from "./job_streams.ts";
import { fromToken, idToken, type JobSubjects, queueToken } from "./job_subjects.ts";
import { JobTable } from "./job_table.ts";
import { checkJobsOptions, type JobsPlan, type NatsJobsOptions } from "./nats_jobs_options.ts";
import { giveBack } from "./pull.ts";
import { TakenJobs } from "./taken_jobs.ts";
import { untilReached } from "./until_reached.ts";
import { untilSettled } from "./until_settled.ts";

/**
 * Makes a store that keeps jobs in JetStream, for durable jobs of a cluster.
 *
 * - It makes two streams, `<prefix>_jobs` and `<prefix>_states`, unless they are there, and a consumer for each queue. The
 *   same `prefix` means the same jobs.
 * - A job or a result has at most the server's `max_payload` less 16 KiB, that is nearly 1 MiB by default.
 * - What is stored survives crashes of all clients and, with `storage: "file"`, of the server. The server does not wait
 *   until the disk has it: a power failure may lose the last seconds. Use `replicas: 3` on a cluster of servers against
 *   that.
 * - While the server cannot be reached, operations wait. Pass `maxReconnectAttempts: -1` and `noAsyncTraces: true` to
 *   `connect()`.
 * - A client that may use the streams, or publish below the prefix, can read and forge jobs and results: restrict that
 *   by the server's permissions.
 *
 * @param options The connection, the functions of @nats-io/jetstream, and how to store.
 * @throws {TypeError} If an option is of the wrong type, or there is no such option.
 * @throws {RangeError} If a number is out of range.
 *
 * @example
 * ```ts ignore
 * import { run } from "@asyncoro/asyncoro";
 * import { natsJobs } from "@asyncoro/asyncoro/nats";
 * import { jetstream, jetstreamManager } from "@nats-io/jetstream";
 * import { connect } from "@nats-io/transport-node";
 *
 * const connection = await connect({ servers: "127.0.0.1:4222", maxReconnectAttempts: -1, noAsyncTraces: true });
 * const store = natsJobs({ connection, jetstream, jetstreamManager, prefix: "shop" });
 * await run(function* () {
 *   yield* store.submit("mails", "order 17", new TextEncoder().encode("Thank you"));
 *   for (const lease of yield* store.take("mails", 1)) {
 *     console.log(new TextDecoder().decode(lease.job));
 *     yield* store.done(lease, new Uint8Array(0));
 *   }
 * });
 * await connection.close();
 * ```
 */
export function natsJobs<C extends NatsConnectionLike>(options: NatsJobsOptions<C>): JobStore {
  return new NatsJobs(checkJobsOptions(options));
}

class NatsJobs implements JobStore {
  readonly leaseSeconds: number;
  readonly #connection: NatsConnectionLike;
  readonly #subjects: JobSubjects;
  readonly #streams: JobStreams;
  readonly #table: JobTable;
  readonly #taken: TakenJobs;

  constructor(plan: JobsPlan) {
    this.leaseSeconds = plan.leaseSeconds;
    this.#connection = plan.connection;
    this.#subjects = plan.subjects;
    this.#streams = new JobStreams(plan);
    this.#table = new JobTable(plan.connection, this.#streams, plan.subjects);
    this.#taken = new TakenJobs(plan.connection, this.#streams, this.#table, plan.subjects);
  }

  submit(queue: string, id: string, job: Uint8Array): Operation<boolean> {
    const [queueName, name] = tokens(queue, id, "submit a job");
    const bytes = this.#checkBytes(job, "job", "submit a job");
    return this.#operation("submit", async (signal) => {
      if (!await this.#table.addJob(queueName, name, { replaces: 0, job: bytes }, 0, signal)) return false;
      // Read after it is stored, as a job leaves its queue after its state was stored. If there is a state, this job is in
      // the queue in vain, and is removed when it is taken.
      return await this.#table.state(queueName, name, signal) === null;
    });
  }

  take(queue: string, n: number): Operation<Lease[]> {
    const name = queueToken(queue, "take jobs");
    checkCount(n, 1, "take jobs as 'n'");
    return this.#operation(
      "take",
      (signal) => this.#taken.take(queue, name, n, signal),
      (leases) => this.#taken.giveBack(leases),
    );
  }

  working(lease: Lease): Operation<void> {
    const { reply } = this.#taken.of(lease, "prolong a lease");
    return new Immediate("working", () => this.#connection.publish(reply, "+WPI"));
  }

  done(lease: Lease, result: Uint8Array): Operation<boolean> {
    const taken = this.#taken.of(lease, "record a result");
    const state = encodeDone(this.#checkBytes(result, "result", "record a result"));
    return this.#operation("done", async (signal) => {
      const { queue, id, replaces } = taken;
      const isFirst = await this.#table.addState(queue, id, state, replaces, signal);
      if (isFirst && replaces > 0) await this.#table.unlistDead(queue, id, signal);
      this.#taken.acknowledge(taken);
      return isFirst;
    });
  }

  retry(lease: Lease, delay: number): Operation<void> {
    const { reply } = this.#taken.of(lease, "retry a job");
    const seconds = toSeconds(delay, "retry a job", "delay");
    if (seconds === Infinity) throw new RangeError("Cannot retry a job as 'delay' must be finite: use bury()");
    return new Immediate("retry", () => {
      if (seconds > 0) this.#connection.publish(reply, `-NAK {"delay": ${Math.round(seconds * 1e9)}}`);
      else giveBack(this.#connection, reply);
    });
  }

  bury(lease: Lease, reason: string): Operation<boolean> {
    const taken = this.#taken.of(lease, "give a job up");
    if (typeof reason !== "string") {
      throw new TypeError(`Cannot give a job up as 'reason' must be a text: current value is ${describe(reason)}`);
    }
    const state = encodeDead(reason, lease.job);
    return this.#operation("bury", async (signal) => {
      const { queue, id, replaces } = taken;
      const isFirst = await this.#table.addState(queue, id, state, replaces, signal);
      if (isFirst) await this.#table.listDead(queue, id, signal);
      this.#taken.acknowledge(taken);
      return isFirst;
    });
  }

  result(queue: string, id: string): Operation<JobState> {
    const [queueName, name] = tokens(queue, id, "look for a result");
    return this.#operation("result", (signal) => this.#table.known(queueName, name, signal));
  }

  wait(queue: string, id: string): Operation<SettledJob> {
    const [queueName, name] = tokens(queue, id, "wait for a result");
    const changed = this.#subjects.changed(queueName, name);
    return this.#operation("wait", (signal) => {
      const look = () => this.#table.settled(queueName, name, signal);
      return untilSettled(this.#connection, changed, look, signal);
    });
  }

  pending(queue: string): Operation<number> {
    const name = queueToken(queue, "count jobs");
    return this.#operation("pending", async (signal) => {
      const { manager } = await this.#streams.openQueue(name);
      const info = () => manager.consumers.info(this.#subjects.jobs, name);
      const { num_pending, num_ack_pending } = await untilReached(this.#connection, info, signal);
      return num_pending + num_ack_pending;
    });
  }

  dead(queue: string): Operation<DeadJob[]> {
    const name = queueToken(queue, "list dead jobs");
    return this.#operation("dead", async (signal) => {
      const dead: DeadJob[] = [];
      for (const id of await this.#table.everDead(name, signal)) {
        const state = await this.#table.known(name, id, signal);
        if (state.kind === "dead") dead.push({ id: fromToken(id), reason: state.reason });
      }
      return dead;
    });
  }

  revive(queue: string, id: string): Operation<boolean> {
    const [queueName, name] = tokens(queue, id, "revive a job");
    return this.#operation("revive", async (signal) => {
      for (;;) {
        const state = await this.#table.state(queueName, name, signal);
        if (state?.settled.kind !== "dead") return false;
        const inQueue = await this.#table.job(queueName, name, signal);
        if (inQueue?.replaces === state.sequence) return false;
        const revived = { replaces: state.sequence, job: state.job };
        // If not, somebody else has revived it, or the job that was given up has left the queue at last.
        if (await this.#table.addJob(queueName, name, revived, inQueue?.sequence ?? 0, signal)) return true;
      }
    });
  }

  #operation<T>(label: string, act: (signal: AbortSignal) => Promise<T>, discard?: (value: T) => void): Operation<T> {
    const controller = new AbortController();
    const start = () => act(controller.signal);
    const abort = () => controller.abort();
    return new HostCall<T>({ label, waitsFor: "the store of jobs", start, abort, discard }, Infinity);
  }

  /** Returns a copy: the caller may change the bytes before they are sent. */
  #checkBytes(bytes: unknown, name: string, action: string): Uint8Array {
    if (!(bytes instanceof Uint8Array)) {
      throw new TypeError(`Cannot ${action} as '${name}' must be a Uint8Array: current value is ${describe(bytes)}`);
    }
    const most = (this.#connection.info?.max_payload ?? Infinity) - OVERHEAD;
    if (bytes.length > most) {
      throw new MessageTooLargeError(
        `Cannot ${action} as '${name}' has at most ${most} bytes, by the server's max_payload: ` +
          `current value has ${bytes.length}`,
      );
    }
    return new Uint8Array(bytes);
  }
}

function tokens(queue: unknown, id: unknown, action: string): [queue: string, id: string] {
  return [queueToken(queue, action), idToken(id, action)];
}
