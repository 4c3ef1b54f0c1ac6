/**
 * Unwinding a fiber: closing frames from the top down with `return()`, within a grace.
 *
 * A `finally` block may wait, and call subroutines; the frame below is closed when it has ended. When the grace has
 * passed, every further wait is cut short with another `return()`. A deadline that passes inside such a `finally` block
 * starts an unwinding within the unwinding.
 */
import { context } from "./context.ts";
import { type Control, Interruptible } from "./interrupts.ts";
import { Timer } from "./timer.ts";
import { Unwinding, unwindingFor } from "./unwinding.ts";

/** @internal An interruptible entity with frames that can be closed. */
export abstract class Unwindable extends Interruptible {
  /** @internal Suspended callers of the running generator. */
  get height(): number {
    return this.frames?.length ?? 0;
  }

  /** @internal Reports an error that no caller can be given. */
  protected abstract report(error: unknown): void;

  /**
   * @internal
   * Closes frames until `depth` suspended ones are left (-1: all). Waits in `finally` blocks are honoured for
   * `grace` seconds. `reason` is thrown from the operation that called the last closed frame, if one is left.
   */
  requestUnwind(depth: number, grace: number, reason: unknown): void {
    const control = this.ensureControl();
    const now = this.loop.clock.now();
    const innermost = control.unwinding;
    if (innermost === null || innermost.hasInCleanup(depth)) {
      control.unwinding = new Unwinding(depth, grace, now, this.last, reason, innermost);
      this.deliverSoon();
      return;
    }
    const unwinding = unwindingFor(depth, innermost);
    unwinding.extend(depth, grace, now, reason);
    if (!this.wait?.shielded) this.announce(unwinding);
    // Cleanup that is under way continues until the new deadline.
    if (this !== context.fiber) this.startGrace(unwinding);
    else this.loop.stepBudget = 0;
  }

  /** @internal An unwinding takes effect: tells the subroutines that it is to close. */
  protected override announce(unwinding: Unwinding): void {
    const from = Math.max(0, unwinding.depth);
    if (from >= unwinding.announced) return;
    const frames = this.frames;
    unwinding.announced = from;
    if (frames === null) return;
    // The innermost first. They may end meanwhile only when this fiber runs.
    for (let i = frames.length - 1; i >= from; i--) frames[i].via?.unwindingBegins();
  }

  /** @internal The fiber accepted a hot swap in the step in which interrupts arrived: they apply to the new generator. */
  protected requestAgain(grace: number | null, undelivered: readonly unknown[]): void {
    for (const error of undelivered) this.requestThrow(error);
    if (grace !== null) this.requestUnwind(-1, grace, null);
  }

  /** @internal Seconds that cleanup may still take, if the fiber is being unwound. */
  override graceLeft(): number | null {
    const unwinding = this.control?.unwinding ?? null;
    return unwinding === null ? null : Math.max(0, unwinding.graceEnd() - this.loop.clock.now());
  }

  /** @internal Whether the top frame is one that is being closed, and not a subroutine of its cleanup. */
  protected closesTop(control: Control): boolean {
    return control.unwinding?.closing === this.height;
  }

  /** @internal */
  protected override limitCleanup(innermost: Unwinding): void {
    for (let unwinding: Unwinding | null = innermost; unwinding !== null; unwinding = unwinding.outer) {
      this.startGrace(unwinding);
    }
  }

  /** Cleanup code waits: honours that until the grace has passed. */
  private startGrace(unwinding: Unwinding): void {
    const left = unwinding.until - this.loop.clock.now();
    if (left <= 0) this.graceOver(unwinding);
    else if (left < Infinity && unwinding.timer === null) {
      try {
        unwinding.timer = new Timer(this.loop, this.level, left, () => this.graceOver(unwinding));
      } catch (error) {
        // Without room for a timer, cleanup continues: its next yield checks whether the grace has passed.
        if (!(error instanceof RangeError)) throw error;
      }
    }
  }

  private graceOver(unwinding: Unwinding): void {
    // That may have been noticed before the timer was run.
    unwinding.cancelTimer();
    // Unwindings within its cleanup end with it.
    while (this.control!.unwinding !== unwinding) {
      unwinding.takeFailure(this.control!.unwinding!);
      this.stopUnwinding();
    }
    unwinding.forced++;
    unwinding.due = true;
    this.preempt();
  }

  /** @internal Stops unwindings that were to close frames which an error, thrown first, has ended. */
  protected stopPassedUnwindings(control: Control): void {
    this.swapSoon();
    while (control.unwinding !== null && this.height <= control.unwinding.depth) this.stopUnwinding();
    this.tidyControl();
  }

  /** @internal Ends the innermost unwinding. Reports the error of its cleanup, unless a caller was given it. */
  protected stopUnwinding(): void {
    const control = this.control!;
    const unwinding = control.unwinding!;
    unwinding.cancelTimer();
    control.unwinding = unwinding.outer;
    if (unwinding.failure !== null) this.report(unwinding.failure.error);
  }
}
