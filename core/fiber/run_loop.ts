/**
 * The run loop: joins the kernel, which decides what runs next, to the fibers, which are what runs.
 *
 * What is ready stands in the kernel's memory, in one queue per priority level. Both sides push and pop there, so a
 * switch, a message or a new coroutine costs no call. Once a turn the kernel makes ready whose timers are due, and says
 * which level to serve and for how many steps.
 *
 * Invariants:
 * - the kernel's memory alone says whether an entity is ready and whether it has a timer; it never is and has both.
 * - an entity is in one queue at most. One that runs is in none, unless it was made ready in its step.
 * - the kernel is given back only when no entity has a slot: so what has a slot may use the kernel.
 * - while a slice runs, `busy` is true and the driver is left alone; it looks at the state again afterwards.
 */
import type { Clock } from "../host/clock.ts";
import { context } from "./context.ts";
import type { Drivable, Driver } from "../host/driver.ts";
import { CheckInterval } from "./check_interval.ts";
import { Slots } from "./slots.ts";
import { Timers } from "./timers.ts";
import { currentContext, restoreContext } from "../host/async_context.ts";
import { Kernel } from "../kernel/kernel.ts";
import { NONE, type ReadyQueue } from "../kernel/ready_queue.ts";
import { STEP_BUDGET } from "./operation.ts";
import type { Schedulable } from "./schedulable.ts";
import type { Shuffle } from "../base/shuffle.ts";

// Ends a slice where the clock does not: virtual time stands still, and some edge runtimes freeze the clock while
// code runs.
const MAX_STEPS = 20_000;

const NO_LEVEL = -1;

/** @internal The machinery of a scheduler, beneath coroutines and their public face. */
export abstract class RunLoop implements Drivable {
  /** @internal */
  readonly kernel: Kernel = Kernel.take();
  /** @internal What is ready, in the kernel's memory. */
  readonly queue: ReadyQueue = this.kernel.queue;
  /** @internal */
  readonly slots: Slots = new Slots(this.kernel);
  /** @internal */
  readonly timers: Timers = new Timers(this.kernel);
  /** @internal */
  readonly clock: Clock;
  /** @internal Set by the scheduler's constructor. */
  driver!: Driver;
  /** @internal Operations that may still end without a wait in the step that runs. */
  stepBudget = STEP_BUDGET;
  /** @internal The running step pushed a frame that must be entered next. */
  entered = false;
  /** @internal Promises and host operations that coroutines wait for. */
  hostOperations = 0;
  /** @internal When the clock was last read, in its seconds. */
  lastReading: number;
  /** @internal What the kernel threw, once it has: from then on the scheduler is broken. */
  trap: Error | null = null;

  /** @internal A slice is running. */
  protected busy = false;
  /** @internal Why the scheduler no longer works, once the kernel has trapped. */
  protected broken: Error | null = null;
  /** @internal The kernel must not be called any more: it has trapped, or the scheduler has ended. */
  protected kernelClosed = false;
  /** @internal Reorders what is ready, for seeded scheduling. */
  protected shuffle: Shuffle | null = null;

  // The level that is served, if any; the steps of this turn that were begun, and where they are to stop.
  #level = NO_LEVEL;
  #index = 0;
  #end = 0;
  // Steps of the last turn, and of all turns that have ended.
  #ran = 0;
  #steps = 0;
  #stopRequested = false;
  readonly #interval = new CheckInterval();

  /** @internal */
  constructor(clock: Clock) {
    this.clock = clock;
    this.lastReading = clock.now();
  }

  /** @internal Called before the first turn of a slice, and before the next one when a turn has found nothing ready. */
  protected startOfTurns(_now: number): void {}

  /** @internal Called after every turn. */
  protected abstract endOfTurn(): void;

  /** @internal Called when nothing is ready. Returns `true` if it made something ready. */
  protected abstract onIdle(): boolean;

  /** @internal Called once, when the kernel has trapped: rejects everything that waits. */
  protected abstract abandon(reason: Error): void;

  /** @internal */
  abstract now(): number;

  /** @internal */
  abstract keepsAlive(): boolean;

  /** @internal */
  abstract ranDry(ending: boolean): boolean;

