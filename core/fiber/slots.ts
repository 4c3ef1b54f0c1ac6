/**
 * Who has which slot of the kernel.
 *
 * One that is ready and gives its slot back, or takes another one, leaves its place in the ready queue behind: a slot
 * without an entity, which is freed when the run loop passes that place. So nothing is ever taken out of the middle of a
 * queue, and a slot is never in use by two.
 */
import type { Kernel } from "../kernel/kernel.ts";
import { NONE } from "../kernel/ready_queue.ts";
import type { Schedulable } from "./schedulable.ts";

const LEVELS = 8;

/** See the head of this file. */
export class Slots {
  /** The entity of each slot. */
  readonly table: (Schedulable | undefined)[] = [];
  /** How many places in the ready queues have no entity. */
  abandoned = 0;

  /** @param kernel The kernel that has the slots. */
  constructor(private readonly kernel: Kernel) {}

  /** Gives the entity a slot. */
  allocate(entity: Schedulable): void {
    const slot = this.kernel.allocate(entity.level);
    entity.slot = slot;
    this.table[slot] = entity;
  }

  /** Takes the slot of an entity without a timer back, at once or when its place in the queue is passed. */
  free(entity: Schedulable): void {
    const { slot } = entity;
    entity.slot = -1;
    this.abandon(slot);
    if (!this.kernel.queue.isReady(slot)) this.pass(slot);
  }

  /** The slot has no entity any more. */
  abandon(slot: number): void {
    this.table[slot] = undefined;
    this.abandoned++;
  }

  /** The place of a slot without an entity has been passed. */
  pass(slot: number): void {
    this.abandoned--;
    this.kernel.queue.free(slot);
  }

  /** Takes everything out of the ready queues, and frees the slots without an entity. For when nothing runs any more. */
  passAll(): void {
    for (let level = 0; level < LEVELS; level++) {
      for (let slot; (slot = this.kernel.queue.shift(level)) !== NONE;) {
        if (this.table[slot] === undefined) this.pass(slot);
      }
    }
  }
}
