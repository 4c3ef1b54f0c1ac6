import { describe } from "./describe.ts";

/**
 * Checks that options are an object which has no other options than the known ones: a misspelt option must not be
 * ignored in silence.
 *
 * @throws {TypeError} If they are not.
 */
export function checkOptions(options: unknown, known: readonly string[], action: string): void {
  if (typeof options !== "object" || options === null) {
    throw new TypeError(`Cannot ${action} as 'options' must be an object: current value is ${describe(options)}`);
  }
  for (const name of Object.keys(options)) {
    if (known.includes(name)) continue;
    throw new TypeError(`Cannot ${action} as there is no option '${name}': use ${known.join(", ")}`);
  }
}
