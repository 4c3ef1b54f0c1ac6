import type { WaitingFiber } from "../fiber/context.ts";
import { HostWait } from "../fiber/host_wait.ts";
import { WAITING } from "../fiber/operation.ts";
import type { QueueLinks } from "../fiber/wait_queue.ts";
import type { Loop } from "../fiber/schedulable.ts";

/**
 * A wait in a queue for an item from outside the run loop, or for a reader there.
 *
 * A coroutine of the same run loop may be on the other side; then the wait is not counted as an operation of the host.
 */
export abstract class QueuedWait<T> extends HostWait<T> implements QueueLinks {
  declare nextWaiter: QueueLinks | null;
  declare prevWaiter: QueueLinks | null;
  // Whether its fiber is parked, so that an outcome has to wake it.
  declare private parked: boolean;

  constructor(seconds: number) {
    super();
    this.nextWaiter = null;
    this.prevWaiter = null;
    this.parked = false;
    this.limit = seconds;
  }

  /** Settles it, or takes it into the queue. */
  protected abstract enter(): void;

  /** Whether the other side is outside the run loop, so that the wait counts as an operation of the host. */
  protected abstract isHostBound(loop: Loop): boolean;

  override begin(fiber: WaitingFiber): boolean {
    this.enter();
    if (this.state !== WAITING) return true;
    if (this.limit <= 0) {
      this.detach();
      this.timedOut();
      return true;
    }
    this.parked = true;
    if (this.isHostBound(fiber.loop)) this.count(fiber);
    return false;
  }

  override settle(value: unknown): void {
    if (this.parked) this.resolve(value);
    else this.give(value);
  }

  override settleError(error: unknown): void {
    if (this.parked) this.reject(error);
    else this.fail(error);
  }
}
