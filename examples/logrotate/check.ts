/**
 * Reading what a user wrote: each reader takes a value with the path to it, notes every mistake there, and goes on, so
 * that all mistakes are told at once.
 */

/** Notes mistakes at `path` in `value`, or answers what it means. A result is of use only if there were none. */
export type Reader<T> = (value: unknown, path: string, mistakes: string[]) => T;

/** A value for which `is` holds; `what` completes "must be ...". */
export function value<T>(what: string, is: (value: unknown) => boolean): Reader<T> {
  return (value, path, mistakes) => {
    if (!is(value)) mistakes.push(`${path}: must be ${what}: current value is ${JSON.stringify(value)}`);
    return value as T;
  };
}

/** A word for which `is` holds, by default one of `words`; the nearest of them is suggested. */
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

/** A list of at least one. */
export function listOf<T>(read: Reader<T>): Reader<T[]> {
  const list = value<unknown[]>("a list of at least one", (value) => Array.isArray(value) && value.length > 0);
  return (value, path, mistakes) => {
    list(value, path, mistakes);
    if (!Array.isArray(value)) return [];
    return value.map((item, index) => read(item, `${path}[${index}]`, mistakes));
  };
}

/** An object with these keys and no others; those without a default are needed. */
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

/** An object whose key `type` says which of these it is. */
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

/** `; did you mean "..."?`, if one of the words is near enough. */
function suggestion(word: string, words: readonly string[]): string {
  const distances = words.map((other) => distance(word.toLowerCase(), other.toLowerCase()));
  const least = Math.min(...distances);
  return least <= word.length / 2 ? `; did you mean "${words[distances.indexOf(least)]}"?` : "";
}

/** How many letters have to be put in, left out or replaced to make one word of the other (Levenshtein). */
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
