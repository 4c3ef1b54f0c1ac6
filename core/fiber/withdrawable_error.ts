/**
 * Errors that are to be thrown in a fiber and can be withdrawn until they are, for the cancellation of tasks.
 */
import { context } from "./context.ts";
import type { Interruptible } from "./interrupts.ts";

/**
 * Like `requestThrow`, but a fiber that is ready keeps the outcome of its wait until its step. Until then the error can be
 * withdrawn, and nothing has changed. The running fiber goes on until it has to wait. With `whenSettled`, a fiber that
 * waits goes on waiting until its wait has an outcome.
 */
export function throwAtStep(fiber: Interruptible, error: unknown, whenSettled: boolean): void {
  fiber.ensureControl().errors.push(error);
  if (!whenSettled && fiber !== context.fiber && !fiber.ready) fiber.preempt();
}

/** Withdraws an error that was to be thrown, if that is possible. */
export function withdrawThrow(fiber: Interruptible, error: unknown): void {
  if (!canWithdraw(fiber, error)) return;
  const { errors } = fiber.control!;
  errors.splice(errors.indexOf(error), 1);
  fiber.tidyControl();
}

/** Whether `error` is still to be thrown and no wait was withdrawn for it. */
export function canWithdraw(fiber: Interruptible, error: unknown): boolean {
  return isToThrow(fiber, error) && !fiber.control!.disturbed;
}

/** Whether `error` is still to be thrown. */
export function isToThrow({ control }: Interruptible, error: unknown): boolean {
  return control !== null && control.errors.includes(error);
}
