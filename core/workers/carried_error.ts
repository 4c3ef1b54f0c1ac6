import { WorkerError } from "../errors.ts";
import type { ErrorNote } from "./protocol.ts";

/** The error that a worker described. */
export function toWorkerError({ name, message, stack, cause, hasCause, data }: ErrorNote): WorkerError {
  return new WorkerError(message, { name, stack, code: data.code, data, ...(hasCause ? { cause } : {}) });
}
