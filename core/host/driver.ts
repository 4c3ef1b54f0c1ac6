/**
 * The part of a scheduler that a driver uses: the scheduler knows when work is due, and the driver waits.
 */
export interface Drivable {
  /**
   * Runs ready coroutines until none is left or the budget is used.
   *
   * @param budget Seconds to run at most.
   * @param start The time by the scheduler's clock, in seconds.
   * @returns `true` if something is still ready.
   */
  slice(budget: number, start: number): boolean;
  /** The time by the scheduler's clock, in seconds. */
  now(): number;
  /** When the earliest timer is due, by the scheduler's clock, in seconds; `Infinity` if none is set. */
  nextDeadline(): number;
  /** Whether the process must be kept alive for the coroutines that wait; daemons do not count. */
  keepsAlive(): boolean;
  /** Promises and host operations that coroutines wait for. */
  readonly hostOperations: number;
  /** Whether timers are to be precise, at the cost of spinning before deadlines; `false` by default. */
  readonly precise?: boolean;
  /**
   * Called when nothing is ready, and nothing that keeps the process alive can change that: neither a timer, unless it is
   * one of daemons, nor an event of the host.
   *
   * @param ending Whether the host is about to end, so that this is the last call.
   * @returns `true` if it made something ready.
   */
  ranDry(ending: boolean): boolean;
}

/** Joins a scheduler to the event loop of its host. */
export interface Driver {
  /** Something became ready while no slice was running: run one soon. */
  wake(): void;
  /** The earliest deadline or the need to stay alive may have changed while no slice was running. */
  update(): void;
  /** Cancels every host timer; the scheduler has ended. */
  stop(): void;
}
