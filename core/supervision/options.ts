/** Children and options of a supervisor, checked. */
import type { Coro, CoroFunction } from "../coroutine/coro.ts";
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
  /** When it is restarted after it has ended; `"transient"` by default. */
  readonly restart?: RestartKind;
}

/**
 * When a child that has ended is restarted: `"permanent"` always, `"transient"` after a failure, `"temporary"` never. A
 * child that was stopped with `stopChild` is not restarted.
 */
export type RestartKind = "permanent" | "transient" | "temporary";

/** Options of {@linkcode supervise}. */
export interface SuperviseOptions {
  /**
   * `"one-for-one"` (the default) restarts the child that failed, `"one-for-all"` all children, `"rest-for-one"` the
   * child that failed and those after it in the list.
   */
  readonly strategy?: SupervisionStrategy;
  /**
   * How many failures `within` the given time lead to a restart; after one more, the supervisor gives up. The end of a
   * permanent child counts as a failure.
   */
  readonly maxRestarts?: number;
  /** Seconds, or a duration, for which a failure counts. The time of `backoff` does not count. */
  readonly within?: Timeout;
  /**
   * Seconds, or a duration, to wait before a restart. Each further failure of the same child that still counts
   * doubles it, up to the time of `within`.
   */
  readonly backoff?: Timeout;
  /**
   * Called for each child that was restarted, with the coroutine that runs now, the error that led to it (`undefined` if
   * a permanent child ended without failing), and the number of restarts of this child. If it throws, the error is
   * reported. Without it each restart is a line on stderr.
   */
  readonly onRestart?: (child: Coro, error: unknown, restarts: number) => void;
}

/** Options of a supervisor, with their defaults and in seconds. */
export interface CheckedOptions {
  readonly strategy: SupervisionStrategy;
  readonly maxRestarts: number;
  readonly within: number;
  readonly backoff: number;
  readonly onRestart: SuperviseOptions["onRestart"];
}

const OPTIONS = ["strategy", "maxRestarts", "within", "backoff", "onRestart"];
const FIELDS = ["target", "args", "name", "restart"];
const RESTART_KINDS: readonly unknown[] = [undefined, "permanent", "transient", "temporary"];
const STRATEGIES: readonly string[] = ["one-for-one", "one-for-all", "rest-for-one"];

/** Returns copies of the children, if they are valid. */
export function checkChildren(children: readonly ChildSpec[]): ChildSpec[] {
  if (!Array.isArray(children)) {
    throw new TypeError(`Cannot supervise as 'children' must be an array: current value is ${describe(children)}`);
  }
  return children.map(checkChild);
}

/** Returns a copy of a child, if it is valid. */
export function checkChild(child: ChildSpec): ChildSpec {
  if (typeof child !== "object" || child === null) throw wrong("a child must be an object with a 'target'", child);
  checkKeys("the fields of a child", child, FIELDS);
  const { target, args = [], name, restart } = child;
  checkTarget(target);
  if (!Array.isArray(args)) throw wrong("'args' must be an array", args);
  if (name !== undefined && typeof name !== "string") throw wrong("'name' must be a string", name);
  if (!RESTART_KINDS.includes(restart)) {
    throw wrong(`'restart' must be one of ${RESTART_KINDS.slice(1).join(", ")}`, restart);
  }
  return { target, args: [...args], name, restart };
}

function checkKeys(what: string, given: object, known: readonly string[]): void {
  const unknown = Object.keys(given).find((key) => !known.includes(key));
  if (unknown !== undefined) throw wrong(`${what} are ${known.join(", ")}`, unknown);
}

function wrong(reason: string, value: unknown): TypeError {
  return new TypeError(`Cannot supervise as ${reason}: current value is ${describe(value)}`);
}

/** Returns the options with their defaults, if they are valid. */
export function checkOptions(options: SuperviseOptions): CheckedOptions {
  if (typeof options !== "object" || options === null) throw wrong("'options' must be an object", options);
  const { strategy = "one-for-one", maxRestarts = 3, onRestart } = options;
  checkKeys("the options", options, OPTIONS);
  if (!STRATEGIES.includes(strategy)) throw wrong(`'strategy' must be one of ${STRATEGIES.join(", ")}`, strategy);
  if (onRestart !== undefined && typeof onRestart !== "function") {
    throw wrong("'onRestart' must be a function", onRestart);
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
  return { strategy, maxRestarts, within, backoff, onRestart };
}

function secondsOf(options: SuperviseOptions, option: "within" | "backoff", otherwise: number): number {
  const value = options[option];
  return value === undefined ? otherwise : toSeconds(value, "supervise", option);
}
