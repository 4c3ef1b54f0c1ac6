/**
 * The driver for a real host: runs slices, lets the host have its turns, and waits for the nearest deadline.
 *
 * - The first slice after something became ready runs in a microtask, so that an answer follows its cause at once.
 *   Microtasks starve the host, so the time of those that follow each other closely is added up, and when the budget
 *   is used the next slice waits for a turn of the host.
 * - A slice that ends with work left is followed by a macrotask. In Deno a macrotask alone would keep sockets waiting, so every
 *   one to three milliseconds there is a deep one, the rarer the more it costs on this machine.
 * - Host timers fire about a millisecond late and never early. So the timer is set that much early, and the rest is
 *   waited for in hops; but not in Cloudflare's runtime, whose timers are better, and where hops cost what is paid for.
 *
 * Reading the clock costs more than a switch or two, and serving a message from a socket is not many more than that: so
 * there is one reading before a slice and one after it, which all that follows makes do with.
 */
import type { Drivable, Driver } from "./driver.ts";
import {
  hasProcess,
  holdTimer,
  type HostTimer,
  isDeno,
  isWorkerd,
  macrotask,
  onLoopDry,
  pollIo,
  startTimer,
  stopTimer,
  unrefMacrotask,
} from "./runtime.ts";
import { withinContext } from "./async_context.ts";

// Seconds.
const SLICE = 0.0005;
const MIN_DEEP_INTERVAL = 0.001;
const MAX_DEEP_INTERVAL = 0.003;
// Of the time, what deep yields may cost before they get rarer.
const DEEP_SHARE = 1 / 30;
const MICROTASK_BUDGET = 0.002;
// The same for clocks that stand still while code runs.
const MICROTASK_SLICES = 2_000;
// After so long without a slice the host has certainly had a turn.
const MICROTASK_GAP = 0.0002;
const TIMER_LEAD = 0.0011;
const SPIN = 0.0013;

/** See the head of this file. */
export class HostDriver implements Driver {
  readonly #loop: Drivable;
  readonly #deep = isDeno();
  // Seconds.
  readonly #lead = isWorkerd() ? 0 : TIMER_LEAD;
  readonly #spin = isWorkerd() ? 0 : SPIN;
  readonly #whenDry: () => boolean;
  readonly #forgetDry: () => void;
  // Its reactions are microtasks. `queueMicrotask` comes to the same, but is an expensive call into some hosts.
  readonly #now = Promise.resolve();
  #scheduled = false;
  // The macrotask under way, if it does not keep the process alive.
  #loose: HostTimer | null = null;
  #stopped = false;
  #timer: HostTimer | null = null;
  #timerAt = Infinity;
  #timerAlive = true;
  #microtaskSeconds = 0;
  #microtaskSlices = 0;
  // When the last slice ended, by the scheduler's clock.
  #ranUntil = 0;
  #parkedAt = 0;
  #deepStart = 0;
  #deepInterval = MIN_DEEP_INTERVAL;
  readonly #canEnd = hasProcess();

  /** @param loop What it drives. */
  constructor(loop: Drivable) {
    this.#loop = loop;
    this.#whenDry = () => loop.ranDry(true);
    this.#forgetDry = onLoopDry(this.#whenDry);
  }

  /** Something is ready. */
  wake(): void {
    if (this.#scheduled) return this.#tighten();
    this.#scheduled = true;
    if (this.#microtaskSeconds < MICROTASK_BUDGET && ++this.#microtaskSlices < MICROTASK_SLICES) {
      this.#now.then(this.#tick);
    } else this.#yieldToHost();
  }

  /** Deadlines or the need to stay alive may have changed. */
  update(): void {
    this.wake();
  }

  /** The scheduler has ended. */
  stop(): void {
    this.#stopped = true;
    this.#forgetDry();
    this.#clearTimer();
  }

  // In no context of the host: timers would keep that of whoever woke the scheduler, and pass it on to the next ones.
  readonly #tick = (): void => withinContext(undefined, this.#runSlice);

  readonly #runSlice = (): void => {
    this.#scheduled = false;
    if (this.#stopped) return this.#clearTimer();
    const start = this.#loop.now();
    if (start - this.#ranUntil > MICROTASK_GAP) this.#hostHadTurn();
    const more = this.#loop.slice(SLICE, start);
    this.#ranUntil = this.#loop.now();
    this.#microtaskSeconds += this.#ranUntil - start;
    if (more) {
      this.#scheduled = true;
      this.#yieldToHost();
    } else {
      this.#rest();
    }
  };

  #hostHadTurn(): void {
    this.#microtaskSeconds = 0;
    this.#microtaskSlices = 0;
  }

  readonly #afterHop = (): void => {
    this.#loose = null;
    this.#hostHadTurn();
    this.#tick();
  };

  readonly #afterPark = (): void => {
    this.#parkedAt = now();
    const wanted = (this.#parkedAt - this.#deepStart) / DEEP_SHARE;
    // Smoothed, as a single wait says more of the machine's other work than of its speed.
    this.#deepInterval += (Math.min(MAX_DEEP_INTERVAL, Math.max(MIN_DEEP_INTERVAL, wanted)) - this.#deepInterval) / 8;
    this.#afterHop();
  };

  /** What lets the process end is slower; where there is none, nothing need be. */
  #keepsAlive(): boolean {
    return !this.#canEnd || this.#loop.keepsAlive();
  }

  #yieldToHost(): void {
    if (!this.#keepsAlive()) {
      this.#loose = unrefMacrotask(this.#afterHop);
      return;
    }
    if (!this.#deep) return macrotask(this.#afterHop);
    const time = now();
    if (time - this.#parkedAt < this.#deepInterval) return macrotask(this.#afterHop);
    this.#deepStart = time;
    pollIo(this.#afterPark);
  }

  /** A slice is on its way that lets the process end; somebody may have begun to wait for what it runs. */
  #tighten(): void {
    if (this.#loose === null || !this.#keepsAlive()) return;
    holdTimer(this.#loose, true);
    this.#loose = null;
  }

  /** Nothing is ready: waits for the nearest deadline. */
  #rest(): void {
    const deadline = this.#loop.nextDeadline();
    if (deadline === Infinity) return this.#clearTimer();
    const alive = this.#keepsAlive();
    // What does not keep the process alive cannot spin: the host would not come back to it before something else does.
    const at = alive ? deadline - this.#lead : deadline;
    // An earlier timer does as well: it looks again when it fires. Setting one costs more than a few switches.
    const left = deadline - this.#ranUntil;
    if (this.#timer !== null && this.#timerAt <= at && left > this.#spin) return this.#holdTimer(alive);
    if (left <= this.#spin && alive) {
      this.#clearTimer();
      this.#scheduled = true;
      return macrotask(this.#afterHop);
    }
    this.#clearTimer();
    this.#timer = startTimer(this.#timerFired, at - this.#ranUntil, alive);
    this.#timerAt = at;
    this.#timerAlive = alive;
  }

  #holdTimer(alive: boolean): void {
    if (alive === this.#timerAlive) return;
    holdTimer(this.#timer!, alive);
    this.#timerAlive = alive;
  }

  readonly #timerFired = (): void => {
    this.#timer = null;
    this.#timerAt = Infinity;
    this.#parkedAt = now();
    this.#hostHadTurn();
    if (!this.#scheduled) this.#tick();
  };

  #clearTimer(): void {
    if (this.#timer !== null) stopTimer(this.#timer);
    this.#timer = null;
    this.#timerAt = Infinity;
  }
}

function now(): number {
  return performance.now() / 1000;
}
