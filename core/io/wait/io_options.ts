import { describe } from "../../base/describe.ts";
import { type Timeout, toSeconds } from "../../base/duration.ts";

/** Both limits of an I/O operation. */
export interface IoOptions {
  /** Seconds to wait at the most, or a duration. */
  readonly timeout?: Timeout;
  /** Ends the wait when it is aborted: the operation then throws the signal's reason. */
  readonly signal?: AbortSignal;
}

/**
 * How long an I/O operation may wait: a number of seconds or a duration, an `AbortSignal`, or both in an object.
 *
 * Left out, the default of the socket, pipe or file holds; `null` means "no limit" whatever the default is.
 */
export type IoLimit = Timeout | AbortSignal | IoOptions;

/** Options of an operation that reads something of unknown length. */
export interface BoundedReadOptions extends IoOptions {
  /** Bytes it may have at the most. */
  readonly max?: number;
}

/** Default timeouts of a socket or pipe, one for each direction. */
export interface DirectionTimeouts {
  /** For what reads. */
  readonly read?: Timeout;
  /** For what writes. */
  readonly write?: Timeout;
}

/** The signal in a limit, if there is one. */
export function signalOf(limit: IoLimit): AbortSignal | null {
  if (typeof limit !== "object" || limit === null) return null;
  if (isSignal(limit)) return limit;
  if (!("signal" in limit) || limit.signal === undefined) return null;
  if (isSignal(limit.signal)) return limit.signal;
  throw new TypeError(`Cannot wait as 'signal' must be an AbortSignal: current value is ${describe(limit.signal)}`);
}

/** The seconds in a limit, `standard` if it says nothing about time. */
export function secondsOf(limit: IoLimit, standard: number, action: string): number {
  if (limit === undefined) return standard;
  if (typeof limit !== "object" || limit === null) return toSeconds(limit, action);
  if (isSignal(limit)) return standard;
  if ("timeout" in limit) return limit.timeout === undefined ? standard : toSeconds(limit.timeout, action);
  if ("signal" in limit || "max" in limit) return standard;
  return toSeconds(limit as Timeout, action);
}

/** The `max` in a limit. */
export function maxOf(limit: IoLimit | BoundedReadOptions, standard: number, action: string): number {
  if (typeof limit !== "object" || limit === null || !("max" in limit) || limit.max === undefined) return standard;
  return checkSize(limit.max, "max", 1, action);
}

/** The number itself, if it is a whole number of bytes. */
export function checkSize(size: unknown, name: string, least: number, action: string): number {
  if (typeof size !== "number") {
    throw new TypeError(`Cannot ${action} as '${name}' must be a number of bytes: current value is ${describe(size)}`);
  }
  if (Number.isSafeInteger(size) && size >= least) return size;
  throw new RangeError(`Cannot ${action} as '${name}' must be a whole number from ${least}: current value is ${size}`);
}

/**
 * Default timeouts in seconds, read and write.
 *
 * @throws {TypeError} If one of them is no time.
 */
export function directionSeconds(
  timeout: Timeout | DirectionTimeouts,
  standard: readonly [number, number],
): [number, number] {
  if (typeof timeout === "object" && timeout !== null && ("read" in timeout || "write" in timeout)) {
    const { read, write } = timeout;
    return [
      read === undefined ? standard[0] : toSeconds(read, "set a timeout"),
      write === undefined ? standard[1] : toSeconds(write, "set a timeout"),
    ];
  }
  const seconds = toSeconds(timeout as Timeout, "set a timeout");
  return [seconds, seconds];
}

// Not by `instanceof`: a runtime may have no AbortSignal, and one may come from another realm.
function isSignal(value: unknown): value is AbortSignal {
  return typeof value === "object" && value !== null && "aborted" in value &&
    typeof (value as AbortSignal).addEventListener === "function";
}
