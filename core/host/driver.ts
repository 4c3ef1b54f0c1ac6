/**
 * What a driver sees of a scheduler: it says when the next piece of work is due, and the driver does the waiting.
 */
export interface Drivable {
  /**
   * Runs ready coroutines until none is left or the budget is used.
   *
   * @param budget Seconds to run at the most.
   * @param start The time by the scheduler's clock, in seconds.
   * @returns `true` if something is still ready.
   */
  slice(budget: number, start: number): boolean;
  /** The time by the scheduler's clock, in seconds. */
  now(): number;
  /** When the earliest timer is due, by the scheduler's clock, in seconds; `Infinity` if none is armed. */
  nextDeadline(): number;
  /** Whether the process must be kept alive for what waits here: daemons alone do not count. */
  keepsAlive(): boolean;
  /** Promises and host operations that coroutines wait for. */
  readonly hostOperations: number;
  /** Whether wake-ups are to be punctual, at the price of spinning before deadlines; `false` by default. */
  readonly precise?: boolean;
  /**
   * Told when nothing is ready, no timer is armed and nothing in the host can change that.
   *
   * @param ending Whether the host is about to end, so that nobody is left to find out later.
   * @returns `true` if it woke someone.
   */
  ranDry(ending: boolean): boolean;
}

/** Joins a scheduler to the event loop of its host. */
export interface Driver {
  /** Something became ready while no slice was running: run one soon. */
  wake(): void;
  /** The earliest deadline or the need to stay alive may have changed while no slice was running. */
  update(): void;
  /** Lets go of every host timer; the scheduler has ended. */
  stop(): void;
}
