/**
 * A scheduler in virtual time that logs what its coroutines do and collects unhandled errors.
 */
import { Scheduler, type SchedulerOptions } from "@asyncoro/asyncoro";
import { VirtualClock } from "@asyncoro/asyncoro/testing";
import { assertEquals } from "@std/assert";

/** What a test in virtual time works with. */
export class Lab {
  readonly clock = new VirtualClock();
  readonly scheduler: Scheduler;
  /** The events, in order. */
  readonly log: string[] = [];
  /** Errors that reached `onError`. */
  reported: unknown[] = [];

  constructor(options: SchedulerOptions = {}) {
    this.scheduler = new Scheduler({ name: "lab", clock: this.clock, ...options });
    this.scheduler.onError = (error) => this.reported.push(error);
  }

  /** Logs an event. */
  note(event: string): void {
    this.log.push(event);
  }

  /** Logs an event with the time. */
  at(event: string): void {
    this.log.push(`${Math.round(this.clock.now() * 1e6) / 1e6} ${event}`);
  }

  /** Returns the log so far and clears it. */
  takeLog(): string[] {
    return this.log.splice(0);
  }

  /** Returns the messages of the reported errors and clears them, as they were expected. */
  takeReported(): string[] {
    return this.reported.splice(0).map((error) => error instanceof Error ? error.message : String(error));
  }
}

/** Runs a test in a lab. Afterwards no coroutine may be alive and no error unhandled. */
export async function inLab(test: (lab: Lab) => Promise<void> | void, options: SchedulerOptions = {}): Promise<void> {
  const lab = new Lab(options);
  await warmUp(lab.scheduler);
  try {
    await test(lab);
  } finally {
    await lab.scheduler.terminate();
  }
  assertEquals(lab.takeReported(), []);
  const { live, ready, timers, hostOperations } = lab.scheduler.stats();
  assertEquals({ live, ready, timers, hostOperations }, { live: 0, ready: 0, timers: 0, hostOperations: 0 });
}

/** The size of a batch grows while steps are quick; tests must hold for large batches too. */
export async function warmUp(scheduler: Scheduler): Promise<void> {
  for (let i = 0; i < 100; i++) {
    scheduler.spawn(function* warmUp() {
      for (let turn = 0; turn < 100; turn++) yield;
    });
  }
  await scheduler.join();
}

/** Resolves after the host had some turns: all that could run has run. */
export async function settle(): Promise<void> {
  // More than a scheduler gives to the host at once, so that it may poll sockets (`core/host/macrotask.ts`).
  for (let turn = 0; turn < 70; turn++) await new Promise<void>((resolve) => setImmediate(resolve));
}

/** Returns the error that `act` throws. Fails if it throws none. */
export function thrownBy(act: () => unknown): Error {
  try {
    act();
  } catch (error) {
    return error as Error;
  }
  throw new Error("It threw nothing");
}
