/**
 * The names that locks, queues and other shared objects may be given for `dump()` and errors.
 */
import { describe } from "./describe.ts";

/** How an object reads in messages: `lock 'accounts'`, or `a lock` without a name. */
export function describeNamed(kind: string, name: string | undefined): string {
  if (name !== undefined) return `${kind} '${name}'`;
  return /^[aeiou]|^rlock/.test(kind) ? `an ${kind}` : `a ${kind}`;
}

/**
 * Returns the name unchanged.
 *
 * @throws {TypeError} If it is neither a string nor `undefined`.
 */
export function checkOptionalName(name: unknown, kind: string): string | undefined {
  if (name === undefined || typeof name === "string") return name;
  throw new TypeError(
    `Cannot create ${describeNamed(kind, undefined)} as 'name' must be a string: current value is ${describe(name)}`,
  );
}
