import { describe } from "./describe.ts";

/**
 * Checks that options are an object which has no other options than the known ones: a misspelt option must not be
 * ignored in silence.
 *
 * @throws {TypeError} If they are not.
 */
export function checkOptions(
  options: unknown,
  known: readonly string[],
  action: string,
  name = "options",
): void {
  if (typeof options !== "object" || options === null) {
    throw new TypeError(`Cannot ${action} as '${name}' must be an object: current value is ${describe(options)}`);
  }
  for (const option of Object.keys(options)) {
    if (known.includes(option)) continue;
    throw new TypeError(`Cannot ${action} as there is no option '${option}': use ${known.join(", ")}`);
  }
}
