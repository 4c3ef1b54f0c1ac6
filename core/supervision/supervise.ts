/**
 * Supervision: a coroutine that starts others and restarts those that fail.
 *
 * It is built on what any coroutine can do. It is a monitor of its children, hears of their ends by messages, and
 * restarts one that failed with `hotSwap`; one that it stopped itself cannot be restarted and is replaced.
 */
import { Coro, type CoroFunction } from "../coroutine/coro.ts";
import { checkTarget } from "../coroutine/spawn_options.ts";
import { describe } from "../base/describe.ts";
import { MonitorException } from "../coroutine/errors.ts";
import { SupervisionError } from "./errors.ts";
import { type Timeout, toSeconds } from "../base/duration.ts";

/** Which children are restarted when one fails. */
export type SupervisionStrategy = "one-for-one" | "one-for-all" | "rest-for-one";

/** The arguments of a coroutine function after the coroutine. */
// deno-lint-ignore no-explicit-any -- matches functions of every kind
export type ArgumentsOf<F> = F extends (coro: any, ...args: infer A) => unknown ? A : never;

/** What a coroutine function returns. */
// deno-lint-ignore no-explicit-any -- matches functions of every kind
export type ResultOf<F> = F extends CoroFunction<any, infer R> ? R : never;

/** A child of a supervisor. */
// deno-lint-ignore no-explicit-any -- as in CoroFunction
export interface ChildSpec<F extends CoroFunction<any[], unknown> = CoroFunction<any[], unknown>> {
  /** Its generator function. */
  readonly target: F;
  /** The arguments of `target` after the coroutine. */
  readonly args?: Readonly<ArgumentsOf<F>> | readonly ArgumentsOf<F>[number][];
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
 * A child that another monitor has restarted already is left alone. Messages to the supervisor other than those it
 * gets as a monitor are ignored.
 *
 * @param children What to start, in this order.
 * @param options See {@linkcode SuperviseOptions}: `"one-for-one"`, 3 restarts within 5 seconds, no backoff.
 * @returns The supervisor. Its result is an array of the children's results, `undefined` for one that was terminated. It
 * fails with `SupervisionError` when it gives up, after stopping the other children.
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
// deno-lint-ignore no-explicit-any -- as in CoroFunction
export function supervise<const F extends readonly CoroFunction<any[], unknown>[]>(
  children: readonly [...{ [K in keyof F]: ChildSpec<F[K]> }],
  options: SuperviseOptions = {},
): Coro<{ -readonly [K in keyof F]: ResultOf<F[K]> | undefined }> {
  const specs = checkChildren(children);
  const checked = checkOptions(options);
  return new Coro(function* supervisor(coro: Coro): Generator<unknown, unknown, unknown> {
    return yield* new Supervisor(coro, specs, checked).run();
  }) as Coro<unknown> as Coro<{ -readonly [K in keyof F]: ResultOf<F[K]> | undefined }>;
}

/** A child, through all its restarts. */
class Child {
  readonly spec: ChildSpec;
  coro: Coro | null = null;
  /** Started, and the supervisor has not heard of its end. */
  up = false;
  /** When it is to be started, by the scheduler's clock. */
  startAt: number;
  /** Ends that the supervisor has learned of by itself, and whose messages are still to come. */
  known = 0;
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
  /** By the supervisor's own time, which stands still while it holds a start back. */
  readonly at: number;
}

// Where failures are not limited, those that decide on the backoff are enough.
const MAX_FAILURES = 64;

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
    this.#options = options;
    this.#children = specs.map((spec) => new Child(spec, this.#now()));
  }

  *run(): Generator<unknown, unknown[], unknown> {
    const report = (child: Child, error: unknown): void => this.#coro.scheduler.reportError(error, child.coro!);
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
    // It was replaced.
    if (child === undefined) return;
    if (child.known > 0) {
      child.known--;
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
    this.#hold();
  }

  /** Notes a failure, and gives up if it is one too many. */
  #count(child: Child, error: unknown): void {
    const { within, maxRestarts } = this.#options;
    const at = Math.min(this.#now(), this.#heldSince) - this.#held;
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
    this.#hold();
  }

  /** Starts a child: in place if it has failed, else as a new coroutine. */
  #start(child: Child): void {
    const { target, args = [], name } = child.spec;
    child.result = undefined;
    if (!child.coro?.isAlive() && !child.coro?.hotSwap(target, ...args)) {
      child.coro = this.#coro.scheduler.spawnWith({ name }, target, ...args) as Coro;
      child.known = 0;
      child.coro.notify(this.#coro);
    }
    child.up = true;
  }

  /** Terminates those of the children that are up, the last first, and waits for each. */
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
      // If the waiting is cut short, nobody survives all the same.
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
      // Then it is the supervisor itself that was thrown at.
      if (coro.isAlive()) throw error;
      onFailure(child, error);
    } finally {
      child.up = false;
      child.known++;
    }
  }

  #now(): number {
    return this.#coro.scheduler.now();
  }

  /** Notes whether a start is being held back. */
  #hold(): void {
    const holding = this.#children.some((child) => child.startAt < Infinity);
    if (holding === this.#heldSince < Infinity) return;
    if (!holding) this.#held += this.#now() - this.#heldSince;
    this.#heldSince = holding ? this.#now() : Infinity;
  }
}

