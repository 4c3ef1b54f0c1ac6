import { printError } from "../../base/error_report.ts";
import type { EventLoop } from "./event_loop.ts";

/** What went wrong where nobody takes the error. */
export interface ExceptionContext {
  /** What happened, in a line. */
  readonly message: string;
  /** The error, if there is one. */
  readonly exception?: unknown;
  /** Whatever else is known: `future`, `task`, `handle`, `coro`. */
  readonly [detail: string]: unknown;
}

/** Takes the errors that nobody else takes. */
export type ExceptionHandler = (loop: EventLoop, context: ExceptionContext) => void;

/** Prints what happened on stderr. */
export function printContext({ message, exception }: ExceptionContext): void {
  if (exception === undefined) console.error(message);
  else printError(message, exception);
}
