import type { Coro } from "../../coroutine/coro.ts";
import { isInstance } from "../../base/describe.ts";
import type { CompletionWaiter } from "../../fiber/joiner.ts";
import { Operation, REJECTED, WAITING } from "../../fiber/operation.ts";
import type { Loop } from "../../fiber/schedulable.ts";
import type { Fiber } from "../../fiber/fiber.ts";
import { CancelledError } from "../errors.ts";
import type { Future } from "./future.ts";
import { LoopScheduler } from "./loop_scheduler.ts";
import { TaskCoro } from "./task_coro.ts";

/** Waits for a future. */
export class FutureWait extends Operation<unknown> implements CompletionWaiter {
  declare nextJoiner: CompletionWaiter | null;
  declare prevJoiner: CompletionWaiter | null;
  declare readonly future: Future;

  constructor(future: Future) {
    super();
    this.nextJoiner = null;
    this.prevJoiner = null;
    this.future = future;
  }

  get label(): string {
    return "future";
  }

  override get waitsFor(): string {
    return `${this.future}`;
  }

  override begin(fiber: Fiber): boolean {
    const future = this.future;
    if (future.answer(this)) return true;
    if (fiber.loop !== future.loop.scheduler) this.#visit(fiber.loop);
    const task = fiber instanceof TaskCoro ? fiber.task : null;
    if (task === future) throw new Error(`Cannot await ${future} in itself: it would wait for its own end`);
    future.join(this);
    if (task !== null) task.handCancellationTo(future);
    return false;
  }

  #visit(loop: Loop): void {
    if (loop instanceof LoopScheduler) {
      throw new Error(
        `Cannot await ${this.future} as it belongs to another event loop than the coroutine that awaits it`,
      );
    }
    loop.hostOperations++;
  }

  // For a coroutine of a scheduler that is no event loop, the future is something of the host.
  #leave(): void {
    const { loop } = this.fiber!;
    if (loop !== this.future.loop.scheduler) loop.hostOperations--;
  }

  override resolve(value: unknown): void {
    this.#leave();
    super.resolve(value);
  }

  override reject(error: unknown): void {
    this.#leave();
    super.reject(error);
  }

  override take(): unknown {
    if (this.state === REJECTED) this.future.markRetrieved();
    return super.take();
  }

  // As in CPython, the error counts as told, also if the coroutine is interrupted before it sees it.
  override cancel(): boolean {
    if (this.state === REJECTED) this.future.markRetrieved();
    return super.cancel();
  }

  override detach(): void {
    this.#leave();
    this.future.unjoin(this);
  }
}

/** The future that a coroutine waits for and that is not done. */
export function awaitedFuture(coro: Coro): Future | null {
  const wait = coro.wait;
  return wait instanceof FutureWait && wait.state === WAITING ? wait.future : null;
}

/** Whether what a coroutine waited for has ended with a cancellation, of which it is about to be told. */
export function gotCancellation(coro: Coro): boolean {
  const wait = coro.wait;
  return wait instanceof FutureWait && wait.state === REJECTED && isInstance(wait.outcome, CancelledError);
}
