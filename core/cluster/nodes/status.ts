/** The messages about what happens in a cluster. */
import { isError } from "../../base/describe.ts";
import { Coro } from "../../coroutine/coro.ts";
import type { Outcome } from "../../coroutine/errors.ts";
import { SerializationError } from "../../distributed/errors.ts";
import { Location } from "../../distributed/location.ts";
import { registerSendable } from "../../distributed/sendable.ts";

/**
 * What has happened. Messages about one node, one server or one job come in this order:
 *
 * - a node: `NodeDiscovered`, then `NodeInitialized` or `NodeIgnored`, at last `NodeClosed` or `NodeLost`;
 * - a server: `ServerDiscovered`, then `ServerInitialized` or `ServerIgnored`, at last `ServerClosed` or `ServerLost`;
 * - a job, each time that it is run: `CoroCreated`, then `MonitorException`;
 * - the computation: `ComputationScheduled`, at last `ComputationClosed`.
 */
export type StatusName =
  | "NodeDiscovered"
  | "NodeInitialized"
  | "NodeIgnored"
  | "NodeClosed"
  | "NodeLost"
  | "ServerDiscovered"
  | "ServerInitialized"
  | "ServerIgnored"
  | "ServerClosed"
  | "ServerLost"
  | "CoroCreated"
  | "MonitorException"
  | "ComputationScheduled"
  | "ComputationClosed";

/** What it has happened to. */
export interface StatusInfo {
  /** The node. */
  readonly location?: Location;
  /** The server. */
  readonly server?: Location;
  /** The coroutine of the job. */
  readonly coro?: Coro;
  /** Why a node or a server is ignored. A `SetupError` if its setup has failed. */
  readonly error?: Error;
  /** How the job has ended. */
  readonly outcome?: Outcome;
}

/** A message to the coroutine that a computation was given as `statusCoro`. It may be sent on to peers. */
export class ClusterStatus {
  /** What has happened. */
  readonly status: StatusName;
  /** What it has happened to. */
  readonly info: StatusInfo;

  /**
   * Makes a message.
   *
   * @param status What has happened.
   * @param info What it has happened to.
   */
  constructor(status: StatusName, info: StatusInfo = {}) {
    this.status = status;
    this.info = info;
  }
}

registerSendable(ClusterStatus, "asyncoro.ClusterStatus", {
  pack: ({ status, info }) => [status, info] as const,
  unpack: ([status, info]: readonly [StatusName, StatusInfo]) => {
    if (typeof status === "string" && isInfo(info)) return new ClusterStatus(status, info);
    throw new SerializationError("Cannot receive the status of a cluster as its parts are not those of one");
  },
});

function isInfo(info: StatusInfo): boolean {
  return typeof info === "object" && info !== null &&
    isOptional(info.location, (value) => value instanceof Location) &&
    isOptional(info.server, (value) => value instanceof Location) &&
    isOptional(info.coro, (value) => value instanceof Coro) &&
    isOptional(info.error, isError) &&
    isOptional(info.outcome, (value) => typeof value === "object");
}

function isOptional(value: unknown, check: (value: unknown) => boolean): boolean {
  return value === undefined || check(value);
}