  /** @internal Gives the entity a slot in the kernel. Throws if there is no room; nothing has changed then. */
  allocateSlot(entity: Schedulable): void {
    if (this.kernelClosed) {
      throw this.broken ?? new Error("Cannot run anything more as the scheduler has been terminated");
    }
    try {
      this.slots.allocate(entity);
    } catch (error) {
      throw error instanceof RangeError ? error : this.#trapped(error);
    }
  }

  /** @internal Takes the entity's slot back, and its timer with it. */
  freeSlot(entity: Schedulable): void {
    if (this.kernelClosed) return;
    if (this.queue.hasTimer(entity.slot)) this.#disarm(entity.slot);
    this.slots.free(entity);
    if (!this.busy) this.driver.update();
  }

  /**
   * Remembers that the kernel trapped: nothing may be built on its state any more. When there is no room left on the
   * engine's stack it is not even entered; that is the caller's error, and nothing has changed.
   */
  #trapped(error: unknown): Error {
    if (error instanceof RangeError) return error;
    this.trap ??= error instanceof Error ? error : new Error(String(error));
    // In a slice, its end sees to it.
    if (!this.busy) this.#breakDown(this.trap);
    return this.trap;
  }

  /** @internal The running entity gives way: it is ready again, behind all that is. */
  yieldTurn(entity: Schedulable): void {
    const { level, slot } = entity;
    const { queue } = this;
    if (queue.isReady(slot)) return;
    queue.push(level, slot);
    if (level !== this.#level) this.#reconsider(level, slot);
  }

  /** @internal Makes the entity ready, behind all that is ready at its level, and cancels its timer. */
  makeReady(entity: Schedulable): void {
    const { level, slot } = entity;
    const { queue } = this;
    if (slot < 0 || queue.isReady(slot)) return;
    if (queue.hasTimer(slot)) this.#disarm(slot);
    queue.push(level, slot);
    if (level !== this.#level) this.#reconsider(level, slot);
    if (!this.busy) this.driver.wake();
  }

  /**
   * Another level than the one that is served may have come up. If nothing else is ready it is served from now on, else
   * the turn ends, so that the kernel chooses again.
   */
  #reconsider(level: number, slot: number): void {
    if (this.readyCount === 1) this.#level = level;
    else if (this.queue.isFirst(level, slot)) this.#end = 0;
  }

  /** @internal Changes the level of an entity. One that is ready goes to the end of its new level's queue. */
  setLevel(entity: Schedulable, level: number): void {
    const { slot } = entity;
    if (entity.level === level) return;
    const hasSlot = slot >= 0 && !this.kernelClosed;
    const isReady = hasSlot && this.queue.isReady(slot);
    // First, as it may throw at the end of the engine's stack.
    if (hasSlot && !isReady) this.kernel.exports.setLevel(slot, level);
    entity.level = level;
    if (!isReady) return;
    try {
      this.allocateSlot(entity);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      // Without room for another slot it keeps its place, and the level holds from the next time on.
      return this.kernel.exports.setLevel(slot, level);
    }
    this.slots.abandon(slot);
    this.makeReady(entity);
  }

  /** @internal Sets the timer of an entity that is not ready. Earlier requests without a clock reading come first. */
  arm(entity: Schedulable, deadline: number): void {
    if (this.kernelClosed) return;
    try {
      if (this.timers.pending) this.#readClock();
      const earlier = !this.busy && deadline < this.kernel.exports.nextDeadline();
      this.timers.set(entity, deadline);
      if (earlier) this.driver.update();
    } catch (error) {
      throw this.#trapped(error);
    }
  }

  #disarm(slot: number): void {
    if (this.kernelClosed) return;
    try {
      this.kernel.exports.disarm(slot);
    } catch (error) {
      throw this.#trapped(error);
    }
  }

  /** Reads the clock, and sets the timers that have waited for that. */
  #readClock(now: number = this.clock.now()): number {
    this.timers.flush(now);
    return this.lastReading = now;
  }

  /** @internal When the timer of the entity is due, by the clock; `Infinity` if it has none. */
  deadline(entity: Schedulable): number {
    return entity.slot < 0 || this.kernelClosed ? Infinity : this.kernel.exports.deadline(entity.slot);
  }

  /** @internal */
  nextDeadline(): number {
    if (this.kernelClosed) return Infinity;
    try {
      this.settleTimers();
      return this.kernel.exports.nextDeadline();
    } catch (error) {
      this.#trapped(error);
      return Infinity;
    }
  }

  /** @internal Sets the timers that wait for the next reading of the clock. Changes no order. */
  settleTimers(): void {
    if (this.timers.pending && !this.kernelClosed) this.#readClock();
  }

  /** @internal The scheduler has ended: another one may have its kernel. */
  protected closeKernel(): void {
    if (this.kernelClosed) return;
    this.kernelClosed = true;
    this.slots.passAll();
    this.kernel.giveBack();
  }

  /** @internal */
  slice(budget: number, start: number): boolean {
    if (this.kernelClosed || this.busy) return false;
    this.busy = true;
    const hostContext = currentContext();
    try {
      this.startOfTurns(start);
      return this.#runTurns(budget, start);
    } catch (error) {
      this.#breakDown(error);
      return false;
    } finally {
      this.busy = false;
      context.fiber = null;
      restoreContext(hostContext);
      this.#level = NO_LEVEL;
    }
  }

  #runTurns(budget: number, start: number): boolean {
    let now = this.#readClock(start);
    let checked = now;
    const end = now + budget;
    let steps = 0;
    const lastStep = this.switches + MAX_STEPS;
    for (;;) {
      const ran = this.#turn(now, this.#interval.steps - steps);
      if (this.trap !== null) throw this.trap;
      if (this.#stopRequested) {
        this.endOfTurn();
        this.#readClock();
        return this.#stopRequested = false;
      }
      if (ran === 0) {
        // Timeouts that have just begun still have to be set.
        if ((steps === 0 || !this.timers.pending) && !this.onIdle()) return false;
      } else {
        this.endOfTurn();
        steps += ran;
        if (steps < this.#interval.steps) continue;
      }
      now = this.#readClock();
      // A slice that ends just when nothing is ready any more must look as well: none may follow.
      if (now >= end || this.switches >= lastStep) break;
      if (ran === 0) this.startOfTurns(now);
      this.#interval.adapt(now - checked, steps);
      checked = now;
      steps = 0;
    }
    return this.readyCount > 0 || this.kernel.exports.nextDeadline() <= now || this.onIdle();
  }

  /**
   * @internal
   * Ends the slice after the step that runs, as if nothing were ready. What is ready stays so, in its order, for the
   * next slice, whenever the driver runs one.
   */
  stopSlice(): void {
    this.#stopRequested = true;
    this.#end = 0;
  }

  /** @internal How many places in the ready queues are taken. */
  protected get readyCount(): number {
    return this.queue.length - this.#ran - this.#index;
  }

  /** @internal Steps begun so far: while a step runs, its number. */
  get switches(): number {
    return this.#steps + this.#index;
  }

  /** Runs what is ready, at most so many steps. Returns how many it ran. */
  #turn(now: number, most: number): number {
    const choice = this.kernel.exports.turn(now, this.#ran, most);
    this.#ran = 0;
    if (choice < 0) return 0;
    this.#level = choice & 7;
    this.#end = choice >> 3;
    this.shuffle?.(this.queue, this.#level, this.#end);
    for (let level = NO_LEVEL; level !== this.#level;) this.#serve(level = this.#level);
    this.#level = NO_LEVEL;
    context.fiber = null;
    const ran = this.#index;
    this.#index = 0;
    this.#steps += ran;
    return this.#ran = ran;
  }

  // A method of its own: V8 optimizes the loop as a whole.
  #serve(level: number): void {
    const { queue } = this;
    const { table } = this.slots;
    while (this.#index < this.#end) {
      const slot = queue.shift(level);
      if (slot === NONE) return;
      this.#index++;
      const entity = table[slot];
      if (entity !== undefined) entity.run();
      else this.slots.pass(slot);
    }
  }

  #breakDown(cause: unknown): void {
    if (this.broken !== null) return;
    const reason = new Error(
      "Cannot go on as the scheduler broke down: every coroutine in it is abandoned, please report this as a bug",
      { cause },
    );
    this.broken = reason;
    this.kernelClosed = true;
    this.abandon(reason);
    this.slots.table.length = 0;
    this.driver.stop();
  }
}
