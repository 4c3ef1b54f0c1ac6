import { describe } from "../base/describe.ts";

/** How something reads in messages: by its name, if it has one. */
export function called(kind: string, name: string | undefined): string {
  if (name !== undefined) return `${kind} '${name}'`;
  return /^[aeiou]|^rlock/.test(kind) ? `an ${kind}` : `a ${kind}`;
}

/**
 * The name itself, if it is one.
 *
 * @throws {TypeError} If it is neither a string nor `undefined`.
 */
export function checkName(name: unknown, kind: string): string | undefined {
  if (name === undefined || typeof name === "string") return name;
  throw new TypeError(
    `Cannot create ${called(kind, undefined)} as 'name' must be a string: current value is ${describe(name)}`,
  );
}
