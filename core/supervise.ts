/**
 * Supervision: a coroutine that starts others and restarts those that fail.
 *
 * It is built on what any coroutine can do. It is a monitor of its children, hears of their ends by messages, and
 * restarts one that failed with `hotSwap`; one that it stopped itself cannot be restarted and is replaced.
 */
import { type checkTarget, Coro, type CoroFunction } from "./coro.ts";
import { describe } from "./describe.ts";
import { MonitorException, SupervisionError } from "./errors.ts";
import type { Timeout, toSeconds } from "./time.ts";

/** Which children are restarted when one fails. */
export type SupervisionStrategy = "one-for-one" | "one-for-all" | "rest-for-one";

/** A child of a supervisor. */
export interface ChildSpec {
  /** Its generator function. */
  readonly target: CoroFunction;
  /** The arguments of `target` after the coroutine. */
  readonly args?: readonly unknown[];
  /** Its name; that of `target` by default. */
  readonly name?: string;
}

/** Options of {@linkcode supervise}. */
export interface SuperviseOptions {
  /**
   * `"one-for-one"` (the default) restarts the child that failed, `"one-for-all"` all children, `"rest-for-one"` the
   * one that failed and those after it in the list.
   */
  readonly strategy?: SupervisionStrategy;
  /** How many failures within the time of `within` are followed by a restart; with one more it gives up. */
  readonly maxRestarts?: number;
  /** Seconds, or a duration, that a failure counts. The time that `backoff` takes is left out. */
  readonly within?: Timeout;
  /**
   * Seconds, or a duration, to wait before a restart. Each further failure of the same child that still counts
   * doubles it, up to the time of `within`.
   */
  readonly backoff?: Timeout;
}

interface Options {
  readonly strategy: SupervisionStrategy;
  readonly maxRestarts: number;
  readonly within: number;
  readonly backoff: number;
}

const STRATEGIES: readonly string[] = ["one-for-one", "one-for-all", "rest-for-one"];

/**
 * Starts children, restarts those that fail, and ends when every child has ended without failing.
 *
 * - A child that returns or is terminated by somebody has ended normally and is not restarted, unless another one's
 *   failure restarts it by the strategy.
 * - The child that failed is restarted in place: it keeps its id, mailbox, monitors, subscriptions and registered
 *   names. Others that the strategy restarts are terminated first, the last first, each when the one before has
 *   ended; they are replaced by new coroutines.
 * - `backoff` doubles because what fails at once after every restart needs time more than it needs attempts. It does
 *   not count towards `within`, so that a child that never comes up makes the supervisor give up however long the
 *   pauses are.
 * - However the supervisor ends, its children are terminated first, and it waits for their `finally` blocks.
 *
 * Messages to the supervisor other than those it gets as a monitor are ignored.
 *
 * @param children What to start, in this order.
 * @param options See {@linkcode SuperviseOptions}: `"one-for-one"`, 3 restarts within 5 seconds, no backoff.
 * @returns The supervisor. Its result is an array of the children's results. It fails with `SupervisionError` when it
 * gives up, after stopping the other children.
 * @throws {TypeError} If a child has no generator function, or an option is of the wrong kind.
 * @throws {RangeError} If `maxRestarts` is not an integer of 0 or more (or `Infinity`), `within` is not more than 0,
 * or `backoff` is negative or without limit.
 *
 * @example
 * ```ts
 * import { supervise } from "@asyncoro/asyncoro";
 * import { assertEquals } from "@std/assert";
 *
 * let attempts = 0;
 * const supervisor = supervise([{
 *   target: function* flaky() {
 *     if (++attempts < 3) throw new Error("not yet");
 *     return "done";
 *   },
 * }]);
 * assertEquals(await supervisor.value(), ["done"]);
 * assertEquals(attempts, 3);
 * ```
 */
export function supervise(children: readonly ChildSpec[], options: SuperviseOptions = {}): Coro<unknown[]> {
  const specs = checkChildren(children);
  const checked = checkOptions(options);
  return new Coro(function* supervisor(coro: Coro): Generator<unknown, unknown[], unknown> {
    return yield* new Supervisor(coro, specs, checked).run();
  }) as Coro<unknown[]>;
}

/** A child, through all its restarts. */
class Child {
  readonly spec: ChildSpec;
  coro: Coro | null = null;
  /** When it is to be restarted, by the scheduler's clock. */
  restartAt = Infinity;
  /** Ends that the supervisor knows of and whose message it has not read yet. */
  known = 0;
  /** What it returned. */
  result: unknown = undefined;

