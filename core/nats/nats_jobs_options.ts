import { checkAmount } from "../base/count.ts";
import { describe } from "../base/describe.ts";
import { type Timeout, toSeconds } from "../base/duration.ts";
import { checkOptions } from "../base/options.ts";
import { checkConnection, type NatsConnectionLike } from "./connection.ts";
import type { JetStreamLike, JetStreamManagerLike } from "./jetstream.ts";
import type { JobStreamsPlan } from "./job_streams.ts";
import { JobSubjects } from "./job_subjects.ts";
import { checkPrefix } from "./subjects.ts";

/** Options of {@linkcode natsJobs}. */
export interface NatsJobsOptions<C extends NatsConnectionLike = NatsConnectionLike> {
  /** A connection of your own, as `connect()` of @nats-io/transport-node, or another transport, returns it. */
  readonly connection: C;
  /** The function `jetstream` of @nats-io/jetstream, or one of yours that calls it with options. */
  readonly jetstream: (connection: C) => JetStreamLike;
  /** The function `jetstreamManager` of @nats-io/jetstream, or one of yours that calls it with options. */
  readonly jetstreamManager: (connection: C) => Promise<JetStreamManagerLike>;
  /**
   * What the names of streams and all subjects start with: letters, digits, `_` and `-`, in parts separated by dots;
   * `"asyncoro"` by default.
   */
  readonly prefix?: string;
  /**
   * Seconds after which a job that was taken is handed out again, unless the lease is prolonged; 30 by default. It is a
   * property of the queue: of stores with several values, the one that has used the queue last sets it.
   */
  readonly leaseSeconds?: number;
  /** Where the server keeps jobs, if the streams are made now; `"file"` by default. `"memory"` is lost when it ends. */
  readonly storage?: "file" | "memory";
  /** How many servers of a cluster keep them, if the streams are made now: 1 to 5, and 1 by default. */
  readonly replicas?: number;
  /**
   * Seconds that a result and a dead job are kept, if the streams are made now; for ever by default. After that the id is
   * unknown, and may be submitted again.
   */
  readonly retention?: Timeout;
}

/** Options that are checked and complete. */
export interface JobsPlan extends JobStreamsPlan {
  readonly leaseSeconds: number;
}

const MAKE = "make a store of jobs";
const KNOWN = [
  "connection",
  "jetstream",
  "jetstreamManager",
  "prefix",
  "leaseSeconds",
  "storage",
  "replicas",
  "retention",
] as const;

/**
 * Checks options.
 *
 * @throws {TypeError} If an option is of the wrong type, or there is no such option.
 * @throws {RangeError} If a number is out of range.
 */
export function checkJobsOptions<C extends NatsConnectionLike>(options: NatsJobsOptions<C>): JobsPlan {
  checkOptions(options, KNOWN, MAKE);
  const { connection, jetstream, jetstreamManager, prefix = "asyncoro", retention = Infinity } = options;
  checkConnection(connection, MAKE);
  for (const [name, value] of Object.entries({ jetstream, jetstreamManager })) {
    if (typeof value === "function") continue;
    throw new TypeError(
      `Cannot ${MAKE} as '${name}' must be that function of @nats-io/jetstream: current value is ${describe(value)}`,
    );
  }
  return {
    connection,
    subjects: new JobSubjects(checkPrefix(prefix, MAKE)),
    leaseSeconds: checkAmount(options.leaseSeconds ?? 30, `${MAKE} as 'leaseSeconds'`),
    storage: checkStorage(options.storage ?? "file"),
    replicas: checkReplicas(options.replicas ?? 1),
    retention: checkRetention(retention),
    jetstream: () => jetstream(connection),
    jetstreamManager: () => jetstreamManager(connection),
  };
}

function checkStorage(storage: unknown): "file" | "memory" {
  if (storage === "file" || storage === "memory") return storage;
  throw new TypeError(`Cannot ${MAKE} as 'storage' must be "file" or "memory": current value is ${describe(storage)}`);
}

function checkReplicas(replicas: unknown): number {
  if (Number.isInteger(replicas) && replicas as number >= 1 && replicas as number <= 5) return replicas as number;
  const text = `Cannot ${MAKE} as 'replicas' must be an integer from 1 to 5: current value is ${describe(replicas)}`;
  throw typeof replicas === "number" ? new RangeError(text) : new TypeError(text);
}

function checkRetention(retention: Timeout): number {
  const seconds = toSeconds(retention, MAKE, "retention");
  if (seconds > 0) return seconds;
  throw new RangeError(`Cannot ${MAKE} as 'retention' must be positive: current value is ${describe(retention)}`);
}
