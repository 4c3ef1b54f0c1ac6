/**
 * Checks a configuration that a user wrote. Each reader takes a value and its path, records every mistake in it, and goes
 * on, so that all mistakes are reported at once.
 */

/** Records the mistakes in `value`, and returns what it means. Ignore the result if there were mistakes. */
export type Reader<T> = (value: unknown, path: string, mistakes: string[]) => T;

/** A value for which `is` holds; `what` completes "must be ...". */
export function value<T>(what: string, is: (value: unknown) => boolean): Reader<T> {
  return (value, path, mistakes) => {
    if (!is(value)) mistakes.push(`${path}: must be ${what}: current value is ${JSON.stringify(value)}`);
    return value as T;
  };
}

/** A word for which `is` holds: by default, one of `words`. Of a wrong word, the most similar one is suggested. */
export function oneOf<T extends string>(
  words: readonly T[],
  what: string,
  is = (value: unknown) => words.includes(value as T),
): Reader<T> {
  return (value, path, mistakes) => {
    if (!is(value)) {
      const mistake = `${path}: must be ${what}: current value is ${JSON.stringify(value)}`;
      mistakes.push(mistake + suggestion(String(value), words));
    }
    return value as T;
  };
}

/** A list with at least one item. */
export function listOf<T>(read: Reader<T>): Reader<T[]> {
  const list = value<unknown[]>("a list of at least one", (value) => Array.isArray(value) && value.length > 0);
  return (value, path, mistakes) => {
    list(value, path, mistakes);
    if (!Array.isArray(value)) return [];
    return value.map((item, index) => read(item, `${path}[${index}]`, mistakes));
  };
}

/** An object with these keys and no others. Keys without a default are required. */
export function objectWith<T extends object>(
  readers: { readonly [K in keyof T]: Reader<T[K]> },
  defaults: Partial<T> = {},
): Reader<T> {
  return (value, path, mistakes) => {
    if (!isObject(value, path, mistakes)) return {} as T;
    const at = (key: string) => path === "" ? key : `${path}.${key}`;
    for (const key of Object.keys(value).filter((key) => !Object.hasOwn(readers, key))) {
      mistakes.push(`${at(key)}: is unknown${suggestion(key, Object.keys(readers))}`);
    }
    const result: Partial<T> = {};
    for (const key of Object.keys(readers) as (keyof T & string)[]) {
      if (Object.hasOwn(value, key)) result[key] = readers[key](value[key], at(key), mistakes);
      else if (Object.hasOwn(defaults, key)) result[key] = defaults[key];
      else mistakes.push(`${at(key)}: is missing`);
    }
    return result as T;
  };
}

/** An object whose key `type` names its reader. */
export function byType<T extends { type: string }>(
  readers: { readonly [K in T["type"]]: Reader<Extract<T, { type: K }>> },
): Reader<T> {
  const types = Object.keys(readers) as T["type"][];
  const readType = oneOf(types, types.map((type) => `"${type}"`).join(" or "));
  return (value, path, mistakes) => {
    if (!isObject(value, path, mistakes)) return {} as T;
    const type = readType(value.type, `${path}.type`, mistakes);
    return types.includes(type) ? readers[type](value, path, mistakes) : {} as T;
  };
}

function isObject(value: unknown, path: string, mistakes: string[]): value is Record<string, unknown> {
  const is = typeof value === "object" && value !== null && !Array.isArray(value);
  const where = path === "" ? "" : `${path}: `;
  if (!is) mistakes.push(`${where}must be an object: current value is ${JSON.stringify(value)}`);
  return is;
}

/** `; did you mean "..."?`, if one of the words is similar enough. */
function suggestion(word: string, words: readonly string[]): string {
  const distances = words.map((other) => distance(word.toLowerCase(), other.toLowerCase()));
  const least = Math.min(...distances);
  return least <= word.length / 2 ? `; did you mean "${words[distances.indexOf(least)]}"?` : "";
}

/** The Levenshtein distance: how many letters to insert, remove or replace to turn one word into the other. */
function distance(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, length) => length);
  for (let i = 1; i <= one.length; i++) {
    const next = [i];
    for (let j = 1; j <= other.length; j++) {
      const replaced = row[j - 1] + (one[i - 1] === other[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, row[j] + 1, next[j - 1] + 1));
    }
    row = next;
  }
  return row[other.length];
}
