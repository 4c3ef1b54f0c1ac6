import type { Coro } from "./coro.ts";
import * as contexts from "../fiber/context.ts";
import type { Owner } from "../fiber/owner.ts";

/** The coroutine that a fiber belongs to. The lower rooms know it as an {@linkcode Owner}; there is no other kind. */
export function coroOf(fiber: { readonly owner: Owner }): Coro {
  return fiber.owner as Coro;
}

// V8 compiles a constant of this module into its code, and looks an imported one up at each use.
const context = contexts.context;

/** The coroutine that runs now; `null` outside coroutines. */
export function runningCoro(): Coro | null {
  const { fiber } = context;
  return fiber === null ? null : fiber.owner as Coro;
}
