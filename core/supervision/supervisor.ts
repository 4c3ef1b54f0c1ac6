/**
 * A supervisor: starts children, restarts those that fail, and gives up when there are too many failures.
 *
 * It uses what any coroutine can do: it is a monitor of its children, learns of their ends from messages, and restarts a
 * failed child with `hotSwap`. A child that it has terminated itself cannot be restarted; a new coroutine replaces it.
 */
import type { Coro } from "../coroutine/coro.ts";
import { describe } from "../base/describe.ts";
import { MonitorException } from "../coroutine/errors.ts";
import { SupervisionError } from "./errors.ts";
import type { CheckedOptions, ChildSpec } from "./options.ts";

/** A child, across all its restarts. */
class Child {
  readonly spec: ChildSpec;
  coro: Coro | null = null;
  /** It was started, and the supervisor does not know of its end. */
  up = false;
  /** When to start it, by the scheduler's clock; `Infinity` if it is not to be started. */
  startAt: number;
  /** Number of ends that the supervisor knows of and whose exit messages it has not received yet. */
  expectedMessages = 0;
  result: unknown = undefined;

  constructor(spec: ChildSpec, startAt: number) {
    this.spec = spec;
    this.startAt = startAt;
  }

  toString(): string {
    return String(this.coro ?? this.spec.name ?? this.spec.target.name);
  }
}

interface Failure {
  readonly child: Child;
  readonly error: unknown;
  /** When, in seconds without the time of backoffs. */
  readonly at: number;
}

// With unlimited restarts, only so many failures are kept: they decide on the backoff.
const MAX_FAILURES = 64;

/** Runs in the coroutine that `supervise()` returns. */
export class Supervisor {
  readonly #coro: Coro;
  readonly #children: readonly Child[];
  readonly #options: CheckedOptions;
  #failures: Failure[] = [];
  // Seconds spent in backoffs that have ended, and when the current one began; `Infinity` if there is none.
  #backoffTime = 0;
  #backoffSince = Infinity;

  constructor(coro: Coro, specs: readonly ChildSpec[], options: CheckedOptions) {
    this.#coro = coro;
    this.#options = options;
    this.#children = specs.map((spec) => new Child(spec, this.#now()));
  }

  *run(): Generator<unknown, unknown[], unknown> {
    const report = (child: Child, error: unknown): void => this.#coro.loop.reportError(error, child.coro!);
    try {
      yield* this.#startDue();
      while (this.#children.some((child) => child.up || child.startAt < Infinity)) {
        const next = Math.min(...this.#children.map((child) => child.startAt));
        const message = yield* this.#coro.receive(next - this.#now());
        if (message instanceof MonitorException) yield* this.#ended(message);
        yield* this.#startDue();
      }
      return this.#children.map((child) => child.result);
    } finally {
      yield* this.#stop(this.#children, report);
    }
  }

  *#ended({ coro, outcome }: MonitorException): Generator<unknown, void, unknown> {
    const child = this.#children.find((each) => each.coro === coro);
    // A coroutine that was replaced.
    if (child === undefined) return;
    if (child.expectedMessages > 0) {
      child.expectedMessages--;
      return;
    }
    // Another monitor may have restarted it already.
    child.up = child.coro!.isAlive();
    if (outcome.kind === "throw") yield* this.#failed(child, outcome.error);
    else if (outcome.kind === "return") child.result = outcome.value;
  }

  *#failed(child: Child, error: unknown): Generator<unknown, void, unknown> {
    this.#count(child, error);
    if (child.up) return;
    const group = this.#groupOf(child);
    yield* this.#stop(group, (other, failure) => this.#count(other, failure));
    const startAt = this.#now() + this.#delay(child);
    for (const member of group) member.startAt = startAt;
    this.#trackBackoff();
  }

  /** Records a failure, and throws if there are too many. */
  #count(child: Child, error: unknown): void {
    const { within, maxRestarts } = this.#options;
    const at = Math.min(this.#now(), this.#backoffSince) - this.#backoffTime;
    const counting = this.#failures.filter((failure) => at - failure.at < within);
    this.#failures = [...maxRestarts === Infinity ? counting.slice(-MAX_FAILURES) : counting, { child, error, at }];
    if (this.#failures.length > maxRestarts) throw givenUp(this.#failures, this.#options);
  }

  #groupOf(child: Child): readonly Child[] {
    const { strategy } = this.#options;
    if (strategy === "one-for-one") return [child];
    return strategy === "one-for-all" ? this.#children : this.#children.slice(this.#children.indexOf(child));
  }

  #delay(child: Child): number {
    const { backoff, within } = this.#options;
    if (backoff === 0) return 0;
    const failures = this.#failures.filter((failure) => failure.child === child).length;
    return Math.min(backoff * 2 ** (failures - 1), Math.max(backoff, within));
  }

  *#startDue(): Generator<unknown, void, unknown> {
    const now = this.#now();
    for (const child of this.#children) {
      if (child.startAt > now) continue;
      child.startAt = Infinity;
      try {
        this.#start(child);
      } catch (error) {
        yield* this.#failed(child, error);
      }
    }
    this.#trackBackoff();
  }

  /** Starts a child: in place if it has failed, or else as a new coroutine. */
  #start(child: Child): void {
    const { target, args = [], name } = child.spec;
    child.result = undefined;
    if (!child.coro?.isAlive() && !child.coro?.hotSwap(target, ...args)) {
      child.coro = this.#coro.scheduler.spawnWith({ name }, target, ...args) as Coro;
      child.expectedMessages = 0;
      child.coro.notify(this.#coro);
    }
    child.up = true;
  }

  /** Terminates those of the children that are up, the last first, and waits for the end of each. */
  *#stop(
    children: readonly Child[],
    onFailure: (child: Child, error: unknown) => void,
  ): Generator<unknown, void, unknown> {
    try {
      for (const child of children.toReversed()) {
        child.startAt = Infinity;
        if (child.up) yield* this.#stopOne(child, child.coro!, onFailure);
      }
    } finally {
      // Even if the waiting is cut short, no child goes on.
      for (const child of children) child.coro?.terminate();
    }
  }

  *#stopOne(
    child: Child,
    coro: Coro,
    onFailure: (child: Child, error: unknown) => void,
  ): Generator<unknown, void, unknown> {
    coro.terminate();
    try {
      yield* coro.finish();
    } catch (error) {
      // The error was not that of the child: it was thrown in the supervisor.
      if (coro.isAlive()) throw error;
      onFailure(child, error);
    } finally {
      child.up = false;
      child.expectedMessages++;
    }
  }

  #now(): number {
    return this.#coro.scheduler.now();
  }

  /** Records whether a backoff is under way: the start of some child is due later. */
  #trackBackoff(): void {
    const waiting = this.#children.some((child) => child.startAt < Infinity);
    if (waiting === this.#backoffSince < Infinity) return;
    if (!waiting) this.#backoffTime += this.#now() - this.#backoffSince;
    this.#backoffSince = waiting ? this.#now() : Infinity;
  }
}

function givenUp(failures: readonly Failure[], { within, maxRestarts }: CheckedOptions): SupervisionError {
  const count = failures.length === 1 ? "1 failure" : `${failures.length} failures`;
  const period = within === Infinity ? "" : ` within ${within} seconds`;
  const lines = failures.map(({ child, error }) => `  ${child}: ${describe(error)}`);
  return new SupervisionError(
    `Cannot keep the children running as there were ${count}${period} and 'maxRestarts' is ${maxRestarts}:\n` +
      lines.join("\n"),
    failures.map((failure) => failure.error),
  );
}
