/**
 * The driver for a real host: runs slices, lets the host run its event loop, and waits for the nearest deadline.
 *
 * - The first slice after something became ready runs in a microtask, so that an effect follows its cause at once.
 *   Microtasks starve the host, so the time of slices that follow each other closely is added up, and when the budget is
 *   used up the next slice runs in a macrotask.
 * - A slice that ends with ready work is followed by one in a macrotask. In Deno macrotasks alone would starve sockets, so
 *   every one to three milliseconds the driver lets the host poll I/O; the more a poll costs on this machine, the rarer.
 * - Slices in microtasks that follow each other closely need not starve the host: a busy server gets them from the host's
 *   own events. So at half of the budget the driver asks for a macrotask that nothing waits for. If it comes, the host has
 *   its turns, and the budget starts anew, as long as I/O was polled for certain a short time ago. But with more operations
 *   than the host ends in a turn it may serve the same ones again and again: then the next slice waits for it.
 * - A host timer is set for the nearest deadline. It may fire up to a millisecond late, or a little early; then it is set
 *   again. For a precise scheduler it is set that much earlier, and the rest is spent in naps and macrotasks; but not in
 *   Cloudflare's runtime, whose timers are precise, and which bills the CPU time of macrotasks.
 *
 * A reading of the clock costs more than a switch, and serving a message from a socket costs only a few switches. So the
 * clock is read once before a slice and once after it.
 */
import type { Drivable, Driver } from "./driver.ts";
import { onBeforeExit } from "./before_exit.ts";
import { blockThread } from "./block_thread.ts";
import { macrotask, pollIo, unrefMacrotask } from "./macrotask.ts";
import { hasProcess } from "./process.ts";
import { isDeno, isWorkerd } from "./runtime.ts";
import { type HostTimer, roundUpDelay, setTimerRef, startTimer, stopTimer } from "./timers.ts";
import { withinContext } from "./async_context.ts";

// The share of the time that polls may take before they become rarer.
const POLL_SHARE = 1 / 30;

/** Times in seconds, and how many. */
const enum Pace {
  SLICE = 0.0005,
  MIN_POLL_INTERVAL = 0.001,
  MAX_POLL_INTERVAL = 0.003,
  MICROTASK_BUDGET = 0.002,
  // The same for clocks that do not advance while code runs.
  MICROTASK_SLICES = 2_000,
  // The share of the budget after which the host is asked for a turn.
  ASK_SHARE = 0.5,
  // Deno completes at most so many operations in a turn. With more pending, connections whose peers reply at once are served
  // again and again, and others wait: for a quarter of a second where a thousand sockets are busy.
  SERVED_IN_TURN = 128,
  // With more pending, running time counts so many times towards the budget, so that the waiting ones are served sooner.
  CROWDED_COST = 2,
  // A turn of the host is enough only for so long after I/O was polled.
  MAX_UNPOLLED = 0.01,
  // After so long without a slice, the event loop has certainly gone round.
  MICROTASK_GAP = 0.0002,
  // How much earlier the timer of a precise scheduler is set, and the time before a deadline for which no timer is set.
  TIMER_LEAD = 0.0011,
  SPIN = 0.0013,
  // A nap of the thread ends late by less than this.
  NAP_LEAD = 0.0001,
  // A nap blocks everything else in the process.
  MAX_NAP = 0.00025,
}

/** See the head of this file. */
export class HostDriver implements Driver {
  readonly #loop: Drivable;
  readonly #polls = isDeno();
  readonly #canSpin = !isWorkerd();
  readonly #whenDry: () => boolean;
  readonly #forgetDry: () => void;
  // Its reactions run in microtasks. `queueMicrotask` does the same, but is an expensive call in some hosts.
  readonly #now = Promise.resolve();
  #scheduled = false;
  // The pending macrotask, if it does not keep the process alive.
  #unrefTask: HostTimer | null = null;
  #stopped = false;
  #timer: HostTimer | null = null;
  #timerAt = Infinity;
  #timerAlive = true;
  // A macrotask is pending that checks whether `#spinUntil` is reached; `Infinity` ends the spinning.
  #spinning = false;
  #spinUntil = Infinity;
  #microtaskSeconds = 0;
  #microtaskSlices = 0;
  // The host was asked for a turn.
  #asked = false;
  // When the last slice ended, by the scheduler's clock.
  #ranUntil = 0;
  #polledAt = 0;
  #pollStart = 0;
  #pollInterval = Pace.MIN_POLL_INTERVAL;
  readonly #canEnd = hasProcess();

  /** @param loop The scheduler that it drives. */
  constructor(loop: Drivable) {
    this.#loop = loop;
    this.#whenDry = () => loop.ranDry(true);
    this.#forgetDry = onBeforeExit(this.#whenDry);
  }

