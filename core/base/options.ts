import { describe } from "./describe.ts";

/**
 * Returns the options unchanged.
 *
 * @throws {TypeError} If they are not an object.
 */
export function mustBeObject<T>(options: T, action: string): T {
  if (typeof options === "object" && options !== null) return options;
  throw new TypeError(`Cannot ${action} as 'options' must be an object: current value is ${describe(options)}`);
}

/**
 * Checks that options are an object which has no other options than the known ones: a misspelt option must not be
 * ignored in silence.
 *
 * @throws {TypeError} If they are not.
 */
export function checkOptions(options: unknown, known: readonly string[], action: string): void {
  for (const name of Object.keys(mustBeObject(options, action) as object)) {
    if (known.includes(name)) continue;
    throw new TypeError(`Cannot ${action} as there is no option '${name}': use ${known.join(", ")}`);
  }
}
