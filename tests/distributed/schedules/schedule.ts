/**
 * One schedule: three peers that send, deliver, ask, run coroutines at each other and wait for their ends, while links are
 * cut, peers parted, frozen, crashed and restarted. Everything in it comes from its seed.
 *
 * In a relayed schedule `c` is a server of the node `b`: all reach it through that, and it ends with it.
 */
import { type Ask, Coro, type MonitorException, sleep, TimeoutError } from "@asyncoro/asyncoro";
import {
  type Engine,
  type Location,
  Network,
  type NetworkOptions,
  PeerLostError,
  type PeerStatus,
  RCI,
} from "@asyncoro/asyncoro/distributed";
import { SimulatedNetwork } from "@asyncoro/asyncoro/testing";
import { relayedAddress } from "../../../core/distributed/relay/relayed_address.ts";
import { call } from "../../../core/operations/call.ts";
import { Choices, PEERS as NAMES, type Steps } from "../simulation.ts";
import { Ledger, type Numbered, Violation } from "./ledger.ts";

/** Virtual seconds in which there are faults. */
const FAULT_SECONDS = 20;
/** Virtual seconds after which all peers must be connected again. */
const CALM_SECONDS = 120;
const OPTIONS: NetworkOptions = { secret: "the secret of the schedules", heartbeat: 0.5, peerTimeout: 3 };

/** See the head of this file. */
export class Schedule {
  readonly ledger = new Ledger();
  readonly simulation: SimulatedNetwork;
  /** What was reported by coroutines. */
  readonly reported: unknown[] = [];
  readonly #seed: number;
  readonly #messages: number;
  readonly #isRelayed: boolean;
  /** The joinings that are alive, by name. */
  readonly #alive: Map<string, Location> = new Map();
  readonly #choices: Choices;
  #lives = 0;
  #faultsOver = false;
  #arrivedAtEnd = 0;
  #isChecked = false;

  /** `messages` is how many each peer sends at the least. */
  constructor(seed: number, { isRelayed = false, messages = 10 } = {}) {
    this.#seed = seed;
    this.#isRelayed = isRelayed;
    this.#messages = messages;
    this.#choices = new Choices(seed);
    this.simulation = new SimulatedNetwork({
      seed,
      loss: this.#choices.of([0, 0, 0.01, 0.05]),
      limit: 3600,
    });
  }

