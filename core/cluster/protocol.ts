/**
 * What the three parts of a cluster tell each other, by messages and RCIs of the network that they have joined.
 *
 *     client   has the Computation. For each node it runs a coroutine, the manager of that node.
 *     node     one process a machine. It starts and ends servers; it runs no code of clients.
 *     server   one process a core, a peer of its own that is reached through its node. It runs the jobs.
 *
 *     manager                         node                          server
 *        | -- NODE_RCI: NodeRequest --> |                              |
 *        | <-- "reserved" ------------- |   when it is this client's turn
 *        | -- "file" (asks) ----------> |   the files of the computation, in pieces
 *        | -- "start" ----------------> | ---- starts the process ---> |
 *        | <-- "server started" ------- | <--- joins the network ----- |
 *        | -- SETUP_RCI: ServerSetup ---------------------------------> |
 *        | -- JOB_RCI: JobCall ---------------------------------------> |   creates the coroutine of the job
 *        | <-- "load" ------------------------------------------------- |   every second
 *        | -- "restart" --------------> |   kills the process, starts another in its place
 *        | <-- "server ended" --------- |   whatever ended it
 *        | -- "end" ------------------> | ---- "end" ----------------> |   jobs are terminated, cleanup runs
 *
 * The coroutine that NODE_RCI creates at the node, the tenancy, is what the manager sends to. It ends when the last
 * server has ended and the files are gone; it is terminated when the client is lost, and does the same then.
 */
import type { Coro } from "../coroutine/coro.ts";
import type { Location } from "../distributed/location.ts";

/** The name of the RCI of a node. Its argument is a {@linkcode NodeRequest}; its coroutine is the tenancy. */
export const NODE_RCI = "asyncoro.cluster.node";
/** The name of the RCI of a server that prepares it. Its argument is a {@linkcode ServerSetup}. */
export const SETUP_RCI = "asyncoro.cluster.setup";
/** The name of the RCI of a server that runs a job. Its argument is a {@linkcode JobCall}; its coroutine is the job. */
export const JOB_RCI = "asyncoro.cluster.job";

/** A function that a server can run. */
export type JobTarget =
  /** An expression that is a generator function, which uses nothing of the scopes around it. */
  | { readonly source: string }
  /** An export of a module. One of the computation's files goes by its base name, others by their URL. */
  | { readonly module: string; readonly name: string };

/** What a client asks a node for. */
export interface NodeRequest {
  /** The name of the computation. */
  readonly computation: string;
  /** What the node tells of itself and of its servers goes to this coroutine. */
  readonly manager: Coro;
}

/** What a node says of itself. */
export interface NodeInfo {
  /** The name that it has in the network. */
  readonly name: string;
  /** Its operating system and processor, such as `"linux-x86_64"`. */
  readonly platform: string;
  /** How many servers it runs at the most. */
  readonly cpus: number;
  /** The bytes of memory that were free when it said so. */
  readonly memory: number;
}

/** What a node tells the manager. */
export type FromNode =
  /** It is this client's turn. Until then the node serves others. */
  | { readonly kind: "reserved"; readonly info: NodeInfo }
  /** A server has joined the network, in the place of another one if that was asked for. It is not prepared. */
  | { readonly kind: "server started"; readonly location: Location; readonly replaces: Location | null }
  /** A server could not be started. It is not tried again. */
  | { readonly kind: "server failed"; readonly error: Error; readonly replaces: Location | null }
  /** The process of a server has ended, whatever the reason; `wanted` if the client or its end has asked for that. */
  | { readonly kind: "server ended"; readonly location: Location; readonly wanted: boolean }
  /** The node takes no new work: it is about to be closed. What runs may end. */
  | { readonly kind: "draining" };

/** What the manager tells the tenancy. `file` is an ask, the others are messages. */
export type ToNode =
  /** The next piece of a file, which lies in the folder of the job under this base name. The reply is `true`. */
  | { readonly kind: "file"; readonly name: string; readonly bytes: Uint8Array; readonly last: boolean }
  /** Start so many servers. */
  | { readonly kind: "start"; readonly servers: number }
  /** Kill a server, and start another in its place. */
  | { readonly kind: "restart"; readonly location: Location }
  /** End a server, which may run its cleanup, and start no other. */
  | { readonly kind: "end server"; readonly location: Location }
  /** Every second, if it has changed: what the program of the node shows. */
  | { readonly kind: "progress"; readonly progress: Progress }
  /** The computation is over: end all servers and remove the files. */
  | { readonly kind: "end" };

/** How far a computation is, as its client knows. */
export interface Progress {
  /** Jobs that run at the servers of the node. */
  readonly running: number;
  /** Jobs that have ended there. */
  readonly done: number;
  /** How far the runs of many items are, at all nodes; `null` if there are none. */
  readonly run: { readonly done: number; readonly total: number } | null;
}

/** What the client tells a new server; the first one of a node twice, if there is something to run once a node. */
export interface ServerSetup {
  /** What the server tells of itself goes to this coroutine. */
  readonly manager: Coro;
  /** What to run first, in this order, with these arguments. What one throws is what the RCI's coroutine throws. */
  readonly setups: readonly { readonly target: JobTarget; readonly args: readonly unknown[] }[];
  /** What to run when the computation is over, or the client is lost; `null`: nothing, or what was told before. */
  readonly cleanup: JobTarget | null;
}

/** A job, as a server gets it. */
export interface JobCall {
  /** Its number, which no other call of the client has. */
  readonly id: number;
  /** How its coroutine is called. */
  readonly name: string;
  readonly target: JobTarget;
  /** The array of arguments after the coroutine, packed by the network when the job was made. */
  readonly args: Uint8Array;
  /**
   * Whether it waits until no other exclusive job runs at the server. The coroutine is created at once: one that
   * waits is ended by a `"give back"` for it, and returns {@linkcode GIVEN_BACK}.
   */
  readonly exclusive: boolean;
  /** Whether the client waits for the handle of its coroutine. The job may not give way, so it begins once that is sent. */
  readonly isHandleWanted: boolean;
}

/** The result of a job that was given back. */
export const GIVEN_BACK = "asyncoro.cluster.given back";

/** What a server tells the manager. */
export type FromServer =
  /**
   * Every second: the part of the last second that its process has computed, 0 to 1. A server that is silent
   * computes without giving way.
   */
  { readonly kind: "load"; readonly location: Location; readonly busy: number };

/** What a server is told: messages to the coroutine that it has registered under this name. */
export const SERVER_NAME = "asyncoro.cluster.server";

/** See {@linkcode SERVER_NAME}. */
export type ToServer =
  /** From the client: if the exclusive job of this number waits for its turn, end it. If it has begun, nothing happens. */
  | { readonly kind: "give back"; readonly job: number }
  /** From the client: terminate the job of this number, whether or not it has begun. */
  | { readonly kind: "cancel"; readonly job: number }
  /** From the node: terminate all jobs, run the cleanup, leave the network and end the process. */
  | { readonly kind: "end" };
