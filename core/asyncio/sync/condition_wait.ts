/**
 * The wait of a condition, as in asyncio: who is notified asks for the lock when its turn comes and not before, so
 * whoever asks for the lock until then has it first.
 */
import { PARKED_RESULT, WAITING } from "../../fiber/operation.ts";
import { delegate } from "../../operations/as_body.ts";
import type { Fiber } from "../../fiber/fiber.ts";
import { ConditionWait } from "../../sync/condition_wait.ts";

/** @internal See the head of this file. */
export class LoopConditionWait extends ConditionWait {
  // It was notified, and is to ask for the lock.
  #due = false;

  // The run loop, which hands over the outcome of a plain `yield`, cannot ask for the lock: a subroutine can.
  override park(fiber: Fiber): boolean {
    if (!this.direct) return super.park(fiber);
    this.fiber = fiber;
    this.state = WAITING;
    fiber.enter(delegate(new LoopConditionWait(this.condition, this.lock, this.waiters, this.limit)), this);
    return false;
  }

  protected override woken(): void {
    this.#due = true;
    this.resolve(true);
  }

  override next(): IteratorResult<unknown, unknown> {
    if (!this.#due) return super.next();
    this.#due = false;
    if (this.regain()) return super.next();
    this.state = WAITING;
    this.fiber!.wait = this;
    return PARKED_RESULT;
  }

  override cancel(): boolean {
    if (!this.#due) return super.cancel();
    this.#due = false;
    this.condition.wake(1);
    return this.regainCancelled();
  }
}
