/** Random programs on simulated peers, among random faults. */
import { Coro, sleep } from "@asyncoro/asyncoro";
import { SimulatedNetwork } from "@asyncoro/asyncoro/testing";
import { seededRandom } from "../../core/fiber/shuffle.ts";
import { Network } from "../../core/distributed/network.ts";
import type { NetworkOptions } from "../../core/distributed/network_options.ts";

/** The steps of a coroutine. */
export type Steps<T = unknown> = Generator<unknown, T, unknown>;

/** Random choices, by a seed. */
export class Choices {
  readonly #random: () => number;

  constructor(seed: number) {
    this.#random = seededRandom(seed);
  }

  /** A number between two. */
  between(least: number, most: number): number {
    return least + (most - least) * this.#random();
  }

  /** A whole number below `count`. */
  below(count: number): number {
    return Math.floor(this.#random() * count);
  }

  /** One of some. */
  of<T>(items: readonly T[]): T {
    return items[this.below(items.length)];
  }

  /** Whether something of this probability happens. */
  chance(probability: number): boolean {
    return this.#random() < probability;
  }
}

/** One of the peers. */
export interface SimulatedPeer {
  readonly name: string;
  readonly network: Network;
  readonly choices: Choices;
  /** The virtual time. */
  now(): number;
  /** Whether the time of faults is over: all peers are connected again, or soon will be. */
  isCalm(): boolean;
  /** Waits until all peers have come here. */
  meet(): Steps<void>;
}

/** The peers of a simulation. */
export const PEERS = ["a", "b", "c"] as const;
/** So long there are faults. */
const FAULT_SECONDS = 40;

const OPTIONS: NetworkOptions = { secret: "sixteen letters or more", heartbeat: 1, peerTimeout: 4 };

/** Runs a program on each peer, with random faults for a while. Rejects with what a program throws or what is reported. */
export async function simulate(
  seed: number,
  program: (peer: SimulatedPeer, coro: Coro) => Steps,
  options: Partial<NetworkOptions> = {},
): Promise<void> {
  const choices = new Choices(seed);
  const simulation = new SimulatedNetwork({ seed, loss: choices.of([0, 0, 0.02, 0.1]) });
  const failures: unknown[] = [];
  let waiting = 0;
  let rounds = 0;
  let calm = false;
  PEERS.forEach((name, i) => {
    const scheduler = simulation.scheduler(name);
    scheduler.onError = (error) => failures.push(error);
    scheduler.spawn(function* (coro) {
      const network = yield* Network.join({ ...OPTIONS, ...options, name, engines: [simulation.engine(name)] });
      const dialer = new Coro(function* dialer() {
        yield* keepConnected(network, name);
      });
      const peer: SimulatedPeer = {
        name,
        network,
        choices: new Choices(seed * PEERS.length + i),
        now: () => scheduler.now(),
        isCalm: () => calm,
        *meet() {
          const round = rounds;
          if (++waiting === PEERS.length) [waiting, rounds] = [0, rounds + 1];
          while (rounds === round) yield* sleep(0.5);
        },
      };
      try {
        yield* program(peer, coro);
      } catch (error) {
        failures.push(error);
      }
      yield* peer.meet();
      dialer.terminate();
    });
  });
  simulation.scheduler("faults").spawn(function* (_coro) {
    yield* faults(simulation, choices);
    calm = true;
  });
  await simulation.run();
  if (failures.length > 0) throw new AggregateError(failures, `seed ${seed}: ${failures.join("; ")}`);
}

/** Connects to all other peers, and again to those that have left. */
function* keepConnected(network: Network, name: string): Steps<void> {
  for (;;) {
    for (const other of PEERS) {
      if (other === name) continue;
      try {
        yield* network.peer(`sim:${other}`, 2);
      } catch {
        // Tried again soon.
      }
    }
    yield* sleep(1);
  }
}

function* faults(simulation: SimulatedNetwork, choices: Choices): Steps<void> {
  const end = simulation.scheduler("faults").now() + FAULT_SECONDS;
  while (simulation.scheduler("faults").now() < end) {
    yield* sleep(choices.between(0, 3));
    const [one, other] = [choices.of(PEERS), choices.of(PEERS)];
    switch (choices.below(4)) {
      case 0:
      case 1:
        simulation.cut(one, other);
        break;
      case 2:
        simulation.freeze(one, choices.of([0.5, 2, 6]));
        break;
      default:
        simulation.partition([one], PEERS.filter((name) => name !== one));
        yield* sleep(choices.of([0.5, 3, 8]));
        simulation.heal();
    }
  }
}
