/**
 * Waits that check their condition again when their turn comes: waking one means that there may be an item, not that one
 * was granted.
 *
 * Under `yield*` the operation checks in its own `next()`. After a plain `yield` the run loop hands the outcome over
 * without calling the operation; there a subroutine waits in its place with `yield*`.
 */
import type { Fiber } from "../fiber/fiber.ts";
import type { Frame } from "../fiber/frame.ts";
import { type Operation, PARKED_RESULT, WAITING } from "../fiber/operation.ts";
import { delegate } from "./as_body.ts";

/** Parks an operation that was yielded with plain `yield`: a subroutine waits for `again`, the same wait once more. */
export function parkInSubroutine<T>(operation: Operation<T>, fiber: Fiber, again: Operation<T>): false {
  operation.fiber = fiber;
  operation.state = WAITING;
  fiber.pushFrame(delegate(again), operation);
  return false;
}

/** Whether a program's subroutine runs on these frames, and not only such a wait. */
export function inSubroutine(frames: readonly Frame[] | null): boolean {
  return frames !== null && frames.some(({ via }) => via === null || via.callsSubroutine);
}

/** Continues the wait of an operation whose `next()` has found its condition unmet. */
export function waitOn(operation: Operation<unknown>): IteratorYieldResult<unknown> {
  operation.state = WAITING;
  operation.fiber!.wait = operation;
  return PARKED_RESULT;
}
