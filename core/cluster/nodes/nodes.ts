/** The nodes of a computation: they are looked for among all peers of the network, now and later. */
import type { Coro } from "../../coroutine/coro.ts";
import type { Location } from "../../distributed/location.ts";
import type { Network } from "../../distributed/network.ts";
import type { PeerStatus } from "../../distributed/peer_status.ts";
import { RCI } from "../../distributed/rci/rci.ts";
import { sleep } from "../../operations/sleep.ts";
import type { JobServer } from "../jobs/attempt.ts";
import { NODE_RCI, type NodeRequest } from "../protocol.ts";
import { Manager, type ManagerHost } from "./manager.ts";
import { ClusterNode } from "./node.ts";

/** Seconds after which a node is asked again that has ended the tenancy by itself. */
const AGAIN_SECONDS = 1;
/** Seconds that the nodes may take to end. */
const END_SECONDS = 20;

/** What is done about a peer. */
interface Watch {
  coro: Coro;
  isOnline: boolean;
  /** Since when it is looked for a node there, by the scheduler's clock. */
  readonly since: number;
  node: ClusterNode | null;
  manager: Manager | null;
}

/** See the head of this file. */
export class Nodes {
  readonly #network: Network;
  readonly #host: ManagerHost;
  /** By the id of the peer. */
  readonly #watches: Map<string, Watch> = new Map();
  #listener: Coro | null = null;
  #isClosing = false;

  constructor(network: Network, host: ManagerHost) {
    this.#network = network;
    this.#host = host;
  }

  /** Begins to look for nodes. */
  open(): void {
    // deno-lint-ignore no-this-alias
    const nodes = this;
    this.#listener ??= this.#spawn(function* find_nodes(coro) {
      nodes.#network.peerStatus(coro);
      for (;;) nodes.#peerChanged(yield* coro.receive<PeerStatus>());
    });
  }

  /** Gives all nodes back, and waits until they have ended. */
  *close(): Generator<unknown, void, unknown> {
    this.#isClosing = true;
    this.#listener?.terminate();
    const end = this.#host.loop.now() + END_SECONDS;
    for (const { node, coro } of this.#watches.values()) {
      if (node === null || node.tenancy === null) coro.terminate();
      else if (node.state === "waiting") node.tenancy.terminate();
      else node.tell({ kind: "end" });
    }
    for (const { coro } of [...this.#watches.values()]) {
      try {
        yield* coro.finish(Math.max(0.001, end - this.#host.loop.now()));
      } catch {
        // It was reported, or does not end in time.
      }
      coro.terminate();
    }
  }

  // --- looking for ------------------------------------------------------------------------------------------------

  /** All that are known. */
  *all(): Generator<ClusterNode, void, unknown> {
    for (const { node } of this.#watches.values()) if (node !== null) yield node;
  }

  /** The servers that are ready. */
  *readyServers(): Generator<JobServer, void, unknown> {
    for (const { servers } of this.all()) {
      for (const server of servers.values()) if (server.state === "ready") yield server;
    }
  }

  /** A node that has not ended. */
  find(location: Location): ClusterNode | null {
    return this.#watches.get(location.id)?.node ?? null;
  }

  /** A server that has not ended. */
  findServer(location: Location): JobServer | null {
    for (const { servers } of this.all()) {
      const server = servers.get(location.id);
      if (server !== undefined) return server;
    }
    return null;
  }

  /** What manages the node of a server. */
  managerOf(server: JobServer): Manager | null {
    return this.#watches.get(server.node.location.id)?.manager ?? null;
  }

  /** Since when it has been looked for a node at a peer; `null`: it is not, or one was found. */
  lookedForSince(location: Location): number | null {
    const watch = this.#watches.get(location.id);
    return watch === undefined || watch.node !== null ? null : watch.since;
  }

  // --- peers --------------------------------------------------------------------------------------------------------

  #peerChanged({ location, online, reason }: PeerStatus): void {
    const watch = this.#watches.get(location.id);
    if (online) {
      if (watch !== undefined) watch.isOnline = true;
      else this.#watch(location);
      return;
    }
    if (watch !== undefined) {
      watch.isOnline = false;
      // While a node is managed, the end of the tenancy is told.
      if (watch.node === null) watch.coro.terminate();
    }
    const server = this.findServer(location);
    if (server === null) return;
    if (reason === "lost") this.managerOf(server)?.serverLost(server);
    else server.isEnding = true;
  }

  #watch(location: Location): void {
    // deno-lint-ignore no-this-alias
    const nodes = this;
    const watch: Omit<Watch, "coro"> & { coro: Coro | null } = {
      coro: null,
      isOnline: true,
      since: this.#host.loop.now(),
      node: null,
      manager: null,
    };
    watch.coro = this.#spawn(function* manage_node(coro) {
      try {
        yield* nodes.#manage(coro, location, watch as Watch);
      } finally {
        nodes.#watches.delete(location.id);
      }
    });
    this.#watches.set(location.id, watch as Watch);
  }

  *#manage(coro: Coro, location: Location, watch: Watch): Generator<unknown, void, unknown> {
    while (watch.isOnline && !this.#isClosing) {
      const rci = yield* RCI.locate(NODE_RCI, undefined, location) as Iterable<
        unknown,
        RCI<[NodeRequest]> | null,
        unknown
      >;
      if (rci === null) return;
      const node = watch.node = new ClusterNode(location);
      watch.manager = new Manager(this.#host, node);
      try {
        yield* watch.manager.run(coro, rci);
      } finally {
        watch.node = watch.manager = null;
      }
      if (node.wasIgnored || this.#isClosing) return;
      yield* sleep(AGAIN_SECONDS);
    }
  }

  #spawn(target: (coro: Coro) => Generator<unknown, void, unknown>): Coro {
    return this.#host.loop.scheduler.spawnWith({ daemon: true }, target);
  }
}
