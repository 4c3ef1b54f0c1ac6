/** Children and options of a supervisor, checked. */
import type { CoroFunction } from "../coroutine/coro.ts";
import { checkTarget } from "../coroutine/spawn_options.ts";
import { describe } from "../base/describe.ts";
import { type Timeout, toSeconds } from "../base/duration.ts";

/** Decides which children are restarted when one fails. */
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
   * child that failed and those after it in the list.
   */
  readonly strategy?: SupervisionStrategy;
  /** How many failures `within` the given time lead to a restart; after one more, the supervisor gives up. */
  readonly maxRestarts?: number;
  /** Seconds, or a duration, for which a failure counts. The time of `backoff` does not count. */
  readonly within?: Timeout;
  /**
   * Seconds, or a duration, to wait before a restart. Each further failure of the same child that still counts
   * doubles it, up to the time of `within`.
   */
  readonly backoff?: Timeout;
}

/** Options of a supervisor, with their defaults and in seconds. */
export interface CheckedOptions {
  readonly strategy: SupervisionStrategy;
  readonly maxRestarts: number;
  readonly within: number;
  readonly backoff: number;
}

const STRATEGIES: readonly string[] = ["one-for-one", "one-for-all", "rest-for-one"];

/** Returns copies of the children, if they are valid. */
export function checkChildren(children: readonly ChildSpec[]): ChildSpec[] {
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

/** Returns the options with their defaults, if they are valid. */
export function checkOptions(options: SuperviseOptions): CheckedOptions {
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
