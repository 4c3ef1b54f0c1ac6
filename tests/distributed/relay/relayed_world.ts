/** Nodes with servers that are reached through them, and clients, in one process. */
import { type Coro, type Operation, Scheduler } from "@asyncoro/asyncoro";
import { Network } from "../../../core/distributed/network.ts";
import type { NetworkOptions } from "../../../core/distributed/network_options.ts";
import { relayedAddress } from "../../../core/distributed/relay/relayed_address.ts";
import { type MemoryEngine, MemoryHub } from "../memory_engine.ts";

/** The steps of a coroutine. */
export type Steps<T = void> = Generator<unknown, T, unknown>;

/** What a coroutine does: its steps, or one operation. */
export type Body<T> = (coro: Coro) => Steps<T> | Operation<T>;

/** Runs it on a scheduler. */
export function runOn<T>(scheduler: Scheduler, body: Body<T>): Promise<T> {
  return scheduler.spawn(function* (coro: Coro): Steps<T> {
    return yield* body(coro);
  }).value();
}

/** A server, and its engine: a link to its node that is lasting. */
export interface Server {
  readonly network: Network;
  readonly engine: MemoryEngine;
}

/** See the head of this file. */
export class RelayedWorld {
  readonly hub: MemoryHub = new MemoryHub();
  readonly reported: unknown[] = [];
  readonly #schedulers: Scheduler[] = [];
  readonly #options: NetworkOptions;

  /** `options` are those of all networks. */
  constructor(options: NetworkOptions) {
    this.#options = options;
  }

  /** Runs a program on a scheduler of its own. */
  run<T>(name: string, body: Body<T>): Promise<T> {
    const scheduler = new Scheduler({ name });
    scheduler.onError = (error) => this.reported.push(error);
    this.#schedulers.push(scheduler);
    return runOn(scheduler, body);
  }

  /** Joins as a client. */
  *join(name: string): Steps<Network> {
    return yield* Network.join({ ...this.#options, name, engines: [this.hub.engine(name)] });
  }

  /** Joins as a node. */
  *joinAsNode(name: string): Steps<Network> {
    const network = yield* this.join(name);
    network.relay.isRelay = true;
    return network;
  }

  /** Joins as a server of a node. */
  *joinAsServer(name: string, node: Network): Steps<Server> {
    const { address, id } = node.location;
    const engine = this.hub.server(name, relayedAddress(address, id));
    const network = yield* Network.join({ ...this.#options, name, engines: [engine] });
    yield* network.peer(address);
    network.relay.gateway = node.location;
    return { network, engine };
  }

  /** Ends all, the last ones first. */
  async end(): Promise<void> {
    for (const scheduler of this.#schedulers.reverse()) await scheduler.terminate();
  }
}

/** Runs a test in a world of its own, and checks that nothing was reported. */
export async function inWorld(
  test: (world: RelayedWorld) => Promise<void>,
  options: NetworkOptions = { heartbeat: 1, peerTimeout: 60 },
): Promise<void> {
  const world = new RelayedWorld(options);
  try {
    await test(world);
  } finally {
    await world.end();
  }
  if (world.reported.length > 0) throw world.reported[0];
}
