/** What the program asks for of nodes and servers: to enable, suspend, resume and restart them. */
import { all } from "../../coroutine/all.ts";
import type { Location } from "../../distributed/location.ts";
import type { Peers } from "../../distributed/peers/peers.ts";
import type { Operation } from "../../fiber/operation.ts";
import { call } from "../../operations/call.ts";
import { Immediate } from "../../operations/immediate.ts";
import { ClusterWait } from "../cluster_wait.ts";
import type { JobServer } from "../jobs/attempt.ts";
import type { Told } from "./manager.ts";
import type { Nodes } from "./nodes.ts";

/** See the head of this file. */
export class NodeControl {
  readonly #nodes: Nodes;
  readonly #peers: Peers;
  readonly #serverChanged: (server: JobServer) => void;

  /** `serverChanged` is told of a server that may take jobs again. */
  constructor(nodes: Nodes, peers: Peers, serverChanged: (server: JobServer) => void) {
    this.#nodes = nodes;
    this.#peers = peers;
    this.#serverChanged = serverChanged;
  }

  /** Has a node prepared that waits for this. */
  enableNode(location: Location, args: readonly unknown[]): Operation<boolean> {
    const copy = this.#copy(args);
    return new Immediate("enableNode", () => this.#nodes.find(location)?.enable(copy) ?? false);
  }

  /** Has a server prepared that waits for this. */
  enableServer(location: Location, args: readonly unknown[]): Operation<boolean> {
    const copy = this.#copy(args);
    return new Immediate("enableServer", () => this.#nodes.findServer(location)?.enable(copy) ?? false);
  }

  /** The arguments of a setup are sent later: they are copied now. Throws a `SerializationError` if that cannot be. */
  #copy(args: readonly unknown[]): readonly unknown[] {
    return this.#peers.unpack(this.#peers.pack(args, "setupArgs")) as unknown[];
  }

  /** Sends no more jobs to a node or server, or does so again. */
  suspend(where: Location, isSuspended: boolean): Operation<boolean> {
    return new Immediate(isSuspended ? "suspend" : "resume", () => {
      const place = this.#nodes.find(where) ?? this.#nodes.findServer(where);
      if (place === null) return false;
      place.isSuspended = isSuspended;
      for (const server of this.#nodes.readyServers()) this.#serverChanged(server);
      return true;
    });
  }

  /** Replaces a server, or all servers of a node. */
  restart(where: Location): Operation<boolean> {
    return call(this.#restart(where));
  }

  *#restart(where: Location): Generator<unknown, boolean, unknown> {
    const server = this.#nodes.findServer(where);
    const node = this.#nodes.find(where);
    const servers = server !== null ? [server] : [...node?.servers.values() ?? []];
    if (servers.length === 0) return false;
    const ready = yield* all(...servers.map((each) => this.#restartServer(each)));
    return ready.every((isReady) => isReady);
  }

  #restartServer(server: JobServer): Operation<boolean> {
    const manager = this.#nodes.managerOf(server);
    const told: Told = (isReady) => wait.settle(isReady);
    const wait: ClusterWait<boolean> = new ClusterWait<boolean>({
      label: "restart",
      waitsFor: `the replacement of server ${server.location}`,
      begin: () => {
        if (manager === null) told(false);
        else manager.restart(server, told);
      },
      stop: () => {
        manager!.cancelRestart(server, told);
        this.#serverChanged(server);
      },
    });
    return wait;
  }
}
