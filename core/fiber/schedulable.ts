import type { Clock } from "../host/clock.ts";
import type { ReadyQueue } from "../kernel/ready_queue.ts";

/** The part of a run loop that the entities it schedules use. */
export interface Loop {
  /** What is ready, in the kernel's memory. */
  readonly queue: ReadyQueue;
  /** Where the time is read. */
  readonly clock: Clock;
  /** What the kernel threw, once it has: from then on the scheduler is broken. */
  readonly trap: Error | null;
  /** Whether it broke down or was killed: it runs nothing any more. */
  readonly abandoned: boolean;
  /** Deadlines that are set when the clock is next read. */
  readonly timers: { setLater(wait: { readonly limit: number }): void };
  /** Operations that may still end without a wait in the step that runs. */
  stepBudget: number;
  /** The running step pushed a frame that must be entered next. */
  entered: boolean;
  /** Promises and host operations that coroutines wait for. */
  hostOperations: number;
  /** Of these, waits that another peer of a network ends. */
  peerWaits: number;
  /** Of these, waits for a disk, which end soon, however busy the machine is. */
  diskWaits: number;
  /** Waits that a signal may end. */
  abortable: number;
  /** Gives the entity a slot in the kernel. Throws if there is no room; nothing has changed then. */
  allocateSlot(entity: Schedulable): void;
  /** Takes the entity's slot back, and its timer with it. */
  freeSlot(entity: Schedulable): void;
  /** The running entity gives way: it is ready again, behind everything that is ready at its level. */
  yieldTurn(entity: Schedulable): void;
  /** Makes the entity ready, behind everything that is ready at its level, and cancels its timer. */
  makeReady(entity: Schedulable): void;
  /** Changes the level of an entity. One that is ready goes to the end of its new level's queue. */
  setLevel(entity: Schedulable, level: number): void;
  /** Sets the timer of an entity, in seconds of the clock, unless the entity is ready. */
  arm(entity: Schedulable, deadline: number): void;
}

/**
 * An entity that the kernel schedules: it has a slot there, a place in a ready queue, and one timer.
 *
 * Being made ready, or the firing of the timer, leads to exactly one run. When that begins, the entity is not ready.
 */
export abstract class Schedulable {
  /** @internal The run loop of its scheduler. */
  declare loop: Loop;
  /** @internal Its slot in the kernel between `allocateSlot()` and `freeSlot()` of the run loop, else -1. */
  declare slot: number;
  /** @internal Priority level, 0 (first) to 7. */
  declare level: number;

  // Set here and not where they are declared, as in `Operation`.
  /** @internal */
  constructor(loop: Loop, level: number) {
    this.loop = loop;
    this.slot = -1;
    this.level = level;
  }

  /** @internal Whether it is ready. */
  get ready(): boolean {
    return this.slot >= 0 && this.loop.queue.isReady(this.slot);
  }

  /** @internal Runs one step. */
  abstract run(): void;
}
