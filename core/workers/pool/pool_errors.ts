/** The errors of tasks that fail because of their pool or their worker. */
import { WorkerError } from "../errors.ts";

/** The pool has been terminated. */
export function terminatedError(pool: string): WorkerError {
  return new WorkerError(`Cannot run a task as pool '${pool}' has been terminated: make a new one`);
}

/** The only worker that may run the task has ended. */
export function pinnedWorkerError(): WorkerError {
  return new WorkerError("The worker that holds the state of this task has ended");
}

/** A worker could not be created. */
export function startError(error: unknown): WorkerError {
  return withReason("The worker could not be created", error, 1);
}

/**
 * A worker has ended by itself. `error` is the uncaught error in it, if there is one; `when` is for the message, such as
 * `"while the task ran"`.
 */
export function crashError(error: unknown, code: number, when: string): WorkerError {
  if (error instanceof WorkerError) return error;
  if (error instanceof Error) return withReason(`The worker ended ${when}`, error, code);
  return new WorkerError(`The worker ended with code ${code} ${when}`, { code });
}

function withReason(text: string, error: unknown, code: number): WorkerError {
  if (!(error instanceof Error)) return new WorkerError(`${text}: ${error}`, { cause: error, code });
  const { name, message, stack } = error;
  return new WorkerError(`${text}: ${message}`, { name, stack, cause: error, code });
}

/** The arguments of a task could not be sent to its worker, or not be read there. */
export function argumentsError(cause: unknown): WorkerError {
  return new WorkerError(`Cannot run a task as its arguments are too deep or too large: ${messageOf(cause)}`, {
    cause,
  });
}

/** A value that a task sent could not be read. */
export function unreadableError(cause: unknown): WorkerError {
  const message = `Cannot read what a task sent, as it is too deep or too large: ${messageOf(cause)}`;
  return new WorkerError(message, { cause });
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
