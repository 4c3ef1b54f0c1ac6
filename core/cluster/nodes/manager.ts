/**
 * What the client does about one node, in a coroutine: it asks for the node, sends the files, has servers started,
 * prepares them, and follows what becomes of them, until the node is lost or has been given back.
 */
import { Coro } from "../../coroutine/coro.ts";
import { runningCoro } from "../../coroutine/coro_of.ts";
import { isError } from "../../base/describe.ts";
import type { CoroLoop } from "../../coroutine/coro_loop.ts";
import { MonitorException } from "../../coroutine/errors.ts";
import { PeerLostError, PermissionError } from "../../distributed/errors.ts";
import type { Location } from "../../distributed/location.ts";
import { RCI } from "../../distributed/rci/rci.ts";
import { type Scope, scope } from "../../patterns/scope.ts";
import { sleep } from "../../operations/sleep.ts";
import { Lock } from "../../sync/lock.ts";
import type { CheckedComputationOptions } from "../computation_options.ts";
import { SetupError } from "../errors.ts";
import type { JobServer } from "../jobs/attempt.ts";
import {
  type FromNode,
  type FromServer,
  JOB_RCI,
  type JobCall,
  type JobTarget,
  type NodeRequest,
  type Progress,
  SERVER_NAME,
  type ServerSetup,
  SETUP_RCI,
} from "../protocol.ts";
import { serversOn } from "./allocation.ts";
import { sendFile } from "./files.ts";
import type { ClusterNode } from "./node.ts";
import { ClusterServer } from "./server.ts";
import type { StatusInfo, StatusName } from "./status.ts";

/** Seconds in which a server that has joined the network must be found. */
const FIND_SECONDS = 60;

/** Seconds between two looks at how far the jobs are. */
const PROGRESS_SECONDS = 1;

/** Is told whether the replacement of a server is ready. */
export type Told = (isReady: boolean) => void;

/** What managers need of the computation. */
export interface ManagerHost {
  readonly loop: CoroLoop;
  readonly options: CheckedComputationOptions;
  /** How far the runs of many items are; `null` if there are none. */
  readonly progress: Progress["run"];
  /** Tells the program what has happened. */
  status(status: StatusName, info: StatusInfo): void;
  serverReady(server: JobServer): void;
  /** A server takes no more jobs; `replaced` if another one is started in its place. */
  serverEnded(server: JobServer): void;
  /** A node has ended, is ignored, or takes no more jobs. */
  nodeEnded(node: ClusterNode): void;
}

/** See the head of this file. */
export class Manager {
  readonly #host: ManagerHost;
  readonly #node: ClusterNode;
  readonly #setup: Lock = new Lock("node setup");
  #nodeSetupArgs: readonly unknown[] = [];
  /** The ids of servers that the node was asked to replace, and that have not ended there. */
  readonly #replacing: Set<string> = new Set();
  /** What waits for the replacement of a server, by the id of the server. */
  readonly #restarts: Map<string, Set<Told>> = new Map();
  /** How many servers are being started. */
  #starting = 0;
  /** How many jobs have ended at servers that have ended. */
  #doneBefore = 0;
  #coro: Coro | null = null;

  constructor(host: ManagerHost, node: ClusterNode) {
    this.#host = host;
    this.#node = node;
  }

