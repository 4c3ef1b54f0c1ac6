/**
 * The run loop: joins the kernel, which decides who runs next, to the strands, which are what runs.
 *
 * It talks to the kernel through two rings in the kernel's memory, so that a switch costs no call: making something
 * ready or releasing a slot is a pair of numbers appended to the submission ring, and one call a turn hands the
 * submissions over and fetches a window of what to run. Order of arrival is kept throughout: first come, first
 * served within a priority level.
 *
 * Invariants:
 * - `queued` is true from a submission until the run it leads to; nothing is submitted twice in between.
 * - being submitted cancels the timer of a slot (the kernel does it), so nobody disarms a strand's timer by hand.
 * - as long as nothing was submitted in a window, its entries say who gave way and no ring is needed; if all did and
 *   nothing else is ready, the same window is run again without asking the kernel, until a timer is due.
 * - while a slice runs, `busy` is true and the driver is left alone; it looks at the state again afterwards.
 */
import type { Clock } from "./clock.ts";
import { context } from "./context.ts";
import type { Drivable, Driver } from "./driver.ts";
import { Kernel, type KernelExports } from "./kernel/kernel.ts";
import { type Operation, PATIENCE, WAITING } from "./operation.ts";
import type { Schedulable } from "./schedulable.ts";

// The clock costs as much as a switch or two, so it is read every so many steps. The interval adapts, so that reads
// stay about CHECK_SECONDS apart when steps are long.
const MAX_INTERVAL = 1024;
const CHECK_SECONDS = 100e-6;

// Steps after which the clock is looked at all the same, in a long window or after short ones, should steps have become
// long all of a sudden. A power of two less one.
const GLANCE = 255;

// So often a window has to have been the same before a list of what stands in it is worth making.
const STEADY_RUNS = 8;

// Ends a slice where the clock does not: virtual time stands still, and some edge runtimes freeze the clock while
// code runs.
const MAX_STEPS = 20_000;

/** @internal The machinery of a scheduler, beneath coroutines and their public face. */
export abstract class RunLoop implements Drivable {
  /** @internal */
  readonly kernel: Kernel = Kernel.take();
  /** @internal */
  readonly clock: Clock;
  /** @internal Set by the scheduler's constructor. */
  driver!: Driver;
  /** @internal What stands in each slot of the kernel. */
  readonly table: (Schedulable | undefined)[] = [];
  /** @internal Operations answered at once that the running step may still have. */
  patience = PATIENCE;
  /** @internal The running step pushed a frame that must be entered next. */
  entered = false;
  /** @internal Promises and host operations that coroutines wait for. */
  hostOperations = 0;
  /** @internal Steps run so far. */
  switches = 0;
  /** @internal When the clock was last read, in its seconds. */
  lastReading = 0;
  /** @internal Reorders a window in place, for seeded scheduling. */
  permute: ((window: Int32Array, count: number) => void) | null = null;

  /** @internal What the kernel threw, once it has: from then on the scheduler is broken. */
  trap: Error | null = null;

  /** @internal */
  protected kernelCalls: KernelExports = this.kernel.exports;
  /** @internal A slice is running. */
  protected busy = false;
  /** @internal Why the scheduler no longer works, once the kernel has trapped. */
  protected broken: Error | null = null;
  /** @internal The kernel must not be called any more: it has trapped, or the scheduler has ended. */
  protected halted = false;

