/**
 * A simulated cluster: a client, nodes, and servers that are schedulers of the simulation, each a peer with an engine of
 * its own. A server that is killed stops first and is gone a little later, as what a process has written to its node still
 * arrives when it has ended.
 */
import { type Coro, type CoroFunction, type Operation, Queue, type Scheduler } from "@asyncoro/asyncoro";
import { type Location, Network, type NetworkOptions } from "@asyncoro/asyncoro/distributed";
import { SimulatedNetwork, type SimulatedNetworkOptions } from "@asyncoro/asyncoro/testing";
import { Computation, type ComputationOptions } from "@asyncoro/asyncoro/cluster";
import { assert } from "@std/assert";
import type { JobFolder, JobFolders } from "../../core/cluster/node/job_folder.ts";
import type { ServerLauncher, ServerProcess, ServerStart } from "../../core/cluster/node/server_launcher.ts";
import { Tenancies } from "../../core/cluster/node/tenancy.ts";
import type { JobTarget } from "../../core/cluster/protocol.ts";
import { serve } from "../../core/cluster/server/serve.ts";
import { call } from "../../core/operations/call.ts";
import { Immediate } from "../../core/operations/immediate.ts";
import { sleep } from "../../core/operations/sleep.ts";

export const SECRET = "the secret of the cluster";
/** Virtual seconds after which what a killed server has sent has arrived. */
const DRAIN_SECONDS = 0.2;

export type Steps<T = unknown> = Generator<unknown, T, unknown>;

/** How a node is. */
export interface NodeOptions {
  readonly cpus?: number;
  readonly platform?: string;
  readonly memory?: number;
  /** How busy each of its servers says to be. */
  readonly load?: (server: string) => number;
}

/** A node of the world. */
export class SimulatedNode {
  readonly name: string;
  readonly servers: Set<string> = new Set();
  /** The files that lie in folders of jobs: their contents by path. */
  readonly files: Map<string, string> = new Map();
  tenancies!: Tenancies;
  network!: Network;

  constructor(name: string) {
    this.name = name;
  }
}

/** See the head of this file. */
export class ClusterWorld {
  readonly net: SimulatedNetwork;
  readonly nodes: Map<string, SimulatedNode> = new Map();
  /** What was reported on any scheduler, with its name. */
  readonly reported: { readonly where: string; readonly error: unknown }[] = [];
  // deno-lint-ignore no-explicit-any
  readonly shared: Record<string, any> = {};
  readonly options: NetworkOptions;
  /** The functions that targets name, besides those that are sent as source. */
  readonly functions: Map<string, CoroFunction> = new Map();
  /** Fails the launch of a server, by its name. */
  failsToStart: (name: string) => boolean = () => false;
  #results: Promise<unknown>[] = [];
  #launched = 0;

  constructor(options: Partial<SimulatedNetworkOptions> = {}, network: NetworkOptions = {}) {
    this.net = new SimulatedNetwork({ seed: 1, limit: 20_000, ...options });
    this.options = { secret: SECRET, heartbeat: 0.5, peerTimeout: 3, ...network };
  }

  scheduler(name: string): Scheduler {
    const scheduler = this.net.scheduler(name);
    scheduler.onError = (error) => {
      // What is left at the end of the simulation is stopped.
      if (!String(error).includes("has ended")) this.reported.push({ where: name, error });
    };
    return scheduler;
  }

  join(name: string): Operation<Network> {
    return Network.join({ ...this.options, name, engines: [this.net.engine(name)] });
  }

  /** Starts a node, which connects to the client. */
  node(name: string, options: NodeOptions = {}, client = "client"): SimulatedNode {
    const node = new SimulatedNode(name);
    this.nodes.set(name, node);
    // deno-lint-ignore no-this-alias
    const world = this;
    this.scheduler(name).spawnWith({ daemon: true }, function* main_of_node() {
      const network = node.network = yield* world.join(name);
      const { cpus = 2, platform = "linux-x86_64", memory = 2 ** 30 } = options;
      node.tenancies = new Tenancies({
        network,
        launcher: new SimulatedLauncher(world, node, options.load ?? (() => 0)),
        folders: new MemoryFolders(node),
        info: () => ({ name, platform, cpus, memory }),
      });
      node.tenancies.register();
      yield* world.connect(network, client);
      yield* network.closed();
    });
    return node;
  }

  /** Connects to a peer, as often as needed. */
  *connect(network: Network, name: string): Steps<void> {
    for (;;) {
      try {
        yield* network.peer(`sim:${name}`, 2);
        return;
      } catch {
        yield* sleep(0.2);
      }
    }
  }

  /** Runs the program of a client; the simulation goes on until it has ended. */
  client(program: (coro: Coro, network: Network) => Steps, name = "client"): void {
    // deno-lint-ignore no-this-alias
    const world = this;
    const coro = this.scheduler(name).spawn(function* main_of_client(coro) {
      return yield* program(coro, yield* world.join(name));
    });
    this.#results.push(coro.value());
  }

