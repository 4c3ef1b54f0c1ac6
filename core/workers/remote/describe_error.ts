/**
 * Describes an error as a flat list of notes, to be sent. The first note is the error itself, the others are the errors
 * that it refers to. So causes of any depth, the errors of an `AggregateError` and cycles are all kept.
 *
 * Structured clone alone loses the `errors`, the names of classes and own properties, and fails if any part cannot be
 * cloned. Nothing here throws, even if a getter, a proxy or a `toString` does.
 *
 * The function is sent to the worker as source, so it refers to nothing outside itself.
 */
import type { CarriedValue, ErrorNote } from "./protocol.ts";

/** Describes the value that a task threw. */
export function describeError(thrown: unknown): ErrorNote[] {
  const builtIn = globalThis as unknown as Record<string, (new () => unknown) & { isError?(value: unknown): boolean }>;
  const kinds = ["AggregateError", "SuppressedError", "DOMException"];
  kinds.push("EvalError", "RangeError", "ReferenceError", "SyntaxError", "TypeError", "URIError");
  const known: Map<unknown, number> = new Map();
  const found: object[] = [];

  const attempt = <T>(read: () => T, otherwise: T): T => {
    try {
      return read();
    } catch {
      return otherwise;
    }
  };
  const isA = (value: unknown, kind: string) =>
    attempt(() => typeof builtIn[kind] === "function" && value instanceof builtIn[kind], false);
  const isError = (value: unknown): value is object =>
    typeof value === "object" && value !== null &&
    (isA(value, "Error") || isA(value, "DOMException") || attempt(() => builtIn.Error.isError!(value), false));
  const textOf = (value: unknown) => attempt(() => String(value), "(cannot be read)");

  const refer = (error: object): CarriedValue => {
    let index = known.get(error);
    if (index === undefined) {
      index = found.push(error) - 1;
      known.set(error, index);
    }
    return { error: index };
  };
  const carryOne = (value: unknown): CarriedValue => {
    if (isError(value)) return refer(value);
    try {
      return { value: structuredClone(value) };
    } catch {
      return { value: textOf(value) };
    }
  };
  const carry = (value: unknown): CarriedValue => {
    const list = attempt(() => Array.isArray(value) && value.some(isError) ? Array.from(value) : null, null);
    return list === null ? carryOne(value) : { list: list.map(carryOne) };
  };

  const note = (error: object): ErrorNote => {
    const read = (key: string) => attempt(() => (error as Record<string, unknown>)[key], "(cannot be read)");
    const keys = attempt(() => Object.keys(error), []);
    for (const key of ["errors", "error", "suppressed"]) {
      if (!keys.includes(key) && attempt(() => Object.hasOwn(error, key), false)) keys.push(key);
    }
    if (isA(error, "DOMException")) keys.push("code");
    const { name = "Error", message = "", stack } = {
      name: read("name"),
      message: read("message"),
      stack: read("stack"),
    };
    return {
      kind: kinds.find((kind) => isA(error, kind)) ?? "Error",
      name: textOf(name),
      message: textOf(message),
      stack: typeof stack === "string" ? stack : undefined,
      cause: attempt(() => "cause" in error, false) ? carry(read("cause")) : null,
      fields: keys.map((key) => [key, carry(read(key))]),
    };
  };

  const notes: ErrorNote[] = [];
  if (isError(thrown)) refer(thrown);
  else {
    // Errors that the value refers to are numbered from 1.
    found.push({});
    const message = `A task threw a value that is not an error: ${textOf(thrown)}`;
    notes.push({ kind: "Error", name: "WorkerError", message, stack: undefined, cause: carry(thrown), fields: [] });
  }
  // `found` grows in this loop.
  while (notes.length < found.length) notes.push(note(found[notes.length]));
  return notes;
}
