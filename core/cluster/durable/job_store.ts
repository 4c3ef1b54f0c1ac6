/**
 * Where jobs are kept that must survive the end of every process: queues of jobs, and one result for each.
 *
 *     unknown --submit--> pending --done--> done
 *                         pending --bury--> dead --revive--> pending
 *
 * A job is taken under a lease. If the lease is not prolonged in time, the job is handed out again: so it runs at least
 * once. The first `done` or `bury` settles it, and all later ones have no effect: so it has one result.
 */
import type { Operation } from "../../fiber/operation.ts";

/** A job that was taken, and is to be settled by the one who took it. */
export interface Lease {
  /** The queue that it was taken from. */
  readonly queue: string;
  /** The id that it was submitted with. */
  readonly id: string;
  /** The bytes that were submitted. */
  readonly job: Uint8Array;
  /** How often the job was handed out since it was submitted or revived, this time included. */
  readonly attempt: number;
}

/** A job that is settled. */
export type SettledJob =
  | {
    /** It is done. */
    readonly kind: "done";
    /** The bytes that the first `done` has recorded. */
    readonly result: Uint8Array;
  }
  | {
    /** It is not tried any more. */
    readonly kind: "dead";
    /** Why. */
    readonly reason: string;
  };

/** What a store knows of a job. */
export type JobState =
  | SettledJob
  | {
    /** `pending`: it waits to be taken, or it was taken. `unknown`: there is no job of that id. */
    readonly kind: "pending" | "unknown";
  };

/** A job that is not tried any more. */
export interface DeadJob {
  /** The id that it was submitted with. */
  readonly id: string;
  /** Why it is not tried any more. */
  readonly reason: string;
}

/**
 * Keeps jobs and their results: `natsJobs()` of `./nats`, or one of your own.
 *
 * A queue is made by the first use of its name. Several processes may use one store at once, and all of what a method
 * promises holds across them. An operation that is cut short may have had its effect or not: all of them may be
 * repeated. If the store cannot be reached, an operation waits until it can be.
 */
export interface JobStore {
  /** Seconds after which a job that was taken is handed out again, unless `working()` is called in time. */
  readonly leaseSeconds: number;
  /**
   * Stores a job.
   *
   * @param queue The name of the queue.
   * @param id The id of the job: of several jobs with the same id in a queue, the first is the only one, also after it
   * is settled.
   * @param job The bytes that `take()` returns.
   * @returns `true` once it is stored; `false` if there is a job of that id already.
   * @throws {MessageTooLargeError} If the store does not take so many bytes.
   */
  submit(queue: string, id: string, job: Uint8Array): Operation<boolean>;
  /**
   * Waits until there are jobs, and takes them. Nobody else gets them while their leases last.
   *
   * @param queue The name of the queue.
   * @param n How many at most: as many as are started at once, as others could run the rest.
   * @returns One job at least, about in the order in which they were submitted.
   */
  take(queue: string, n: number): Operation<Lease[]>;
  /** Prolongs a lease: from now on it lasts `leaseSeconds` again. To be called every third of this time. */
  working(lease: Lease): Operation<void>;
  /**
   * Records the result of a job, and removes it from its queue.
   *
   * @returns Whether this is the result that was recorded: `false` if the job was settled before, as happens if it was
   * handed out twice.
   * @throws {MessageTooLargeError} If the store does not take so many bytes. The lease goes on.
   */
  done(lease: Lease, result: Uint8Array): Operation<boolean>;
  /** Gives a job back, to be taken again after so many seconds. */
  retry(lease: Lease, delay: number): Operation<void>;
  /**
   * Gives a job up: it is kept with the reason, and not taken any more.
   *
   * @returns Whether it is this what settled the job: `false` if it was settled before.
   */
  bury(lease: Lease, reason: string): Operation<boolean>;
  /** Returns what is known of a job, at once. */
  result(queue: string, id: string): Operation<JobState>;
  /** Waits until a job is settled. It need not have been submitted yet. */
  wait(queue: string, id: string): Operation<SettledJob>;
  /** Returns how many jobs are not settled. One that has just been settled may still be counted. */
  pending(queue: string): Operation<number>;
  /** Returns the jobs that were given up. It reads the states of all jobs of the queue. */
  dead(queue: string): Operation<DeadJob[]>;
  /**
   * Makes a job that was given up pending again.
   *
   * @returns `false` if there is none of that id among those that were given up.
   */
  revive(queue: string, id: string): Operation<boolean>;
}
