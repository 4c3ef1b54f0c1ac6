import type { WaitingFiber } from "./context.ts";
import { Operation } from "./operation.ts";
import type { Loop } from "./schedulable.ts";

/**
 * A wait that the host ends.
 *
 * The run loop counts it: while there are such waits, virtual time stands still for a while in favour of the host, and
 * reports no deadlock (`coroutine/deadlock.ts` says why other clocks do not either). While it waits, no hot swap can be
 * proposed.
 *
 * @internal
 */
export abstract class CountedWait<T> extends Operation<T> {
  /** @internal The run loop that counts it: from `count()` until it has its outcome or is withdrawn. */
  declare protected countedBy: Loop | null;

  /** @internal */
  constructor() {
    super();
    this.countedBy = null;
  }

  /** @internal Begins to wait for the host. */
  protected count(fiber: WaitingFiber): void {
    this.countedBy = fiber.loop;
    fiber.loop.hostOperations++;
  }

  /** @internal No longer waits for the host. Returns whether it did. */
  protected uncount(): boolean {
    if (this.countedBy === null) return false;
    this.countedBy.hostOperations--;
    this.countedBy = null;
    return true;
  }

  /** @internal */
  override swappable(): boolean {
    return false;
  }
}
