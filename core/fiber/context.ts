import type { Scheduler } from "../coroutine/scheduler.ts";
import type { Fiber } from "./fiber.ts";

/**
 * What is being run right now in this isolate. JavaScript runs one thing at a time, so one variable
 * serves every scheduler; the run loop sets it before a step and clears it after.
 */
export const context: {
  /** The line of execution whose step it is. */
  fiber: Fiber | null;
  /** The scheduler whose callback it is, where there is no fiber; coroutines that it creates join this one. */
  scheduler: Scheduler | null;
} = { fiber: null, scheduler: null };
