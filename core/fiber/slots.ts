/**
 * Which entity has which slot of the kernel.
 *
 * A ready entity that frees its slot, or gets another one, leaves the old slot in the ready queue without an entity. The
 * run loop frees that slot when it reaches it. So nothing is taken out of the middle of a queue, and two entities never
 * share a slot.
 */
import { LEVELS, NONE, type ReadyQueue } from "../kernel/ready_queue.ts";
import type { Schedulable } from "./schedulable.ts";

/** See the head of this file. */
export class Slots {
  declare private readonly queue: ReadyQueue;
  /** The entity of each slot. */
  readonly table: (Schedulable | undefined)[] = [];
  /** How many slots in the ready queues have no entity. */
  abandoned = 0;

  /** @param queue Where the kernel has the slots. */
  constructor(queue: ReadyQueue) {
    this.queue = queue;
  }

  /** Gives the entity a slot, by default a free one of the kernel's. Returns `false` if there is none. */
  allocate(entity: Schedulable, slot: number = this.queue.allocate(entity.level)): boolean {
    if (slot === NONE) return false;
    entity.slot = slot;
    this.table[slot] = entity;
    return true;
  }

  /** Frees the slot of an entity without a timer, at once or when the run loop reaches it in the ready queue. */
  free(entity: Schedulable): void {
    const { slot } = entity;
    entity.slot = -1;
    if (this.queue.isReady(slot)) return this.abandon(slot);
    this.table[slot] = undefined;
    this.queue.free(slot);
  }

  /** Removes the entity of a slot. */
  abandon(slot: number): void {
    this.table[slot] = undefined;
    this.abandoned++;
  }

  /** Frees a slot without an entity that was taken out of its ready queue. */
  pass(slot: number): void {
    this.abandoned--;
    this.queue.free(slot);
  }

  /** Empties the ready queues, and frees the slots without an entity. For a scheduler that has ended. */
  passAll(): void {
    for (let level = 0; level < LEVELS; level++) {
      for (let slot; (slot = this.queue.shift(level)) !== NONE;) {
        if (this.table[slot] === undefined) this.pass(slot);
      }
    }
  }
}
