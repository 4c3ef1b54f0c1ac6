import { UnsupportedError } from "../base/errors.ts";
import { type Limit, limitSignal } from "../base/limit.ts";
import type { Operation } from "../fiber/operation.ts";

/**
 * The operation with the signal of a limit, which ends its wait; the operation itself if the limit has no signal. The
 * operation has the seconds of the limit already.
 */
export function limited<T>(operation: Operation<T>, limit: Limit): Operation<T> {
  if (limitSignal(limit) === null) return operation;
  throw new UnsupportedError("Signals are not there yet");
}
