/**
 * Operations that are parts of another, such as the items of a race.
 *
 * They are taken over when that is yielded, or when a task is made of them: from then on they are not the program's to
 * look after, whether or not their turn to begin ever comes. And what one of them brought goes back where it came from
 * if the whole has no use for it.
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

const lettingGo = new DepthFirst<Operation<unknown>>(letGo);

/** An operation that was taken over is needed no more, nor are its parts, if it has not begun. */
export function letGo(operation: Operation<unknown>): void {
  if (operation.state !== TAKEN_OVER) return;
  operation.letGo();
  const { parts } = operation;
  if (parts.length === 0) return;
  for (const part of parts) if (part !== null) lettingGo.add(part);
  lettingGo.run();
}

/** What an operation brought, which will reach nobody. */
export interface Grant {
  readonly operation: Operation<unknown>;
  readonly value: unknown;
}

const givingBack = new DepthFirst<Grant>(({ operation, value }) => {
  if (operation.state !== SPENT) return;
  operation.give(value);
  operation.cancel();
});

/** Gives back what was granted, the last first, so that messages come to lie in their order. */
export function giveBack(grants: readonly Grant[]): void {
  for (const grant of grants) givingBack.add(grant);
  givingBack.run();
}
