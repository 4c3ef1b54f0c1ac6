/**
 * One schedule: a client that runs jobs of all kinds at nodes which come, go, freeze, crash and drain, while links are cut,
 * peers parted, servers killed, suspended and replaced, and jobs cancelled. Everything in it comes from its seed.
 */
import { Coro, sleep, withTimeout } from "@asyncoro/asyncoro";
import { type ClusterStatus, Computation, JobLostError, NoServerError } from "@asyncoro/asyncoro/cluster";
import { type Location, type Network, PeerLostError } from "@asyncoro/asyncoro/distributed";
import { Choices } from "../../distributed/simulation.ts";
import { ClusterWorld, type SimulatedNode, type Steps } from "../world.ts";
import { Ledger, Violation } from "./ledger.ts";

/** Virtual seconds in which there are faults. */
const FAULT_SECONDS = 6;
/** Virtual seconds after which all jobs must have ended that can. */
const CALM_SECONDS = 600;

/** What jobs find in the global scope of the process that simulates them. */
interface Shared {
  ledger: Ledger;
}

/** The function of jobs: it takes a while, and then fails or returns twice its number. */
function* work(
  coro: Coro,
  id: number,
  seconds: number,
  fails: boolean,
  exclusive: boolean,
): Generator<unknown, number, unknown> {
  const { ledger } = (globalThis as unknown as { cluster_schedule: Shared }).cluster_schedule;
  const server = coro.scheduler.toString();
  ledger.began(id, server, exclusive);
  try {
    yield* coro.sleep(seconds);
    if (fails) throw new RangeError("expected");
    return 2 * id;
  } finally {
    ledger.ended(id, server);
  }
}

/** See the head of this file. */
export class Schedule {
  readonly ledger = new Ledger();
  readonly world: ClusterWorld;
  readonly #choices: Choices;
  readonly #faulty: boolean;
  readonly #retries: number;
  readonly #attemptTimeout: number;
  readonly #short: boolean;
  #nodes = 0;
  #faultsOver = false;
  #computation!: Computation;

  constructor(seed: number) {
    const choices = this.#choices = new Choices(seed);
    this.#faulty = choices.below(8) > 0;
    this.#retries = choices.of([0, 0, 1, 2]);
    this.#attemptTimeout = choices.of([Infinity, Infinity, 3]);
    this.#short = choices.chance(0.5);
    const delay: [number, number] = choices.of([[0.001, 0.003], [0.001, 0.05]]);
    this.world = new ClusterWorld({ seed, delay, limit: 7200 }, { heartbeat: 1, peerTimeout: 3 });
    (globalThis as unknown as { cluster_schedule: Shared }).cluster_schedule = { ledger: this.ledger };
  }

