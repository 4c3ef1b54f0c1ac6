/**
 * The driver of an event loop: that of its clock or host, shut off while the loop does not run.
 *
 * The driver inside sees a scheduler that has nothing to do and no deadline while the loop stands still, so it lets go
 * of the host by itself. While a slice runs it is left alone, as it looks again afterwards: woken in a slice, it would
 * come twice, and the second time after a run has ended.
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
   * @param loop What is driven.
   * @param makeInner Makes the driver inside.
   */
  constructor(loop: Drivable, makeInner: (pausable: Drivable) => Driver) {
    this.#inner = makeInner(new PausableLoop(loop, this));
  }

  /** Lets the loop run. */
  start(): void {
    this.running = true;
    this.#inner.wake();
  }

  /** Lets it stand still. */
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

/** What the driver inside sees of the loop. */
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
