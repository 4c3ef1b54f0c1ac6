import { printError } from "../../base/error_report.ts";

/** What an exception handler is called with: an error that no other code handles, and where it comes from. */
export interface ExceptionContext {
  /** What happened, in a line. */
  readonly message: string;
  /** The error, if there is one. */
  readonly exception?: unknown;
  /** Further details: `future`, `task`, `handle`, `coro`. */
  readonly [detail: string]: unknown;
}

/** Prints it on stderr. */
export function printContext({ message, exception }: ExceptionContext): void {
  if (exception === undefined) console.error(message);
  else printError(message, exception);
}
