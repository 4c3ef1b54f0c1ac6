import { isError } from "../../base/describe.ts";
import { RemoteError } from "../errors.ts";

/** The error of a `run` whose coroutine could not be created, by what was thrown there. */
export function refusalOf(cause: unknown): RemoteError {
  if (cause instanceof RemoteError) return cause;
  const error = isError(cause) ? cause : new Error(String(cause));
  return Object.assign(new RemoteError(error.message, error.name), { cause });
}