  /** Manages the node until it is lost or has been given back. */
  *run(coro: Coro, rci: RCI<[NodeRequest]>): Generator<unknown, void, unknown> {
    const node = this.#node;
    // deno-lint-ignore no-this-alias
    const manager = this;
    this.#coro = coro;
    try {
      node.tenancy = yield* rci.run({ computation: this.#host.options.name, manager: coro });
      yield* coro.monitor(node.tenancy);
      yield* scope(function* (scope) {
        yield* manager.#follow(coro, scope);
        scope.cancel();
      });
    } catch (error) {
      // The node is lost, or about to be closed.
      if (!(error instanceof PeerLostError || error instanceof PermissionError)) throw error;
    } finally {
      node.tenancy?.terminate();
      this.#end(true);
    }
  }

  *#follow(coro: Coro, scope: Scope): Generator<unknown, void, unknown> {
    for (;;) {
      const message = yield* coro.receive<FromNode | FromServer | MonitorException>();
      if (message instanceof MonitorException) {
        const { outcome } = message;
        if (outcome.kind === "throw") this.#ignore(outcome.error);
        return this.#end(outcome.kind === "lost" && outcome.error.reason !== "left");
      }
      this.#received(message, scope);
    }
  }

  #received(message: FromNode | FromServer, scope: Scope): void {
    const node = this.#node;
    switch (message.kind) {
      case "reserved":
        node.info = message.info;
        scope.spawn(bodyOf(() => this.#prepare()));
        scope.spawn(bodyOf(() => this.#tellProgress()));
        break;
      case "server started":
        this.#starting = Math.max(0, this.#starting - 1);
        scope.spawn(bodyOf(() => this.#prepareServer(message.location, message.replaces)));
        break;
      case "server failed":
        this.#starting = Math.max(0, this.#starting - 1);
        this.#host.status("ServerIgnored", { location: node.location, error: message.error });
        if (message.replaces !== null) this.#restarted(message.replaces, false);
        this.#ignoreIfUseless(message.error);
        break;
      case "server ended":
        this.#processEnded(message.location, message.wanted);
        break;
      case "draining":
        node.isDraining = true;
        this.#host.nodeEnded(node);
        this.#endIfIdle();
        break;
      case "load":
        node.servers.get(message.location.id)?.reported(message.busy);
    }
  }

  /** Tells the node how far its jobs are, each time that it has changed. */
  *#tellProgress(): Generator<unknown, void, unknown> {
    runningCoro()!.setDaemon();
    let told = "";
    for (;;) {
      yield* sleep(PROGRESS_SECONDS);
      let [running, done] = [0, this.#doneBefore];
      for (const server of this.#node.servers.values()) {
        running += server.running;
        done += server.done;
      }
      const progress: Progress = { running, done, run: this.#host.progress };
      const text = JSON.stringify(progress);
      if (text !== told) this.#node.tell({ kind: "progress", progress });
      told = text;
    }
  }

  /** A node that takes no more jobs is given back when the last one has ended. */
  #endIfIdle(): void {
    const node = this.#node;
    if (!node.isDraining) return;
    for (const server of node.servers.values()) if (server.running > 0) return;
    node.tell({ kind: "end" });
  }

  // --- preparation ------------------------------------------------------------------------------------------------

  *#prepare(): Generator<unknown, void, unknown> {
    const node = this.#node;
    const host = this.#host;
    const { location } = node;
    host.status("NodeDiscovered", { location });
    const servers = serversOn(node.info!, host.options.allocation);
    if (servers === 0) return this.#ignore();
    node.state = "preparing";
    if (host.options.disableNodes) {
      node.expect();
      this.#nodeSetupArgs = yield* node.wait();
    }
    try {
      for (const file of host.options.files) yield* sendFile(node.tenancy!, file);
    } catch (error) {
      return this.#ignore(error);
    }
    this.#starting = servers;
    if (host.options.nodeSetup === null) this.#initialized();
    node.tell({ kind: "start", servers });
  }

  #initialized(): void {
    this.#node.state = "ready";
    this.#host.status("NodeInitialized", { location: this.#node.location });
  }

  *#prepareServer(location: Location, replaces: Location | null): Generator<unknown, void, unknown> {
    const node = this.#node;
    const host = this.#host;
    const server: JobServer = new ClusterServer(location, node, host.loop);
    let isReady = false;
    node.servers.set(location.id, server);
    if (host.options.disableServers) server.expect();
    host.status("ServerDiscovered", { location: node.location, server: location });
    try {
      const setup = yield* this.#find(server);
      if (setup === null) return this.#ignoreServer(server, new Error(`Cannot find what prepares server ${location}`));
      if (!(yield* this.#prepareNode(setup))) return;
      const args = host.options.disableServers ? yield* server.wait() : [];
      const target = host.options.serverSetup;
      yield* this.#prepareWith(setup, "server", target === null ? null : { target, args }, host.options.serverCleanup);
      isReady = (server.state as string) === "starting";
    } catch (error) {
      if (error instanceof SetupError) this.#ignoreServer(server, error);
      // It is lost, or ends and runs nothing any more: the node tells its end.
      else if (!(error instanceof PeerLostError || error instanceof PermissionError)) throw error;
    } finally {
      if (isReady) this.#serverReady(server);
      if (replaces !== null) this.#restarted(replaces, isReady);
    }
  }

  #serverReady(server: JobServer): void {
    server.state = "ready";
    this.#host.status("ServerInitialized", { location: this.#node.location, server: server.location });
    this.#host.serverReady(server);
  }

  /** Finds what prepares a server, and what is sent jobs. */
  *#find(server: JobServer): Generator<unknown, RCI<[ServerSetup]> | null, unknown> {
    const { location } = server;
    const setup = yield* RCI.locate(SETUP_RCI, FIND_SECONDS, location);
    server.jobs = (yield* RCI.locate(JOB_RCI, FIND_SECONDS, location)) as RCI<[JobCall]> | null;
    server.control = yield* Coro.locate(SERVER_NAME, FIND_SECONDS, location);
    return server.jobs === null || server.control === null ? null : setup as RCI<[ServerSetup]> | null;
  }

  /** Waits until the node is prepared: one of its servers does that. Returns `false` if that has failed. */
  *#prepareNode(setup: RCI<[ServerSetup]>): Generator<unknown, boolean, unknown> {
    const { nodeSetup } = this.#host.options;
    if (nodeSetup === null) return true;
    using _ = yield* this.#setup.hold();
    if (this.#node.state !== "preparing") return this.#node.state === "ready";
    try {
      yield* this.#prepareWith(setup, "node", { target: nodeSetup, args: this.#nodeSetupArgs }, null);
    } catch (error) {
      if (!(error instanceof SetupError)) throw error;
      this.#ignore(error);
      return false;
    }
    this.#initialized();
    return true;
  }

  /** Runs what prepares a node or a server. Throws a `SetupError` if that fails, and other errors if it was not run. */
  *#prepareWith(
    setup: RCI<[ServerSetup]>,
    what: "node" | "server",
    call: ServerSetup["setups"][number] | null,
    cleanup: JobTarget | null,
  ): Generator<unknown, void, unknown> {
    const outcome = yield* setup.outcome({ manager: this.#coro!, setups: call === null ? [] : [call], cleanup });
    if (outcome.kind === "throw") throw setupError(what, outcome.error);
  }

  // --- ends ---------------------------------------------------------------------------------------------------------

  /** A server is to be killed and replaced. */
  replace(server: JobServer): void {
    const { location } = server;
    server.isEnding = true;
    if (this.#replacing.has(location.id) || server.state === "ended") return;
    this.#replacing.add(location.id);
    this.#starting++;
    this.#node.tell({ kind: "restart", location });
  }

  /** A server is to be replaced when no exclusive job runs there; `told` is called when its replacement is ready, or not. */
  restart(server: JobServer, told: Told): void {
    const { id } = server.location;
    if (server.state !== "ready") return told(false);
    server.isEnding = true;
    const waiting = this.#restarts.get(id) ?? new Set();
    this.#restarts.set(id, waiting.add(told));
    this.jobEnded(server);
  }

  /** Nobody waits for the replacement any more. If the server has not been killed yet, it stays. */
  cancelRestart(server: JobServer, told: Told): void {
    const { id } = server.location;
    const waiting = this.#restarts.get(id);
    if (!waiting?.delete(told) || waiting.size > 0) return;
    this.#restarts.delete(id);
    if (!this.#replacing.has(id)) server.isEnding = false;
  }

  /** A job has ended at a server. */
  jobEnded(server: JobServer): void {
    if (this.#restarts.has(server.location.id) && server.exclusive.length === 0) this.replace(server);
    this.#endIfIdle();
  }

  #restarted({ id }: Location, isReady: boolean): void {
    const waiting = this.#restarts.get(id) ?? [];
    this.#restarts.delete(id);
    for (const told of waiting) told(isReady);
  }

  /** A server is not heard any more. Whether or not its process has ended, the node is to replace it. */
  serverLost(server: JobServer): void {
    // One whose setup has failed is ended by the node, and not replaced.
    if (this.#replacing.has(server.location.id) || server.state === "ignored") return;
    this.replace(server);
    this.#serverEnded(server, false);
  }

  /** The process of a server has ended. */
  #processEnded(location: Location, wanted: boolean): void {
    const node = this.#node;
    const server = node.servers.get(location.id);
    const wasReady = server?.state === "ready";
    const isReplaced = this.#replacing.delete(location.id);
    if (server !== undefined) this.#serverEnded(server, wanted);
    if (isReplaced && wanted) return;
    // If it has ended before the node was asked to replace it, the node does not know that the next one does.
    this.#restarted(location, false);
    if (isReplaced || (!wanted && wasReady && node.hasFuture)) {
      if (!isReplaced) this.#starting++;
      node.tell({ kind: "start", servers: 1 });
    } else {
      this.#ignoreIfUseless(new Error(`Server ${location} has ended before it was prepared`));
    }
  }

  #serverEnded(server: JobServer, wanted: boolean): void {
    const { location } = server;
    if (this.#node.servers.delete(location.id)) this.#doneBefore += server.done;
    server.state = "ended";
    this.#host.status(wanted ? "ServerClosed" : "ServerLost", { location: this.#node.location, server: location });
    this.#host.serverEnded(server);
  }

  #ignoreServer(server: JobServer, error: Error): void {
    if (server.state === "ended") return;
    server.state = "ignored";
    this.#host.status("ServerIgnored", { location: this.#node.location, server: server.location, error });
    this.#host.serverEnded(server);
    this.#node.tell({ kind: "end server", location: server.location });
  }

  #ignoreIfUseless(error: Error): void {
    const node = this.#node;
    if (node.state === "preparing" && node.servers.size === 0 && this.#starting === 0) this.#ignore(error);
  }

  /** The node is not used. */
  #ignore(error?: unknown): void {
    const node = this.#node;
    if (node.state === "ignored" || node.state === "ended") return;
    node.state = "ignored";
    node.wasIgnored = true;
    const info = error === undefined ? {} : { error: isError(error) ? error : new Error(String(error)) };
    this.#host.status("NodeIgnored", { location: node.location, ...info });
    this.#host.nodeEnded(node);
    node.tell({ kind: "end" });
  }

  #end(isLost: boolean): void {
    const node = this.#node;
    if (node.state === "ended") return;
    const wasUsed = node.state === "preparing" || node.state === "ready";
    for (const server of [...node.servers.values()]) this.#serverEnded(server, !isLost);
    node.state = "ended";
    for (const waiting of this.#restarts.values()) for (const told of waiting) told(false);
    this.#restarts.clear();
    if (wasUsed) this.#host.status(isLost ? "NodeLost" : "NodeClosed", { location: node.location });
    this.#host.nodeEnded(node);
  }
}

/** The function of a coroutine that runs a method. */
function bodyOf(method: () => Generator<unknown, void, unknown>) {
  return function* (): Generator<unknown, void, unknown> {
    yield* method();
  };
}

function setupError(what: string, cause: unknown): SetupError {
  const reason = isError(cause) ? `${cause.name}: ${cause.message}` : String(cause);
  return new SetupError(`The setup of the ${what} has failed: ${reason}`, { cause });
}
