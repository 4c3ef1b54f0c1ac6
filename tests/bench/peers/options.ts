/** The options of the command line. */
import { parseArgs } from "node:util";
import { chosen, natural } from "../arguments.ts";
import { PEERS } from "./peers.ts";
import { WORKS } from "./works.ts";

/** What is to be done. */
export interface Options {
  readonly quick: boolean;
  /** Whether the results are stored and shown. */
  readonly write: boolean;
  /** Names of works. */
  readonly only: readonly string[];
  /** Names of peers. */
  readonly peers: readonly string[];
  readonly rounds: number;
  /** Determines the order of turns. */
  readonly seed: number;
}

const FLAGS = {
  quick: { type: "boolean", default: false },
  write: { type: "boolean", default: false },
  only: { type: "string" },
  peers: { type: "string" },
  rounds: { type: "string" },
  seed: { type: "string" },
} as const;

/** Reads the arguments. Throws an error that says what is wrong with them. */
export function parseOptions(args: readonly string[]): Options {
  const { values } = parseArgs({ args: [...args], options: FLAGS, strict: true });
  const { quick, write } = values;
  const only = chosen("only", values.only, WORKS.map(({ name }) => name));
  const peers = chosen("peers", values.peers, PEERS.map(({ name }) => name));
  if (write && (values.only ?? values.peers) !== undefined) {
    throw new RangeError("Cannot write a part of the results: --write goes without --only and --peers");
  }
  return {
    quick,
    write,
    only,
    peers: ["ours", ...peers.filter((name) => name !== "ours")],
    rounds: natural("rounds", values.rounds) ?? (quick ? 3 : 9),
    seed: natural("seed", values.seed) ?? 1,
  };
}
