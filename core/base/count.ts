import { describe } from "./describe.ts";

/** Describes the integers that are allowed, for messages. */
export function integerOf(least: number): string {
  return least === 1 ? "a positive integer" : `an integer of ${least} or more`;
}

/**
 * Returns the count unchanged.
 *
 * @param count What the caller passed.
 * @param least The smallest count that is allowed: 0 or 1.
 * @param action What cannot be done if it is wrong, with the parameter, for the message: `"release permits as 'n'"`.
 * @throws {TypeError} If it is not a number.
 * @throws {RangeError} If it is not an integer, or less than `least`.
 */
export function checkCount(count: unknown, least: 0 | 1, action: string): number {
  if (Number.isSafeInteger(count) && count as number >= least) return count as number;
  const text = `Cannot ${action} must be ${integerOf(least)}: current value is ${describe(count)}`;
  throw typeof count === "number" ? new RangeError(text) : new TypeError(text);
}

/**
 * Returns the amount unchanged.
 *
 * @param amount What the caller passed.
 * @param action What cannot be done if it is wrong, with the parameter, for the message: `"take tokens as 'n'"`.
 * @throws {TypeError} If it is not a number, or `NaN`.
 * @throws {RangeError} If it is not positive and finite.
 */
export function checkAmount(amount: unknown, action: string): number {
  if (typeof amount === "number" && amount > 0 && amount < Infinity) return amount;
  const text = `Cannot ${action} must be a positive, finite number: current value is ${describe(amount)}`;
  throw typeof amount === "number" && amount === amount ? new RangeError(text) : new TypeError(text);
}
