import { describe } from "./describe.ts";

/**
 * Checks that options are an object without other keys than the known ones, so that a misspelt option is noticed.
 *
 * @param options What the caller passed.
 * @param known The keys that there are.
 * @param action What cannot be done if they are wrong, for the message: `"create a queue"`.
 * @throws {TypeError} If `options` is not an object, or has another key.
 */
export function checkOptionKeys(options: unknown, known: readonly string[], action: string): void {
  if (typeof options !== "object" || options === null) {
    throw new TypeError(`Cannot ${action} as 'options' must be an object: current value is ${describe(options)}`);
  }
  for (const key of Object.keys(options)) {
    if (known.includes(key)) continue;
    throw new TypeError(`Cannot ${action} as there is no option '${key}': the options are ${known.join(", ")}`);
  }
}
