/**
 * Interrupts of a fiber that its shielded wait holds back.
 */
import { type Interruptible, isInterrupted } from "./interrupts.ts";

/** When the grace of the fiber's termination ends, by the scheduler's clock; `Infinity` if it is not terminated. */
export function terminationEnd({ control }: Interruptible): number {
  let end = Infinity;
  for (let unwinding = control?.unwinding ?? null; unwinding !== null; unwinding = unwinding.outer) {
    if (unwinding.depth < 0) end = Math.min(end, unwinding.until);
  }
  return end;
}

/** An unwinding was held back until now: its grace begins now, and ends at `end` at the latest. */
export function restartGrace({ control, loop }: Interruptible, end: number): void {
  const unwinding = control?.unwinding ?? null;
  if (unwinding === null || !unwinding.due) return;
  unwinding.until = Math.max(unwinding.until, Math.min(loop.clock.now() + unwinding.grace, end));
  unwinding.cancelTimer();
}

/** The fiber's wait is not shielded any more: the interrupts that it held back end it now. */
export function shieldEnded(fiber: Interruptible): void {
  if (isInterrupted(fiber)) fiber.preempt();
}
