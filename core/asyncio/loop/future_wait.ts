import type { Coro } from "../../coroutine/coro.ts";
import { isInstance } from "../../base/describe.ts";
import type { CompletionWaiter } from "../../fiber/completion_waiter.ts";
import { HostWait } from "../../fiber/host_wait.ts";
import { REJECTED, WAITING } from "../../fiber/operation.ts";
import type { Fiber } from "../../fiber/fiber.ts";
import { CancelledError } from "../errors.ts";
import type { AwaitedFuture } from "./awaited_future.ts";
import { IterationLoop } from "./iteration_loop.ts";
import { TaskCoro } from "./task_coro.ts";

/**
 * Waits for a future.
 *
 * The event loop of the future need not run while a coroutine of another scheduler waits: there, the host ends the wait.
 */
export class FutureWait<T> extends HostWait<T> implements CompletionWaiter {
  declare nextCompletionWaiter: CompletionWaiter | null;
  declare prevCompletionWaiter: CompletionWaiter | null;
  declare readonly future: AwaitedFuture;

  constructor(future: AwaitedFuture) {
    super();
    this.nextCompletionWaiter = null;
    this.prevCompletionWaiter = null;
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
    if (future.settleIfDone(this)) return true;
    if (fiber.loop !== future.loop.scheduler.loop) this.#countInOtherScheduler(fiber);
    const task = fiber instanceof TaskCoro ? fiber.task : null;
    if (task === future) throw new Error(`Cannot await ${future} in itself: it would wait for its own end`);
    future.addWaiter(this);
    if (task !== null) task.handCancellationTo(future);
    return false;
  }

  #countInOtherScheduler(fiber: Fiber): void {
    if (fiber.loop instanceof IterationLoop) {
      throw new Error(
        `Cannot await ${this.future} as it belongs to another event loop than the coroutine that awaits it`,
      );
    }
    this.count(fiber);
  }

  override take(): unknown {
    if (this.state === REJECTED) this.future.markRetrieved();
    return super.take();
  }

  // As in CPython, the error counts as retrieved even if the coroutine is interrupted before it receives it.
  override cancel(): boolean {
    if (this.state === REJECTED) this.future.markRetrieved();
    return super.cancel();
  }

  override detach(): void {
    this.uncount();
    this.future.removeWaiter(this);
  }

  // Unlike with input or a worker's result, nothing is lost: the future keeps its outcome.
  override swappable(): boolean {
    return true;
  }
}

/** The future that a coroutine waits for; `null` if it waits for none, or for one that is done. */
export function awaitedFuture(coro: Coro): AwaitedFuture | null {
  const wait = coro.wait;
  return wait instanceof FutureWait && wait.state === WAITING ? wait.future : null;
}

/** Whether the future that a coroutine waited for was cancelled, and the coroutine has not received that error yet. */
export function gotCancellation(coro: Coro): boolean {
  const wait = coro.wait;
  return wait instanceof FutureWait && wait.state === REJECTED && isInstance(wait.outcome, CancelledError);
}
