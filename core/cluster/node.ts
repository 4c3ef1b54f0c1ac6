import { checkCount } from "../base/count.ts";
import { describe } from "../base/describe.ts";
import { checkOptions } from "../base/options.ts";
import { Coro } from "../coroutine/coro.ts";
import type { Operation } from "../fiber/operation.ts";
import { Network } from "../distributed/network.ts";
import type { Location } from "../distributed/location.ts";
import { denoWith } from "../host/capability.ts";
import { coreCount } from "../host/worker_threads.ts";
import { call } from "../operations/call.ts";
import { until } from "../operations/until.ts";
import { Event } from "../sync/event.ts";
import { DiskFolders } from "./node/disk_folders.ts";
import type { LineSink } from "./node/forward_lines.ts";
import { checkPermissions, type ServerPermissions } from "./node/permissions.ts";
import { ProcessLauncher } from "./node/process_launcher.ts";
import { type ServedComputation, Tenancies } from "./node/tenancy.ts";
import type { NodeInfo } from "./protocol.ts";

/** Options of {@linkcode Node.start}. */
export interface NodeOptions {
  /** The network that this process has joined, with a secret. */
  readonly network: Network;
  /**
   * How many servers to run at the most: as many as there are cores by default. A negative number leaves so many cores
   * free; one server may run in any case.
   */
  readonly cpus?: number;
  /** After how many computations the node closes; by default it does not. */
  readonly serve?: number;
  /** What jobs may do beside reading the files of their computation; nothing by default. */
  readonly permissions?: ServerPermissions;
  /** Where the files of a computation are kept while it runs; the directory for temporary files by default. */
  readonly directory?: string;
}

/** @internal What a node does at the moment. */
export interface NodeStatus {
  /** The computation that it serves. */
  readonly current: ServedComputation | null;
  /** Clients that wait for their turn. */
  readonly waiting: number;
  /** Computations that it has served. */
  readonly served: number;
}

const KNOWN = ["network", "cpus", "serve", "permissions", "directory"] as const;

/**
 * A node of a cluster: it runs servers, which are processes, for the clients that find it in its network. It serves one
 * computation at a time; other clients wait, first come, first served.
 *
 * Jobs are code of clients. Their servers have no permissions but those that are given here, and never the secret.
 *
 * To start one from a shell there is the program `jsr:@asyncoro/asyncoro/cluster/node`.
 *
 * @example
 * ```ts
 * import { run } from "@asyncoro/asyncoro";
 * import { Node } from "@asyncoro/asyncoro/cluster";
 * import { Network } from "@asyncoro/asyncoro/distributed";
 *
 * await run(function* () {
 *   const network = yield* Network.join({ name: "node", secret: "sixteen or more characters" });
 *   const node = yield* Node.start({ network, cpus: 1, permissions: { net: ["api.example.com"] } });
 *   // Here a program would wait: yield* network.closed();
 *   yield* node.close();
 *   yield* network.leave();
 * });
 * ```
 */
export class Node {
  /** Where it is: the location of its network. */
  readonly location: Location;
  readonly #launcher: ProcessLauncher;
  readonly #tenancies: Tenancies;
  readonly #serve: number;
  readonly #ended: Event = new Event("node");
  #served = 0;
  #closing: Coro | null = null;

