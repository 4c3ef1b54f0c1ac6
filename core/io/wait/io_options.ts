import { integerOf } from "../../base/count.ts";
import { describe } from "../../base/describe.ts";
import { type Timeout, toSeconds } from "../../base/duration.ts";
import { isLimitOptions, isSignal, type Limit, type LimitOptions, limitSeconds } from "../../base/limit.ts";

/**
 * The limits of an I/O operation.
 *
 * If `timeout` is left out, the default of the socket, pipe or file applies; `null` means "no limit" whatever the default is.
 */
export type IoOptions = LimitOptions;

/** How long an I/O operation may wait, see {@linkcode IoOptions}. */
export type IoLimit = Limit;

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

/** Returns the seconds in a limit, or `defaultSeconds` if it has no timeout. Checks its signal, too. */
export function secondsOf(limit: IoLimit | BoundedReadOptions, defaultSeconds: number, action: string): number {
  if (limit === undefined) return defaultSeconds;
  if (typeof limit !== "object" || limit === null) return toSeconds(limit, action);
  const rest = withoutMax(limit);
  if (rest === undefined) return defaultSeconds;
  const seconds = limitSeconds(rest, action);
  const hasTimeout = isLimitOptions(rest) ? rest.timeout !== undefined : !isSignal(rest);
  return hasTimeout ? seconds : defaultSeconds;
}

/** A limit without the `max` that it may have as well. */
function withoutMax(limit: Exclude<IoLimit, number | null | undefined>): Exclude<IoLimit, number | null> {
  if (!Object.hasOwn(limit, "max")) return limit;
  const { max: _, ...rest } = limit as BoundedReadOptions;
  return Object.keys(rest).length === 0 ? undefined : rest;
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
