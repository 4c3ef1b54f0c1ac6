/**
 * The waits of a queue.
 *
 * Who waits is woken when there may be something for it, and looks again when its turn comes; another may have been
 * quicker, and then it waits again, last in line. So nothing is promised to anybody, and a priority queue gives the
 * first item there is when it is taken, as in asyncio.
 */
import { ITERATING, PARKED_RESULT, RESOLVED, WAITING } from "../../fiber/operation.ts";
import { delegate } from "../../operations/as_body.ts";
import type { Fiber } from "../../fiber/fiber.ts";
import { Waiter, type WaitQueue } from "../../fiber/wait_queue.ts";

/** @internal See the head of this file. */
export abstract class QueueWait extends Waiter<unknown> {
  /** Those that wait for the same. */
  protected abstract get line(): WaitQueue<QueueWait>;

  /** Does what it waits for and settles, if that can be done; returns whether. */
  protected abstract attempt(): boolean;

  /** It was woken and does not go on: another may. */
  protected abstract passOn(): void;

  /** The same wait once more. */
  protected abstract again(): QueueWait;

  override begin(): boolean {
    return this.attempt();
  }

  override park(fiber: Fiber): boolean {
    this.fiber = fiber;
    this.state = WAITING;
    // The run loop, which hands over the outcome of a plain `yield`, cannot look again: a subroutine can.
    if (this.direct) {
      fiber.enter(delegate(this.again()), this);
      return false;
    }
    // A coroutine that never waits would starve the others: now and then it gives them a turn, and looks after that.
    if (--fiber.loop.stepBudget > 0) {
      if (this.attempt()) return true;
      this.line.push(this);
    } else {
      this.resolve(undefined);
    }
    fiber.wait = this;
    return false;
  }

  /** There may be something for it. It has been taken out of the line. */
  wake(): void {
    this.resolve(undefined);
  }

  override next(): IteratorResult<unknown, unknown> {
    if (this.state === ITERATING || this.state !== RESOLVED || this.attempt()) return super.next();
    this.state = WAITING;
    this.line.push(this);
    this.fiber!.wait = this;
    return PARKED_RESULT;
  }

  override detach(): void {
    this.line.remove(this);
  }

  override reclaim(): void {
    this.passOn();
  }
}