function givenUp(failures: readonly Failure[], { within, maxRestarts }: Options): SupervisionError {
  const count = failures.length === 1 ? "1 failure" : `${failures.length} failures`;
  const period = within === Infinity ? "" : ` within ${within} seconds`;
  const lines = failures.map(({ child, error }) => `  ${child}: ${describe(error)}`);
  return new SupervisionError(
    `Cannot keep the children running as there were ${count}${period} and 'maxRestarts' is ${maxRestarts}:\n` +
      lines.join("\n"),
    failures.map((failure) => failure.error),
  );
}

// --- checks -----------------------------------------------------------------------------------------------------

function checkChildren(children: readonly ChildSpec[]): ChildSpec[] {
  if (!Array.isArray(children)) {
    throw new TypeError(`Cannot supervise as 'children' must be an array: current value is ${describe(children)}`);
  }
  return children.map((child) => {
    if (typeof child !== "object" || child === null) {
      throw new TypeError(
        `Cannot supervise as a child must be an object with a 'target': current value is ${describe(child)}`,
      );
    }
    const { target, args = [], name } = child;
    checkTarget(target);
    if (!Array.isArray(args)) {
      throw new TypeError(`Cannot supervise as 'args' must be an array: current value is ${describe(args)}`);
    }
    if (name !== undefined && typeof name !== "string") {
      throw new TypeError(`Cannot supervise as 'name' must be a string: current value is ${describe(name)}`);
    }
    return { target, args: [...args], name };
  });
}

function checkOptions(options: SuperviseOptions): Options {
  if (typeof options !== "object" || options === null) {
    throw new TypeError(`Cannot supervise as 'options' must be an object: current value is ${describe(options)}`);
  }
  const { strategy = "one-for-one", maxRestarts = 3 } = options;
  if (!STRATEGIES.includes(strategy)) {
    throw new TypeError(
      `Cannot supervise as 'strategy' must be one of ${STRATEGIES.join(", ")}: current value is ${describe(strategy)}`,
    );
  }
  if (maxRestarts !== Infinity && !(Number.isInteger(maxRestarts) && maxRestarts >= 0)) {
    throw new RangeError(
      `Cannot supervise as 'maxRestarts' must be an integer of 0 or more: current value is ${describe(maxRestarts)}`,
    );
  }
  const within = secondsOf(options, "within", 5);
  const backoff = secondsOf(options, "backoff", 0);
  if (within <= 0) {
    throw new RangeError(`Cannot supervise as 'within' must be more than 0: current value is ${within}`);
  }
  if (backoff < 0 || backoff === Infinity) {
    throw new RangeError(
      `Cannot supervise as 'backoff' must be a number of seconds of 0 or more: current value is ${backoff}`,
    );
  }
  return { strategy, maxRestarts, within, backoff };
}

function secondsOf(options: SuperviseOptions, option: "within" | "backoff", otherwise: number): number {
  const value = options[option];
  if (value === undefined) return otherwise;
  if (typeof value !== "object" && (typeof value !== "number" || Number.isNaN(value))) {
    throw new TypeError(
      `Cannot supervise as '${option}' must be a number of seconds or a duration: current value is ${describe(value)}`,
    );
  }
  return toSeconds(value, `supervise with '${option}'`);
}
