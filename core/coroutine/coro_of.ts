import type { Coro } from "./coro.ts";
import { context } from "../fiber/context.ts";
import type { Owner } from "../fiber/owner.ts";

/** The coroutine that a fiber belongs to. The lower rooms know it as an {@linkcode Owner}; there is no other kind. */
export function coroOf(fiber: { readonly owner: Owner }): Coro {
  return fiber.owner as Coro;
}

/** The coroutine that runs now; `null` outside coroutines. */
export function runningCoro(): Coro | null {
  const { fiber } = context;
  return fiber === null ? null : fiber.owner as Coro;
}