  /** Runs it. Throws a `Violation` or what the simulation throws. */
  async run(): Promise<void> {
    for (const name of NAMES) this.#start(name);
    const faults = this.simulation.scheduler("faults");
    faults.onError = (error) => this.reported.push(error);
    faults.spawn(bodyOf(() => this.#faults()));
    await this.simulation.run();
    if (this.reported.length > 0) throw this.reported[0];
    if (!this.#isChecked) throw new Violation("The schedule has not come to its end");
  }

  #start(name: string): void {
    this.#lives++;
    const scheduler = this.simulation.scheduler(name);
    scheduler.onError = (error) => {
      // The failure of what a peer ran here, whose loss is known: nobody waits for it any more.
      if (!(error instanceof RangeError && error.message === "expected")) this.reported.push(error);
    };
    const life = new Life(this, name, this.simulation, new Choices(this.#seed * 31 + this.#lives), this.#messages);
    scheduler.spawn(bodyOf((coro) => life.run(coro)));
  }

  // --- for lives ------------------------------------------------------------------------------------------------

  get faultsOver(): boolean {
    return this.#faultsOver;
  }

  joined(name: string, location: Location): void {
    this.#alive.set(name, location);
  }

  /** The joining of this name that is alive. */
  alive(name: string): Location | undefined {
    return this.#alive.get(name);
  }

  /** The node through which a peer is reached; `null` if it is reached by its engine. */
  nodeOf(name: string): string | null {
    return this.#isRelayed && name === "c" ? "b" : null;
  }

  /** All have delivered their last messages: nothing may be missing. */
  *atEnd(): Steps<void> {
    this.#arrivedAtEnd++;
    while (this.#arrivedAtEnd < NAMES.length) yield* sleep(0.1);
    // Answers and ends that are under way.
    yield* sleep(1);
    if (!this.#isChecked) this.ledger.check();
    this.#isChecked = true;
  }

  // --- faults ---------------------------------------------------------------------------------------------------

  *#faults(): Steps<void> {
    const choices = this.#choices;
    const { simulation } = this;
    const count = choices.below(6);
    for (let i = 0; i < count; i++) {
      yield* sleep(choices.between(0, 2 * FAULT_SECONDS / count));
      const name = choices.of(NAMES);
      const other = choices.of(NAMES.filter((each) => each !== name));
      switch (choices.below(6)) {
        case 0:
        case 1:
          simulation.cut(name, other);
          break;
        case 2:
          simulation.partition([name], NAMES.filter((each) => each !== name));
          break;
        case 3:
          simulation.heal();
          break;
        case 4:
          simulation.freeze(name, choices.between(0.1, 6));
          break;
        case 5:
          yield* this.#crash(name, choices.between(0, 5));
      }
    }
    simulation.heal();
    this.#faultsOver = true;
  }

  *#crash(name: string, seconds: number): Steps<void> {
    const names = NAMES.filter((each) => each === name || this.nodeOf(each) === name);
    // One that has not joined yet stays.
    if (names.some((each) => !this.#alive.has(each))) return;
    for (const each of names) {
      this.ledger.crashed(this.#alive.get(each)!.id);
      this.#alive.delete(each);
      this.simulation.crash(each);
    }
    yield* sleep(seconds);
    for (const each of names) this.#start(each);
  }
}

/** One joining: what it does from its start to its end. */
class Life {
  readonly #schedule: Schedule;
  readonly #name: string;
  readonly #simulation: SimulatedNetwork;
  readonly #choices: Choices;
  readonly #messages: number;
  readonly #others: string[];
  readonly #ledger: Ledger;
  #network!: Network;
  #id = "";
  #operations = 0;

  constructor(schedule: Schedule, name: string, simulation: SimulatedNetwork, choices: Choices, messages: number) {
    this.#schedule = schedule;
    this.#name = name;
    this.#simulation = simulation;
    this.#choices = choices;
    this.#messages = messages;
    this.#ledger = schedule.ledger;
    this.#others = NAMES.filter((other) => other !== name);
  }

  *run(coro: Coro): Steps<void> {
    const name = this.#name;
    this.#network = yield* this.#join();
    this.#id = this.#network.location.id;
    this.#schedule.joined(name, this.#network.location);
    const { scheduler } = coro;
    scheduler.spawnWith({ name: "sink", daemon: true }, bodyOf((self) => this.#sink(self)));
    scheduler.spawnWith({ name: "status", daemon: true }, bodyOf((self) => this.#status(self)));
    scheduler.spawnWith({ name: "connector", daemon: true }, bodyOf(() => this.#connect()));
    new RCI(work, "work").register();
    const started: Coro[] = [];
    for (let i = 0; i < this.#messages; i++) {
      yield* sleep(this.#choices.between(0, 2 * FAULT_SECONDS / this.#messages));
      started.push(...yield* this.#act());
    }
    while (!this.#schedule.faultsOver) yield* sleep(0.5);
    for (const other of this.#others) yield* this.#fence(other);
    for (const each of started) yield* each.finish(CALM_SECONDS);
    yield* this.#schedule.atEnd();
    const { pending } = this.#network.stats();
    if (pending !== 0) throw new Violation(`${pending} waits are left at ${name}`);
    yield* this.#network.leave();
  }

  *#join(): Steps<Network> {
    const name = this.#name;
    const engine = this.#simulation.engine(name);
    const node = this.#schedule.nodeOf(name);
    if (node === null) {
      const network = yield* Network.join({ ...OPTIONS, name, engines: [engine] });
      network.relay.isRelay = true;
      return network;
    }
    while (this.#schedule.alive(node) === undefined) yield* sleep(0.1);
    const gateway = this.#schedule.alive(node)!;
    const network = yield* Network.join({ ...OPTIONS, name, engines: [serverOf(gateway, engine)] });
    network.relay.gateway = gateway;
    return network;
  }

  /** Receives numbered messages and requests. */
  *#sink(coro: Coro): Steps<void> {
    coro.register("sink");
    for (;;) {
      const message = yield* coro.receive<Numbered | Ask<Numbered, number> | 0>();
      if (message === 0) continue;
      const numbered = "message" in message ? message.message : message;
      this.#ledger.arrived(numbered, this.#id);
      if ("message" in message) message.reply(numbered.number);
    }
  }

  *#status(coro: Coro): Steps<void> {
    this.#network.peerStatus(coro);
    for (;;) {
      const { location, online, reason } = yield* coro.receive<PeerStatus>();
      if (reason !== "left") this.#ledger.status(this.#id, location.id, online);
    }
  }

  /** Dials the others whenever they are not connected: they may have been restarted. */
  *#connect(): Steps<void> {
    for (;;) {
      for (const other of this.#others) {
        if (this.#network.peers().some(({ name }) => name === other)) continue;
        // A server is reached by its location, and reaches others by theirs.
        const isRelayed = [this.#name, other].some((name) => this.#schedule.nodeOf(name) !== null);
        const where = isRelayed ? this.#schedule.alive(other) : `sim:${other}`;
        if (where === undefined) continue;
        try {
          yield* this.#network.peer(where, 2);
        } catch {
          // Next time.
        }
      }
      yield* sleep(0.5);
    }
  }

  /** Something that a program may do. Returns coroutines that must end. */
  *#act(): Steps<Coro[]> {
    const other = this.#choices.of(this.#others);
    const location = this.#network.peers().find(({ name }) => name === other);
    if (location === undefined) return [];
    const kind = this.#choices.below(5);
    if (kind === 4) return [this.#spawn("run", () => this.#run(location))];
    const sink = yield* Coro.locate("sink", 2, location);
    if (sink === null) return [];
    if (kind < 2) {
      for (let i = this.#choices.below(5); i >= 0; i--) this.#send(sink);
      return [];
    }
    if (kind === 2) return [this.#spawn("deliver", () => this.#deliver(sink))];
    return [this.#spawn("ask", () => this.#ask(sink))];
  }

  #spawn(what: string, body: () => Steps): Coro {
    const ended = this.#ledger.begin(this.#id, `${what} ${++this.#operations}`);
    return new Coro(function* () {
      try {
        return yield* body();
      } finally {
        ended();
      }
    });
  }

  #send(sink: Coro): void {
    const message = this.#ledger.next(this.#id, sink.location!.id);
    if (sink.send(message)) this.#ledger.accepted(message);
  }

  *#deliver(sink: Coro): Steps<void> {
    const message = this.#ledger.next(this.#id, sink.location!.id);
    // The message is copied by the call, so the numbers are in the order of the calls.
    const deliver = sink.deliver(message, this.#choices.between(0.1, 8));
    this.#ledger.accepted(message);
    if ((yield* deliver) === 1) this.#ledger.acknowledged(message);
    else this.#ledger.withdrawn(message);
  }

  *#ask(sink: Coro): Steps<void> {
    const message = this.#ledger.next(this.#id, sink.location!.id);
    const ask = sink.ask<number>(message, this.#choices.between(0.1, 8));
    this.#ledger.accepted(message);
    try {
      if ((yield* ask) !== message.number) throw new Violation("Another reply has come");
      this.#ledger.acknowledged(message);
    } catch (error) {
      if (!(error instanceof TimeoutError || error instanceof PeerLostError)) throw error;
      this.#ledger.withdrawn(message);
    }
  }

  /** Runs a coroutine there, monitors it, and waits for its end. */
  *#run(location: Network["location"]): Steps<void> {
    const rci = yield* RCI.locate<typeof work>("work", 2, location);
    if (rci === null) return;
    const fails = this.#choices.below(3) === 0;
    const key = `${this.#id} ${++this.#operations}`;
    let remote: Coro<number>;
    try {
      remote = yield* rci.run(this.#choices.between(0, 5), fails);
    } catch (error) {
      if (error instanceof PeerLostError) return;
      throw error;
    }
    const ledger = this.#ledger;
    const monitor = new Coro(function* (self) {
      yield* self.monitor(remote);
      const { outcome } = yield* self.receive<MonitorException>();
      ledger.told(key, String(remote));
      // It would be told twice within this time.
      const again = yield* self.receive(5);
      if (again !== undefined) throw new Violation(`${key} was told twice of the end of ${remote}`);
      return outcome;
    });
    try {
      const value = yield* remote.finish();
      if (fails || value !== 42) throw new Violation(`It was to fail, and returned ${value}`);
    } catch (error) {
      if (error instanceof PeerLostError) {
        if (error.reason === "left") throw new Violation("Nobody has left");
      } else if (!(fails && error instanceof RangeError)) throw error;
    }
    yield* monitor.finish();
  }

  /** Delivers a message to whoever has this name, as the last one: what was sent before has arrived then. */
  *#fence(other: string): Steps<void> {
    const end = this.#simulationNow() + CALM_SECONDS;
    for (;;) {
      const id = this.#schedule.alive(other)?.id;
      const location = this.#network.peers().find((peer) => peer.id === id);
      const sink = location === undefined ? null : yield* Coro.locate("sink", 2, location);
      if (sink !== null && (yield* sink.deliver(0, 5)) === 1) return;
      if (this.#simulationNow() > end) throw new Violation(`${this.#name} and ${other} do not find each other again`);
      yield* sleep(0.5);
    }
  }

  #simulationNow(): number {
    return this.#simulation.scheduler("faults").now();
  }
}

/** The function of a coroutine that runs a method. */
function bodyOf(method: (coro: Coro) => Steps): (coro: Coro) => Steps {
  return function* (coro) {
    return yield* method(coro);
  };
}

/** The engine of a server of a node, by which it reaches the node alone. */
function serverOf(node: Location, engine: Engine): Engine {
  return {
    scheme: engine.scheme,
    trusted: engine.trusted,
    simulation: engine.simulation,
    open: (incoming) =>
      call((function* () {
        yield* engine.open(incoming);
        return relayedAddress(node.address, node.id);
      })()),
    dial: (address, timeout) => engine.dial(address, timeout),
    close: () => engine.close(),
  };
}

/** What peers run at each other. */
function* work(coro: Coro, seconds: number, fails: boolean): Steps<number> {
  yield* coro.sleep(seconds);
  if (fails) throw new RangeError("expected");
  return 42;
}
