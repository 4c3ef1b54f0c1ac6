import { checkCount } from "../../base/count.ts";
import { describe } from "../../base/describe.ts";
import { mustBeObject } from "../../base/options.ts";
import { type Timeout, toSeconds } from "../../base/duration.ts";
import type { DispatcherPlan } from "./dispatcher.ts";
import type { WorkerPermissions } from "./host_worker.ts";

/** Options of a {@linkcode WorkerPool}. */
export interface WorkerPoolOptions {
  /** Its name, for messages and the names of its workers. */
  readonly name?: string;
  /**
   * The permissions of the workers, as in the option `deno.permissions` of `new Worker`; those of the program by
   * default.
   *
   * Deno ends the program if this is used without `--unstable-worker-options`.
   */
  readonly permissions?: WorkerPermissions;
  /** The type of the workers; there is only `"module"`. */
  readonly type?: "module";
  /** Seconds, or a duration, after which a worker without a task ends; they stay until `terminate()` by default. */
  readonly idleTimeout?: Timeout;
  /** How many workers stay even if they are idle; 0 by default. */
  readonly min?: number;
  /** How many tasks may be queued; further tasks, and their coroutines, wait for room. No limit by default. */
  readonly queueLimit?: number;
  /** Seconds, or a duration, that a cancelled task has to stop before its worker is replaced; 5 by default. */
  readonly grace?: Timeout;
}

const STANDARD_GRACE = 5;
// A web worker keeps the process alive as long as it exists.
const WEB_IDLE_SECONDS = 0.5;

/** Checks the size and the options of a pool. Returns the settings of its dispatcher. */
export function dispatcherPlan(size: number, options: WorkerPoolOptions): DispatcherPlan {
  checkCount(size, 1, "make a pool as 'size'");
  const { name = "workers", permissions, type = "module", min = 0, queueLimit = Infinity } = mustBeObject(
    options,
    "make a pool",
  );
  if (typeof name !== "string") throw invalid("'name' must be a string", name);
  if (type !== "module") throw invalid("'type' must be \"module\"", type);
  const idleSeconds = permissions === undefined ? Infinity : WEB_IDLE_SECONDS;
  return {
    name,
    size,
    keep: checkCount(min, 0, "make a pool as 'min'"),
    idleSeconds: options.idleTimeout === undefined
      ? idleSeconds
      : toSeconds(options.idleTimeout, "make a pool", "idleTimeout"),
    queueLimit: queueLimit === Infinity ? Infinity : checkCount(queueLimit, 1, "make a pool as 'queueLimit'"),
    graceSeconds: options.grace === undefined ? STANDARD_GRACE : toSeconds(options.grace, "make a pool", "grace"),
  };
}

function invalid(what: string, value: unknown): TypeError {
  return new TypeError(`Cannot make a pool as ${what}: current value is ${describe(value)}`);
}
