/**
 * What the societies of one epoch share: a scheduler, the time until the end, random numbers, and the place where
 * violations are reported. A violation is recorded and not thrown, as the fault may be in the propagation of errors.
 */
import { type Coro, Scheduler } from "@asyncoro/asyncoro";
import { VirtualClock } from "@asyncoro/asyncoro/testing";
import { Random } from "./random.ts";
import { Tally } from "./tally.ts";
import { Trace } from "./trace.ts";
import { text, Thrown, Violation } from "./violation.ts";

/** A value that no society ever sends. */
export const ALARM: unique symbol = Symbol("alarm");

// Seconds within which a coroutine that can go on does so, on any machine that works.
const STEP_BUDGET = 30;

/** The function of a coroutine of the soak. */
export type Body<R = void> = Generator<unknown, R, unknown>;

/** The settings of an epoch. */
export interface Plan {
  readonly seed: number;
  readonly virtual: boolean;
  /** How long it takes, by its own clock. */
  readonly seconds: number;
  /** Names of societies, if they are not to be chosen at random. */
  readonly only?: readonly string[];
}

/** What the societies of an epoch share. */
export class World {
  readonly plan: Plan;
  readonly random: Random;
  /** The clock of virtual time. */
  readonly clock: VirtualClock | null;
  readonly scheduler: Scheduler;
  readonly tally = new Tally();
  readonly trace = new Trace();
  /** Coroutines that the chaos may interrupt. */
  readonly victims: Set<Coro> = new Set();
  readonly violations: Violation[] = [];
  /** Whether coroutines that are ready together run in the order in which they became ready. */
  readonly fair: boolean;
  /** The length of a short pause, in seconds. */
  readonly unit: number;
  /** When the societies are to end, by the scheduler's clock. */
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
    return this.scheduler.now();
  }

  /** Whether the societies are to end. */
  get over(): boolean {
    return this.violations.length > 0 || this.now() >= this.end;
  }

  /** A name that is used once in this process. */
  newName(kind: string): string {
    return `${kind} ${this.plan.seed}.${++this.#names}`;
  }

  /** Creates a coroutine in the epoch's scheduler, from anything that makes a generator for a coroutine. */
  spawn<R>(name: string, body: (coro: Coro) => Body<R>): Coro<R> {
    this.done("coroutine: spawned");
    return this.scheduler.spawnWith({ name }, function* (coro: Coro): Body<R> {
      return yield* body(coro);
    });
  }

  /** Counts an event, as `group: kind`. */
  done(kind: string, detail = 0): void {
    this.tally.add(kind);
    this.trace.add(kind, detail, this.now());
  }

  /** Reports a violation unless a condition holds. */
  check(holds: boolean, invariant: string, detail: () => string): void {
    if (!holds) this.violate(invariant, detail());
  }

  /** Reports a violation. */
  violate(invariant: string, detail: string): void {
    if (this.violations.length < 20) this.violations.push(new Violation(invariant, `at ${this.now()}, ${detail}`));
    this.#whenFailed();
  }

  /** Reports an error, unless the chaos has thrown it. A scope may fail with several at once. */
  expect(error: unknown, where: string): void {
    if (error instanceof AggregateError) {
      for (const each of error.errors) this.expect(each, where);
    } else if (!(error instanceof Thrown)) {
      this.violate("No error comes but those that were thrown", `${where}: ${text(error)}`);
    }
  }

  /**
   * Checks that a coroutine that could go on since a moment does so now: at once in virtual time, soon in real time.
   */
  prompt(since: number, what: () => string): void {
    const late = this.now() - since;
    this.check(
      late <= (this.plan.virtual ? 1e-6 : STEP_BUDGET),
      "No wake-up is lost",
      () => `${what()} was late by ${late}`,
    );
  }

  /** Checks that it is not earlier than a moment, and in virtual time not later. */
  onTime(deadline: number, what: () => string): void {
    const late = this.now() - deadline;
    this.check(late >= -1e-6, "Nothing is early", () => `${what()} was early by ${-late}`);
    if (this.plan.virtual) {
      this.check(late <= 1e-6, "Time stands still while anything runs", () => `${what()} ${late} late`);
    }
  }

  /** Seconds for a pause of about `units`; others often choose the same length. */
  seconds(units: number): number {
    return this.unit * (this.random.chance(0.5) ? this.random.from(1, 2 * units) : 2 * units * this.random.next());
  }
}
