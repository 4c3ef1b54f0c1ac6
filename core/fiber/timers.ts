/**
 * Setting the timers of fibers in the kernel.
 *
 * The timer of a wait with a limit is set when the clock is next read. Most such waits end before that, and then cost
 * neither a clock reading nor a call. A sleep mostly lasts, so its timer is set at once (`operations/sleep.ts`).
 */
import type { Kernel } from "../kernel/kernel.ts";
import { type Operation, WAITING } from "./operation.ts";
import type { Schedulable } from "./schedulable.ts";

/** See the head of this file. */
export class Timers {
  declare private readonly kernel: Kernel;
  readonly #limited: Operation<unknown>[] = [];

  /** Whether limits wait for the next reading of the clock. */
  get pending(): boolean {
    return this.#limited.length > 0;
  }

  /** @param kernel The kernel that keeps the timers. */
  constructor(kernel: Kernel) {
    this.kernel = kernel;
  }

  /** Sets the timer of an entity, unless the entity is ready: no entity is ready and has a timer. */
  set(entity: Schedulable, deadline: number): void {
    if (!this.kernel.queue.isReady(entity.slot)) this.kernel.exports.arm(entity.slot, deadline);
  }

  /** Sets the timer of the operation's fiber when the clock is next read, if it still waits then. */
  setLater(operation: Operation<unknown>): void {
    this.#limited.push(operation);
  }

  /** The clock was read: sets the timers that have waited for a reading. */
  flush(now: number): void {
    const limited = this.#limited;
    // Setting a length costs something even where it changes nothing.
    if (limited.length === 0) return;
    for (let i = 0; i < limited.length; i++) {
      const operation = limited[i];
      const fiber = operation.fiber!;
      if (operation.state === WAITING && fiber.wait === operation) this.set(fiber, now + operation.limit);
    }
    limited.length = 0;
  }
}
