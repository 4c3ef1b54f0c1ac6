import { describe, tagOf } from "./describe.ts";

/**
 * A duration given by its parts, as in `{ minutes: 1, milliseconds: 250 }`. A `Temporal.Duration` has the same shape.
 */
export interface DurationLike {
  /** Weeks, of seven days each. */
  readonly weeks?: number;
  /** Days, of 24 hours each. */
  readonly days?: number;
  /** Hours. */
  readonly hours?: number;
  /** Minutes. */
  readonly minutes?: number;
  /** Seconds. */
  readonly seconds?: number;
  /** Milliseconds. */
  readonly milliseconds?: number;
  /** Microseconds. */
  readonly microseconds?: number;
  /** Nanoseconds. */
  readonly nanoseconds?: number;
}

/**
 * How long to wait at most: a number of seconds (fractions are allowed), a `Temporal.Duration` or an object like one.
 *
 * `null`, `undefined` and `Infinity` set no limit; zero or less does not wait.
 */
export type Timeout = number | DurationLike | null | undefined;

const SECONDS: Readonly<Record<string, number>> = {
  weeks: 604_800,
  days: 86_400,
  hours: 3_600,
  minutes: 60,
  seconds: 1,
  milliseconds: 1e-3,
  microseconds: 1e-6,
  nanoseconds: 1e-9,
};

/**
 * Converts a timeout to seconds: `Infinity` if it sets no limit.
 *
 * @param timeout What the caller passed.
 * @param action What cannot be done if it is invalid, for the message: `"sleep"`.
 * @param option The name of the parameter or option, for the message.
 * @throws {TypeError} If `timeout` is `NaN`, or neither a number, a duration, `null` nor `undefined`.
 */
export function toSeconds(timeout: Timeout, action: string, option = "timeout"): number {
  if (typeof timeout === "number" && timeout === timeout) return timeout;
  if (timeout === undefined || timeout === null) return Infinity;
  if (typeof timeout === "object") return durationSeconds(timeout, action, option);
  throw invalid(timeout, action, option);
}

function durationSeconds(duration: DurationLike, action: string, option: string): number {
  const parts = duration as Readonly<Record<string, unknown>>;
  const temporal = tagOf(duration) === "Temporal.Duration";
  const units = Object.keys(temporal ? SECONDS : parts);
  // They have no fixed length.
  if (temporal) units.push(...["years", "months"].filter((unit) => parts[unit] !== 0));
  if (units.length === 0) throw invalid(duration, action, option);
  let total = 0;
  for (const unit of units) {
    const amount = parts[unit];
    if (typeof amount !== "number" || amount !== amount || !(unit in SECONDS)) {
      throw new TypeError(
        `Cannot ${action} as a duration has numbers of ${Object.keys(SECONDS).join(", ")}: ` +
          `current value of '${unit}' is ${describe(amount)}, in '${option}'`,
      );
    }
    // Dividing by 1,000 is exact for { milliseconds: 250 }; multiplying by 1e-3 is not.
    total += SECONDS[unit] < 1 ? amount / Math.round(1 / SECONDS[unit]) : amount * SECONDS[unit];
  }
  return total;
}

function invalid(timeout: unknown, action: string, option: string): TypeError {
  return new TypeError(
    `Cannot ${action} as '${option}' must be a number of seconds or a duration: current value is ${describe(timeout)}`,
  );
}

/**
 * Converts the length of an interval to seconds.
 *
 * @param interval What the caller passed.
 * @param action What cannot be done if it is wrong, for the message: `"tick"`.
 * @param option The name of the parameter or option.
 * @throws {TypeError} If it is neither a number nor a duration.
 * @throws {RangeError} If it is not positive and finite, `NaN` included.
 */
export function toIntervalSeconds(interval: unknown, action: string, option: string): number {
  const isNumber = typeof interval === "number";
  const isObject = typeof interval === "object" && interval !== null;
  const seconds = isNumber ? interval : isObject ? toSeconds(interval as Timeout, action, option) : undefined;
  if (seconds !== undefined && seconds > 0 && seconds < Infinity) return seconds;
  const text = `Cannot ${action} as '${option}' must be a positive, finite number of seconds or a duration: ` +
    `current value is ${describe(interval)}`;
  throw seconds === undefined ? new TypeError(text) : new RangeError(text);
}
