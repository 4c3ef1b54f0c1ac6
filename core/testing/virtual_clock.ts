/**
 * Virtual time: a clock that stands still while anything runs, and jumps to the next deadline when nothing does.
 */
import type { Clock } from "../host/clock.ts";
import type { Drivable, Driver } from "../host/driver.ts";
import { type HostTimer, macrotask, startTimer, stopTimer } from "../host/runtime.ts";

// Seconds of real time.
const MAX_REAL_WAIT = 1;

/**
 * A clock for `new Scheduler({ clock: new VirtualClock() })`: an hour of sleeping takes no time.
 *
 * It jumps when nothing is ready, to the earliest deadline; what is due then runs in the order of deadlines, and those
 * with the same deadline in the order in which they began. Promises and host operations that are waited for come from
 * the real world and get real time: as long as there is to the deadline, but no more than a second.
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
  /** Whether it jumps by itself; set it to `false` to move it by {@linkcode VirtualClock.advance} only. */
  autoAdvance: boolean;
  #now: number;
  #drivers: VirtualDriver[] = [];
  #maxRealWait: HostTimer | null = null;

  /**
   * Makes a clock that stands still.
   *
   * @param start What it shows at first, in seconds.
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
   * Moves the time, deadline by deadline, letting everything that is due run in between.
   *
   * @param seconds How far.
   * @throws {RangeError} If `seconds` is negative or no number.
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
   * Moves the time to the next deadline and lets what is due run.
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

  /** Wakes every scheduler that reads this clock, and waits until nothing of theirs is ready. */
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

  /** @internal Something is ready: whoever waited for quiet waits anew. */
  activity(): void {
    if (this.#maxRealWait !== null) stopTimer(this.#maxRealWait);
    this.#maxRealWait = null;
  }

  /** @internal A driver found nothing ready. Jumps, if no scheduler on this clock has anything else to wait for. */
  idle(): void {
    if (!this.autoAdvance || this.#maxRealWait !== null || this.#drivers.some((driver) => driver.active)) return;
    const next = this.#earliest();
    if (this.#drivers.some((driver) => driver.loop.hostOperations > 0)) {
      // What never comes, such as a promise that nobody settles, must not stop the time for good.
      if (next < Infinity) {
        this.#maxRealWait = startTimer(this.#lostPatience, Math.min(next - this.#now, MAX_REAL_WAIT), true);
      }
    } else if (next < Infinity) this.#jump(next);
    // Who is woken by the news may help those of other schedulers: they are looked at again afterwards.
    else this.#drivers.some((driver) => driver.loop.ranDry(false));
  }

  readonly #lostPatience = (): void => {
    this.#maxRealWait = null;
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
  /** A slice is due. */
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
    // A turn of the host in between, so that code outside sees what happened before more does.
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
    // Promises that were settled meanwhile get a turn to wake somebody before time moves.
    this.#idling = true;
    macrotask(this.#idle);
  };

  readonly #idle = (): void => {
    this.#idling = false;
    this.#clock.idle();
  };
}
