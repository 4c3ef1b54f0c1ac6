/**
 * A model of simulated links: random machines dial, write and close under every fault, and each callback is checked
 * against what may have happened.
 *
 * - Frames arrive whole, in order, never twice, only those that may have arrived, and all that must have.
 * - They take a time within the limits of the delay, unless they wait for one before them or for a machine to thaw.
 * - Nothing is called after the end of a link, within a call of it, in a coroutine, in a frozen or crashed machine.
 * - Who must see the end of a link sees it once, after a cut within 0.2 seconds.
 */
import { type Coro, Scheduler, sleep } from "@asyncoro/asyncoro";
import { SimulatedNetwork } from "@asyncoro/asyncoro/testing";
import type { Engine, Link } from "../../../core/distributed/engine.ts";
import { Random } from "../../soak/random.ts";

const NAMES = ["a", "b", "c", "d"];
const ACTIONS = 120;
const LONGEST_FREEZE = 4;
const ERRORS = ["ConnectionRefused", "ConnectionReset", "TimeoutError"];
// Differences of times are not exact.
const TOLERANCE = 1e-9;

/** What a seed may do. */
interface Plan {
  readonly delay: readonly [number, number];
  readonly loss: number;
  readonly faults: readonly string[];
}

/** A machine, from its start to its crash. */
interface Host {
  readonly name: string;
  readonly scheduler: Scheduler;
  readonly engine: Engine;
  frozenUntil: number;
  crashedAt: number;
}

/** A frame that was sent. */
interface Sent {
  readonly at: number;
  /** Whether it must arrive, may arrive if nothing happens to it, or cannot. */
  readonly fate: "may arrive" | "dropped";
}

/** One direction of a link. */
class Direction {
  readonly sent: Sent[] = [];
  /** The numbers of those that have arrived. */
  readonly arrived: number[] = [];
  lastArrival = 0;
}

/** A link that was dialed, with its two ends. */
class ModelLink {
  readonly id: number;
  readonly ends: End[] = [];
  readonly directions = [new Direction(), new Direction()];
  cutAt = Infinity;

  constructor(id: number) {
    this.id = id;
  }
}

/** One end. */
class End {
  readonly model: Model;
  readonly host: Host;
  readonly link: Link;
  /** Which the acceptor knows from the first frame. */
  of: ModelLink | null = null;
  /** 0 at the dialer, 1 at the acceptor. */
  readonly side: 0 | 1;
  closedAt = Infinity;
  /** Whether the close could be told to the other end. */
  closeWasTold = false;
  endedAt = Infinity;
  #inCall = false;

  constructor(model: Model, host: Host, link: Link, side: 0 | 1) {
    this.model = model;
    this.host = host;
    this.link = link;
    this.side = side;
    this.#call(() => link.start((bytes) => this.#frame(bytes), () => this.#check("drained"), () => this.#closed()));
  }

  get isOpen(): boolean {
    return this.closedAt === Infinity && this.endedAt === Infinity;
  }

  join(link: ModelLink): void {
    this.of = link;
    link.ends[this.side] = this;
  }

  write(): void {
    const { model, of: link } = this;
    if (!this.isOpen || link === null) return;
    const direction = link.directions[this.side];
    const number = direction.sent.length;
    const isDropped = model.isPartitioned(this.host.name, this.peerName) || link.cutAt <= model.now;
    direction.sent.push({ at: model.now, fate: isDropped ? "dropped" : "may arrive" });
    this.#call(() => this.link.write(Uint8Array.of(link.id >> 8, link.id & 255, number >> 8, number & 255, 7)));
  }

  close(): void {
    if (!this.isOpen) return;
    this.closedAt = this.model.now;
    this.closeWasTold = this.peerName !== "" && !this.model.isPartitioned(this.host.name, this.peerName);
    this.#call(() => this.link.close());
  }

  /** The name of the machine at the other end; empty if it is not known. */
  get peerName(): string {
    return this.peer?.host.name ?? this.model.dialed.get(this.of?.id ?? -1) ?? "";
  }

  get peer(): End | undefined {
    return this.of?.ends[1 - this.side];
  }

