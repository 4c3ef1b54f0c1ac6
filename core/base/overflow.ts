import { integerOf } from "./count.ts";
import { describe } from "./describe.ts";

/**
 * What happens to a new item when a bounded queue or mailbox is full: it `"wait"`s for room, `"drop-oldest"` drops the
 * oldest items to make room for it, `"drop-newest"` drops the new one, and `"throw"` throws a `QueueFullError`.
 */
export type Overflow = "wait" | "drop-oldest" | "drop-newest" | "throw";

const POLICIES: readonly unknown[] = ["wait", "drop-oldest", "drop-newest", "throw"];

/**
 * Returns the policy unchanged.
 *
 * @param overflow What the caller passed.
 * @param action What cannot be done if it is none, for the message: `"create a queue"`.
 * @throws {TypeError} If it is not a policy.
 */
export function checkOverflow(overflow: unknown, action: string): Overflow {
  if (POLICIES.includes(overflow)) return overflow as Overflow;
  throw new TypeError(
    `Cannot ${action} as 'overflow' must be one of ${POLICIES.join(", ")}: current value is ${describe(overflow)}`,
  );
}

/**
 * Returns the capacity unchanged.
 *
 * @param capacity What the caller passed.
 * @param least The smallest capacity that is allowed: 0 or 1.
 * @param action What cannot be done if it is wrong, for the message: `"create a queue"`.
 * @throws {RangeError} If it is neither `Infinity` nor an integer of `least` or more.
 */
export function checkCapacity(capacity: unknown, least: 0 | 1, action: string): number {
  if (capacity === Infinity || (Number.isSafeInteger(capacity) && capacity as number >= least)) {
    return capacity as number;
  }
  throw new RangeError(
    `Cannot ${action} as 'capacity' must be ${integerOf(least)} or Infinity: current value is ${describe(capacity)}`,
  );
}
