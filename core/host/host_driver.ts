/**
 * The driver for a real host: runs slices, lets the host have its turns, and waits for the nearest deadline.
 *
 * - The first slice after something became ready runs in a microtask, so that an answer follows its cause at once.
 *   Microtasks starve the host, so the time of those that follow each other closely is added up, and when the budget
 *   is used the next slice waits for a turn of the host.
 * - A slice that ends with work left is followed by a macrotask. In Deno a macrotask alone would keep sockets waiting, so every
 *   one to three milliseconds there is a deep one, the rarer the more it costs on this machine.
 * - A host timer stands for the nearest deadline. It may fire up to a millisecond late, or a little early; then it is set
 *   again. For a scheduler that is to be precise it is set that much early, and the rest is spent in naps and hops; but
 *   not in Cloudflare's runtime, whose timers are better, and where hops cost what is paid for.
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
  nap,
  onLoopDry,
  pollIo,
  roundUpDelay,
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
// How much earlier the timer of a precise scheduler is set, and how long before a deadline no timer is worth while.
const TIMER_LEAD = 0.0011;
const SPIN = 0.0013;
// A thread that naps wakes up late by less than this.
const NAP_LEAD = 0.0001;
// So long nobody else in the process has a turn.
const MAX_NAP = 0.00025;

/** See the head of this file. */
export class HostDriver implements Driver {
  readonly #loop: Drivable;
  readonly #deep = isDeno();
  readonly #canSpin = !isWorkerd();
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
  // A macrotask is under way that looks whether the deadline has come, unless that is Infinity by then.
  #spinning = false;
  #spinUntil = Infinity;
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
    this.#spinUntil = Infinity;
    const deadline = this.#loop.nextDeadline();
    if (deadline === Infinity) return this.#clearTimer();
    const left = deadline - this.#ranUntil;
    if (left <= 0) {
      this.#clearTimer();
      this.#scheduled = true;
      return this.#yieldToHost();
    }
    const alive = this.#keepsAlive();
    // What does not keep the process alive cannot spin: the host would not come back to it before something else does.
    const spins = alive && this.#loop.precise === true && this.#canSpin;
    if (spins && left <= SPIN) return this.#spinTo(deadline);
    const at = spins ? deadline - TIMER_LEAD : deadline;
    // An earlier timer does as well: it looks again when it fires. Setting one costs more than a few switches.
    if (this.#timer !== null && this.#timerAt <= at) return this.#holdTimer(alive);
    this.#clearTimer();
    this.#timer = startTimer(this.#timerFired, spins ? at - this.#ranUntil : roundUpDelay(left), alive);
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
    if (!this.#scheduled) this.#runIfDue();
  };

  /** Runs a slice if a deadline has come, else goes on waiting. */
  #runIfDue(): void {
    this.#ranUntil = this.#loop.now();
    if (this.#ranUntil < this.#loop.nextDeadline()) this.#rest();
    else this.#tick();
  }

  #spinTo(deadline: number): void {
    this.#clearTimer();
    this.#spinUntil = deadline;
    if (this.#spinning) return;
    this.#spinning = true;
    macrotask(this.#spin);
  }

  readonly #spin = (): void => {
    this.#spinning = false;
    if (this.#stopped || this.#spinUntil === Infinity) return;
    this.#hostHadTurn();
    const left = this.#spinUntil - this.#loop.now();
    if (left <= 0) return void (this.#scheduled || this.#tick());
    // What comes from the host would have to wait for the end of a nap.
    if (left > NAP_LEAD && this.#loop.hostOperations === 0) nap(Math.min(left - NAP_LEAD, MAX_NAP));
    this.#spinning = true;
    macrotask(this.#spin);
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
