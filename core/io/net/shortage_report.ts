import type { Coro } from "../../coroutine/coro.ts";
import { withoutStack } from "../../base/error_report.ts";
import { SHORTAGE_PAUSE } from "./accept_errors.ts";

/**
 * Reports that a listener has no descriptors: to the scheduler's `onError` with the coroutine that it accepts for, or
 * else as a line on stderr. The program goes on, so it is not the report of a failure.
 *
 * The errors have no stacks: Deno 2.9 reads source maps for a stack, and panics if there is no descriptor for that.
 */
export function reportShortage(cause: Error, where: string, owner: Coro | null): void {
  withoutStack(cause);
  const error = withoutStack(
    new Error(`Cannot accept at ${where} at the moment: ${cause.message}; trying again every ${SHORTAGE_PAUSE} s`, {
      cause,
    }),
  );
  if (owner === null || owner.scheduler.onError === null) console.error(error.message);
  else owner.loop.reportError(error, owner);
}
