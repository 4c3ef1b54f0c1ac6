import type { Fiber } from "../../fiber/fiber.ts";
import { TaskOperation } from "./task_operation.ts";

/** A task that runs to its end, also if nobody waits for it any more: it begins or ends something. */
export class LastingTask extends TaskOperation {
  override detach(): void {
    this.leave();
  }
}

/**
 * A task whose outcome is learnt, whatever comes while it runs: errors thrown into the coroutine, its termination and
 * deadlines take effect at the wait that follows. What came before keeps it from being begun.
 */
export class DecisiveTask extends LastingTask {
  /** Whether it was given to the pool. */
  submitted = false;

  override begin(fiber: Fiber): boolean {
    // It waits for nothing then, until the request withdraws it in this very step.
    if (fiber.interrupted) return false;
    this.submitted = true;
    return super.begin(fiber);
  }

  override get shielded(): boolean {
    return this.submitted;
  }
}