  /** Something is ready. */
  wake(): void {
    if (this.#scheduled) return this.#refTask();
    this.#scheduled = true;
    if (this.#microtaskSeconds < Pace.MICROTASK_BUDGET && ++this.#microtaskSlices < Pace.MICROTASK_SLICES) {
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

  // Outside any context of the host: timers would retain the context in which the scheduler was woken, and pass it on.
  readonly #tick = (): void => withinContext(undefined, this.#runSlice);

  readonly #runSlice = (): void => {
    this.#scheduled = false;
    if (this.#stopped) return this.#clearTimer();
    const start = this.#loop.now();
    if (start - this.#ranUntil > Pace.MICROTASK_GAP && !this.#crowded) this.#hostHadTurn();
    const more = this.#loop.slice(Pace.SLICE, start);
    this.#ranUntil = this.#loop.now();
    const used = this.#ranUntil - start;
    this.#microtaskSeconds += this.#crowded ? Pace.CROWDED_COST * used : used;
    if (more) {
      this.#scheduled = true;
      this.#yieldToHost();
    } else {
      this.#askForTurn();
      this.#rest();
    }
  };

  #askForTurn(): void {
    if (
      this.#asked || !this.#polls || this.#crowded || this.#microtaskSeconds < Pace.ASK_SHARE * Pace.MICROTASK_BUDGET
    ) return;
    if (!this.#keepsAlive()) return;
    this.#asked = true;
    macrotask(this.#turnCame);
  }

  readonly #turnCame = (): void => {
    this.#asked = false;
    if (now() - this.#polledAt < Pace.MAX_UNPOLLED) this.#hostHadTurn();
  };

  /** Whether more operations are pending than the host ends in a turn. */
  get #crowded(): boolean {
    return this.#polls && this.#loop.hostOperations > Pace.SERVED_IN_TURN;
  }

  #hostHadTurn(): void {
    this.#microtaskSeconds = 0;
    this.#microtaskSlices = 0;
  }

  readonly #afterMacrotask = (): void => {
    this.#unrefTask = null;
    this.#hostHadTurn();
    this.#tick();
  };

  readonly #afterPoll = (): void => {
    this.#polledAt = now();
    const wanted = (this.#polledAt - this.#pollStart) / POLL_SHARE;
    // Smoothed, as a single poll depends more on the load of the machine than on its speed.
    this.#pollInterval +=
      (Math.min(Pace.MAX_POLL_INTERVAL, Math.max(Pace.MIN_POLL_INTERVAL, wanted)) - this.#pollInterval) / 8;
    this.#afterMacrotask();
  };

  /** A macrotask that lets the process end is slower; hosts without a process do not need it. */
  #keepsAlive(): boolean {
    return !this.#canEnd || this.#loop.keepsAlive();
  }

  #yieldToHost(): void {
    if (!this.#keepsAlive()) {
      this.#unrefTask = unrefMacrotask(this.#afterMacrotask);
      return;
    }
    if (!this.#polls) return macrotask(this.#afterMacrotask);
    const time = now();
    if (time - this.#polledAt < this.#pollInterval) return macrotask(this.#afterMacrotask);
    this.#pollStart = time;
    pollIo(this.#afterPoll);
  }

  /** The pending macrotask lets the process end: keeps the process alive for it if that has become necessary. */
  #refTask(): void {
    if (this.#unrefTask === null || !this.#keepsAlive()) return;
    setTimerRef(this.#unrefTask, true);
    this.#unrefTask = null;
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
    // Spinning keeps the process alive, so a scheduler of daemons alone must not spin.
    const spins = alive && this.#loop.precise === true && this.#canSpin;
    if (spins && left <= Pace.SPIN) return this.#spinTo(deadline);
    const at = spins ? deadline - Pace.TIMER_LEAD : deadline;
    // An earlier timer will do: when it fires, the deadline is read again. Setting one costs more than a few switches.
    if (this.#timer !== null && this.#timerAt <= at) return this.#holdTimer(alive);
    this.#clearTimer();
    this.#timer = startTimer(this.#timerFired, spins ? at - this.#ranUntil : roundUpDelay(left), alive);
    this.#timerAt = at;
    this.#timerAlive = alive;
  }

  #holdTimer(alive: boolean): void {
    if (alive === this.#timerAlive) return;
    setTimerRef(this.#timer!, alive);
    this.#timerAlive = alive;
  }

  readonly #timerFired = (): void => {
    this.#timer = null;
    this.#timerAt = Infinity;
    this.#polledAt = now();
    this.#hostHadTurn();
    if (!this.#scheduled) this.#runIfDue();
  };

  /** Runs a slice if a deadline is reached, else continues to wait. */
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
    // During a nap no event of the host is handled.
    if (left > Pace.NAP_LEAD && this.#loop.hostOperations === 0) {
      blockThread(Math.min(left - Pace.NAP_LEAD, Pace.MAX_NAP));
    }
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