  /** Runs it. Throws a `Violation` or what the simulation throws. */
  async run(): Promise<void> {
    const { world } = this;
    for (let i = 1 + this.#choices.below(3); i > 0; i--) this.#startNode();
    world.client((coro, network) => this.#client(coro, network));
    world.scheduler("faults").spawn(bodyOf(() => this.#faults()));
    await world.run();
    this.ledger.check();
  }

  #startNode(): SimulatedNode {
    return this.world.node(`node${this.#nodes++}`, { cpus: 1 + this.#choices.below(3) });
  }

  // --- the client -------------------------------------------------------------------------------------------------

  *#client(coro: Coro, network: Network): Steps<void> {
    const { ledger } = this;
    const wantsStatus = this.#choices.chance(0.5);
    const statusCoro = coro.scheduler.spawnWith({ daemon: true }, function* status(self: Coro) {
      for (;;) ledger.status(yield* self.receive<ClusterStatus>());
    });
    const computation = this.#computation = new Computation({
      network,
      retries: this.#retries,
      attemptTimeout: this.#attemptTimeout,
      ...(wantsStatus ? { statusCoro } : {}),
    });
    const jobs: Coro[] = [];
    const count = 4 + this.#choices.below(10);
    for (let i = 0; i < count; i++) {
      jobs.push(this.#spawn(() => this.#act()));
      yield* sleep(this.#choices.between(0, FAULT_SECONDS / count));
    }
    while (!this.#faultsOver) yield* sleep(0.5);
    for (const job of jobs) yield* job.finish(CALM_SECONDS);
    yield* computation.close({ timeout: CALM_SECONDS });
    const { waiting, running } = computation.stats();
    if (waiting + running !== 0) throw new Violation(`${waiting} jobs wait and ${running} run at the end`);
    // Answers that are under way.
    for (let i = 0; i < 50 && network.stats().pending > 0; i++) yield* sleep(0.1);
    const { pending } = network.stats();
    if (pending !== 0) throw new Violation(`${pending} waits are left at the client`);
  }

  #spawn(body: () => Steps): Coro {
    return new Coro(bodyOf(body));
  }

  /** Something that a program may do. */
  *#act(): Steps<void> {
    switch (this.#choices.below(7)) {
      case 0:
      case 1:
        return yield* this.#runResult();
      case 2:
        return yield* this.#runResults();
      case 3:
        return yield* this.#results();
      case 4:
        return yield* this.#run(true);
      case 5:
        return yield* this.#run(false);
      default:
        return yield* this.#cancelled();
    }
  }

  #seconds(): number {
    return this.#short ? this.#choices.between(0, 0.01) : this.#choices.of([0, 0.05, 0.5, 2]);
  }

  #place(): Location | null {
    if (!this.#choices.chance(0.3)) return null;
    const places = [...this.#computation.servers(), ...this.#computation.nodes()];
    return places.length === 0 ? null : this.#choices.of(places);
  }

  *#runResult(): Steps<void> {
    const id = this.ledger.made(this.#retries + 1);
    const fails = this.#choices.chance(0.2);
    const place = this.#place();
    const computation = this.#computation;
    const seconds = this.#seconds();
    yield* this.#settled(
      [id],
      function* () {
        const operation = place === null
          ? computation.runResult(work, id, seconds, fails, true)
          : computation.runResultAt(place, work, id, seconds, fails, true);
        const value = yield* operation;
        if (fails || value !== 2 * id) throw new Violation(`Job ${id} has returned ${value}`);
      },
      fails,
      place !== null,
    );
  }

  #items(count: number, retries: number): (readonly [number, number, boolean, boolean])[] {
    return Array.from({ length: count }, () => [this.ledger.made(retries + 1), this.#seconds(), false, true] as const);
  }

  *#runResults(): Steps<void> {
    const retries = this.#choices.below(3);
    const items = this.#items(this.#choices.below(14), retries);
    const concurrency = this.#choices.of([undefined, 1, 3, Infinity]);
    const computation = this.#computation;
    yield* this.#settled(
      items.map(([id]) => id),
      function* () {
        const values = yield* computation.runResults(work, items, {
          retries,
          ...(concurrency === undefined ? {} : { concurrency }),
        });
        const expected = items.map(([id]) => 2 * id);
        if (String(values) !== String(expected)) {
          throw new Violation(`The results are ${values} instead of ${expected}`);
        }
      },
      false,
      false,
    );
  }

  *#results(): Steps<void> {
    const retries = this.#choices.below(3);
    const items = this.#items(this.#choices.below(14), retries);
    const leavesAt = this.#choices.chance(0.3) ? this.#choices.below(14) : Infinity;
    let count = 0;
    for (const next of this.#computation.results(work, items, { retries })) {
      const { index, outcome, attempts } = yield* next;
      const [id] = items[index];
      this.ledger.settled(id);
      if (attempts > retries + 1) throw new Violation(`Job ${id} was run ${attempts} times`);
      if (outcome.kind === "return" && outcome.value === 2 * id) this.ledger.returned++;
      else if (outcome.kind === "throw") this.#checkLoss(outcome.error);
      else throw new Violation(`The outcome of job ${id} is ${JSON.stringify(outcome)}`);
      if (++count > leavesAt) break;
    }
    if (leavesAt === Infinity && count !== items.length) throw new Violation(`${count} results of ${items.length}`);
    if (leavesAt < Infinity) this.#settleRest(items.map(([id]) => id));
  }

