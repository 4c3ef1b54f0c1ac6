/** Programs on simulated machines that have joined one network. */
import { Coro, type Operation, type Scheduler } from "@asyncoro/asyncoro";
import { type Location, Network, type NetworkOptions } from "@asyncoro/asyncoro/distributed";
import { SimulatedNetwork, type SimulatedNetworkOptions } from "@asyncoro/asyncoro/testing";

/** What a program gets beside its coroutine. */
export interface Here {
  readonly network: Network;
  readonly world: World;
  /** What was reported on this scheduler: the error, and the coroutine it was reported with. */
  readonly reported: { readonly error: unknown; readonly coro: unknown }[];
}

/** What runs on a machine. */
export type Program = (coro: Coro, here: Here) => Generator<unknown, unknown, unknown>;

/** How a machine runs its program. */
export interface MachineOptions extends NetworkOptions {
  /** Whether the simulation goes on until the program has ended; `true` by default for the machine `a` only. */
  readonly waitedFor?: boolean;
}

/** Machines, and the network between them. */
export class World {
  readonly net: SimulatedNetwork;
  /** What programs tell each other past the network. */
  // deno-lint-ignore no-explicit-any
  readonly shared: Record<string, any> = {};
  readonly #results: Promise<unknown>[] = [];

  constructor(options: Partial<SimulatedNetworkOptions> = {}) {
    this.net = new SimulatedNetwork({ seed: 1, limit: 20_000, ...options });
  }

  /** Starts a program on a machine, after it has joined. */
  start(name: string, program: Program, options: MachineOptions = {}): Scheduler {
    const { waitedFor = name === "a", ...networkOptions } = options;
    const scheduler = this.net.scheduler(name);
    const reported: { error: unknown; coro: unknown }[] = [];
    scheduler.onError = (error, coro) => reported.push({ error, coro });
    const engine = this.net.engine(name);
    // deno-lint-ignore no-this-alias
    const world = this;
    const main = scheduler.spawnWith({ daemon: !waitedFor, name: `main of ${name}` }, function* (coro: Coro) {
      const network = yield* Network.join({
        secret: "the secret of the tests",
        name,
        engines: [engine],
        ...networkOptions,
      });
      return yield* program(coro, { network, world, reported });
    });
    if (waitedFor) this.#results.push(main.value());
    return scheduler;
  }

  /** Lets time run until the programs have ended. Fails with the first of them that fails. */
  async run(): Promise<void> {
    await Promise.all([...this.#results, this.net.run()]);
  }
}

/** Runs a program on each of several machines; the simulation ends with `a`. */
export async function simulate(
  programs: Record<string, Program>,
  options: (name: string) => MachineOptions = () => ({}),
  simulation: Partial<SimulatedNetworkOptions> = {},
): Promise<World> {
  const world = new World(simulation);
  for (const [name, program] of Object.entries(programs)) world.start(name, program, options(name));
  await world.run();
  return world;
}

/** The program of a machine that only stays. */
export const stays: Program = function* (_coro, { network }) {
  yield* network.closed();
};

/** Sends the handle of the coroutine `far`, at a third peer, to whoever sends itself to the coroutine `broker`. */
export const broker: Program = function* (coro, { network }) {
  const far = yield* found("far");
  coro.scheduler.spawnWith({ daemon: true }, function* (coro: Coro) {
    coro.register("broker");
    while (true) (yield* coro.receive<Coro>()).send(far);
  });
  yield* network.closed();
};

/** Registers a coroutine under a name that collects what it gets, and stays. */
export function collector(name: string, into: unknown[]): Program {
  return function* (coro, { network }) {
    coro.scheduler.spawnWith({ daemon: true, name }, function* (coro: Coro) {
      coro.register(name);
      while (true) into.push(yield* coro.receive());
    });
    yield* network.closed();
  };
}

/** What an operation or a call throws. */
// deno-lint-ignore no-explicit-any
export function* thrown<E = any>(
  body: () => Generator<unknown, unknown, unknown> | Operation<unknown>,
): Generator<unknown, E, unknown> {
  try {
    yield* body() as Operation<unknown>;
  } catch (error) {
    return error as E;
  }
  throw new Error("Nothing was thrown");
}

/** Finds a coroutine, within a minute. */
export function* found(name: string, location?: Location): Generator<unknown, Coro, unknown> {
  const coro = yield* Coro.locate(name, 60, location);
  if (coro === null) throw new Error(`${name} was not found`);
  return coro;
}
