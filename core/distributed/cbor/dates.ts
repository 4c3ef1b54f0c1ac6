/**
 * Dates as seconds. Most decoders of tag 1 multiply by 1000 and drop the fraction; where that does not give the
 * millisecond, the date is written with the extended time of RFC 9581: `{ 1: seconds, -3: milliseconds }`.
 */

/** The keys of the map of extended time. */
export const ExtendedTime = { SECONDS: 1, MILLISECONDS: -3 } as const;

/** Whether the seconds of a time keep its millisecond. */
export function secondsAreExact(milliseconds: number): boolean {
  return Math.trunc((milliseconds / 1000) * 1000) === milliseconds;
}

/** Returns the date at a number of seconds, rounded to milliseconds. */
export function dateOfSeconds(seconds: number): Date {
  return new Date(Math.round(seconds * 1000));
}

/**
 * Returns how many milliseconds a unit of a key of extended time is, or 0 if the key is not known. Fractions of seconds
 * have the keys -3, -6 and so on.
 */
export function millisecondsOf(key: number): number {
  if (key === ExtendedTime.SECONDS) return 1000;
  return key < 0 && key >= -18 && key % 3 === 0 ? 10 ** (key + 3) : 0;
}
