/**
 * Operations that are parts of another, such as the items of a race.
 *
 * They are taken over when that is yielded, or when a task is made of them: from then on they are not the program's to
 * look after, whether or not their turn to begin ever comes. And what one of them brought goes back where it came from
 * if the whole has no use for it.
 */
import { DepthFirst } from "../depth_first.ts";
import { NEW, type Operation, SPENT, TAKEN_OVER } from "../operation.ts";

const takingOver = new DepthFirst<Operation<unknown> | null>((operation) => {
  if (operation === null || operation.state !== NEW) return;
  operation.state = TAKEN_OVER;
  operation.takenOver();
  takingOver.lastFirst(operation.parts);
});

/** Takes operations over, and their parts. */
export function takeOver(operations: readonly (Operation<unknown> | null)[]): void {
  takingOver.lastFirst(operations);
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
export function giveBack(grants: Iterable<Grant>): void {
  givingBack.lastFirst(grants);
}
