import type { Fiber } from "../../fiber/fiber.ts";
import { isInterrupted } from "../../fiber/interrupts.ts";
import { TaskOperation } from "./task_operation.ts";

/** A task that runs to its end even if the wait for it is cut short, since it begins or ends something. */
export class LastingTask<T> extends TaskOperation<T> {
  override detach(): void {
    this.uncount();
  }
}

/**
 * A task whose wait is not cut short once it has begun, so that its outcome is known: errors thrown into the coroutine,
 * its termination and deadlines take effect at the next wait. If one of them comes before, the task does not begin.
 */
export class DecisiveTask<T> extends LastingTask<T> {
  /** Whether it was given to the pool. */
  submitted = false;

  override begin(fiber: Fiber): boolean {
    // It does not begin: the interrupt is delivered in this step and cancels the operation.
    if (isInterrupted(fiber)) return false;
    this.submitted = true;
    return super.begin(fiber);
  }

  override get shielded(): boolean {
    return this.submitted;
  }
}
