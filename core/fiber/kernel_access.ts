/**
 * Access to the kernel: the slots and the timers of entities, the clock, and what happens when the kernel fails.
 *
 * The kernel goes to another scheduler only when no entity has a slot: so an entity that has a slot may use the kernel. After a trap
 * the state of the kernel cannot be trusted, so the kernel is never called again and the scheduler breaks down.
 */
import type { Clock } from "../host/clock.ts";
import type { Driver } from "../host/driver.ts";
import { Kernel } from "../kernel/kernel.ts";
import type { ReadyQueue } from "../kernel/ready_queue.ts";
import type { Schedulable } from "./schedulable.ts";
import { Slots } from "./slots.ts";
import { Timers } from "./timers.ts";

/** @internal The part of a run loop that calls the kernel. */
export abstract class KernelAccess {
  readonly kernel: Kernel = Kernel.take();
  /** What is ready, in the kernel's memory. */
  readonly queue: ReadyQueue = this.kernel.queue;
  readonly slots: Slots = new Slots(this.queue);
  readonly timers: Timers = new Timers(this.kernel);
  declare readonly clock: Clock;
  /** Set by the constructor of the class that extends the run loop. */
  declare driver: Driver;
  /** The latest reading of the clock, in seconds. */
  declare lastReading: number;
  /** The same in milliseconds since the first reading, not rounded up. */
  protected elapsed = 0;
  readonly #epoch: number;
  /** The error of the kernel's trap, once it has trapped. */
  trap: Error | null = null;

  /** A slice is running. */
  protected busy = false;
  /** Why the scheduler no longer works, once the kernel has trapped or the scheduler was killed. */
  broken: Error | null = null;
  /** The kernel must not be called any more: it has trapped, or the scheduler has ended. */
  closed = false;

  constructor(clock: Clock) {
    this.clock = clock;
    this.lastReading = this.#epoch = clock.now();
  }

  /** Whether it broke down or was killed: what it ran was abandoned, and nothing of that is reported. */
  get abandoned(): boolean {
    return this.broken !== null;
  }

  /** Called once, when the kernel has trapped: rejects everything that waits. */
  protected abstract abandon(reason: Error): void;

  /** Gives the entity a slot in the kernel. Throws if there is no room; nothing has changed then. */
  allocateSlot(entity: Schedulable): void {
    if (this.closed || !this.slots.allocate(entity)) this.#allocateMore(entity);
  }

  #allocateMore(entity: Schedulable): void {
    if (this.closed) {
      throw this.broken ?? new Error("Cannot go on as the scheduler has been terminated");
    }
    try {
      this.slots.allocate(entity, this.kernel.allocate(entity.level));
    } catch (error) {
      throw this.trapped(error);
    }
  }

  /** Takes the entity's slot back, and its timer with it. */
  freeSlot(entity: Schedulable): void {
    if (this.closed) {
      entity.slot = -1;
    } else {
      if (this.queue.hasTimer(entity.slot)) this.disarm(entity.slot);
      this.slots.free(entity);
      if (!this.busy) this.driver.update();
    }
  }

  /**
   * Records a trap of the kernel, whose state cannot be trusted from then on. A `RangeError` is no trap: without room on
   * the engine's stack the kernel is not entered, and nothing has changed.
   */
  protected trapped(error: unknown): Error {
    if (error instanceof RangeError) return error;
    this.trap ??= error instanceof Error ? error : new Error(String(error));
    // During a slice, the end of the slice does this.
    if (!this.busy) this.breakDown(this.trap);
    return this.trap;
  }

  /** Sets the timer of an entity, unless the entity is ready. Timers that wait for a clock reading are set first. */
  arm(entity: Schedulable, deadline: number): void {
    if (this.closed) return;
    try {
      if (this.timers.pending) this.readClock();
      const earlier = !this.busy && deadline < this.kernel.exports.nextDeadline();
      this.timers.set(entity, deadline);
      if (earlier) this.driver.update();
    } catch (error) {
      throw this.trapped(error);
    }
  }

  /** Cancels the timer of a slot. */
  protected disarm(slot: number): void {
    if (this.closed) return;
    try {
      this.kernel.exports.disarm(slot);
    } catch (error) {
      throw this.trapped(error);
    }
  }

  /** Reads the clock, and sets the timers that have waited for a reading. */
  protected readClock(now: number = this.clock.now()): number {
    this.timers.flush(now);
    this.setReading(now);
    return now;
  }

  /** Sets the latest reading of the clock. */
  setReading(now: number): void {
    this.lastReading = now;
    this.elapsed = Math.trunc((now - this.#epoch) * 1000);
  }

  /** When the timer of the entity is due, by the clock; `Infinity` if it has none. */
  deadline(entity: Schedulable): number {
    return entity.slot < 0 || this.closed ? Infinity : this.kernel.exports.deadline(entity.slot);
  }

  nextDeadline(): number {
    if (this.closed) return Infinity;
    try {
      this.settleTimers();
      return this.kernel.exports.nextDeadline();
    } catch (error) {
      this.trapped(error);
      return Infinity;
    }
  }

  /** Sets the timers that wait for the next reading of the clock, in their order. */
  settleTimers(): void {
    if (this.timers.pending && !this.closed) this.readClock();
  }

  /** The scheduler has ended: gives its kernel to another one. */
  closeKernel(): void {
    if (this.closed) return;
    this.closed = true;
    this.slots.passAll();
    this.kernel.giveBack();
  }

  /** The kernel has trapped: ends the scheduler. */
  protected breakDown(cause: unknown): void {
    if (this.broken !== null) return;
    const reason = new Error(
      "Cannot go on as the scheduler broke down: report this bug",
      { cause },
    );
    this.broken = reason;
    this.closed = true;
    this.abandon(reason);
    this.slots.table.length = 0;
    this.driver.stop();
  }
}
