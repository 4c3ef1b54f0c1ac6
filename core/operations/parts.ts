/**
 * Operations that are parts of another, such as the items of a race.
 *
 * They are taken over when the whole is yielded, or when a task is made of them: from then on the program need not look
 * after them, whether or not they ever begin. A value that a part was granted, such as a message, is given
 * back if the whole does not use it.
 */
import { DepthFirst } from "../base/depth_first.ts";
import { NEW, type Operation, SPENT, TAKEN_OVER } from "../fiber/operation.ts";

const takingOver = new DepthFirst<Operation<unknown>>(takeOver);

/** Takes an operation over, and its parts. */
export function takeOver(operation: Operation<unknown>): void {
  if (operation.state !== NEW) return;
  operation.state = TAKEN_OVER;
  operation.takenOver();
  const { parts } = operation;
  if (parts.length === 0) return;
  for (const part of parts) if (part !== null) takingOver.add(part);
  takingOver.run();
}

const discarding = new DepthFirst<Operation<unknown>>(discard);

/** Discards an operation that was taken over and has not begun, and its parts. */
export function discard(operation: Operation<unknown>): void {
  if (operation.state !== TAKEN_OVER) return;
  operation.discarded();
  const { parts } = operation;
  if (parts.length === 0) return;
  for (const part of parts) if (part !== null) discarding.add(part);
  discarding.run();
}

/** A value that an operation was granted and that will not be used. */
export interface Grant {
  readonly operation: Operation<unknown>;
  readonly value: unknown;
}

const givingBack = new DepthFirst<Grant>(({ operation, value }) => {
  if (operation.state !== SPENT) return;
  operation.give(value);
  operation.cancel();
});

/** Gives back values, the last first, so that messages return to the mailbox in their order. */
export function giveBack(grants: readonly Grant[]): void {
  for (const grant of grants) givingBack.add(grant);
  givingBack.run();
}
