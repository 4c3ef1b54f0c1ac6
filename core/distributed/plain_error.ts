import { describe, isError } from "../base/describe.ts";
import { MessageTooLargeError } from "../io/errors.ts";
import { SerializationError } from "./errors.ts";

const MAX_TEXT = 1000;

/**
 * The error with which a value could not be written, as one that can be sent itself. It is small, so that it passes beside
 * any limit for messages.
 */
export function plainError(error: unknown): Error {
  if (error instanceof SerializationError || error instanceof MessageTooLargeError) return error;
  const text = isError(error) ? `${error.name}: ${error.message}` : describe(error);
  return new SerializationError(`Cannot send what has been asked for: ${text.slice(0, MAX_TEXT)}`);
}
