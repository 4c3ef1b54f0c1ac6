/** What programs of this folder share in reading their arguments. */

/** The names that an option lists, in the order of those that are known; all of them by default. */
export function chosen(option: string, text: string | undefined, known: readonly string[]): string[] {
  const names = text?.split(",") ?? known;
  const unknown = names.filter((name) => !known.includes(name));
  if (unknown.length === 0) return known.filter((name) => names.includes(name));
  throw new RangeError(`Cannot take --${option} ${unknown.join(",")}: there are ${known.join(", ")}`);
}

/** The number that an option gives, if there is one. */
export function natural(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new RangeError(`Cannot take --${option} ${text}: it is a number from 1`);
  return Number(text);
}

/** What `parse` makes of the arguments. If they are wrong, prints how, and ends with 2. */
export function parsedOrExit<T>(parse: (args: readonly string[]) => T): T {
  try {
    return parse(Deno.args);
  } catch (error) {
    console.error((error as Error).message);
    Deno.exit(2);
  }
}
