/** A node, as the client sees it. */
import type { Coro } from "../../coroutine/coro.ts";
import type { Location } from "../../distributed/location.ts";
import type { NodeInfo, ToNode } from "../protocol.ts";
import type { JobServer } from "../jobs/attempt.ts";
import type { ServerHome } from "./server.ts";
import { Enabling } from "./enabling.ts";

/** Where it stands. `waiting`: for its turn; `preparing`: until its setup is done. */
export type NodeState = "waiting" | "preparing" | "ready" | "ignored" | "ended";

/** See the head of this file. */
export class ClusterNode extends Enabling implements ServerHome {
  readonly location: Location;
  state: NodeState = "waiting";
  isSuspended = false;
  /** Whether it is not used: its name, platform or size is not wanted, or its setup has failed. */
  wasIgnored = false;
  /** Whether it takes no more jobs, as it is about to be closed. */
  isDraining = false;
  info: NodeInfo | null = null;
  /** Its coroutine that serves this client. */
  tenancy: Coro | null = null;
  /** Its servers that have not ended, by id. */
  readonly servers: Map<string, JobServer> = new Map();

  constructor(location: Location) {
    super();
    this.location = location;
  }

  /** Whether jobs may be sent to its servers. */
  get takesJobs(): boolean {
    return this.state === "ready" && !this.isSuspended && !this.isDraining;
  }

  /** Whether jobs may run there, now or later. */
  get hasFuture(): boolean {
    return this.state !== "ignored" && this.state !== "ended" && !this.isDraining;
  }

  /** Tells the node something. */
  tell(message: ToNode): void {
    this.tenancy?.send(message);
  }
}
