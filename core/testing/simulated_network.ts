import { describe } from "../base/describe.ts";
import { withoutStack } from "../base/error_report.ts";
import { checkOptions } from "../base/options.ts";
import { runningCoro } from "../coroutine/coro_of.ts";
import { Scheduler } from "../coroutine/scheduler.ts";
import type { Engine } from "../distributed/engine.ts";
import type { Location } from "../distributed/location.ts";
import type { Network } from "../distributed/network.ts";
import { SimulatedEngine } from "./simulation/engine.ts";
import { Machine } from "./simulation/machine.ts";
import { Randomness } from "./simulation/randomness.ts";
import { World } from "./simulation/world.ts";

/** Options of a {@linkcode SimulatedNetwork}. */
export interface SimulatedNetworkOptions {
  /** Any number. Everything random comes from it: the same seed leads to the same run, and to the same trace. */
  readonly seed: number;
  /**
   * The least and the greatest number of virtual seconds that something takes from one peer to another; from 1 to 50 ms by
   * default.
   */
  readonly delay?: readonly [least: number, greatest: number];
  /** The probability that what is written to a link is lost, from 0 to 1; 0 by default. Handshakes are lost, too. */
  readonly loss?: number;
  /** After how many virtual seconds a run fails; 86,400, a day, by default. */
  readonly limit?: number;
}

/** Options of {@linkcode SimulatedNetwork.engine}, for tests of the protocol. */
export interface SimulatedEngineOptions {
  /** The lowest and the highest version of the protocol that its network says it speaks. */
  readonly versions?: readonly [lowest: number, highest: number];
}

/**
 * Peers and the network between them in one process, in virtual time: to test what a program does when links break and
 * peers are lost.
 *
 * Each name stands for a machine with a scheduler and an engine. Nothing passes between machines but by links, which delay
 * what is sent, and which faults befall. What happens depends on the seed alone, so a failure can be repeated. An hour takes
 * as long as the work that is done in it.
 *
 * Time stands still until `run()`. So create the first coroutines, call `run()`, and let coroutines plan the faults; they
 * may have a scheduler for that alone.
 *
 * While a coroutine waits for a promise, time first stands still, for a hundredth of a second of real time at the most. What
 * the host does meanwhile may take another time in each run. For the disk, when peers send each other files, time stands
 * still as long as that takes.
 *
 * @example A message that is sent in a partition arrives after it
 * ```ts
 * import { Coro, sleep } from "@asyncoro/asyncoro";
 * import { Network } from "@asyncoro/asyncoro/distributed";
 * import { SimulatedNetwork } from "@asyncoro/asyncoro/testing";
 * import { assertEquals } from "@std/assert";
 *
 * const simulation = new SimulatedNetwork({ seed: 1 });
 * const join = (name: string) =>
 *   Network.join({ name, secret: "known to the test alone", engines: [simulation.engine(name)] });
 *
 * const received: unknown[] = [];
 * simulation.scheduler("server").spawn(function* (coro) {
 *   yield* join("server");
 *   coro.register("log");
 *   while (received.length < 2) received.push(yield* coro.receive());
 * });
 * simulation.scheduler("client").spawn(function* () {
 *   const network = yield* join("client");
 *   yield* network.peer("sim:server");
 *   const log = yield* Coro.locate("log");
 *   log!.send("before");
 *   yield* sleep(1);
 *   simulation.partition(["client"], ["server"]);
 *   log!.send("within");
 *   yield* sleep(5);
 *   simulation.heal();
 * });
 * await simulation.run();
 * assertEquals(received, ["before", "within"]);
 * ```
 */
export class SimulatedNetwork {
  readonly #world: World;
  readonly #seed: number;
  readonly #engines: Map<Machine, SimulatedEngine> = new Map();
  // Every name that had a machine: a fault at another one is a mistake of the test.
  readonly #names: Set<string> = new Set();

  /**
   * Makes a network without peers.
   *
   * @param options See {@linkcode SimulatedNetworkOptions}.
   * @throws {TypeError} If an option is of the wrong type or not known, or if `seed` is missing.
   * @throws {RangeError} If an option is out of range.
   */
  constructor(options: SimulatedNetworkOptions) {
    checkOptions(options, ["seed", "delay", "loss", "limit"], "simulate a network");
    const { seed, delay = [0.001, 0.05], loss = 0, limit = 86_400 } = options;
    if (typeof seed !== "number" || Number.isNaN(seed)) throw wrongType("seed", "a number", seed);
    checkDelay(delay);
    checkNumber("loss", loss);
    if (loss < 0 || loss > 1) throw outOfRange("loss", "from 0 to 1", loss);
    checkNumber("limit", limit);
    if (limit <= 0) throw outOfRange("limit", "positive", limit);
    this.#seed = seed;
    this.#world = new World({ seed, delay: [delay[0], delay[1]], loss, limit }, () => this.#stop());
  }

