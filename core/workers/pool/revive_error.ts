/** Restores the errors that arrive from a worker; see `describe_error.ts` for how they travel. */
import { WorkerError } from "../errors.ts";
import type { CarriedValue, ErrorNote } from "../remote/protocol.ts";

// The engine makes these properties not enumerable.
const NOT_ENUMERABLE = ["errors", "error", "suppressed"];

/** The error that a worker described. The errors that it refers to are instances of the same built-in classes. */
export function toWorkerError(notes: readonly ErrorNote[]): WorkerError {
  const [{ name, message, stack, cause, fields }, ...others] = notes;
  const data: Record<string, unknown> = {};
  const top = new WorkerError(message, { name, stack, data });
  const errors: Error[] = [top, ...others.map(newError)];
  // All are created before any is filled, as they may refer to each other in a cycle.
  others.forEach((note, i) => fill(errors[i + 1], note, errors));
  if (cause !== null) define(top, "cause", revive(cause, errors), false);
  for (const [key, carried] of fields) {
    const value = revive(carried, errors);
    define(data, key, value, true);
    if (key === "code" || NOT_ENUMERABLE.includes(key)) define(top, key, value, key === "code");
  }
  return top;
}

function newError({ kind, name, message, stack }: ErrorNote): Error {
  const error = instanceOf(kind, name, message);
  if (error.name !== name) define(error, "name", name, false);
  define(error, "stack", stack ?? `${name}: ${message}`, false);
  return error;
}

function instanceOf(kind: string, name: string, message: string): Error {
  if (kind === "DOMException") return new DOMException(message, name);
  if (kind === "AggregateError") return new AggregateError([], message);
  // Node.js 22 has no SuppressedError.
  if (kind === "SuppressedError" && typeof SuppressedError === "function") return new SuppressedError(0, 0, message);
  const Class = STANDARD.find((each) => each.name === kind) ?? Error;
  return new Class(message);
}

const STANDARD = [EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError];

function fill(error: Error, { cause, fields }: ErrorNote, errors: readonly Error[]): void {
  if (cause !== null) define(error, "cause", revive(cause, errors), false);
  for (const [key, carried] of fields) define(error, key, revive(carried, errors), !NOT_ENUMERABLE.includes(key));
}

function revive(carried: CarriedValue, errors: readonly Error[]): unknown {
  if ("error" in carried) return errors[carried.error];
  return "list" in carried ? carried.list.map((each) => revive(each, errors)) : carried.value;
}

function define(owner: object, key: string, value: unknown, enumerable: boolean): void {
  Object.defineProperty(owner, key, { value, enumerable, writable: true, configurable: true });
}