  constructor(spec: ChildSpec) {
    this.spec = spec;
  }

  get running(): boolean {
    return this.coro !== null && this.coro.isAlive();
  }
}

interface Failure {
  readonly child: Child;
  readonly error: unknown;
  /** By the supervisor's own time, which stands still while it holds a restart back. */
  readonly at: number;
}

class Supervisor {
  readonly #coro: Coro;
  readonly #children: readonly Child[];
  readonly #options: Options;
  #failures: Failure[] = [];
  // Time held back so far, and since when it is being held back.
  #held = 0;
  #heldSince = Infinity;

  constructor(coro: Coro, specs: readonly ChildSpec[], options: Options) {
    this.#coro = coro;
    this.#children = specs.map((spec) => new Child(spec));
    this.#options = options;
  }

  *run(): Generator<unknown, unknown[], unknown> {
    try {
      for (const child of this.#children) this.#start(child);
      while (this.#children.some((child) => child.running || child.restartAt < Infinity)) {
        const next = Math.min(...this.#children.map((child) => child.restartAt));
        const message = yield* this.#coro.receive(next - this.#now(), null);
        if (message instanceof MonitorException) yield* this.#ended(message);
        yield* this.#restartDue();
      }
      return this.#children.map((child) => child.result);
    } finally {
      yield* this.#stop(this.#children);
    }
  }

  *#ended({ coro, outcome }: MonitorException): Generator<unknown, void, unknown> {
    const child = this.#children.find((each) => each.coro === coro);
    // One that was replaced.
    if (child === undefined) return;
    if (child.known > 0) child.known--;
    else if (outcome.kind === "throw") yield* this.#failed(child, outcome.error);
    else if (outcome.kind === "return") child.result = outcome.value;
  }

  *#failed(child: Child, error: unknown): Generator<unknown, void, unknown> {
    this.#count(child, error);
    // Another monitor was faster.
    if (child.running) return;
    const group = this.#groupOf(child);
    yield* this.#stop(group);
    const at = this.#now() + this.#delay(child);
    for (const member of group) member.restartAt = at;
    this.#hold();
  }

  /** Notes a failure, and gives up if it is one too many. */
  #count(child: Child, error: unknown): void {
    const { within, maxRestarts } = this.#options;
    const at = Math.min(this.#now(), this.#heldSince) - this.#held;
    this.#failures = this.#failures.filter((failure) => at - failure.at < within);
    this.#failures.push({ child, error, at });
    if (this.#failures.length <= maxRestarts) return;
    const history = this.#failures.map(({ child, error }) => `  ${child.coro ?? child.spec.name}: ${describe(error)}`);
    const times = this.#failures.length === 1 ? "failed once" : `failed ${this.#failures.length} times`;
    throw new SupervisionError(
      [`Cannot keep the children running as they ${times} within ${within} seconds:`, ...history].join("\n"),
      this.#failures.map((failure) => failure.error),
    );
  }

  #groupOf(child: Child): readonly Child[] {
    const { strategy } = this.#options;
    if (strategy === "one-for-one") return [child];
    return strategy === "one-for-all" ? this.#children : this.#children.slice(this.#children.indexOf(child));
  }

  #delay(child: Child): number {
    const { backoff, within } = this.#options;
    const failures = this.#failures.filter((failure) => failure.child === child).length;
    return backoff === 0 ? 0 : Math.min(backoff * 2 ** (failures - 1), Math.max(backoff, within));
  }

  *#restartDue(): Generator<unknown, void, unknown> {
    const now = this.#now();
    for (const child of this.#children) {
      if (child.restartAt > now) continue;
      child.restartAt = Infinity;
      try {
        this.#start(child);
      } catch (error) {
        yield* this.#failed(child, error);
      }
    }
    this.#hold();
  }

  /** Starts a child, in place if it has failed, else as a new coroutine. */
  #start(child: Child): void {
    const { target, args = [], name } = child.spec;
    child.result = undefined;
    if (child.running || child.coro?.hotSwap(target, ...args)) return;
    child.known = 0;
    child.coro = this.#coro.scheduler.spawnWith({ name }, target, ...args);
    child.coro.notify(this.#coro);
  }

  /** Terminates children, the last first, and waits for each. */
  *#stop(children: readonly Child[]): Generator<unknown, void, unknown> {
    try {
      for (const child of children.toReversed()) {
        child.restartAt = Infinity;
        if (child.coro !== null && child.known === 0) yield* this.#stopOne(child, child.coro);
      }
    } finally {
      // If the wait is cut short: nobody survives.
      for (const child of children) child.coro?.terminate();
    }
  }
}