  /** Lets time run until the clients have ended. Fails with the first that fails, or with what was reported. */
  async run(): Promise<void> {
    await Promise.all([...this.#results, this.net.run()]);
    if (this.reported.length > 0) {
      throw new Error(`Reported at ${this.reported[0].where}`, { cause: this.reported[0].error });
    }
  }

  /** Ends a node with its servers, as a machine that loses its power. */
  crash(name: string): void {
    const node = this.nodes.get(name)!;
    this.nodes.delete(name);
    this.net.crash(name);
    for (const server of node.servers) this.net.crash(server);
  }

  /** A name for a server that no other one has had. */
  nameFor(name: string): string {
    return `${name}#${++this.#launched}`;
  }
}

/** Runs one client with nodes of so many servers, named `node0` and so on. */
export async function withCluster(
  servers: readonly number[],
  program: (computation: Computation, world: ClusterWorld, network: Network, coro: Coro) => Steps,
  options: Partial<ComputationOptions> = {},
  simulation: Partial<SimulatedNetworkOptions> = {},
): Promise<ClusterWorld> {
  const world = new ClusterWorld(simulation);
  servers.forEach((cpus, i) => world.node(`node${i}`, { cpus }));
  world.client(function* (coro, network) {
    const computation = new Computation({ network, ...options });
    yield* program(computation, world, network, coro);
    yield* computation.close();
  });
  await world.run();
  return world;
}

/** Waits until a condition holds. */
export function* eventually(condition: () => boolean): Steps<void> {
  for (let i = 0; !condition(); i++) {
    assert(i < 10_000, `This does not come to hold: ${condition}`);
    yield* sleep(0.01);
  }
}

/** Waits until so many servers are ready. */
export function* serversAre(computation: Computation, count: number): Steps<void> {
  yield* computation.schedule();
  yield* eventually(() => computation.servers().length === count);
}

/** Starts servers as schedulers of the simulation. */
class SimulatedLauncher implements ServerLauncher {
  readonly #world: ClusterWorld;
  readonly #node: SimulatedNode;
  readonly #load: (server: string) => number;

  constructor(world: ClusterWorld, node: SimulatedNode, load: (server: string) => number) {
    this.#world = world;
    this.#node = node;
    this.#load = load;
  }

  launch(start: ServerStart): Operation<ServerProcess> {
    return call(this.#launch(start));
  }

  *#launch({ client, name: label }: ServerStart): Steps<ServerProcess> {
    const world = this.#world;
    const node = this.#node;
    const name = world.nameFor(label);
    yield* sleep(0.1);
    if (world.failsToStart(label)) throw new Error(`Server ${label} does not start`);
    const events = new Queue<Location | null>(Infinity);
    const load = this.#load;
    node.servers.add(name);
    world.scheduler(name).spawnWith({ daemon: true }, function* main_of_server() {
      const network = yield* world.join(name);
      yield* world.connect(network, node.name);
      yield* world.connect(network, client.name);
      events.tryPut(network.location);
      yield* serve({ network, client, resolve: (target) => resolve(world, target), load: () => load(name) });
      yield* network.leave();
      events.tryPut(null);
    });
    let isKilled = false;
    const kill = () => {
      if (isKilled) return;
      isKilled = true;
      killServer(world, name);
      node.servers.delete(name);
      world.net.scheduler(node.name).spawnWith({ daemon: true }, function* process_ends() {
        yield* sleep(2 * DRAIN_SECONDS);
        events.tryPut(null);
      });
    };
    try {
      const location = yield* events.get();
      if (location === null) throw new Error(`Server ${name} has ended before it has joined`);
      world.shared[`kill ${location.id}`] = kill;
      return {
        location,
        kill,
        ended: () =>
          call((function* () {
            yield* events.get();
            if (!isKilled) {
              isKilled = true;
              node.servers.delete(name);
              world.net.crash(name);
            }
          })()),
      };
    } catch (error) {
      kill();
      throw error;
    }
  }
}

/** Stops a server at once, and crashes it when what it has sent has arrived. */
function killServer(world: ClusterWorld, name: string): void {
  world.net.freeze(name, 3600);
  world.net.scheduler("undertaker").spawnWith({ daemon: true }, function* () {
    yield* sleep(DRAIN_SECONDS);
    world.net.crash(name);
  });
}

/** Makes the function of a target: sources are evaluated, modules looked up in the world. */
function resolve(world: ClusterWorld, target: JobTarget): Operation<CoroFunction> {
  return call((function* () {
    if ("source" in target) return new Function(`return (${target.source})`)() as CoroFunction;
    const found = world.functions.get(`${target.module} ${target.name}`);
    if (found === undefined) throw new Error(`There is no ${target.name} in ${target.module}`);
    return found;
  })());
}

/** Folders of jobs in memory. */
class MemoryFolders implements JobFolders {
  readonly #node: SimulatedNode;
  #made = 0;

  constructor(node: SimulatedNode) {
    this.#node = node;
  }

  create(): Operation<JobFolder> {
    const { files } = this.#node;
    const path = `job${++this.#made}`;
    return new Immediate("create", () => ({
      path,
      write: (name, bytes) =>
        new Immediate("write", () => {
          const key = `${path}/${name}`;
          files.set(key, (files.get(key) ?? "") + new TextDecoder().decode(bytes));
        }),
      remove: () =>
        new Immediate("remove", () => {
          for (const key of files.keys()) if (key.startsWith(`${path}/`)) files.delete(key);
        }),
    }));
  }
}