  #submitted = 0;
  // Submissions that the kernel has taken in.
  #drained = 0;
  #consumed = 0;
  // Index of the next entry of the window; the running one is just before it.
  #index = 0;
  // Nothing was submitted since the window was begun: its entries say who gave way, and -1 who did not.
  #windowSpeaks = false;
  // The kernel filled the window with so many.
  #filled = 0;
  // The next window is this one again, unless a timer is due by then.
  #steady = false;
  #steadyUntil = 0;
  // How often in a row the window was the same, and what stands in it once that is worth a list.
  #steadyRuns = 0;
  #steadyEntities: Schedulable[] | null = null;
  // A glance at the clock cut the window short.
  #late = false;
  // The slice is to end after the step that runs.
  #halted = false;
  // The kernel has to be told that entries up to this one gave way.
  #gaveWayEnd = 0;
  #windowEnd = 0;
  #windowLevel = 0;
  readonly #submissionCapacity: number = this.kernelCalls.submissionCapacity();
  readonly #windowCapacity: number = this.kernelCalls.windowCapacity();
  #limit = this.#windowCapacity;
  #interval = 1;
  #arming: Operation<unknown>[] = [];

  /** @internal */
  constructor(clock: Clock) {
    this.clock = clock;
    this.lastReading = clock.now();
  }

  /** @internal Called before the first turn of a slice, and before the next one when a turn has found nothing ready. */
  protected startOfTurns(_now: number): void {}

  /** @internal Called after every turn. */
  protected abstract endOfTurn(): void;

  /** @internal Called when nothing is ready. Answers `true` if it made something ready. */
  protected abstract onIdle(): boolean;

  /** @internal Called once, when the kernel has trapped: rejects everything that waits. */
  protected abstract abandon(reason: Error): void;

  /** @internal */
  abstract keepsAlive(): boolean;

  /** @internal */
  abstract ranDry(ending: boolean): boolean;

  /** @internal Gives the entity a slot in the kernel. Throws if there is no room; nothing has changed then. */
  enter(entity: Schedulable): void {
    if (this.halted) throw this.broken ?? new Error("Cannot run anything more as the scheduler has been terminated");
    const slot = this.#allocate(entity.level);
    entity.slot = slot;
    entity.generation = this.kernelCalls.generation(slot);
    this.table[slot] = entity;
  }

