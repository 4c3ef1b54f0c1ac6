/**
 * The driver of an event loop: the driver of its clock or host, switched off while the loop is stopped.
 *
 * While the loop is stopped, the inner driver sees a scheduler that has nothing to do and no deadline, so it releases
 * its host timers by itself. While a slice runs it is not woken, as it checks the scheduler after the slice anyway:
 * woken in a slice, it would run a second slice, possibly after the run has ended.
 */
import type { Drivable, Driver } from "../../host/driver.ts";

/** @internal See the head of this file. */
export class LoopDriver implements Driver {
  /** Whether the loop runs. */
  running = false;
  /** Whether a slice runs. */
  slicing = false;
  readonly #inner: Driver;

  /**
   * @param loop The scheduler to drive.
   * @param makeInner Makes the inner driver.
   */
  constructor(loop: Drivable, makeInner: (loop: Drivable) => Driver) {
    this.#inner = makeInner(new PausableLoop(loop, this));
  }

  /** Lets the loop run. */
  start(): void {
    this.running = true;
    this.#inner.wake();
  }

  /** Stops the loop. */
  pause(): void {
    this.running = false;
    if (!this.slicing) this.#inner.update();
  }

  wake(): void {
    if (this.running && !this.slicing) this.#inner.wake();
  }

  update(): void {
    if (this.running && !this.slicing) this.#inner.update();
  }

  stop(): void {
    this.running = false;
    this.#inner.stop();
  }
}

/** The scheduler as the inner driver sees it. */
class PausableLoop implements Drivable {
  readonly #loop: Drivable;
  readonly #driver: LoopDriver;

  constructor(loop: Drivable, driver: LoopDriver) {
    this.#loop = loop;
    this.#driver = driver;
  }

  slice(budget: number, start: number): boolean {
    const driver = this.#driver;
    driver.slicing = true;
    try {
      return driver.running && this.#loop.slice(budget, start);
    } finally {
      driver.slicing = false;
    }
  }

  now(): number {
    return this.#loop.now();
  }

  nextDeadline(): number {
    return this.#driver.running ? this.#loop.nextDeadline() : Infinity;
  }

  keepsAlive(): boolean {
    return this.#driver.running;
  }

  get hostOperations(): number {
    return this.#driver.running ? this.#loop.hostOperations : 0;
  }

  get precise(): boolean | undefined {
    return this.#loop.precise;
  }

  ranDry(ending: boolean): boolean {
    return this.#driver.running && this.#loop.ranDry(ending);
  }
}
