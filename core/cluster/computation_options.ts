/** The options of a computation, checked. */
import { checkCount } from "../base/count.ts";
import { describe } from "../base/describe.ts";
import { type Timeout, toIntervalSeconds } from "../base/duration.ts";
import { checkOptions } from "../base/options.ts";
import { Coro } from "../coroutine/coro.ts";
import { Network } from "../distributed/network.ts";
import type { JobStore } from "./durable/job_store.ts";
import { checkTarget, type Target } from "./jobs/target.ts";
import { checkAllocation, type NodeAllocate } from "./nodes/allocation.ts";
import { checkFiles, type JobFile } from "./nodes/files.ts";
import type { JobTarget } from "./protocol.ts";

/** Options of a {@linkcode Computation}. */
export interface ComputationOptions {
  /** The network that this scheduler has joined. Nodes are looked for among its peers. */
  readonly network: Network;
  /** Its name: what nodes and the queue of a store call it. `"computation"` by default. */
  readonly name?: string;
  /** Files that jobs need: paths, or URLs that begin with `file:`, `http:` or `https:`. Servers see them by their base names. */
  readonly files?: readonly (string | URL)[];
  /** Which nodes to use; all by default. The first entry that matches a node decides. */
  readonly nodes?: readonly NodeAllocate[];
  /** Runs once a node, in its first server, before its servers are prepared. */
  readonly nodeSetup?: Target;
  /** Runs once a server, before its jobs. */
  readonly serverSetup?: Target;
  /**
   * Runs in each prepared server when the computation is over, or the client is lost. A server is killed if it has not
   * ended its jobs and run this within 10 seconds.
   */
  readonly serverCleanup?: Target;
  /** Is sent a {@linkcode ClusterStatus} for all that happens. Without it, setups that fail are reported as uncaught errors. */
  readonly statusCoro?: Coro;
  /** Whether a node waits for `enableNode()` before it is prepared; `false` by default. */
  readonly disableNodes?: boolean;
  /** Whether a server waits for `enableServer()` before it is prepared; `false` by default. */
  readonly disableServers?: boolean;
  /** How often a job is run again that was lost; 0 by default. */
  readonly retries?: number;
  /** How long a job of `run()` and the like may take: then its server is killed, and the job is lost. No limit by default. */
  readonly attemptTimeout?: Timeout;
  /** Keeps the jobs of `submit()`. */
  readonly store?: JobStore;
}

/** The same with all defaults. */
export interface CheckedComputationOptions {
  readonly network: Network;
  readonly name: string;
  readonly files: readonly JobFile[];
  readonly allocation: readonly NodeAllocate[] | null;
  readonly nodeSetup: JobTarget | null;
  readonly serverSetup: JobTarget | null;
  readonly serverCleanup: JobTarget | null;
  readonly statusCoro: Coro | null;
  readonly disableNodes: boolean;
  readonly disableServers: boolean;
  readonly retries: number;
  readonly attemptTimeout: number;
  readonly store: JobStore | null;
}

const KNOWN = [
  "network",
  "name",
  "files",
  "nodes",
  "nodeSetup",
  "serverSetup",
  "serverCleanup",
  "statusCoro",
  "disableNodes",
  "disableServers",
  "retries",
  "attemptTimeout",
  "store",
] as const;

const STORE_METHODS = ["submit", "take", "working", "done", "retry", "bury", "result"] as const;

/**
 * Checks the options.
 *
 * @throws {TypeError} If an option is of another type, unknown or missing.
 * @throws {RangeError} If an option is out of range.
 */
export function checkComputationOptions(options: ComputationOptions): CheckedComputationOptions {
  checkOptions(options, KNOWN, "make a computation");
  const { network, name = "computation", statusCoro, store } = options;
  if (!(network instanceof Network)) throw wrong("'network' must be a Network that was joined", network);
  if (typeof name !== "string" || name === "") throw wrong("'name' must be a string that is not empty", name);
  if (statusCoro !== undefined && !(statusCoro instanceof Coro)) throw wrong("'statusCoro' must be a Coro", statusCoro);
  if (store !== undefined) checkStore(store);
  const files = checkFiles(options.files);
  const target = (value: Target | undefined) => value === undefined ? null : checkTarget(value, files).target;
  return {
    network,
    name,
    files,
    allocation: checkAllocation(options.nodes),
    nodeSetup: target(options.nodeSetup),
    serverSetup: target(options.serverSetup),
    serverCleanup: target(options.serverCleanup),
    statusCoro: statusCoro ?? null,
    disableNodes: checkFlag("disableNodes", options.disableNodes),
    disableServers: checkFlag("disableServers", options.disableServers),
    retries: checkRetries(options.retries),
    attemptTimeout: checkAttemptTimeout(options.attemptTimeout),
    store: store ?? null,
  };
}

/** The number of retries; `standard` if it is left out. */
export function checkRetries(retries: unknown, standard = 0): number {
  return checkCount(retries ?? standard, 0, "run a job as 'retries'");
}

/** The seconds of an attempt; `standard` if they are left out. */
export function checkAttemptTimeout(timeout: unknown, standard = Infinity): number {
  if (timeout === undefined || timeout === null) return standard;
  return timeout === Infinity ? Infinity : toIntervalSeconds(timeout, "run a job", "attemptTimeout");
}

function checkFlag(name: string, flag: unknown = false): boolean {
  if (typeof flag === "boolean") return flag;
  throw wrong(`'${name}' must be a boolean`, flag);
}

function checkStore(store: unknown): void {
  const methods = (typeof store === "object" ? store : null) as Record<string, unknown> | null;
  if (methods !== null && STORE_METHODS.every((name) => typeof methods[name] === "function")) return;
  throw wrong("'store' must be a JobStore", store);
}

function wrong(reason: string, value: unknown): TypeError {
  return new TypeError(`Cannot make a computation as ${reason}: current value is ${describe(value)}`);
}
