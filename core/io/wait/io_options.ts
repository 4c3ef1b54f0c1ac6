import { integerOf } from "../../base/count.ts";
import { describe } from "../../base/describe.ts";
import { type Timeout, toSeconds } from "../../base/duration.ts";

/** The limits of an I/O operation. */
export interface IoOptions {
  /** The longest wait: seconds, or a duration. */
  readonly timeout?: Timeout;
  /** Ends the wait when it is aborted; the operation then throws the signal's reason. */
  readonly signal?: AbortSignal;
}

/**
 * How long an I/O operation may wait: a number of seconds or a duration, an `AbortSignal`, or both in an object.
 *
 * If it is left out, the default of the socket, pipe or file applies; `null` means "no limit" whatever the default is.
 */
export type IoLimit = Timeout | AbortSignal | IoOptions;

/** Options of an operation that reads something of unknown length. */
export interface BoundedReadOptions extends IoOptions {
  /** The greatest number of bytes. */
  readonly max?: number;
}

/** Default timeouts of a socket or pipe, one for each direction. */
export interface DirectionTimeouts {
  /** For operations that read. */
  readonly read?: Timeout;
  /** For operations that write. */
  readonly write?: Timeout;
}

/** Returns the signal in a limit, if there is one. */
export function signalOf(limit: IoLimit): AbortSignal | null {
  if (typeof limit !== "object" || limit === null) return null;
  if (isSignal(limit)) return limit;
  if (!("signal" in limit) || limit.signal === undefined) return null;
  if (isSignal(limit.signal)) return limit.signal;
  throw new TypeError(`Cannot wait as 'signal' must be an AbortSignal: current value is ${describe(limit.signal)}`);
}

/** Returns the seconds in a limit, or `defaultSeconds` if it has no timeout. */
export function secondsOf(limit: IoLimit, defaultSeconds: number, action: string): number {
  if (limit === undefined) return defaultSeconds;
  if (typeof limit !== "object" || limit === null) return toSeconds(limit, action);
  if (isSignal(limit)) return defaultSeconds;
  if ("timeout" in limit) return limit.timeout === undefined ? defaultSeconds : toSeconds(limit.timeout, action);
  if ("signal" in limit || "max" in limit) return defaultSeconds;
  return toSeconds(limit as Timeout, action);
}

/** Returns the `max` in a limit, or `defaultMax` if it has none. */
export function maxOf(limit: IoLimit | BoundedReadOptions, defaultMax: number, action: string): number {
  if (typeof limit !== "object" || limit === null || !("max" in limit) || limit.max === undefined) return defaultMax;
  return checkSize(limit.max, "max", 1, action);
}

/**
 * Returns `size` if it is an integer of `least` or more.
 *
 * @throws {TypeError} If it is not a number.
 * @throws {RangeError} If it is not an integer, or less than `least`.
 */
export function checkSize(size: unknown, name: string, least: number, action: string): number {
  if (typeof size !== "number") {
    throw new TypeError(`Cannot ${action} as '${name}' must be a number of bytes: current value is ${describe(size)}`);
  }
  if (Number.isSafeInteger(size) && size >= least) return size;
  throw new RangeError(`Cannot ${action} as '${name}' must be ${integerOf(least)}: current value is ${size}`);
}

/**
 * Returns the default timeouts in seconds, for reads and for writes; `current` holds the ones that stay if they are
 * left out.
 *
 * @throws {TypeError} If one of them is not a valid duration.
 */
export function directionSeconds(
  timeout: Timeout | DirectionTimeouts,
  current: readonly [number, number],
): [number, number] {
  if (typeof timeout === "object" && timeout !== null && ("read" in timeout || "write" in timeout)) {
    const { read, write } = timeout;
    return [
      read === undefined ? current[0] : toSeconds(read, "set a timeout"),
      write === undefined ? current[1] : toSeconds(write, "set a timeout"),
    ];
  }
  const seconds = toSeconds(timeout as Timeout, "set a timeout");
  return [seconds, seconds];
}

// Without `instanceof`: a runtime may have no AbortSignal, and a signal may come from another realm.
function isSignal(value: unknown): value is AbortSignal {
  return typeof value === "object" && value !== null && "aborted" in value &&
    typeof (value as AbortSignal).addEventListener === "function";
}
