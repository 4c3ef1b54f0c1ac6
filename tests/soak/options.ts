/** The options of the command line. */
export interface Options {
  readonly minutes: number;
  readonly seed: number;
  /** The largest number of epochs. */
  readonly epochs: number;
  /** The clocks that epochs use in turn. */
  readonly clocks: readonly ("real" | "virtual")[];
  /** Names of societies, if they are not to be chosen at random. */
  readonly only?: readonly string[];
}

/** The usage text. */
export const USAGE = "deno task soak [minutes] [--seed N] [--epochs N] [--virtual | --real] [--only society,...]";

/**
 * Reads the arguments.
 *
 * @throws {RangeError} If an argument is not understood.
 */
export function readOptions(args: readonly string[], known: readonly string[]): Options {
  const read: { -readonly [K in keyof Options]: Options[K] } = {
    minutes: 10,
    seed: newSeed(),
    epochs: Infinity,
    clocks: ["real", "virtual"],
    only: undefined,
  };
  const rest = [...args];
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    if (word === "--seed") read.seed = wholeNumber(word, rest.shift());
    else if (word === "--epochs") read.epochs = wholeNumber(word, rest.shift());
    else if (word === "--virtual") {
      read.clocks = ["virtual"];
    } else if (word === "--real") {
      read.clocks = ["real"];
    } else if (word === "--only") read.only = names(rest.shift(), known);
    else read.minutes = minutes(word);
  }
  return read;
}

function newSeed(): number {
  return crypto.getRandomValues(new Uint32Array(1))[0];
}

function wholeNumber(option: string, text: string | undefined): number {
  if (text !== undefined && /^\d{1,10}$/.test(text)) return Number(text);
  throw new RangeError(`Cannot soak as ${option} must be followed by a whole number: current value is ${text}`);
}

function minutes(text: string): number {
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text);
  throw new RangeError(`Cannot soak as an argument is not understood: current value is ${text}, usage is ${USAGE}`);
}

function names(text: string | undefined, known: readonly string[]): string[] {
  const only = text?.split(",") ?? [];
  const unknown = only.filter((name) => !known.includes(name));
  if (only.length > 0 && unknown.length === 0) return only;
  throw new RangeError(`Cannot soak as societies are ${known.join(", ")}: current value is ${text}`);
}