  #call(call: () => void): void {
    this.#inCall = true;
    call();
    this.#inCall = false;
  }

  #frame(bytes: Uint8Array): void {
    this.#check("frame");
    const { model } = this;
    model.expect(bytes.length === 5 && bytes[4] === 7, "A frame arrives whole");
    const link = model.links[bytes[0] << 8 | bytes[1]];
    if (this.of === null) this.join(link);
    model.expect(this.of === link, "A frame arrives on its link");
    const number = bytes[2] << 8 | bytes[3];
    const { sent, arrived, lastArrival } = link.directions[1 - this.side];
    const direction = link.directions[1 - this.side];
    model.expect(number < sent.length && sent[number].fate !== "dropped", "What arrives was sent and not dropped");
    model.expect(arrived.length === 0 || arrived[arrived.length - 1] < number, "Frames arrive in order, none twice");
    model.expect(model.now < link.cutAt, "Nothing arrives after a cut");
    const [least, greatest] = model.plan.delay;
    const seconds = model.now - sent[number].at;
    model.expect(seconds >= least - TOLERANCE, "A frame takes the least delay");
    const mayWait = model.now <= lastArrival + TOLERANCE || this.host.frozenUntil >= sent[number].at ||
      model.startedLate.has(this);
    model.expect(seconds <= greatest + TOLERANCE || mayWait, "A frame takes the greatest delay at the most");
    arrived.push(number);
    direction.lastArrival = model.now;
  }

  #closed(): void {
    this.#check("closed");
    this.endedAt = this.model.now;
  }

  #check(callback: string): void {
    const { model, host } = this;
    model.expect(!this.#inCall, `${callback} is not called within a call`);
    model.expect(this.isOpen, `${callback} is not called after the end`);
    model.expect(Scheduler.curCoro() === null, `${callback} is called outside coroutines`);
    model.expect(host.crashedAt === Infinity, `${callback} is not called in a crashed machine`);
    model.expect(model.now >= host.frozenUntil - TOLERANCE, `${callback} is not called in a frozen machine`);
  }
}

/** A run of the model. */
export class Model {
  readonly plan: Plan;
  readonly links: ModelLink[] = [];
  /** The machine that each link is dialed to. */
  readonly dialed = new Map<number, string>();
  /** Ends at which frames may have waited for `start()`. */
  readonly startedLate = new Set<End>();
  readonly network: SimulatedNetwork;
  readonly #seed: number;
  readonly #random: Random;
  readonly #hosts = new Map<string, Host>();
  readonly #all: Host[] = [];
  readonly #ends: End[] = [];
  #partitioned = new Set<string>();
  #clock: Scheduler;
  #violation: string | null = null;

  constructor(seed: number) {
    this.#seed = seed;
    this.#random = new Random(seed);
    this.plan = planOf(seed);
    this.network = new SimulatedNetwork({ seed, delay: this.plan.delay, loss: this.plan.loss });
    this.#clock = this.network.scheduler("model");
  }

  get now(): number {
    return this.#clock.now();
  }

  /** Runs it. Throws an error that names the seed if an expectation fails. */
  async run(): Promise<readonly string[]> {
    for (const name of NAMES) this.#start(name);
    // deno-lint-ignore no-this-alias
    const model = this;
    this.#clock.spawn(function* () {
      for (let i = 0; i < ACTIONS; i++) {
        yield* sleep(model.#random.next() * 0.3);
        model.#act();
      }
      model.network.heal();
      model.#partitioned.clear();
      yield* sleep(LONGEST_FREEZE + 3 * model.plan.delay[1] + 5);
    });
    await this.network.run();
    this.#checkEnds();
    if (this.#violation !== null) throw new Error(`Seed ${this.#seed}: ${this.#violation}`);
    return this.network.trace();
  }

  expect(holds: boolean, what: string): void {
    if (!holds) this.#violation ??= `${what} (at ${this.now} s)`;
  }

  isPartitioned(a: string, b: string): boolean {
    return this.#partitioned.has(`${a} ${b}`);
  }

  // --- actions ----------------------------------------------------------------------------------------------------

  #start(name: string): void {
    const { network } = this;
    const [scheduler, engine] = [network.scheduler(name), network.engine(name)];
    const host: Host = { name, scheduler, engine, frozenUntil: -1, crashedAt: Infinity };
    this.#hosts.set(name, host);
    this.#all.push(host);
    scheduler.onError = (error) => this.expect(false, `${error} is not thrown`);
    // deno-lint-ignore no-this-alias
    const model = this;
    scheduler.spawnWith({ daemon: true }, function* () {
      yield* engine.open((link) => model.#ends.push(new End(model, host, link, 1)));
    });
  }