  #allocate(level: number): number {
    try {
      return this.kernel.allocate(level);
    } catch (error) {
      // No more room is the caller's to handle; anything else is a trap.
      if (error instanceof RangeError) throw error;
      throw this.#trapped(error);
    }
  }

  /** Remembers that the kernel trapped: nothing may be built on its state any more. */
  #trapped(error: unknown): Error {
    this.trap ??= error instanceof Error ? error : new Error(String(error));
    // In a slice, its end sees to it.
    if (!this.busy) this.#breakDown(this.trap);
    return this.trap;
  }

  /** @internal Takes the entity's slot back. Its id never reaches a later tenant of the slot. */
  leave(entity: Schedulable): void {
    const slot = entity.slot;
    if (this.halted) return;
    this.table[slot] = undefined;
    entity.slot = -1;
    this.#append(~slot, entity.generation);
    if (!this.busy) this.driver.update();
  }

  /**
   * @internal
   * The running entity gives way: it is ready again, at the end of its level's queue. As long as nothing was submitted
   * since the window was begun, its entry there says so; order of arrival is kept, as those before it did the same.
   */
  again(entity: Schedulable): void {
    if (entity.queued) return;
    entity.queued = true;
    if (!this.#windowSpeaks) this.#append(entity.slot, entity.generation);
  }

  /** @internal The running entity does not give way but waits: its entry in the window stands for nothing. */
  parked(): void {
    this.#steady = false;
    if (this.#windowSpeaks) this.kernel.window[this.#index - 1] = -1;
  }

  /** @internal Makes the entity ready, at the end of its level's queue. */
  submit(entity: Schedulable): void {
    if (entity.queued) return;
    entity.queued = true;
    this.#append(entity.slot, entity.generation);
    // More urgent than what the window holds: the rest of the window goes back to its queue.
    if (entity.level < this.#windowLevel) this.#windowEnd = 0;
    if (!this.busy) this.driver.wake();
  }

  #append(code: number, generation: number): void {
    if (this.#windowSpeaks) this.#silenceWindow(this.#index - 1);
    const at = this.#submitted << 1;
    const ring = this.kernel.submissions;
    ring[at] = code;
    ring[at + 1] = generation;
    if (++this.#submitted === this.#submissionCapacity) this.#drain();
  }

  #drain(): void {
    if (this.#windowSpeaks) this.#silenceWindow(this.#index - 1);
    const count = this.#submitted;
    this.#drained += count;
    this.#submitted = 0;
    // A slot that is released now may get another tenant, who must not be run in the place of the former one.
    this.#windowEnd = 0;
    try {
      this.#requeue();
      if (count > 0) this.kernelCalls.drain(count);
    } catch (error) {
      throw this.#trapped(error);
    }
  }

  /** @internal Sets the timer of an entity that is not ready. Earlier requests without a clock reading come first. */
  arm(entity: Schedulable, deadline: number): void {
    if (this.#arming.length > 0) this.#armWaiting(this.clock.now());
    this.#setTimer(entity, deadline);
  }

  #setTimer(entity: Schedulable, deadline: number): void {
    this.#steady = false;
    try {
      const earlier = !this.busy && deadline < this.kernelCalls.nextDeadline();
      this.kernelCalls.arm(entity.slot, entity.generation, deadline);
      if (earlier) this.driver.update();
    } catch (error) {
      throw this.#trapped(error);
    }
  }

  /**
   * @internal
   * Sets the timer of a waiting operation when the clock is next read. Most timeouts are answered before that and
   * then cost neither a clock reading nor a kernel call.
   */
  armLater(operation: Operation<unknown>): void {
    this.#arming.push(operation);
  }

  #armWaiting(now: number): void {
    this.lastReading = now;
    const arming = this.#arming;
    // Setting a length costs something even where it changes nothing.
    if (arming.length === 0) return;
    for (let i = 0; i < arming.length; i++) {
      const operation = arming[i];
      const strand = operation.strand!;
      if (operation.state !== WAITING || strand.wait !== operation) continue;
      this.#setTimer(strand, now + operation.limit);
    }
    arming.length = 0;
  }

  /** @internal When the timer of the entity is due, by the clock; `Infinity` if it has none. */
  deadline(entity: Schedulable): number {
    return this.kernelCalls.deadline(entity.slot, entity.generation);
  }

  /** @internal Moves a queued entity to the end of another level's queue, or sets the level it will be queued at. */
  setLevel(entity: Schedulable, level: number): void {
    entity.level = level;
    this.#steady = false;
    // It may stand in the rest of the window, or is to run before it: that goes back to the queues.
    this.#windowEnd = 0;
    if (entity.slot >= 0) this.kernelCalls.setLevel(entity.slot, entity.generation, level);
  }

  /** @internal */
  now(): number {
    return this.clock.now();
  }

  /** @internal */
  nextDeadline(): number {
    if (this.halted) return Infinity;
    this.settleKernel();
    return this.kernelCalls.nextDeadline();
  }

  /** @internal Hands everything over that is still on its way to the kernel. Changes no order. */
  settleKernel(): void {
    if (this.halted) return;
    this.#drain();
    if (this.#arming.length > 0) this.#armWaiting(this.clock.now());
  }

  /** @internal The scheduler has ended: another one may have its kernel. */
  protected leaveKernel(): void {
    if (this.halted) return;
    this.settleKernel();
    this.halted = true;
    this.kernel.leave();
  }

  /** @internal */
  slice(budget: number, start: number): boolean {
    if (this.halted || this.busy) return false;
    this.busy = true;
    try {
      this.startOfTurns(start);
      return this.#runTurns(budget, start);
    } catch (error) {
      this.#breakDown(error);
      return false;
    } finally {
      this.busy = false;
      context.strand = null;
      this.#windowLevel = 0;
    }
  }

  #runTurns(budget: number, start: number): boolean {
    let now = start;
    this.#armWaiting(now);
    let checked = now;
    const end = now + budget;
    let steps = 0;
    let glanceAt = GLANCE;
    const lastStep = this.switches + MAX_STEPS;
    for (;;) {
      const count = this.#steady && now < this.#steadyUntil ? this.#filled : this.#turn(now);
      if (count === 0) {
        // Timeouts that have just begun still have to be armed.
        if ((steps === 0 || this.#arming.length === 0) && !this.onIdle()) return false;
      } else {
        const before = this.switches;
        this.#runWindow(count, Math.min(this.#interval, glanceAt) - steps);
        if (this.trap !== null) throw this.trap;
        if (this.#halted) return this.#halt();
        this.endOfTurn();
        steps += this.switches - before;
        if (steps >= glanceAt) {
          glanceAt = steps + GLANCE;
          this.#glance();
        }
        if (steps < this.#interval && !this.#late) continue;
      }
      this.#late = false;
      now = this.clock.now();
      this.#armWaiting(now);
      // A slice that ends just when nothing is ready any more must look as well: none may follow.
      if (now >= end || this.switches >= lastStep) return this.#hasReady() || this.onIdle();
      if (count === 0) this.startOfTurns(now);
      this.#adapt(now - checked, steps);
      checked = now;
      steps = 0;
      glanceAt = GLANCE;
    }
  }

  /**
   * @internal
   * Ends the slice after the step that runs, as if nothing were ready. What is ready stays so, in its order, for the
   * next slice, whenever the driver runs one.
   */
  halt(): void {
    this.#halted = true;
    this.#windowEnd = Math.min(this.#windowEnd, this.#index);
  }

  #halt(): false {
    this.#halted = false;
    this.endOfTurn();
    this.#armWaiting(this.clock.now());
    return false;
  }

  /** @internal Differs from step to step, for as long as the scheduler lives. */
  get step(): number {
    return this.switches + this.#index;
  }

  /** @internal Whether nothing but the entity that runs was ready in this turn, or is now. */
  get alone(): boolean {
    return this.#filled === 1 && this.#submitted === 0 && this.kernelCalls.readyCount() === 0;
  }

  /** @internal Grows with everything that is made ready or released, other than by giving way. */
  get submissions(): number {
    return this.#drained + this.#submitted;
  }

  #hasReady(): boolean {
    this.#drain();
    // What is left of a window that was cut short is in no queue until the next turn.
    if (this.#consumed < this.#filled) return true;
    return this.kernelCalls.readyCount() > 0 || this.kernelCalls.nextDeadline() <= this.clock.now();
  }

  /** From here on the order of arrival is in the ring; the entries before `end` that gave way come first. */
  #silenceWindow(end: number): void {
    this.#windowSpeaks = false;
    this.#gaveWayEnd = end;
  }

  /** Hands over which entries of the window gave way, once. */
  #requeue(): void {
    this.#steady = false;
    if (this.#gaveWayEnd > 0) this.kernelCalls.requeue(0, this.#gaveWayEnd);
    this.#gaveWayEnd = 0;
  }

  /** @internal Makes ready all that is due, behind all that is ready: in one turn only so many timers expire. */
  protected expireTimers(now: number): void {
    while (this.kernelCalls.nextDeadline() <= now) this.#turn(now, 0);
  }

  #turn(now: number, limit: number = Math.min(this.#limit, this.#interval)): number {
    this.#requeue();
    const submitted = this.#submitted;
    this.#drained += submitted;
    this.#submitted = 0;
    const consumed = this.#consumed;
    this.#consumed = 0;
    this.#filled = this.kernelCalls.turn(now, submitted, consumed, limit);
    return this.#filled;
  }

  /** Runs the window; a steady one over and over, until `most` steps have been run. */
  #runWindow(count: number, most: number): void {
    if (this.permute !== null) this.permute(this.kernel.window, count);
    const table = this.table;
    this.#windowEnd = count;
    this.#windowLevel = table[this.kernel.window[0] >> 1]?.level ?? 0;
    this.#index = 0;
    this.#gaveWayEnd = 0;
    this.#windowSpeaks = true;
    const confirmed = this.#steady;
    this.#steady = true;
    if (confirmed && ++this.#steadyRuns > STEADY_RUNS && this.permute === null) this.#runSteadily(count, most);
    while (this.#index < this.#windowEnd) {
      // The window is read afresh each time: creating a coroutine may have moved the kernel's memory.
      const entry = this.kernel.window[this.#index++];
      const entity = table[entry >> 1];
      if (entity !== undefined) entity.run((entry & 1) === 1);
      if ((this.#index & GLANCE) === 0) this.#glance();
    }
    context.strand = null;
    const run = this.#index;
    this.#index = 0;
    this.switches += run;
    this.#consumed = run;
    if (this.#windowSpeaks) this.#silenceWindow(run);
    else this.#steady = false;
    if (!this.#steady) this.#steadyEntities = null;
    else if (!(confirmed && run === count)) this.#confirmSteady(run === count);
    // A window that is often cut short is costly to put back, so it shrinks; it grows again when it is used up.
    this.#limit = run < count ? Math.max(8, this.#limit >> 1) : Math.min(this.#windowCapacity, this.#limit << 1);
  }

  /**
   * Runs a steady window, round after round, from a list of what stands in it. Returns when enough steps were run, at
   * the end of the window, or when something happened, in the middle of it: the rest may have been released since, so
   * that it has to be looked up.
   */
  #runSteadily(count: number, most: number): void {
    const entities = this.#steadyEntities ??= this.#listWindow(count);
    for (let left = most;;) {
      for (let index = 0; index < this.#windowEnd && this.#windowSpeaks;) {
        const entity = entities[index];
        this.#index = ++index;
        entity.run(false);
        if ((index & GLANCE) === 0) this.#glance();
      }
      left -= count;
      if (left < count || !this.#steady || !this.#windowSpeaks || this.#index < count || this.#late) return;
      this.switches += count;
      this.#index = 0;
    }
  }

  #listWindow(count: number): Schedulable[] {
    const list: Schedulable[] = [];
    for (let i = 0; i < count; i++) list.push(this.table[this.kernel.window[i] >> 1]!);
    return list;
  }

  /**
   * All of the window gave way, and nothing else happened. If nothing else is ready either, the next window is this one
   * again, in the same order: until a timer is due, the kernel need not be asked.
   */
  #confirmSteady(whole: boolean): void {
    this.#steady = whole && this.kernelCalls.readyCount() === 0;
    this.#steadyRuns = 0;
    this.#steadyEntities = null;
    if (!this.#steady) return;
    this.#steadyUntil = this.kernelCalls.nextDeadline();
    // Those whose timers had fired are ready by giving way from now on.
    const window = this.kernel.window;
    for (let i = 0; i < this.#filled; i++) window[i] &= ~1;
  }

  /** Cuts a window short whose steps have become long. */
  #glance(): void {
    if (this.clock.now() - this.lastReading < 4 * CHECK_SECONDS) return;
    this.#late = true;
    this.#windowEnd = Math.min(this.#windowEnd, this.#index);
  }

  #adapt(seconds: number, steps: number): void {
    if (seconds > 2 * CHECK_SECONDS) {
      this.#interval = Math.max(1, Math.floor((this.#interval * CHECK_SECONDS) / seconds));
    } else if (seconds < CHECK_SECONDS && steps >= this.#interval) {
      this.#interval = Math.min(MAX_INTERVAL, this.#interval << 1);
    }
  }

  #breakDown(cause: unknown): void {
    if (this.broken !== null) return;
    const reason = new Error(
      "Cannot go on as the scheduler broke down: every coroutine in it is abandoned, please report this as a bug",
      { cause },
    );
    this.broken = reason;
    this.halted = true;
    this.abandon(reason);
    this.table.length = 0;
    this.driver.stop();
  }
}