  /**
   * The scheduler of a name: the same one, until `crash(name)`. It keeps virtual time, and the seed decides in which order
   * coroutines run that are ready together.
   *
   * @param name The name of the machine, which is also that of the scheduler.
   * @throws {TypeError} If `name` is not a string, or is empty.
   * @throws {Error} If the name is new and the run has ended.
   */
  scheduler(name: string): Scheduler {
    const machine = this.#machine(name);
    if (machine.scheduler !== null) return machine.scheduler;
    const shuffle = machine.random.seed();
    const scheduler = new Scheduler({ name, shuffle, clock: this.#world.timeline });
    machine.start(scheduler);
    return scheduler;
  }

  /**
   * The engine of a name, for `Network.join`: the same one, until `crash(name)`. Its address is `sim:` and the name.
   *
   * @param name The name of the machine.
   * @param options See {@linkcode SimulatedEngineOptions}. They have no effect if the engine exists.
   * @throws {TypeError} If `name` is not a string, or is empty, or an option is not known.
   * @throws {Error} If the name is new and the run has ended.
   */
  engine(name: string, options: SimulatedEngineOptions = {}): Engine {
    checkOptions(options, ["versions"], "make a simulated engine");
    const machine = this.#machine(name);
    let engine = this.#engines.get(machine);
    if (engine === undefined) {
      engine = new SimulatedEngine(this.#world, machine, options.versions);
      this.#engines.set(machine, engine);
    }
    return engine;
  }

  /**
   * Lets time run, until all coroutines but daemons have ended, on every scheduler that has not crashed, those made
   * meanwhile included. Daemons and networks alone do not keep it going. What they leave is stopped then, without cleanup:
   * no `finally` block runs.
   *
   * @returns A promise; a second call returns the same. It is rejected if the run takes more virtual seconds than `limit`,
   * with an error that names the seed; with a `DeadlockError` if the coroutines that are left can never go on; and with
   * what a callback of a link or an engine throws.
   * @throws {Error} At once, if called in a coroutine of the simulation.
   */
  run(): Promise<void> {
    const coro = runningCoro();
    if (coro !== null && coro.loop.clock === this.#world.timeline) {
      throw new Error(`Cannot run the simulation in coroutine ${coro} as that is part of it: call run() outside`);
    }
    return this.#world.timeline.run();
  }

  // --- faults -------------------------------------------------------------------------------------------------

  /**
   * Breaks the links that there are between two names. Both ends see it within 0.2 virtual seconds, and what was under way
   * is lost. New links may be dialed at once.
   *
   * @param a The name of one end.
   * @param b That of the other.
   * @throws {TypeError} If a name is not a string, or is empty.
   */
  cut(a: string, b: string): void {
    checkNames("cut", [a, b]);
    this.#world.note(`${a} - ${b} cut`);
    for (const link of this.#world.links) if (link.isBetween(a, b)) link.cut();
  }

  /**
   * Separates each name of one side from each of the other, until `heal()`. What they send to each other is dropped, none
   * of their links is closed, and no new one is opened. Earlier partitions stay.
   *
   * @param as The names on one side.
   * @param bs Those on the other.
   * @throws {TypeError} If one is not an array of names.
   */
  partition(as: readonly string[], bs: readonly string[]): void {
    for (const names of [as, bs]) {
      if (!Array.isArray(names)) throw wrongType("names", "an array of names", names, "make a partition");
      checkNames("make a partition", names);
    }
    this.#world.note(`${as} | ${bs} partition`);
    this.#world.partitions.separate(as, bs);
  }

  /** Ends every partition. */
  heal(): void {
    this.#world.note("heal");
    this.#world.partitions.heal();
  }

  /**
   * Freezes a machine: for a while its coroutines do not run, and what its links bring waits. Freezing it again prolongs
   * that, but never shortens it. One that has crashed stays as it is.
   *
   * @param name The name of the machine.
   * @param seconds Virtual seconds from now.
   * @throws {TypeError} If `name` is not a string, or is empty, or `seconds` is not a number.
   * @throws {RangeError} If `seconds` is negative or infinite.
   * @throws {Error} If the name has neither a scheduler nor an engine, and had none.
   */
  freeze(name: string, seconds: number): void {
    const machine = this.#existing("freeze", name);
    if (typeof seconds !== "number") throw wrongType("seconds", "a number", seconds, "freeze");
    if (!(seconds >= 0 && seconds < Infinity)) {
      throw outOfRange("seconds", "finite and not negative", seconds, "freeze");
    }
    if (machine === undefined) return;
    this.#world.note(`${name} freezes for ${seconds} s`);
    machine.freeze(seconds, () => this.#world.note(`${name} thaws`));
  }

  /**
   * Ends a machine, as a process that is killed: its coroutines never run again, without `finally` blocks or functions of
   * `atexit()`, and its links are reset. A coroutine that crashes its own machine ends at its next `yield`. A wait
   * for one of its coroutines by `value()` or `join()` fails with an error.
   *
   * Dialing it fails, until there is an engine of that name again and that is opened. Crashing it twice has no effect.
   *
   * @param name The name of the machine.
   * @throws {TypeError} If `name` is not a string, or is empty.
   * @throws {Error} If the name has neither a scheduler nor an engine, and had none.
   */
  crash(name: string): void {
    const machine = this.#existing("crash", name);
    if (machine === undefined) return;
    this.#world.note(`${name} crashes`);
    this.#world.machines.delete(name);
    this.#engines.delete(machine);
    machine.crash(
      new Error(`The machine '${name}' has crashed, in the simulation with seed ${this.#seed}`),
      () => {
        for (const link of this.#world.links) link.machineCrashed(machine);
      },
    );
  }

  // --- looking inside -----------------------------------------------------------------------------------------

  /**
   * What has happened so far, a line for each event: `0.012345 a > b #1 sends 57 bytes`. It starts with the virtual time,
   * in seconds. Links have numbers.
   */
  trace(): readonly string[] {
    return this.#world.trace.lines();
  }

  /**
   * A function that writes any frame into the authenticated link to a peer, as a hostile peer may: for tests of the
   * protocol.
   *
   * @param network The network that sends.
   * @param location The peer.
   * @returns The function. It takes the kind and the body of a frame, and throws if no link to the peer is open.
   */
  forge(network: Network, location: Location): (frame: Uint8Array) => void {
    return network.forge(location);
  }

  #machine(name: string): Machine {
    checkNames("use a machine", [name]);
    let machine = this.#world.machines.get(name);
    if (machine !== undefined) return machine;
    if (this.#world.timeline.isOver) {
      throw new Error(`Cannot make '${name}' as this simulation has ended: make another SimulatedNetwork`);
    }
    machine = new Machine(name, new Randomness(this.#world.random.seed()), this.#world.timeline);
    this.#world.machines.set(name, machine);
    this.#names.add(name);
    return machine;
  }

  /** The machine of a name; `undefined` if it has crashed. */
  #existing(action: string, name: string): Machine | undefined {
    checkNames(action, [name]);
    if (!this.#names.has(name)) {
      throw new Error(`Cannot ${action} '${name}' as it has neither a scheduler nor an engine: check the name`);
    }
    return this.#world.machines.get(name);
  }

  /** The run is over: stops everything that is left. */
  #stop(): void {
    const reason = withoutStack(new Error(`The simulation with seed ${this.#seed} has ended`));
    // First the links, so that what is stopped cannot use them any more.
    for (const link of this.#world.links) link.stop();
    for (const machine of this.#world.machines.values()) machine.stop(reason);
  }
}

function checkDelay(delay: unknown): void {
  if (!Array.isArray(delay) || delay.length !== 2 || delay.some((seconds) => typeof seconds !== "number")) {
    throw wrongType("delay", "an array of two numbers", delay);
  }
  const [least, greatest] = delay;
  if (least >= 0 && least <= greatest && greatest < Infinity) return;
  throw outOfRange("delay", "the least and the greatest number of seconds", `[${delay.join(", ")}]`);
}

function checkNumber(option: string, value: unknown): void {
  if (typeof value !== "number" || Number.isNaN(value)) throw wrongType(option, "a number", value);
}

function checkNames(action: string, names: readonly unknown[]): void {
  for (const name of names) {
    if (typeof name !== "string" || name === "") {
      throw wrongType("name", "a string that is not empty", name, action);
    }
  }
}

function wrongType(what: string, wanted: string, value: unknown, action = "simulate a network"): TypeError {
  return new TypeError(`Cannot ${action} as '${what}' must be ${wanted}: current value is ${describe(value)}`);
}

function outOfRange(what: string, wanted: string, value: unknown, action = "simulate a network"): RangeError {
  return new RangeError(`Cannot ${action} as '${what}' must be ${wanted}: current value is ${value}`);
}
