/**
 * Which entity has which slot of the kernel.
 *
 * A ready entity that frees its slot, or gets another one, leaves the old slot in the ready queue without an entity. The
 * run loop frees that slot when it reaches it. So nothing is taken out of the middle of a queue, and two entities never
 * share a slot.
 */
import type { Kernel } from "../kernel/kernel.ts";
import { LEVELS, NONE } from "../kernel/ready_queue.ts";
import type { Schedulable } from "./schedulable.ts";

/** See the head of this file. */
export class Slots {
  declare private readonly kernel: Kernel;
  /** The entity of each slot. */
  readonly table: (Schedulable | undefined)[] = [];
  /** How many slots in the ready queues have no entity. */
  abandoned = 0;

  /** @param kernel The kernel that has the slots. */
  constructor(kernel: Kernel) {
    this.kernel = kernel;
  }

  /** Gives the entity a slot. */
  allocate(entity: Schedulable): void {
    const slot = this.kernel.allocate(entity.level);
    entity.slot = slot;
    this.table[slot] = entity;
  }

  /** Frees the slot of an entity without a timer, at once or when the run loop reaches it in the ready queue. */
  free(entity: Schedulable): void {
    const { slot } = entity;
    entity.slot = -1;
    this.abandon(slot);
    if (!this.kernel.queue.isReady(slot)) this.pass(slot);
  }

  /** Removes the entity of a slot. */
  abandon(slot: number): void {
    this.table[slot] = undefined;
    this.abandoned++;
  }

  /** Frees a slot without an entity that was taken out of its ready queue. */
  pass(slot: number): void {
    this.abandoned--;
    this.kernel.queue.free(slot);
  }

  /** Empties the ready queues, and frees the slots without an entity. For a scheduler that has ended. */
  passAll(): void {
    for (let level = 0; level < LEVELS; level++) {
      for (let slot; (slot = this.kernel.queue.shift(level)) !== NONE;) {
        if (this.table[slot] === undefined) this.pass(slot);
      }
    }
  }
}
