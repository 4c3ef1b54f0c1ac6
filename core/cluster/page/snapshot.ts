/** What there is to see of a computation at one moment, in plain values that JSON can hold. */

/** A server, as the page shows it. */
export interface ServerSnapshot {
  /** The id of its location. */
  readonly id: string;
  readonly name: string;
  readonly state: "starting" | "ready" | "suspended" | "ignored" | "ended";
  /** The part of the last second that it has computed, 0 to 1; 1 if it is silent. */
  readonly busy: number;
  /** Jobs that run there now. */
  readonly running: number;
  /** Jobs that have ended there. */
  readonly done: number;
}

/** A node, as the page shows it. */
export interface NodeSnapshot {
  /** The id of its location. */
  readonly id: string;
  readonly name: string;
  readonly address: string;
  readonly state: "waiting" | "preparing" | "ready" | "suspended" | "draining" | "ignored" | "ended";
  readonly platform: string;
  readonly cpus: number;
  /** Bytes. */
  readonly memory: number;
  readonly servers: readonly ServerSnapshot[];
}

/** A job that has failed or was lost. */
export interface FailureSnapshot {
  /** Seconds after the start of the computation. */
  readonly at: number;
  /** The name of its function. */
  readonly job: string;
  /** The name of the server, empty if there was none. */
  readonly server: string;
  /** The name and the message of the error. */
  readonly error: string;
}

/** See the head of this file. */
export interface ComputationSnapshot {
  readonly name: string;
  readonly state: "new" | "running" | "closing" | "closed";
  /** Seconds since it was made. */
  readonly age: number;
  readonly nodes: readonly NodeSnapshot[];
  /** How many jobs are in which state. `done` have returned; `failed` have thrown; `lost` is after all retries. */
  readonly jobs: {
    readonly waiting: number;
    readonly running: number;
    readonly done: number;
    readonly failed: number;
    readonly lost: number;
    readonly retried: number;
  };
  /** Jobs that ended within the last ten seconds, a second. */
  readonly rate: number;
  /** The last 50 failures, newest first. */
  readonly failures: readonly FailureSnapshot[];
  /** How far the runs of `runResults()` and `results()` that are under way are, if there are any. */
  readonly progress: { readonly done: number; readonly total: number } | null;
  /** Jobs in the store, if there is one. */
  readonly stored: { readonly waiting: number; readonly dead: number } | null;
}
