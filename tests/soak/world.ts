/**
 * What the societies of one epoch share: a scheduler, the time until the end, chance, and the place where a broken
 * invariant is reported. A violation is noted and not thrown, as what it is about may be the very way of errors.
 */
import { type Coro, Scheduler } from "@asyncoro/asyncoro";
import { VirtualClock } from "@asyncoro/asyncoro/testing";
import { Random } from "./random.ts";
import { Tally } from "./tally.ts";
import { Trace } from "./trace.ts";
import { text, Thrown, Violation } from "./violation.ts";

/** An answer that no society ever sends. */
export const ALARM: unique symbol = Symbol("alarm");

// Seconds within which a coroutine that can go on does so, on any machine that is not broken.
const STEP_BUDGET = 30;

/** What a coroutine of the soak does. */
export type Body<R = void> = Generator<unknown, R, unknown>;

/** What is known of an epoch before it begins. */
export interface Plan {
  readonly seed: number;
  readonly virtual: boolean;
  /** How long it lives, by its own clock. */
  readonly seconds: number;
  /** Names of societies, if not chance is to choose them. */
  readonly only?: readonly string[];
}

/** What the societies of an epoch share. */
export class World {
  readonly plan: Plan;
  readonly random: Random;
  /** That of virtual time. */
  readonly clock: VirtualClock | null;
  readonly scheduler: Scheduler;
  readonly tally = new Tally();
  readonly trace = new Trace();
  /** Coroutines that the chaos may strike. */
  readonly victims: Set<Coro> = new Set();
  readonly violations: Violation[] = [];
  /** Whether those that are ready together run in the order in which they became so. */
  readonly fair: boolean;
  /** Seconds that a short pause takes. */
  readonly unit: number;
  /** When the societies are to come to their end, by the scheduler's clock. */
  readonly end: number;
  #names = 0;
  #whenFailed: () => void = () => {};
  /** Resolves at the first violation. */
  readonly failure: Promise<void> = new Promise((resolve) => this.#whenFailed = resolve);

  constructor(plan: Plan) {
    this.plan = plan;
    this.random = new Random(plan.seed);
    this.clock = plan.virtual ? new VirtualClock() : null;
    this.unit = plan.virtual ? 1 : 0.004;
    this.fair = this.random.chance(0.7);
    this.scheduler = new Scheduler({
      name: `epoch ${plan.seed}`,
      clock: this.clock ?? undefined,
      shuffle: this.fair ? undefined : this.random.below(2 ** 31),
    });
    this.scheduler.onError = (error, coro) => this.expect(error, `${coro} reported`);
    this.end = this.now() + plan.seconds;
  }

  /** The time, in seconds. */
  now(): number {
    return this.scheduler.clock.now();
  }

  /** Whether it is time to come to the end. */
  get over(): boolean {
    return this.violations.length > 0 || this.now() >= this.end;
  }

  /** A name that nobody else has, in this process. */
  newName(kind: string): string {
    return `${kind} ${this.plan.seed}.${++this.#names}`;
  }

  /** Creates a coroutine in the epoch's scheduler, of anything that makes a generator of a coroutine. */
  spawn<R>(name: string, body: (coro: Coro) => Body<R>): Coro<R> {
    this.done("coroutine: spawned");
    return this.scheduler.spawnWith({ name }, function* (coro: Coro): Body<R> {
      return yield* body(coro);
    });
  }

  /** Counts something that was done, as `group: kind`. */
  done(kind: string, detail = 0): void {
    this.tally.add(kind);
    this.trace.add(kind, detail, this.now());
  }

  /** Reports a violation unless something holds. */
  check(holds: boolean, invariant: string, detail: () => string): void {
    if (!holds) this.violate(invariant, detail());
  }

  /** Reports a violation. */
  violate(invariant: string, detail: string): void {
    if (this.violations.length < 20) this.violations.push(new Violation(invariant, `at ${this.now()}, ${detail}`));
    this.#whenFailed();
  }

  /** An error has come that only the chaos may have caused. */
  expect(error: unknown, where: string): void {
    if (!(error instanceof Thrown)) {
      this.violate("No error comes but those that were thrown", `${where}: ${text(error)}`);
    }
  }

  /** What could go on since a moment does so now: at once in virtual time, within reason in real time. */
  prompt(since: number, what: () => string): void {
    const late = this.now() - since;
    this.check(
      late <= (this.plan.virtual ? 1e-6 : STEP_BUDGET),
      "No wake-up is lost",
      () => `${what()} was late by ${late}`,
    );
  }

  /** It is not earlier than a moment, and in virtual time not later. */
  onTime(deadline: number, what: () => string): void {
    const late = this.now() - deadline;
    this.check(late >= -1e-6, "Nothing is early", () => `${what()} was early by ${-late}`);
    if (this.plan.virtual) {
      this.check(late <= 1e-6, "Time stands still while anything runs", () => `${what()} ${late} late`);
    }
  }

  /** Seconds for a pause of about `units`, which others often choose too. */
  seconds(units: number): number {
    return this.unit * (this.random.chance(0.5) ? this.random.from(1, 2 * units) : 2 * units * this.random.next());
  }
}
