/**
 * The run loop: connects the kernel, which chooses what runs next, to the fibers that run.
 *
 * The ready queues, one per priority level, are in the kernel's memory. Both sides push and pop there, so a switch, a
 * message or a new coroutine costs no call. Once a turn the kernel queues the entities whose timers are due, and returns
 * the level to serve and for how many steps.
 *
 * Invariants:
 * - only the kernel's memory says whether an entity is ready and whether it has a timer. A ready entity has no timer.
 * - an entity is in one queue at most. The one that runs is in none, unless it was made ready in its step.
 * - while a slice runs, `busy` is true and the driver is not called; it reads the state again afterwards.
 */
import { currentContext, restoreContext } from "../host/async_context.ts";
import type { Drivable } from "../host/driver.ts";
import { CheckInterval } from "./check_interval.ts";
import { context } from "./context.ts";
import { KernelAccess } from "./kernel_access.ts";
import { STEP_BUDGET } from "./operation.ts";
import type { Loop, Schedulable } from "./schedulable.ts";
import type { Shuffle } from "./shuffle.ts";

// Ends a slice where the clock does not: virtual time stands still, and some edge runtimes freeze the clock while code
// runs.
const enum Most {
  STEPS = 20_000,
}

// Copies of `NONE` of the ready queue and of no level, see `operation_state.ts`.
const enum No {
  SLOT = 0,
  LEVEL = -1,
}

/** @internal The part of a scheduler that runs slices; it knows no coroutines. */
export abstract class RunLoop extends KernelAccess implements Drivable, Loop {
  /** Operations that may still end without a wait in the step that runs. */
  stepBudget = STEP_BUDGET;
  /** The running step pushed a frame that must be entered next. */
  entered = false;
  /** Promises and host operations that coroutines wait for. */
  hostOperations = 0;
  /** Of these, waits that another peer of a network ends. */
  peerWaits = 0;
  /** Of these, waits for a disk, which end soon, however busy the machine is. */
  diskWaits = 0;
  /** Waits that a signal may end. */
  abortable = 0;
  /** Reorders what is ready, for seeded scheduling. */
  protected shuffle: Shuffle | null = null;

  // The level that is served, if any; the steps of this turn begun so far, and the number at which the turn ends.
  #level: number = No.LEVEL;
  #index = 0;
  #end = 0;
  // Steps of the last turn, and of all turns that have ended.
  #ran = 0;
  #steps = 0;
  #stopRequested = false;
  readonly #interval = new CheckInterval();

  /** Called before the first turn of a slice, and before the next one when a turn has found nothing ready. */
  protected startOfTurns(_now: number): void {}

  /** Called after every turn. */
  protected abstract endOfTurn(): void;

  /** Called when nothing is ready. Returns `true` if it made something ready. */
  protected abstract onIdle(): boolean;

  now(): number {
    return this.clock.now();
  }

  abstract keepsAlive(): boolean;

  abstract ranDry(ending: boolean): boolean;

  /** The running entity gives way: it is ready again, behind everything that is ready at its level. */
  yieldTurn(entity: Schedulable): void {
    const { level, slot } = entity;
    const { queue } = this;
    if (queue.isReady(slot)) return;
    queue.push(level, slot);
    if (level !== this.#level) this.#reconsider(level, slot);
  }

  /** Makes the entity ready, behind everything that is ready at its level, and cancels its timer. */
  makeReady(entity: Schedulable): void {
    const { slot } = entity;
    const { queue } = this;
    if (slot < 0 || queue.isReady(slot)) return;
    if (queue.hasTimer(slot)) this.disarm(slot);
    this.enqueue(entity);
  }

  /** Makes an entity ready that is not ready and has no timer, such as a new one. */
  protected enqueue({ level, slot }: Schedulable): void {
    this.queue.push(level, slot);
    if (level !== this.#level) this.#reconsider(level, slot);
    if (!this.busy) this.driver.wake();
  }

  /**
   * An entity became ready at another level than the one that is served. If nothing else is ready, that level is served
   * from now on; if the level had nothing ready, the turn ends, so that the kernel chooses again.
   */
  #reconsider(level: number, slot: number): void {
    if (this.readyCount === 1) this.#level = level;
    else if (this.queue.isFirst(level, slot)) this.#end = 0;
  }

  /** Changes the level of an entity. One that is ready goes to the end of its new level's queue. */
  setLevel(entity: Schedulable, level: number): void {
    const { slot } = entity;
    if (entity.level === level) return;
    const hasSlot = slot >= 0 && !this.closed;
    const isReady = hasSlot && this.queue.isReady(slot);
    // First, as it may throw at the end of the engine's stack.
    if (hasSlot && !isReady) this.kernel.exports.setLevel(slot, level);
    entity.level = level;
    if (!isReady) return;
    try {
      this.allocateSlot(entity);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      // Without room for another slot it keeps its place; the level takes effect the next time it becomes ready.
      return this.kernel.exports.setLevel(slot, level);
    }
    this.slots.abandon(slot);
    this.makeReady(entity);
  }

  slice(budget: number, start: number): boolean {
    if (this.closed || this.busy) return false;
    this.busy = true;
    const hostContext = currentContext();
    try {
      this.startOfTurns(start);
      return this.#runTurns(budget, start);
    } catch (error) {
      this.breakDown(error);
      return false;
    } finally {
      this.busy = false;
      context.fiber = null;
      restoreContext(hostContext);
      this.#level = No.LEVEL;
    }
  }

  #runTurns(budget: number, start: number): boolean {
    let now = this.readClock(start);
    let checked = now;
    const end = now + budget;
    let steps = 0;
    const lastStep = this.switches + Most.STEPS;
    this.#stopRequested = false;
    for (;;) {
      const ran = this.#turn(now, this.#interval.steps - steps);
      if (this.trap !== null) throw this.trap;
      if (this.#stopRequested) {
        this.endOfTurn();
        this.readClock();
        return this.#stopRequested = false;
      }
      if (ran === 0) {
        // Limits of waits that have just begun are not set yet.
        if ((steps === 0 || !this.timers.pending) && !this.onIdle()) return false;
      } else {
        this.endOfTurn();
        steps += ran;
        if (steps < this.#interval.steps) continue;
      }
      now = this.readClock();
      // When nothing is ready, onIdle() must be called before the slice ends, as no other slice may follow: see below.
      if (now >= end || this.switches >= lastStep) break;
      if (ran === 0) this.startOfTurns(now);
      this.#interval.adapt(now - checked, steps);
      checked = now;
      steps = 0;
    }
    return this.readyCount > 0 || this.kernel.exports.nextDeadline() <= now || this.onIdle();
  }

  /**
   * Ends the slice after the step that runs, though others may be ready: they stay in their queues, and the driver is told
   * that nothing is ready. The caller must see to it that another slice runs.
   */
  stopSlice(): void {
    this.#stopRequested = true;
    this.#end = 0;
  }

  /** How many slots are in the ready queues, those that no longer have an entity included. */
  protected get readyCount(): number {
    return this.queue.length - this.#ran - this.#index;
  }

  /** Steps begun so far: while a step runs, its number. */
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
    for (let level = No.LEVEL; level !== this.#level;) this.#serve(level = this.#level);
    this.#level = No.LEVEL;
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
      if (slot === No.SLOT) return;
      this.#index++;
      const entity = table[slot];
      if (entity !== undefined) entity.run();
      else this.slots.pass(slot);
    }
  }
}
