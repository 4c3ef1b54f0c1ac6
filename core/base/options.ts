import { describe } from "./describe.ts";

/**
 * Returns the options unchanged.
 *
 * @throws {TypeError} If they are not an object.
 */
export function mustBeObject<T>(options: T, action: string, name = "options"): T {
  if (typeof options === "object" && options !== null) return options;
  throw new TypeError(`Cannot ${action} as '${name}' must be an object: current value is ${describe(options)}`);
}

/**
 * Checks that options are an object which has no other options than the known ones: a misspelt option must not be
 * ignored in silence.
 *
 * @throws {TypeError} If they are not.
 */
export function checkOptions(options: unknown, known: readonly string[], action: string, name?: string): void {
  for (const option of Object.keys(mustBeObject(options, action, name) as object)) {
    if (known.includes(option)) continue;
    throw new TypeError(`Cannot ${action} as there is no option '${option}': use ${known.join(", ")}`);
  }
}
