import type { Drivable, Driver } from "./driver.ts";

/** A source of time for a scheduler. */
export interface Clock {
  /** Seconds since an arbitrary moment. Never decreases. */
  now(): number;
  /** Makes the driver for this clock, if it needs one of its own, as virtual time does. */
  driver?(loop: Drivable): Driver;
}

/** The host's monotonic clock, in seconds. */
export const hostClock: Clock = {
  now: (): number => performance.now() / 1000,
};
