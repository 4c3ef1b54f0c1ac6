/**
 * The wait of a condition, as in asyncio: a task that is notified acquires the lock again when its turn comes and not
 * before, so a task that asks for the lock in the meantime gets it first.
 */
import type { Fiber } from "../../fiber/fiber.ts";
import { parkInSubroutine, waitOn } from "../../operations/repeated_wait.ts";
import { ConditionWait } from "../../sync/condition_wait.ts";

/** @internal See the head of this file. */
export class LoopConditionWait extends ConditionWait {
  // It was notified, and has not asked for the lock yet.
  #notifiedOnly = false;

  override start(fiber: Fiber): boolean {
    if (!this.direct) return super.start(fiber);
    return parkInSubroutine(this, fiber, new LoopConditionWait(this.condition, this.lock, this.waiters, this.limit));
  }

  protected override woken(): void {
    this.#notifiedOnly = true;
    this.resolve(true);
  }

  override next(): IteratorResult<unknown, unknown> {
    if (!this.#notifiedOnly) return super.next();
    this.#notifiedOnly = false;
    return this.regain() ? super.next() : waitOn(this);
  }

  override cancel(): boolean {
    if (!this.#notifiedOnly) return super.cancel();
    this.#notifiedOnly = false;
    this.condition.wake(1);
    return this.regainCancelled();
  }
}
