import { TimeoutError } from "../../base/errors.ts";
import { type Limit, limitSeconds } from "../../base/limit.ts";
import type { Operation } from "../../fiber/operation.ts";
import { withTimeout } from "../../operations/with_timeout.ts";

/**
 * Work for which a peer is needed, with a limit. With a timeout of zero or less it does not begin, as it could not end in
 * time.
 *
 * @param action What the work does, for errors: `"send a file"`.
 * @throws {TypeError} If the limit is not valid.
 */
export function inTime<T>(limit: Limit, action: string, work: Generator<unknown, T, unknown>): Operation<T> {
  return withTimeout(limit, limitSeconds(limit, action) > 0 ? work : tooLate(action));
}

// deno-lint-ignore require-yield
function* tooLate(action: string): Generator<unknown, never, unknown> {
  throw new TimeoutError(`Cannot ${action} without time: give a timeout above zero`);
}
