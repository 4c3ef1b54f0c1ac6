/**
 * How long a wait may take: until a time, until a signal is aborted, or both. Whatever takes a timeout takes a limit.
 */
import { describe } from "./describe.ts";
import { checkOptions } from "./options.ts";
import { type Timeout, toSeconds } from "./duration.ts";

const LIMIT_OPTIONS = ["timeout", "signal"];

/** A timeout and a signal for one wait; whichever comes first ends it. */
export interface LimitOptions {
  /** The longest wait: seconds, or a duration. */
  readonly timeout?: Timeout;
  /** Ends the wait when it is aborted: its reason is thrown at the yield. */
  readonly signal?: AbortSignal;
}

/**
 * How long to wait at most: a number of seconds, a duration, an `AbortSignal`, or a timeout and a signal in an object.
 *
 * When the signal is aborted, its `reason` is thrown at the yield. One that is aborted already does so before anything
 * happens. With a timeout and a signal, whichever comes first ends the wait. Nothing is lost, and nothing of the wait stays
 * with the signal.
 *
 * @example
 * ```ts
 * import { run } from "@asyncoro/asyncoro";
 * import { assertEquals } from "@std/assert";
 *
 * const controller = new AbortController();
 * setTimeout(() => controller.abort("the user left"), 10);
 * await run(function* (coro) {
 *   try {
 *     yield* coro.receive({ timeout: 5, signal: controller.signal });
 *   } catch (reason) {
 *     assertEquals(reason, "the user left");
 *   }
 * });
 * ```
 */
export type Limit = Timeout | AbortSignal | LimitOptions;

/** A limit with its parts taken apart. */
export interface CheckedLimit {
  /** `Infinity` if there is no limit of time. */
  readonly seconds: number;
  /** `null` if there is none. */
  readonly signal: AbortSignal | null;
}

/**
 * The seconds of a limit; `Infinity` if it sets no limit of time. Checks the whole limit, its signal too.
 *
 * @param limit What the caller passed.
 * @param action What cannot be done if it is invalid, for the message: `"sleep"`.
 * @throws {TypeError} If `limit` is neither a valid timeout nor a signal nor an object with one of them.
 */
export function limitSeconds(limit: Limit, action: string): number {
  if (typeof limit !== "object" || limit === null) return toSeconds(limit, action);
  return checkParts(limit, action).seconds;
}

/** The signal of a limit that `limitSeconds` or `checkLimit` has checked; `null` if it has none. */
export function limitSignal(limit: Limit): AbortSignal | null {
  if (typeof limit !== "object" || limit === null) return null;
  return isSignal(limit) ? limit : (limit as LimitOptions).signal ?? null;
}

/**
 * Takes a limit apart.
 *
 * @throws {TypeError} As {@linkcode limitSeconds}.
 */
export function checkLimit(limit: Limit, action: string): CheckedLimit {
  if (typeof limit === "object" && limit !== null) return checkParts(limit, action);
  return { seconds: toSeconds(limit, action), signal: null };
}

function checkParts(limit: NonNullable<Limit> & object, action: string): CheckedLimit {
  if (isSignal(limit)) return { seconds: Infinity, signal: limit };
  if (!isLimitOptions(limit)) return { seconds: toSeconds(limit as Timeout, action), signal: null };
  checkOptions(limit, LIMIT_OPTIONS, action);
  const { timeout, signal } = limit;
  if (signal !== undefined && signal !== null && !isSignal(signal)) {
    throw new TypeError(`Cannot ${action} as 'signal' must be an AbortSignal: current value is ${describe(signal)}`);
  }
  return { seconds: toSeconds(timeout, action), signal: signal ?? null };
}

/** Whether a value is an `AbortSignal`. Without `instanceof`, as a signal may come from another realm. */
export function isSignal(value: unknown): value is AbortSignal {
  return typeof value === "object" && value !== null && "aborted" in value &&
    typeof (value as AbortSignal).addEventListener === "function";
}

/** Whether an object is a limit with parts, and not a duration. */
export function isLimitOptions(limit: object): limit is LimitOptions {
  return Object.hasOwn(limit, "timeout") || Object.hasOwn(limit, "signal");
}
