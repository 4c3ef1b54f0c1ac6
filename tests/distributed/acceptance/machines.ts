/** Programs on simulated machines, each of which has joined the network of the test. */
import { type Coro, sleep } from "@asyncoro/asyncoro";
import { Network, type NetworkOptions } from "@asyncoro/asyncoro/distributed";
import { SimulatedNetwork, type SimulatedNetworkOptions } from "@asyncoro/asyncoro/testing";

/** The secret of the tests. */
export const SECRET = "the secret of the acceptance tests";

/** A generator that a test runs. */
export type Steps<T = unknown> = Generator<unknown, T, unknown>;

/** What a program gets beside its coroutine. */
export interface Here {
  readonly network: Network;
  readonly simulation: SimulatedNetwork;
  /** What was reported on this machine. */
  readonly reported: unknown[];
  /** Starts a program on another machine, or on one that has crashed. */
  start(name: string, program: Program): void;
}

/** What runs on a machine. */
export type Program = (coro: Coro, here: Here) => Steps;

/** Runs programs, by the names of their machines, until all have ended. Throws what the first of them has thrown. */
export async function onMachines(
  programs: Record<string, Program>,
  options: (name: string) => NetworkOptions = () => ({}),
  simulationOptions: Partial<SimulatedNetworkOptions> = {},
): Promise<SimulatedNetwork> {
  const simulation = new SimulatedNetwork({ seed: 1, ...simulationOptions });
  const failures: unknown[] = [];
  const start = (name: string, program: Program): void => {
    const scheduler = simulation.scheduler(name);
    const reported: unknown[] = [];
    scheduler.onError = (error) => reported.push(error);
    scheduler.spawnWith({ name: `the program of ${name}` }, function* (coro: Coro) {
      try {
        const network = yield* Network.join({
          name,
          secret: SECRET,
          engines: [simulation.engine(name)],
          ...options(name),
        });
        yield* program(coro, { network, simulation, reported, start });
      } catch (error) {
        failures.push(error);
      }
    });
  };
  for (const [name, program] of Object.entries(programs)) start(name, program);
  try {
    await simulation.run();
  } catch (error) {
    if (failures.length === 0) throw error;
  }
  if (failures.length > 0) throw failures[0];
  return simulation;
}

/** Waits in virtual time until a condition holds, for at most ten minutes. */
export function* eventually(condition: () => boolean): Steps<void> {
  for (let i = 0; i < 6000; i++) {
    if (condition()) return;
    yield* sleep(0.1);
  }
  throw new Error(`This does not come to hold: ${condition}`);
}

/** What a generator throws, which must be of a class. */
// deno-lint-ignore no-explicit-any -- as in assertThrows
export function* thrownBy<E extends Error>(Class: new (...args: any[]) => E, steps: Iterable<unknown>): Steps<E> {
  try {
    yield* steps;
  } catch (error) {
    if (error instanceof Class) return error;
    throw error;
  }
  throw new Error(`Nothing was thrown where ${Class.name} was expected`);
}
