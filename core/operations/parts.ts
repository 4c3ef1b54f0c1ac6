/**
 * Operations with parts, such as the items of a race.
 *
 * The parts are taken over and discarded with the whole. A value that a part was granted, such as a message, is given back
 * if the whole does not use it.
 */
import { DepthFirst } from "../base/depth_first.ts";
import { type Operation, SPENT } from "../fiber/operation.ts";
import { discard, takeOver } from "./taken_over.ts";

const takingOver = /* @__PURE__ */ new DepthFirst<Operation<unknown>>(takeOver);

/** The operation was taken over: takes over its parts. */
export function takeOverParts({ parts }: Operation<unknown>): void {
  for (const part of parts) if (part !== null) takingOver.add(part);
  takingOver.run();
}

const discarding = /* @__PURE__ */ new DepthFirst<Operation<unknown>>(discard);

/** The operation is discarded: discards its parts. */
export function discardParts({ parts }: Operation<unknown>): void {
  for (const part of parts) if (part !== null) discarding.add(part);
  discarding.run();
}

/** A value that an operation was granted and that will not be used. */
export interface Grant {
  readonly operation: Operation<unknown>;
  readonly value: unknown;
}

const givingBack = /* @__PURE__ */ new DepthFirst<Grant>(({ operation, value }) => {
  if (operation.state !== SPENT) return;
  operation.give(value);
  operation.cancel();
});

/** Gives back values, the last first, so that messages return to the mailbox in their order. */
export function giveBack(grants: readonly Grant[]): void {
  for (const grant of grants) givingBack.add(grant);
  givingBack.run();
}
