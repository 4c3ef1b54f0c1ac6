import { SerializationError } from "./errors.ts";

/** The error with which a value could not be written, as one that can be sent itself. */
export function plainError(error: unknown): Error {
  if (error instanceof SerializationError || error instanceof RangeError) return error;
  return new SerializationError(`Cannot send what has been asked for: ${error}`);
}
