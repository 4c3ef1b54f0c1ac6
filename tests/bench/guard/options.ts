/** The options of the command line. */
import { parseArgs } from "node:util";
import { chosen, natural } from "../arguments.ts";
import { LEAST_PAIRS } from "./interval.ts";
import { WORKS } from "./works.ts";

/** What is to be done. */
export interface Options {
  /** The commit to compare with, as git understands it; chosen if it is not given. */
  readonly against: string | undefined;
  /** Names of works. */
  readonly works: readonly string[];
  /** How often each work is done on either side. */
  readonly pairs: number;
  readonly quick: boolean;
}

const FLAGS = {
  against: { type: "string" },
  works: { type: "string" },
  pairs: { type: "string" },
  quick: { type: "boolean", default: false },
} as const;

/** Reads the arguments. Throws an error that says what is wrong with them. */
export function parseOptions(args: readonly string[]): Options {
  const { values } = parseArgs({ args: [...args], options: FLAGS, strict: true });
  const { against, quick } = values;
  if (against === "") throw new RangeError("Cannot take --against without a commit");
  return {
    against,
    quick,
    works: chosen("works", values.works, WORKS.map(({ name }) => name)),
    pairs: natural("pairs", values.pairs) ?? (quick ? LEAST_PAIRS : 12),
  };
}
