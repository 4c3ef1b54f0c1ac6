/**
 * Inspecting and describing values of the program, in ways that never throw: a proxy may be revoked or have traps that
 * throw, and an error's properties may be getters or of any type.
 */

/** Whether `value` is an instance of `kind`; `false` if the check throws, as a proxy may make it. */
export function isInstance<T>(value: unknown, kind: abstract new (...args: never[]) => T): value is T {
  try {
    return value instanceof kind;
  } catch {
    return false;
  }
}

/** Whether `value` is an error, of this realm or another. */
export function isError(value: unknown): value is Error {
  try {
    return value instanceof Error || tagOf(value) === "Error";
  } catch {
    return false;
  }
}

/** The tag of a value: `"Error"`, `"Temporal.Duration"`. May throw. */
export function tagOf(value: unknown): string {
  return Object.prototype.toString.call(value).slice(8, -1);
}

/**
 * How a value reads in an error message: short, on one line, telling apart what looks alike. Never throws.
 *
 * @param value Anything.
 * @returns The value in words: strings quoted, bigints with their `n`, functions by kind and name.
 */
export function describe(value: unknown): string {
  try {
    return inWords(value);
  } catch {
    const kind = isError(value) ? "an error" : typeof value === "function" ? "a function" : "an object";
    return `${kind} that cannot be read`;
  }
}

function inWords(value: unknown): string {
  switch (typeof value) {
    case "string":
      return JSON.stringify(value.length > 60 ? `${value.slice(0, 57)}...` : value);
    case "bigint":
      return `${value}n`;
    case "symbol":
      return value.toString();
    case "function":
      return describeFunction(value);
    case "object":
      return value === null ? "null" : describeObject(value);
    default:
      return String(value);
  }
}

// The kind is found by the constructor's name and not by `instanceof`, as functions may come from another realm.
// deno-lint-ignore ban-types
function describeFunction(value: Function): string {
  const words: Record<string, string> = {
    AsyncFunction: "the async function",
    GeneratorFunction: "the generator function",
    AsyncGeneratorFunction: "the async generator function",
  };
  const plain = Function.prototype.toString.call(value).startsWith("class") ? "the class" : "the function";
  const kind = words[value.constructor?.name] ?? plain;
  return value.name ? `${kind} '${value.name}'` : kind;
}

function describeObject(value: object): string {
  if (isError(value)) return `${value.name}: ${value.message}`;
  if (Array.isArray(value)) return `an array of ${value.length}`;
  const tag = tagOf(value);
  const name = tag !== "Object" ? tag : value.constructor?.name ?? "Object";
  return name === "Object" ? "an object" : `an object of ${name}`;
}
