/**
 * The base of all waits for I/O: a place in a wait queue, a time limit and an AbortSignal.
 *
 * A host operation does not belong to a wait. It belongs to the socket (pipe, file, ...) and brings its result there,
 * and the first wait in the queue is served. A wait that is cancelled only leaves the queue.
 */
import type { Coro } from "../../coroutine/coro.ts";
import { coroOf } from "../../coroutine/coro_of.ts";
import { TimeoutError } from "../../base/errors.ts";
import type { Fiber } from "../../fiber/fiber.ts";
import { HostWait } from "../../fiber/host_wait.ts";
import { REJECTED, WAITING } from "../../fiber/operation.ts";
import type { QueueLinks } from "../../fiber/wait_queue.ts";
import { limitSignal } from "../../base/limit.ts";
import { type IoLimit, secondsOf } from "./io_options.ts";

/** See the head of this file. */
export abstract class IoWait<T> extends HostWait<T> implements QueueLinks {
  /** The one behind it in its queue. */
  declare nextWaiter: IoWait<unknown> | null;
  /** The one before it in its queue. */
  declare prevWaiter: IoWait<unknown> | null;

  /** `defaultSeconds` is the timeout if `limit` has none; `action` is named in the error if `limit` is wrong. */
  constructor(limit: IoLimit, defaultSeconds: number, action: string) {
    super(limit === undefined ? null : limitSignal(limit));
    this.nextWaiter = null;
    this.prevWaiter = null;
    // Without a limit the field stays as it is, see `Operation.limit`.
    if (limit !== undefined) this.limit = secondsOf(limit, defaultSeconds, action);
    else if (defaultSeconds < Infinity) this.limit = defaultSeconds;
  }

  /** Takes its place in the queue; calls `settle` or `settleError` if the outcome is known already. */
  protected abstract register(fiber: Fiber): void;

  /** Gives up its place, whether it still waits or has an outcome that was not handed over. */
  protected abstract unregister(): void;

  /** Updates whether the host operation keeps the process alive: the coroutine or its scheduler has changed. */
  protected updateKeepAlive(_coro: Coro): void {}

  override waiterChanged(): void {
    if (this.state === WAITING) this.updateKeepAlive(coroOf(this.fiber!));
  }

  /** It is the first in its queue, or the host has brought something: settles, or makes the host bring more. */
  proceed(): void {}

  override begin(fiber: Fiber): boolean {
    const { signal } = this;
    if (signal !== null && signal.aborted) return this.fail(signal.reason);
    this.register(fiber);
    if (this.state !== WAITING) return true;
    // What was called to register it may be the program's, and may have aborted the signal.
    if (signal !== null && signal.aborted) {
      this.detach();
      return this.fail(signal.reason);
    }
    if (this.limit <= 0) {
      this.detach();
      this.timedOut();
      return true;
    }
    this.count(fiber);
    return false;
  }

  override detach(): void {
    this.uncount();
    this.unregister();
  }

  override reclaim(): void {
    this.unregister();
  }

  override cancel(): boolean {
    // An error that was not handed over holds a place as well.
    if (this.state === REJECTED) this.unregister();
    return super.cancel();
  }

  override timedOut(): void {
    this.fail(new TimeoutError(`${this.label}() timed out waiting for ${this.waitsFor}`));
  }
}
