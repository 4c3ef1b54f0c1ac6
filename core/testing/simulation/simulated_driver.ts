import type { CoroLoop } from "../../coroutine/coro_loop.ts";
import { killLoop } from "../../coroutine/kill.ts";
import type { Driver } from "../../host/driver.ts";

/** What runs the drivers of a simulation. */
export interface DriverOwner {
  /** A driver has become ready: its slice is to be run. */
  driverReady(driver: SimulatedDriver): void;
  /** The deadline of a driver may have changed. */
  deadlineChanged(): void;
  /** A driver has stopped for good. */
  driverStopped(driver: SimulatedDriver): void;
}

/** Joins a scheduler to a simulation, which runs its slices one at a time among those of the other schedulers. */
export class SimulatedDriver implements Driver {
  /** Its scheduler, inside. */
  readonly loop: CoroLoop;
  readonly #owner: DriverOwner;
  #ready = false;
  #paused = false;
  #stopped = false;
  #running = false;
  #killed: Error | null = null;
  // Read once after each slice, as reading it calls the kernel.
  #deadline = Infinity;
  #isDeadlineKnown = false;

  constructor(loop: CoroLoop, owner: DriverOwner) {
    this.loop = loop;
    this.#owner = owner;
  }

  /** When it has something to do next, by virtual time; `Infinity` while it is paused. */
  get deadline(): number {
    if (this.#paused) return Infinity;
    if (!this.#isDeadlineKnown) {
      this.#deadline = this.loop.nextDeadline();
      this.#isDeadlineKnown = true;
    }
    return this.#deadline;
  }

  /** How many promises and operations of the real host its coroutines wait for. */
  get hostWaits(): number {
    return this.loop.hostOperations - this.loop.peerWaits;
  }

  /** Whether it waits for a disk. */
  get awaitsDisk(): boolean {
    return this.loop.diskWaits > 0;
  }

  wake(): void {
    this.#isDeadlineKnown = false;
    if (this.#ready || this.#stopped) return;
    // What it waited for of the host has ended: time may have stood still for it.
    if (this.#paused) return this.#owner.deadlineChanged();
    this.#ready = true;
    this.#owner.driverReady(this);
  }

  update(): void {
    this.#isDeadlineKnown = false;
    if (!this.#stopped) this.#owner.deadlineChanged();
  }

  stop(): void {
    this.#stopped = true;
    this.#owner.driverStopped(this);
  }

  /**
   * Runs a slice, unless it has been paused or stopped since it became ready. Returns whether more is ready.
   *
   * @throws {Error} If the scheduler breaks down, which would pass for its end.
   */
  runSlice(now: number): boolean {
    this.#ready = false;
    if (this.#paused || this.#stopped) return false;
    this.#isDeadlineKnown = false;
    this.#running = true;
    const more = this.loop.slice(Infinity, now);
    this.#running = false;
    if (this.loop.broken !== null) throw this.loop.broken;
    if (this.#killed !== null) killLoop(this.loop, this.#killed);
    else if (more) this.wake();
    return more;
  }

  /** Runs nothing until `resume()`. A slice that runs ends with the step that runs. */
  pause(): void {
    this.#paused = true;
    if (this.#running) this.loop.stopSlice();
  }

  /** Runs again. */
  resume(): void {
    this.#paused = false;
    this.wake();
  }

  /** Ends the scheduler without cleanup; if it runs, after the step that runs. */
  kill(reason: Error): void {
    if (!this.#running) return killLoop(this.loop, reason);
    this.#killed = reason;
    this.loop.stopSlice();
  }
}