  #act(): void {
    const random = this.#random;
    const host = random.pick([...this.#hosts.values()]);
    if (random.chance(0.25)) return this.#dial(host);
    if (random.chance(0.7)) return this.#use(host);
    const fault = random.pick(this.plan.faults);
    if (fault === "cut") this.#cut(random.pick(NAMES), random.pick(NAMES));
    else if (fault === "partition") this.#separate();
    else if (fault === "freeze") this.#freeze(host, random.next() * LONGEST_FREEZE);
    else if (fault === "crash") this.#crash(host);
  }

  #dial(host: Host): void {
    const name = this.#random.pick(NAMES);
    const [timeout, pause] = [this.#random.next() * 3, this.#random.pick([0, 0, this.#random.next()])];
    const link = new ModelLink(this.links.length);
    this.links.push(link);
    this.dialed.set(link.id, name);
    // deno-lint-ignore no-this-alias
    const model = this;
    host.scheduler.spawnWith({ daemon: true }, function* (coro: Coro) {
      try {
        const dialed = yield* host.engine.dial(`sim:${name}`, timeout);
        if (pause > 0) yield* coro.sleep(pause);
        const end = new End(model, host, dialed, 0);
        model.startedLate.add(end);
        model.#ends.push(end);
        end.join(link);
        end.write();
      } catch (error) {
        model.expect(ERRORS.includes((error as Error).name), `${error} is not thrown by a dial`);
      }
    });
  }

  /** Writes to some links of a machine, and closes some. When it is frozen, that comes later. */
  #use(host: Host): void {
    const random = this.#random;
    const count = random.from(1, 20);
    const closes = random.chance(0.2);
    const choice = random.next();
    const ends = this.#ends;
    host.scheduler.spawnWith({ daemon: true }, function* () {
      const own = ends.filter((end) => end.host === host && end.isOpen && end.of !== null);
      if (own.length === 0) return;
      const end = own[Math.floor(choice * own.length)];
      for (let i = 0; i < count; i++) {
        end.write();
        if (i % 7 === 6) yield* sleep(0.01);
      }
      if (closes) end.close();
    });
  }

  #cut(a: string, b: string): void {
    this.network.cut(a, b);
    for (const { of: link, host } of this.#ends) {
      if (link === null || host.name !== a && host.name !== b) continue;
      const names = [link.ends[0]?.host.name ?? "?", this.dialed.get(link.id)].sort().join();
      if (names === [a, b].sort().join()) link.cutAt = Math.min(link.cutAt, this.now);
    }
  }

  #separate(): void {
    if (this.#random.chance(0.4)) {
      this.network.heal();
      this.#partitioned = new Set();
      return;
    }
    const [a, b, c] = [this.#random.pick(NAMES), this.#random.pick(NAMES), this.#random.pick(NAMES)];
    this.network.partition([a], [b, c]);
    for (const other of [b, c]) {
      if (other !== a) this.#partitioned.add(`${a} ${other}`).add(`${other} ${a}`);
    }
  }

  #freeze(host: Host, seconds: number): void {
    this.network.freeze(host.name, seconds);
    host.frozenUntil = Math.max(host.frozenUntil, this.now + seconds);
  }

  #crash(host: Host): void {
    for (const end of this.#ends) {
      if (end.host !== host || !end.isOpen) continue;
      end.closeWasTold = end.peerName !== "" && !this.isPartitioned(host.name, end.peerName);
    }
    host.crashedAt = this.now;
    this.network.crash(host.name);
    this.#start(host.name);
  }

  // --- the end ----------------------------------------------------------------------------------------------------

  #checkEnds(): void {
    for (const link of this.links) {
      const [dialer, acceptor] = link.ends;
      if (dialer === undefined || acceptor === undefined) continue;
      for (const end of [dialer, acceptor]) this.#checkEnd(link, end);
    }
  }

  #checkEnd(link: ModelLink, end: End): void {
    const peer = end.peer!;
    const { sent, arrived } = link.directions[1 - end.side];
    const isLive = end.host.crashedAt === Infinity;
    if (isLive && end.isOpen) {
      this.expect(link.cutAt === Infinity, "A cut is seen by both ends");
      this.expect(!peer.closeWasTold, "A close is seen by the other end");
    }
    if (isLive && link.cutAt < Infinity && end.endedAt < Infinity) {
      const seen = Math.max(link.cutAt + 0.2, end.host.frozenUntil, this.startedLate.has(end) ? Infinity : 0);
      this.expect(end.endedAt <= seen + TOLERANCE, "A cut is seen within 0.2 seconds");
    }
    const mustArrive = isLive && link.cutAt === Infinity && end.closedAt === Infinity && this.plan.loss === 0;
    if (!mustArrive) return;
    const expected = sent.flatMap(({ fate }, number) => fate === "may arrive" ? [number] : []);
    // If it was told of the end before these arrived, that was because it had sent to a closed end itself.
    if (end.endedAt < Infinity && peer.closedAt === Infinity && peer.host.crashedAt === Infinity) {
      this.expect(false, "A link that nobody closes does not end");
    }
    this.expect(arrived.join() === expected.join(), `All frames arrive: ${arrived} of ${expected} on #${link.id}`);
  }
}

function planOf(seed: number): Plan {
  const random = new Random(seed ^ 0x2545f491);
  const all = ["cut", "partition", "freeze", "crash"];
  return {
    delay: random.pick([[0.001, 0.05], [0, 0], [0.1, 0.1], [0.01, 0.6]] as const),
    loss: random.pick([0, 0, 0.2]),
    faults: seed % 6 < 4 ? [all[seed % 6]] : seed % 6 === 4 ? all : ["none"],
  };
}
