/**
 * What handles, futures, tasks and their waits need of the event loop that they belong to.
 *
 * They are below the event loop, which imports them; so they name its services here and not the loop itself.
 */
import type { Scheduler } from "../../coroutine/scheduler.ts";
import type { Timer } from "../../fiber/schedulable.ts";
import type { ExceptionContext } from "./exception_context.ts";

/** The priority level of everything that an event loop runs, the usual one: asyncio has no priorities. */
export const LOOP_LEVEL = 4;

/** A callback in the queue of an event loop. */
export interface QueuedCallback {
  /** Calls it. Must not throw. */
  run(): void;
}

/** A callback with a deadline. */
export interface TimedCallback extends QueuedCallback {
  /** The deadline, in seconds, by the clock of the loop. */
  when(): number;
  /** Its timer is set. */
  armed(timer: Timer): void;
}

/** An error that goes to the exception handler unless it is retrieved before the loop is closed. */
export interface PendingReport {
  /** Reports it. */
  report(): void;
}

/** @internal See the head of this file. */
export interface LoopServices {
  /** The scheduler that runs the coroutines of the loop. */
  readonly scheduler: Scheduler;
  /** Errors of futures that were not retrieved so far. */
  readonly unretrieved: Set<PendingReport>;
  /** Adds a callback to the next iteration, unless the loop is closed. */
  enqueue(callback: QueuedCallback): void;
  /** Sets a timer for a callback. */
  arm(callback: TimedCallback): void;
  /** The scheduler has stopped: on request (`null`), or with an error. */
  runEnded(error: Error | null): void;
  /** Whether debug mode is on. */
  getDebug(): boolean;
  /** Runs a step and warns if it takes long. */
  timeStep(label: string, step: () => void): void;
  /** Passes an error to the exception handler. */
  callExceptionHandler(context: ExceptionContext): void;
}
