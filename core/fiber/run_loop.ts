/**
 * The run loop: joins the kernel, which decides who runs next, to the fibers, which are what runs.
 *
 * Nearly always all that is ready has one priority level, and then there is nothing to decide: first come, first
 * served. So what is ready stands in a line on this side, and a switch, a message or a new coroutine costs no call. As
 * soon as a second level comes into play, the line is handed over to the kernel, which queues level by level, lets
 * nobody starve, and answers with windows of what to run; once all that is ready fits a window and has one level, it
 * becomes the line again. Timers, slots and levels are the kernel's all the time.
 *
 * The kernel learns who is ready or released from a ring in its memory, pairs of numbers that are handed over once a
 * turn.
 *
 * Invariants:
 * - while there is a line (its level is not `NO_LINE`), all that is ready stands in it and has that level, the kernel's
 *   queues are empty and its window is used up. Otherwise the line is empty.
 * - an entity is `READY` or `DUE` from being submitted, or from its timer's firing, until the run to which that leads;
 *   nothing is submitted twice in between.
 * - being submitted cancels the timer of an entity, so nobody disarms a fiber's timer by hand.
 * - an `IDLE` entity has no timer and is in no queue, so that its slot can go to another without the kernel's knowledge.
 * - while a slice runs, `busy` is true and the driver is left alone; it looks at the state again afterwards.
 */
import type { Clock } from "../host/clock.ts";
import { context } from "./context.ts";
import type { Drivable, Driver } from "../host/driver.ts";
import { currentContext, restoreContext } from "../host/async_context.ts";
import { Line, NONE } from "../line.ts";
import { Kernel, type KernelExports } from "../kernel/kernel.ts";
import { type Operation, STEP_BUDGET, WAITING } from "./operation.ts";
import { DUE, IDLE, READY, type Schedulable, TIMED } from "./schedulable.ts";

// The clock costs as much as a switch or two, so it is read every so many steps. The interval adapts, so that reads
// stay about CHECK_SECONDS apart when steps are long; it is no longer than what may pass unseen should steps have become
// long all of a sudden.
const MAX_INTERVAL = 256;
const CHECK_SECONDS = 100e-6;

// Ends a slice where the clock does not: virtual time stands still, and some edge runtimes freeze the clock while
// code runs.
const MAX_STEPS = 20_000;

// In place of the level of the line: there is none, or it is a rota.
const NO_LINE = -1;
const ROTA = -2;

// A line becomes a rota after so many rounds in which all that happened was giving way.
const QUIET_ROUNDS = 8;