  #settleRest(ids: readonly number[]): void {
    for (const id of ids) if (!this.ledger.isSettled(id)) this.ledger.settled(id);
  }

  /** A handle is one attempt. */
  *#run(exclusive: boolean): Steps<void> {
    // Until the coroutine is known, the server may be lost.
    const id = this.ledger.made(this.#retries + 1);
    const fails = this.#choices.chance(0.2);
    const computation = this.#computation;
    const seconds = this.#seconds();
    yield* this.#settled(
      [id],
      function* () {
        const coro = yield* exclusive
          ? computation.run(work, id, seconds, fails, true)
          : computation.runAsync(work, id, seconds, fails, false);
        const value = yield* coro.finish();
        if (fails || value !== 2 * id) throw new Violation(`Job ${id} has returned ${value}`);
      },
      fails,
      false,
    );
  }

  *#cancelled(): Steps<void> {
    const id = this.ledger.made(this.#retries + 1);
    const computation = this.#computation;
    const limit = this.#choices.between(0.001, 3);
    try {
      yield* withTimeout(limit, computation.runResult(work, id, 1.5, false, true));
      this.ledger.returned++;
    } catch (error) {
      if ((error as Error).name !== "TimeoutError") this.#checkLoss(error);
    }
    this.ledger.settled(id);
  }

  /** Waits for jobs, which must return, or fail as is expected, or be lost if there are faults. */
  *#settled(ids: readonly number[], body: () => Steps, fails: boolean, mayBeNowhere: boolean): Steps<void> {
    try {
      yield* body();
      this.ledger.returned++;
    } catch (error) {
      const isExpected = fails && error instanceof RangeError && error.message === "expected";
      const isNowhere = mayBeNowhere && error instanceof NoServerError;
      if (!isExpected && !isNowhere) this.#checkLoss(error);
    }
    for (const id of ids) this.ledger.settled(id);
  }

  #checkLoss(error: unknown): void {
    const isLoss = error instanceof JobLostError || error instanceof PeerLostError;
    if (!isLoss) throw error;
    if (!this.#faulty && this.#attemptTimeout === Infinity) {
      throw new Violation(`It was lost without a fault: ${error}`);
    }
    this.ledger.lost++;
  }

  // --- faults -----------------------------------------------------------------------------------------------------

  *#faults(): Steps<void> {
    const choices = this.#choices;
    const count = this.#faulty ? 1 + choices.below(9) : 0;
    for (let i = 0; i < count; i++) {
      yield* sleep(choices.between(0, 2 * FAULT_SECONDS / count));
      this.#fault();
    }
    yield* sleep(2);
    this.world.net.heal();
    // So that all jobs can end, whatever has become of the others.
    const node = this.#startNode();
    while (node.tenancies === undefined) yield* sleep(0.1);
    for (const place of [...this.#computation.nodes(), ...this.#computation.servers()]) {
      yield* this.#onClient(() => this.#computation.resume(place));
    }
    this.#faultsOver = true;
  }

  /** Runs an operation of the computation on the scheduler of the client. */
  *#onClient(operation: () => Iterable<unknown, unknown, unknown>): Steps<void> {
    this.world.net.scheduler("client").spawn(function* () {
      yield* operation();
    });
    yield* sleep(0);
  }

  #fault(): void {
    const choices = this.#choices;
    const { net, nodes } = this.world;
    const node = choices.of([...nodes.values()]);
    if (node?.tenancies === undefined) return;
    const server = [...node.servers][0];
    const onClient = (operation: () => Iterable<unknown, unknown, unknown>) => {
      this.world.net.scheduler("client").spawn(function* () {
        yield* operation();
      });
    };
    const computation = this.#computation as Computation | undefined;
    const place = computation === undefined
      ? undefined
      : choices.of([...computation.servers(), ...computation.nodes()]);
    switch (choices.below(12)) {
      case 0:
        return net.cut("client", choices.of([node.name, server ?? node.name]));
      case 1:
        return net.partition(["client"], choices.of([[node.name], [node.name, ...node.servers], [...node.servers]]));
      case 2:
        return net.heal();
      case 3:
        return net.freeze(node.name, choices.between(0.1, 6));
      case 4:
        if (server !== undefined) net.freeze(server, choices.between(0.1, 6));
        return;
      case 5:
        return this.world.crash(node.name);
      case 6:
        for (const location of computation?.servers() ?? []) return this.world.shared[`kill ${location.id}`]?.();
        return;
      case 7:
        this.#startNode();
        return;
      case 8:
        net.scheduler(node.name).spawnWith({ daemon: true }, function* () {
          yield* node.tenancies.drain();
        });
        return;
      case 9:
        if (place !== undefined) onClient(() => computation!.suspend(place));
        return;
      case 10:
        if (place !== undefined) onClient(() => computation!.resume(place));
        return;
      case 11:
        if (place !== undefined) onClient(() => computation!.restart(place));
    }
  }
}

/** The function of a coroutine that runs a method. */
function bodyOf(method: (coro: Coro) => Steps): (coro: Coro) => Steps {
  return function* (coro) {
    return yield* method(coro);
  };
}
