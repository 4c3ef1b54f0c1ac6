/**
 * Virtual time: a clock that stands still while coroutines run, and jumps to the next deadline when none is ready.
 */
import type { Clock } from "../host/clock.ts";
import type { Drivable, Driver } from "../host/driver.ts";
import { macrotask } from "../host/macrotask.ts";
import { type HostTimer, startTimer, stopTimer } from "../host/timers.ts";

// How long the clock waits for the host before it jumps all the same, in seconds of real time.
const MAX_REAL_WAIT = 1;

/**
 * A clock for `new Scheduler({ clock: new VirtualClock() })`: an hour of sleeping takes no time.
 *
 * It jumps to the earliest deadline when no coroutine is ready. Coroutines that are due then run in the order of their
 * deadlines, and those with the same deadline in the order in which they began to wait. While a coroutine waits for a
 * promise or a host operation, the clock first waits in real time: for the time to the deadline, but at most a second.
 *
 * @example
 * ```ts
 * import { Scheduler } from "@asyncoro/asyncoro";
 * import { VirtualClock } from "@asyncoro/asyncoro/testing";
 * import { assertEquals } from "@std/assert";
 *
 * const clock = new VirtualClock();
 * const scheduler = new Scheduler({ clock });
 * scheduler.spawn(function* (coro) {
 *   yield* coro.sleep({ hours: 1 });
 * });
 * await scheduler.join();
 * assertEquals(clock.now(), 3600);
 * ```
 */
export class VirtualClock implements Clock {
  /** Whether it jumps by itself. If `false`, only {@linkcode VirtualClock.advance} and `advanceToNext` move it. */
  autoAdvance: boolean;
  #now: number;
  #drivers: VirtualDriver[] = [];
  // Runs while the clock waits in real time.
  #realWait: HostTimer | null = null;

  /**
   * Makes a clock that stands still.
   *
   * @param start The time at first, in seconds.
   * @param options `autoAdvance`: whether it jumps by itself, `true` by default.
   */
  constructor(start = 0, { autoAdvance = true }: { autoAdvance?: boolean } = {}) {
    this.#now = start;
    this.autoAdvance = autoAdvance;
  }

  /** The virtual time, in seconds. */
  now(): number {
    return this.#now;
  }

  /**
   * Moves the time, deadline by deadline, and runs what is due at each.
   *
   * @param seconds How far.
   * @throws {RangeError} If `seconds` is negative or not a number.
   */
  async advance(seconds: number): Promise<void> {
    if (!(seconds >= 0)) {
      throw new RangeError(`Cannot advance as time moves forward only: current value is ${seconds} seconds`);
    }
    const end = this.#now + seconds;
    await this.#quiet();
    for (let next = this.#earliest(); next <= end; next = this.#earliest()) {
      this.#now = Math.max(this.#now, next);
      await this.#quiet();
    }
    this.#now = end;
  }

  /**
   * Moves the time to the next deadline and runs what is due.
   *
   * @returns Whether there was one.
   */
  async advanceToNext(): Promise<boolean> {
    await this.#quiet();
    const next = this.#earliest();
    if (next === Infinity) return false;
    this.#now = Math.max(this.#now, next);
    await this.#quiet();
    return true;
  }

  /** Wakes every scheduler that uses this clock, and waits until nothing on them is ready. */
  async #quiet(): Promise<void> {
    for (const driver of this.#drivers) driver.wake();
    do await new Promise<void>((resolve) => macrotask(resolve)); while (this.#drivers.some((driver) => driver.active));
  }

  #earliest(): number {
    return Math.min(Infinity, ...this.#drivers.map((driver) => driver.loop.nextDeadline()));
  }

  /** @internal */
  driver(loop: Drivable): Driver {
    const driver = new VirtualDriver(loop, this, () => {
      this.#drivers = this.#drivers.filter((other) => other !== driver);
      this.activity();
      if (this.#drivers.length > 0) this.#drivers[0].wake();
    });
    this.#drivers.push(driver);
    return driver;
  }

  /** @internal Something is ready: the wait in real time begins anew when nothing is. */
  activity(): void {
    if (this.#realWait !== null) stopTimer(this.#realWait);
    this.#realWait = null;
  }

  /** @internal A driver found nothing ready. Jumps, if no scheduler on this clock is active or waits for the host. */
  idle(): void {
    if (!this.autoAdvance || this.#realWait !== null || this.#drivers.some((driver) => driver.active)) return;
    const next = this.#earliest();
    if (this.#drivers.some((driver) => driver.loop.hostOperations > 0)) {
      // A promise that is never settled must not stop the time forever.
      if (next < Infinity) {
        this.#realWait = startTimer(this.#realWaitOver, Math.min(next - this.#now, MAX_REAL_WAIT), true);
      }
    } else if (next < Infinity) this.#jump(next);
    // One scheduler only: what it makes ready may wake coroutines of the others. They are asked when nothing is ready again.
    else this.#drivers.some((driver) => driver.loop.ranDry(false));
  }

  readonly #realWaitOver = (): void => {
    this.#realWait = null;
    const next = this.#earliest();
    if (this.autoAdvance && next < Infinity) this.#jump(next);
  };

  #jump(next: number): void {
    this.#now = Math.max(this.#now, next);
    for (const driver of this.#drivers) if (driver.loop.nextDeadline() <= this.#now) driver.wake();
  }
}

/** Runs slices, macrotask by macrotask, and lets the clock jump when nothing is ready. */
class VirtualDriver implements Driver {
  readonly loop: Drivable;
  /** Whether a slice is scheduled. */
  active = false;
  readonly #clock: VirtualClock;
  readonly #onStop: () => void;
  #idling = false;

  constructor(loop: Drivable, clock: VirtualClock, onStop: () => void) {
    this.loop = loop;
    this.#clock = clock;
    this.#onStop = onStop;
  }

  wake(): void {
    if (this.active) return;
    this.active = true;
    this.#clock.activity();
    // In a macrotask, so that code outside coroutines can react before more happens.
    macrotask(this.#tick);
  }

  update(): void {
    this.wake();
  }

  stop(): void {
    this.#onStop();
  }

  readonly #tick = (): void => {
    this.active = false;
    if (this.loop.slice(Infinity, this.loop.now())) return this.wake();
    if (this.#idling) return;
    // Promises that were settled meanwhile may wake coroutines before time moves.
    this.#idling = true;
    macrotask(this.#idle);
  };

  readonly #idle = (): void => {
    this.#idling = false;
    this.#clock.idle();
  };
}
