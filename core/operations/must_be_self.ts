/** Only the coroutine itself may sleep, receive its messages, and the like. */
import { context, type WaitingFiber } from "../fiber/context.ts";
import type { Owner } from "../fiber/owner.ts";

/** Throws unless `fiber` belongs to `owner`. */
export function mustBeSelf(owner: Owner, fiber: WaitingFiber | null, action: string): void {
  if (fiber !== null && fiber.owner === owner) return;
  const caller = fiber === null ? "code outside coroutines" : `${fiber.owner}`;
  throw new Error(
    `Cannot ${action} for another coroutine: ${caller} asked ${owner}, use the one passed as first argument`,
  );
}

/** The same check where the operation is made, so that the error points at the misuse. */
export function mustBeCurrent(owner: Owner, action: string): void {
  mustBeSelf(owner, context.fiber, action);
}
