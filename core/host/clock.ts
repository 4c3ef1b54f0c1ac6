import type { Drivable, Driver } from "./driver.ts";

/** Where a scheduler reads the time. */
export interface Clock {
  /** Seconds since an arbitrary moment; never goes backwards. */
  now(): number;
  /** The driver this clock needs, if the host's own will not do (virtual time). */
  driver?(loop: Drivable): Driver;
}

/** The host's monotonic clock, in seconds. */
export const hostClock: Clock = {
  now: (): number => performance.now() / 1000,
};