  /** @internal Nodes are started. */
  constructor(options: NodeOptions, launcher: ProcessLauncher) {
    const { network, serve = Infinity, directory } = options;
    const cpus = serversFor(options.cpus);
    this.location = network.location;
    this.#launcher = launcher;
    this.#serve = serve;
    this.#tenancies = new Tenancies({
      network,
      launcher,
      folders: new DiskFolders(directory),
      info: () => infoOf(network, cpus),
      ended: () => this.#tenancyEnded(),
    });
    if (this.#tenancies.register()) return;
    throw new Error(`Cannot start a node as the scheduler of ${network.location} has one: close it first`);
  }

  /**
   * Starts a node, with the scheduler of the coroutine that yields this.
   *
   * @param options At the least the network, see {@linkcode NodeOptions}.
   * @throws {TypeError} If an option is not valid or unknown, or the network has no secret.
   * @throws {RangeError} If a number is out of range.
   * @throws {Error} At the yield, if there is a node already, or what servers run cannot be loaded.
   * @throws {UnsupportedError} At the yield, if the runtime cannot start processes.
   */
  static start(options: NodeOptions): Operation<Node> {
    return call(startNode(options));
  }

  /**
   * Takes no more work, lets the computation that is served end what it runs, and closes. Clients that wait are told, and
   * go elsewhere. May be followed by `close()`, if it takes too long.
   */
  drain(): Operation<void> {
    const tenancies = this.#tenancies;
    return call(this.#end(() => tenancies.drain()));
  }

  /** Ends the servers, which run their cleanup, and removes the files. Calling it again waits for the same end. */
  close(): Operation<void> {
    const tenancies = this.#tenancies;
    return call(this.#end(() => tenancies.close()));
  }

  /** @internal What it does at the moment. */
  get status(): NodeStatus {
    const { current, waiting } = this.#tenancies;
    return { current, waiting, served: this.#served };
  }

  /** @internal Waits until it has been closed, or has closed after as many computations as it was to serve. */
  closed(): Operation<boolean> {
    return this.#ended.wait();
  }

  *#end(tenanciesEnd: () => Operation<void>): Generator<unknown, void, unknown> {
    yield* tenanciesEnd();
    yield* this.#launcher.close();
    this.#ended.set();
  }

  #tenancyEnded(): void {
    if (++this.#served < this.#serve || this.#closing !== null) return;
    // deno-lint-ignore no-this-alias
    const node = this;
    this.#closing = new Coro(function* close_node() {
      yield* node.close();
    });
  }
}

/**
 * Starts a node, as {@linkcode Node.start}. The lines that servers write to their standard error go to `sink`, or else to
 * that of this process.
 */
export function startNode(options: NodeOptions, sink?: LineSink): Generator<unknown, Node, unknown> {
  checkNodeOptions(options);
  return startChecked(options, sink);
}

function* startChecked(options: NodeOptions, sink?: LineSink): Generator<unknown, Node, unknown> {
  const { network, permissions = {} } = options;
  const deno = denoWith("Command", "start a node");
  let { directory } = options;
  if (directory !== undefined) {
    const path = directory;
    yield* until(deno.mkdir(path, { recursive: true }));
    directory = yield* until(deno.realPath(path));
  }
  const launcher = yield* ProcessLauncher.create(network, { permissions: checkPermissions(permissions), sink });
  let node: Node | null = null;
  try {
    return node = new Node({ ...options, directory }, launcher);
  } finally {
    if (node === null) yield* launcher.close();
  }
}

function checkNodeOptions(options: NodeOptions): void {
  checkOptions(options, KNOWN, "start a node");
  const { network, cpus, serve, permissions = {}, directory } = options;
  if (!(network instanceof Network)) throw wrong("'network' must be a Network that was joined", network);
  if (!network.hasSecret) {
    throw new TypeError("Cannot start a node as its network has no secret: join with 'secret', the same at all peers");
  }
  serversFor(cpus);
  if (serve !== undefined) checkCount(serve, 1, "start a node as 'serve'");
  checkPermissions(permissions);
  if (directory === undefined || isDirectory(directory)) return;
  throw wrong("'directory' must be a path that is not empty and has no comma and no line end", directory);
}

/** Deno takes a list of paths as one argument, separated by commas that cannot be escaped. */
function isDirectory(path: unknown): boolean {
  return typeof path === "string" && path !== "" && !/[,\n]/.test(path);
}

/** The greatest number of servers. */
function serversFor(cpus: unknown): number {
  if (cpus === undefined) return coreCount();
  if (typeof cpus !== "number") throw wrong("'cpus' must be a number", cpus);
  if (Number.isSafeInteger(cpus) && cpus !== 0) return cpus > 0 ? cpus : Math.max(1, coreCount() + cpus);
  throw new RangeError(
    `Cannot start a node as 'cpus' must be a positive integer, or a negative one to leave cores free: current value is ` +
      describe(cpus),
  );
}

function infoOf(network: Network, cpus: number): NodeInfo {
  const { os, arch } = Deno.build;
  return { name: network.location.name, platform: `${os}-${arch}`, cpus, memory: Deno.systemMemoryInfo().available };
}

function wrong(reason: string, value: unknown): TypeError {
  return new TypeError(`Cannot start a node as ${reason}: current value is ${describe(value)}`);
}
