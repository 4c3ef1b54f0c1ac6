import type { Fiber } from "../../fiber/fiber.ts";
import { Waiter, type WaitQueue } from "../../fiber/wait_queue.ts";

/** What a join needs of its queue. */
interface JoinableQueue {
  /** Items for which `taskDone()` has not been called. */
  readonly unfinished: number;
  readonly joins: WaitQueue<Join>;
}

/** Waits until every item that was put into a queue is done. One that was woken does not look again. */
export class Join extends Waiter<void> {
  readonly #queue: JoinableQueue;

  constructor(queue: JoinableQueue) {
    super();
    this.#queue = queue;
  }

  get label(): string {
    return "join";
  }

  override get waitsFor(): string {
    return `the end of the work on ${this.#queue}`;
  }

  override begin(_fiber: Fiber): boolean {
    if (this.#queue.unfinished === 0) return this.give(undefined);
    this.#queue.joins.push(this);
    return false;
  }

  override detach(): void {
    this.#queue.joins.remove(this);
  }
}
