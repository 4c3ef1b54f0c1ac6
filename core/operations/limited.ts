/**
 * Waits that an `AbortSignal` ends, and the way from the abort to the end of the wait.
 *
 * 1. When the inner operation has begun to wait, `waits` adds this wait to those of the signal (`listenToAbort` in
 *    `fiber/abort_listeners.ts`).
 * 2. When the signal is aborted, its one listener calls `aborted()` here. That ends the inner wait with the reason of the
 *    signal: `Operation.abort` takes it out of its queue and makes its fiber ready.
 * 3. However the wait ends, `stopListening` removes it from those of the signal. The listener is removed with the last one.
 */
import { type Limit, limitSignal } from "../base/limit.ts";
import { type Abortable, listenToAbort, stopListening } from "../fiber/abort_listeners.ts";
import type { Fiber } from "../fiber/fiber.ts";
import { Operation, PARKED_RESULT, REJECTED, SPENT, UNTIL_ABORTED, WAITING } from "../fiber/operation.ts";
import { discard, takeOver } from "./taken_over.ts";
import { parkInSubroutine } from "./repeated_wait.ts";

/**
 * The operation with the signal of a limit, which ends its wait; the operation itself if the limit has no signal. The
 * operation has the seconds of the limit already.
 */
export function limited<T>(operation: Operation<T>, limit: Limit): Operation<T> {
  const signal = limitSignal(limit);
  return signal === null ? operation : new Limited(operation, signal);
}

/**
 * The iterator of a `yield*` that waits with another operation and listens to a signal meanwhile.
 *
 * The fiber waits for the inner operation itself, so everything that asks a fiber about its wait works as without a
 * signal. However the wait ends, the engine calls `next()`, `throw()` or `return()` here. After a plain `yield` it would
 * call nothing, so there a subroutine waits with `yield*`.
 */
class Limited<T> extends Operation<T> implements Abortable {
  declare private readonly inner: Operation<T>;
  declare private readonly signal: AbortSignal;
  declare private listening: boolean;

  constructor(inner: Operation<T>, signal: AbortSignal) {
    super();
    this.inner = inner;
    this.signal = signal;
    this.listening = false;
    if (!(inner.limit < Infinity)) inner.limit = UNTIL_ABORTED;
  }

  get label(): string {
    return this.inner.label;
  }

  override get waitsFor(): string {
    return this.inner.waitsFor;
  }

  override get parts(): readonly Operation<unknown>[] {
    return [this.inner];
  }

  override takenOver(): void {
    takeOver(this.inner);
  }

  override discarded(): void {
    discard(this.inner);
  }

  override get hasOutcome(): boolean {
    return super.hasOutcome || this.inner.hasOutcome;
  }

  override park(fiber: Fiber): boolean {
    const { inner, signal } = this;
    takeOver(inner);
    if (signal.aborted) return super.park(fiber);
    if (this.direct) return parkInSubroutine(this, fiber, new Limited(inner, signal));
    this.fiber = fiber;
    this.state = WAITING;
    if (!inner.park(fiber)) {
      this.waits();
      return false;
    }
    const failed = inner.state === REJECTED;
    const outcome = inner.take();
    return failed ? this.fail(outcome) : this.give(outcome);
  }

  override next(): IteratorResult<unknown, unknown> {
    if (this.state !== WAITING) return super.next();
    let result: IteratorResult<unknown, unknown>;
    try {
      result = this.inner.next();
    } catch (error) {
      this.ended();
      throw error;
    }
    // It was woken, has found nothing, and waits again.
    if (result === PARKED_RESULT) this.waits();
    else this.ended();
    return result;
  }

  override throw(error: unknown): never {
    this.ended();
    this.inner.thrownThrough(error, this.throw);
    throw error;
  }

  override return(value: unknown): IteratorResult<unknown, unknown> {
    this.ended();
    return this.inner.return(value);
  }

  /** The signal was aborted. */
  aborted(): void {
    this.stopListening();
    this.abort(this.signal.reason);
  }

  override abort(reason: unknown): void {
    if (this.inner.state === WAITING) this.inner.abort(reason);
  }

  /**
   * The fiber is parked on the inner operation. If that waits, listens to the signal. It may also be settled and parked only
   * because the step budget is used up; then nothing is left to abort.
   */
  private waits(): void {
    if (this.inner.state !== WAITING || this.listening) return;
    // Aborted since it began, or between being woken and waiting again.
    if (this.signal.aborted) return this.inner.abort(this.signal.reason);
    listenToAbort(this.signal, this);
    this.listening = true;
    this.fiber!.loop.abortable++;
  }

  private stopListening(): void {
    if (!this.listening) return;
    this.listening = false;
    this.fiber!.loop.abortable--;
    stopListening(this.signal, this);
  }

  private ended(): void {
    this.stopListening();
    this.state = SPENT;
  }

  // Called only by `park`, if the signal is aborted already.
  override begin(): boolean {
    discard(this.inner);
    return this.fail(this.signal.reason);
  }

  override detach(): void {}

  override reclaim(): void {
    if (this.inner.state !== SPENT) return;
    this.inner.give(this.outcome);
    this.inner.cancel();
  }

  // The reason of the signal concerns only the coroutine that waited.
  override errorLost(error: unknown): Operation<unknown> | null {
    return this.signal.aborted && error === this.signal.reason ? null : this.inner;
  }

  override frameEnded(): void {
    discard(this.inner);
  }
}
