/** What the tests of channels in a simulation share. */
import { type Coro, sleep } from "@asyncoro/asyncoro";
import { Network, type NetworkOptions } from "@asyncoro/asyncoro/distributed";
import { SimulatedNetwork } from "@asyncoro/asyncoro/testing";
import { seededRandom } from "../../../core/fiber/shuffle.ts";

/** The body of a coroutine. */
// deno-lint-ignore no-explicit-any -- it returns anything
export type Body = Generator<unknown, any, unknown>;

/** The names of the peers. */
export const PEERS = ["a", "b", "c"];

/** Random integers by a seed. */
export class Choices {
  readonly #random: () => number;

  constructor(seed: number) {
    this.#random = seededRandom(seed);
  }

  below(count: number): number {
    return Math.floor(this.#random() * count);
  }

  between(least: number, most: number): number {
    return least + (most - least) * this.#random();
  }

  of<T>(items: readonly T[]): T {
    return items[this.below(items.length)];
  }
}

/** Three peers in a simulation, which can wait for each other. */
export class SimulatedPeers {
  readonly simulation: SimulatedNetwork;
  readonly choices: Choices;
  /** What was reported by coroutines. */
  readonly reported: unknown[] = [];
  readonly #options: NetworkOptions;
  readonly #arrived: Map<number, Set<string>> = new Map();

  constructor(seed: number, loss: number, options: NetworkOptions) {
    this.choices = new Choices(seed);
    this.simulation = new SimulatedNetwork({ seed, loss, limit: 3600 });
    this.#options = { secret: "the secret of the simulation", heartbeat: 0.5, ...options };
  }

  /** Starts a peer, which joins. */
  start(name: string, program: (network: Network, coro: Coro) => Body): void {
    const scheduler = this.scheduler(name);
    const [options, simulation] = [this.#options, this.simulation];
    scheduler.spawn(function* (coro: Coro) {
      const network = yield* Network.join({ ...options, name, engines: [simulation.engine(name)] });
      yield* program(network, coro);
      yield* network.leave();
    });
  }

  /** The scheduler of a name, whose errors are collected. */
  scheduler(name: string): ReturnType<SimulatedNetwork["scheduler"]> {
    const scheduler = this.simulation.scheduler(name);
    scheduler.onError = (error) => this.reported.push(error);
    return scheduler;
  }

  /** Waits until all peers have come to a step. */
  *meet(name: string, step: number): Body {
    let arrived = this.#arrived.get(step);
    if (arrived === undefined) this.#arrived.set(step, arrived = new Set());
    arrived.add(name);
    while (arrived.size < PEERS.length) yield* sleep(0.1);
  }

  /** Runs them to their end. Throws what was reported. */
  async run(): Promise<void> {
    try {
      await this.simulation.run();
    } catch (error) {
      // The others wait in vain for one that has failed.
      throw this.reported[0] ?? error;
    }
    if (this.reported.length > 0) throw this.reported[0];
  }
}
