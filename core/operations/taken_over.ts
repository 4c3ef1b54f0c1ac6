/**
 * Operations that are taken over: when what they are parts of is yielded, or when a task is made of them. From then on the
 * program need not look after them, whether or not they ever begin.
 */
import { NEW, type Operation, TAKEN_OVER } from "../fiber/operation.ts";

/** Takes an operation over, and its parts. */
export function takeOver(operation: Operation<unknown>): void {
  if (operation.state !== NEW) return;
  operation.state = TAKEN_OVER;
  operation.takenOver();
}

/** Discards an operation that was taken over and has not begun, and its parts. */
export function discard(operation: Operation<unknown>): void {
  if (operation.state === TAKEN_OVER) operation.discarded();
}