// The level of nearly everything, and of all slots that are kept for the next who comes.
const USUAL_LEVEL = 4;
const MAX_SPARE = 1024;

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
  stepBudget = STEP_BUDGET;
  /** @internal The running step pushed a frame that must be entered next. */
  entered = false;
  /** @internal Promises and host operations that coroutines wait for. */
  hostOperations = 0;
  /** @internal Steps run so far. */
  switches = 0;
  /** @internal When the clock was last read, in its seconds. */
  lastReading = 0;

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

  readonly #line = new Line();
  #lineLevel = USUAL_LEVEL;
  // Those who take turns, while nothing else happens: the line itself is empty then. Whose turn it is, and their level.
  #rota: Schedulable[] = [];
  #rotaAt = 0;
  #rotaLevel = 0;
  // How much has arrived, and how long the line was, when last it ran; and steps since either was different.
  #quietArrivals = 0;
  #quietLength = 0;
  #quietSteps = 0;
  // No timer is due before this, by what is known here.
  #nearest = Infinity;
  // Slots of the usual level that ended coroutines left, with their generations.
  readonly #spare: number[] = [];
  // Reorders a window in place, for seeded scheduling: it is always the kernel that queues then.
  #permute: ((window: Int32Array, count: number) => void) | null = null;

  #submitted = 0;
  // What was made ready or released so far.
  #arrivals = 0;
  // The kernel filled the window with so many, and so many of them were run.
  #filled = 0;
  #consumed = 0;
  #windowLevel = 0;
  #windowLimit: number = this.kernelCalls.windowCapacity();
  // Steps run of the line or the window, and where they are to stop.
  #index = 0;
  #end = 0;
  // The slice is to end after the step that runs.
  #halted = false;
  readonly #submissionCapacity: number = this.kernelCalls.submissionCapacity();
  readonly #windowCapacity: number = this.kernelCalls.windowCapacity();
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

  // --- slots --------------------------------------------------------------------------------------------------

  /** @internal Gives the entity a slot in the kernel. Throws if there is no room; nothing has changed then. */
  enter(entity: Schedulable): void {
    if (this.halted) throw this.broken ?? new Error("Cannot run anything more as the scheduler has been terminated");
    const spare = this.#spare;
    if (spare.length > 0 && entity.level === USUAL_LEVEL) {
      entity.generation = spare.pop()!;
      entity.slot = spare.pop()!;
    } else {
      entity.slot = this.#allocate(entity.level);
      entity.generation = this.kernelCalls.generation(entity.slot);
      this.#line.fit(entity.slot + 1);
    }
    this.table[entity.slot] = entity;
  }

  #allocate(level: number): number {
    try {
      return this.kernel.allocate(level);
    } catch (error) {
      if (!(error instanceof RangeError)) throw this.#trapped(error);
      // No more room is the caller's to handle, unless some have ended and the kernel does not know of it yet.
      if (!this.#releaseAll()) throw error;
      return this.#allocate(level);
    }
  }

  /** Hands all slots back that nobody is in any more. Answers whether there may have been any. */
  #releaseAll(): boolean {
    const some = this.#submitted + this.#spare.length > 0;
    this.#releaseSpare();
    this.#drain();
    return some;
  }

  #releaseSpare(): void {
    const spare = this.#spare;
    while (spare.length > 0) {
      const generation = spare.pop()!;
      this.#append(~spare.pop()!, generation);
    }
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

  /** @internal Takes the entity's slot back. Its id never reaches a later tenant of the slot. */
  leave(entity: Schedulable): void {
    if (this.halted) return;
    const ready = entity.phase >= READY;
    if (ready && this.#lineLevel === ROTA) this.#endRota();
    const { slot, generation } = entity;
    const spare = this.#spare;
    this.table[slot] = undefined;
    entity.slot = -1;
    this.#arrivals++;
    if (entity.phase === IDLE && entity.level === USUAL_LEVEL && spare.length < 2 * MAX_SPARE) {
      spare.push(slot, generation);
    } else if (!ready || this.#lineLevel === NO_LINE) {
      // Out of the line: there, a slot is given back when its place is passed.
      this.#append(~slot, generation);
    }
    if (!this.busy) this.driver.update();
  }

  /** The place of one that left the line is passed. */
  #release(slot: number): void {
    this.#append(~slot, this.kernelCalls.generation(slot));
  }

  // --- what is ready ------------------------------------------------------------------------------------------

  /** @internal The running entity gives way: it is ready again, behind all that is. */
  again(entity: Schedulable): void {
    if (entity.phase >= READY) return;
    entity.phase = READY;
    const level = this.#lineLevel;
    if (entity.level === level) this.#line.push(entity.slot);
    else if (level !== ROTA) this.#arrive(entity);
  }

  /** @internal Makes the entity ready, behind all that is ready at its level. */
  submit(entity: Schedulable): void {
    const phase = entity.phase;
    if (phase >= READY) return;
    if (entity.level === this.#lineLevel) {
      if (phase === TIMED) this.#disarm(entity);
      this.#arrivals++;
      this.#line.push(entity.slot);
    } else this.#arrive(entity);
    entity.phase = READY;
    if (!this.busy) this.driver.wake();
  }

  /** Makes ready what cannot simply join the line: it has another level, or there is none, or it is a rota. */
  #arrive(entity: Schedulable): void {
    if (this.#lineLevel === ROTA) this.#endRota();
    if (this.#lineLevel !== NO_LINE) {
      if (this.#line.length === 0 || entity.level === this.#lineLevel) {
        this.#lineLevel = entity.level;
        this.#disarm(entity);
        this.#arrivals++;
        this.#line.push(entity.slot);
        return;
      }
      this.#disband();
    }
    this.#append(entity.slot, entity.generation);
    // More urgent than what the window holds: the rest of the window goes back to its queue.
    if (entity.level < this.#windowLevel) this.#end = 0;
  }

  /** A second level has come into play: hands the line over to the kernel. */
  #disband(): void {
    if (this.#lineLevel === ROTA) this.#endRota();
    this.#lineLevel = NO_LINE;
    this.#end = 0;
    const line = this.#line;
    for (let slot = line.shift(); slot !== NONE; slot = line.shift()) {
      const entity = this.table[slot];
      if (entity === undefined) this.#release(slot);
      else this.#append(slot, entity.generation);
    }
  }

  /** Makes a rota of the line if nothing has happened in it for long enough to make that worth while. */
  #considerRota(run: number): void {
    const { length } = this.#line;
    if (this.#arrivals !== this.#quietArrivals || length !== this.#quietLength) {
      this.#quietArrivals = this.#arrivals;
      this.#quietLength = length;
      this.#quietSteps = 0;
      return;
    }
    this.#quietSteps += run;
    if (this.#quietSteps <= QUIET_ROUNDS * length || length === 0) return;
    for (let slot = this.#line.shift(); slot !== NONE; slot = this.#line.shift()) this.#rota.push(this.table[slot]!);
    this.#rotaAt = 0;
    this.#rotaLevel = this.#lineLevel;
    this.#lineLevel = ROTA;
  }

  /** Something happened: those whose turn comes are a line again, but for the one that runs. */
  #endRota(): void {
    const rota = this.#rota;
    const running = this.#index > 0 ? 1 : 0;
    this.#lineLevel = this.#rotaLevel;
    this.#quietSteps = 0;
    this.#end = 0;
    for (let i = this.#rotaAt; i < rota.length; i++) this.#line.push(rota[i].slot);
    for (let i = 0; i < this.#rotaAt - running; i++) this.#line.push(rota[i].slot);
    this.#rota = [];
  }

  /** The same as a run of the line, from an array that is written no more. */
  #runRota(most: number): number {
    const rota = this.#rota;
    this.#index = 0;
    this.#end = most;
    let at = this.#rotaAt;
    while (this.#index < this.#end) {
      if (at === rota.length) at = 0;
      const entity = rota[at++];
      this.#rotaAt = at;
      this.#index++;
      entity.run();
      // It waits or has ended.
      if (entity.phase !== READY && this.#lineLevel === ROTA) this.#endRota();
    }
    return this.#ran();
  }

  /** Makes a line of the window, if the kernel holds nothing else and all of it has one level. */
  #makeLine(count: number): boolean {
    if (this.#permute !== null || this.kernelCalls.readyCount() > 0) return false;
    const { window } = this.kernel;
    const table = this.table;
    const level = table[window[0] >> 1]?.level;
    for (let i = 1; i < count; i++) if (table[window[i] >> 1]?.level !== level) return false;
    if (level === undefined) return false;
    this.#lineLevel = level;
    for (let i = 0; i < count; i++) {
      const entity = table[window[i] >> 1]!;
      if ((window[i] & 1) === 1) entity.phase = DUE;
      this.#line.push(entity.slot);
    }
    this.#consumed = count;
    this.#nearest = this.kernelCalls.nextDeadline();
    return true;
  }

  #append(code: number, generation: number): void {
    if (this.#submitted === this.#submissionCapacity) this.#drain();
    const at = this.#submitted << 1;
    const ring = this.kernel.submissions;
    ring[at] = code;
    ring[at + 1] = generation;
    this.#arrivals++;
    this.#submitted++;
  }

  #drain(): void {
    const count = this.#submitted;
    if (count === 0) return;
    // A slot that is released now may get another tenant, who must not be run in the place of the former one.
    if (this.#lineLevel === NO_LINE) this.#end = 0;
    try {
      this.kernelCalls.drain(count);
      this.#submitted = 0;
    } catch (error) {
      throw this.#trapped(error);
    }
  }

  /** @internal Moves a ready entity to the end of another level's queue, or sets the level it will be queued at. */
  setLevel(entity: Schedulable, level: number): void {
    if (entity.level === level) return;
    if (this.#lineLevel === ROTA) this.#endRota();
    if (entity.phase >= READY) {
      // It stands in the line, or in the rest of the window, or is to run before it: that goes back to the queues.
      if (this.#lineLevel !== NO_LINE) this.#disband();
      this.#drain();
      this.#end = 0;
    }
    if (entity.slot >= 0) this.kernelCalls.setLevel(entity.slot, entity.generation, level);
    entity.level = level;
  }

  /** @internal Lets what is ready together run in another order: `permute` reorders windows of it in place. */
  protected permuteBy(permute: (window: Int32Array, count: number) => void): void {
    this.#permute = permute;
    this.#lineLevel = NO_LINE;
  }

  /** @internal How much is ready. */
  protected get ready(): number {
    return this.#rota.length + this.#line.length + this.kernelCalls.readyCount();
  }

  // --- timers -------------------------------------------------------------------------------------------------

  /** @internal Sets the timer of an entity that is not ready. Earlier requests without a clock reading come first. */
  arm(entity: Schedulable, deadline: number): void {
    if (this.#arming.length > 0) this.#armWaiting(this.clock.now());
    this.#setTimer(entity, deadline);
  }

  /** What is in the line is ready without the kernel's knowledge: its timer would make it ready a second time. */
  #disarm(entity: Schedulable): void {
    try {
      this.kernelCalls.disarm(entity.slot, entity.generation);
    } catch (error) {
      throw this.#trapped(error);
    }
  }

  #setTimer(entity: Schedulable, deadline: number): void {
    if (entity.phase >= READY) return;
    try {
      const earlier = !this.busy && deadline < this.kernelCalls.nextDeadline();
      this.kernelCalls.arm(entity.slot, entity.generation, deadline);
      entity.phase = TIMED;
      if (deadline < this.#nearest) this.#nearest = deadline;
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
      const fiber = operation.fiber!;
      if (operation.state !== WAITING || fiber.wait !== operation) continue;
      this.#setTimer(fiber, now + operation.limit);
    }
    arming.length = 0;
  }

  /** @internal When the timer of the entity is due, by the clock; `Infinity` if it has none. */
  deadline(entity: Schedulable): number {
    return this.kernelCalls.deadline(entity.slot, entity.generation);
  }

  /** @internal */
  now(): number {
    return this.clock.now();
  }

  /** @internal */
  nextDeadline(): number {
    if (this.halted) return Infinity;
    this.settleKernel();
    return this.#nearest = this.kernelCalls.nextDeadline();
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
    // Those that left the line have to be released as well.
    if (this.#lineLevel !== NO_LINE) this.#disband();
    this.#releaseSpare();
    this.settleKernel();
    this.halted = true;
    this.kernel.leave();
  }

  // --- turns --------------------------------------------------------------------------------------------------

  /** @internal */
  slice(budget: number, start: number): boolean {
    if (this.halted || this.busy) return false;
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
      this.#windowLevel = 0;
    }
  }

  #runTurns(budget: number, start: number): boolean {
    let now = start;
    this.#armWaiting(now);
    let checked = now;
    const end = now + budget;
    let steps = 0;
    const lastStep = this.switches + MAX_STEPS;
    for (;;) {
      const run = this.#turn(now, this.#interval - steps);
      if (this.trap !== null) throw this.trap;
      if (this.#halted) return this.#halt();
      if (run === 0) {
        // Timeouts that have just begun still have to be armed.
        if ((steps === 0 || this.#arming.length === 0) && !this.onIdle()) return false;
      } else {
        this.endOfTurn();
        steps += run;
        if (steps < this.#interval) continue;
      }
      now = this.clock.now();
      this.#armWaiting(now);
      // A slice that ends just when nothing is ready any more must look as well: none may follow.
      if (now >= end || this.switches >= lastStep) return this.#hasReady() || this.onIdle();
      if (run === 0) this.startOfTurns(now);
      this.#adapt(now - checked, steps);
      checked = now;
      steps = 0;
    }
  }

  /**
   * @internal
   * Ends the slice after the step that runs, as if nothing were ready. What is ready stays so, in its order, for the
   * next slice, whenever the driver runs one.
   */
  halt(): void {
    this.#halted = true;
    this.#end = 0;
  }

  #halt(): false {
    this.#halted = false;
    this.endOfTurn();
    this.#armWaiting(this.clock.now());
    return false;
  }

  /** @internal The number of the step that runs: it differs from step to step, for as long as the scheduler lives. */
  get step(): number {
    return this.switches + this.#index;
  }

  /** @internal Whether nothing is ready but the entity that runs. */
  get alone(): boolean {
    if (this.#lineLevel !== NO_LINE) return this.#line.length === 0 && this.#rota.length <= 1;
    return this.#filled === 1 && this.#submitted === 0 && this.kernelCalls.readyCount() === 0;
  }

  /** @internal Grows with everything that is made ready or released, other than by giving way. */
  get submissions(): number {
    return this.#arrivals;
  }

  #hasReady(): boolean {
    if (this.#line.length > 0 || this.#lineLevel === ROTA) return true;
    this.#drain();
    // What is left of a window that was cut short is in no queue until the next turn.
    if (this.#consumed < this.#filled) return true;
    return this.kernelCalls.readyCount() > 0 || this.kernelCalls.nextDeadline() <= this.clock.now();
  }

  /** Runs what is ready, at most so many steps; answers how many it ran. */
  #turn(now: number, most: number): number {
    if (this.#lineLevel !== NO_LINE) {
      if (now >= this.#nearest) this.#lineUpDue(now);
      if (this.#lineLevel === ROTA) return this.#runRota(most);
      if (this.#lineLevel !== NO_LINE) return this.#runLine(most);
    }
    const count = this.#fillWindow(now, Math.min(this.#windowLimit, most));
    if (count === 0) {
      // The kernel holds nothing that is ready: whatever is next begins a line.
      if (this.#permute === null) {
        this.#lineLevel = USUAL_LEVEL;
        this.#nearest = this.kernelCalls.nextDeadline();
      }
      return 0;
    }
    return this.#makeLine(count) ? this.#runLine(most) : this.#runWindow(count);
  }

  #fillWindow(now: number, limit: number): number {
    const submitted = this.#submitted;
    this.#submitted = 0;
    const consumed = this.#consumed;
    this.#consumed = 0;
    return this.#filled = this.kernelCalls.turn(now, submitted, consumed, limit);
  }

  /** @internal Makes ready all that is due, behind all that is ready. */
  protected expireTimers(now: number): void {
    while (this.kernelCalls.nextDeadline() <= now) {
      if (this.#lineLevel === NO_LINE) this.#fillWindow(now, 0);
      else this.#lineUpDue(now);
    }
  }

  /** Lets as many timers expire as the kernel does in a turn, and lines up whose they were. */
  #lineUpDue(now: number): void {
    const due: Schedulable[] = [];
    // A window holds one level only: there are more windows if there are more levels.
    do {
      const count = this.#fillWindow(now, this.#windowCapacity);
      this.#consumed = count;
      for (let i = 0; i < count; i++) due.push(this.table[this.kernel.window[i] >> 1]!);
    } while (this.kernelCalls.readyCount() > 0);
    this.#nearest = this.kernelCalls.nextDeadline();
    this.#arrivals += due.length;
    for (const entity of due) {
      entity.phase = DUE;
      if (entity.level === this.#lineLevel) this.#line.push(entity.slot);
      else this.#arrive(entity);
    }
  }

  /** Runs the line, at most so many steps. */
  #runLine(most: number): number {
    const line = this.#line;
    const table = this.table;
    this.#index = 0;
    this.#end = most;
    while (this.#index < this.#end) {
      const slot = line.shift();
      if (slot === NONE) break;
      this.#index++;
      const entity = table[slot];
      if (entity !== undefined) entity.run();
      else this.#release(slot);
    }
    const run = this.#ran();
    this.#considerRota(run);
    return run;
  }

  /** Runs the kernel's window. */
  #runWindow(count: number): number {
    if (this.#permute !== null) this.#permute(this.kernel.window, count);
    const table = this.table;
    this.#windowLevel = table[this.kernel.window[0] >> 1]?.level ?? 0;
    this.#index = 0;
    this.#end = count;
    while (this.#index < this.#end) {
      // The window is read afresh each time: creating a coroutine may have moved the kernel's memory.
      const entry = this.kernel.window[this.#index++];
      const entity = table[entry >> 1];
      if (entity === undefined) continue;
      if ((entry & 1) === 1) {
        // Submitted since its timer fired: that is what it will run by.
        if (entity.phase >= READY) continue;
        entity.phase = DUE;
      }
      entity.run();
    }
    const run = this.#ran();
    this.#consumed = run;
    // A window that is often cut short is costly to put back, so it shrinks; it grows again when it is used up.
    this.#windowLimit = run < count
      ? Math.max(8, this.#windowLimit >> 1)
      : Math.min(this.#windowCapacity, this.#windowLimit << 1);
    return run;
  }

  #ran(): number {
    context.fiber = null;
    const run = this.#index;
    this.#index = 0;
    this.switches += run;
    return run;
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
