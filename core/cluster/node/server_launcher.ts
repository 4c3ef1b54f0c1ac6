/** What starts servers: a process each, or in tests a scheduler of a simulation. */
import type { Operation } from "../../fiber/operation.ts";
import type { Location } from "../../distributed/location.ts";

/** How a server is started. */
export interface ServerStart {
  /** The folder of the job, which holds the files of the computation. */
  readonly folder: string;
  /** The joining of the client, which alone may run jobs there. */
  readonly client: Location;
  /** Its name in the network. */
  readonly name: string;
}

/** A server that runs. */
export interface ServerProcess {
  /** Its joining: with the address of its node, and an id of its own. */
  readonly location: Location;
  /** Waits until it has ended, however that happens. May be used once. */
  ended(): Operation<void>;
  /** Ends it at once, without cleanup. */
  kill(): void;
}

/** See the head of this file. */
export interface ServerLauncher {
  /**
   * Starts a server and waits until it has joined the network. If the wait is cut short, nothing of it is left.
   *
   * @throws {Error} At the yield, if it ends before.
   */
  launch(start: ServerStart): Operation<ServerProcess>;
}
