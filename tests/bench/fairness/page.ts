/** The text for the fairness results. */
import { markdownTable } from "../harness.ts";
import { described, type Machine, type Page } from "../results.ts";

/** The waits beside a load. */
export const WAITS = ["own timer", "own socket", "timer", "socket", "fetch"] as const;

/** One of them. */
export type Wait = typeof WAITS[number];

/** The contenders and their titles. */
export const KINDS = {
  "ours, idle": "ours, no load",
  "native, idle": "native, no load",
  ours: "ours",
  immediates: "native, `setImmediate` after every step",
  timeouts: "native, all `setTimeout(0)` every 8 ms",
  microtasks: "native, `await null`",
} as const;

/** One of them. */
export type Kind = keyof typeof KINDS;

/** By how many milliseconds waits took too long, over all rounds. */
export interface Lateness {
  readonly count: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly max: number;
}

/** The results of one contender. */
export interface Contended {
  /** Steps a second of the load by itself, median of the rounds. */
  readonly alone: number;
  /** The same beside the waits. */
  readonly beside: number;
  readonly late: Readonly<Record<Wait, Lateness>>;
}

/** All measurements. */
export interface Fairness {
  readonly machine: Machine;
  readonly rounds: number;
  /** How long a load runs, in seconds. */
  readonly seconds: number;
  readonly functions: number;
  readonly contenders: Readonly<Record<Kind, Contended>>;
}

const NAMES: Readonly<Record<Wait, string>> = {
  "own timer": "a timer of one of these functions, ms",
  "own socket": "data for a socket of one of them, ms",
  timer: "`setTimeout` of other code, ms",
  socket: "data for a socket of other code, ms",
  fetch: "`fetch` of other code, in all, ms",
};

/** As a table of Markdown, with these percentiles in each cell. */
export function table(result: Fairness, percentiles: readonly (keyof Lateness)[]): string {
  const kinds = Object.keys(KINDS) as Kind[];
  const cells = (name: string, cell: (contended: Contended) => string) => [
    name,
    ...kinds.map((kind) => cell(result.contenders[kind])),
  ];
  return markdownTable([percentiles.join(" / "), ...Object.values(KINDS)], [
    ...WAITS.map((wait) => cells(NAMES[wait], ({ late }) => percentiles.map((key) => ms(late[wait][key])).join(" / "))),
    cells("steps a second beside these waits", ({ beside }) => rate(beside)),
    cells("steps a second, the load alone", ({ alone }) => rate(alone)),
  ]);
}

function ms(value: number): string {
  return value >= 100 ? String(Math.round(value)) : value.toPrecision(2);
}

function rate(value: number): string {
  return value === 0 ? "" : `${Math.round(value / 1000)}k`;
}

/** How late timers, sockets and requests are beside a load that never waits. */
export const fairnessPage: Page<Fairness> = {
  name: "fairness",
  markdown: (result) =>
    `How late timers and data of sockets are, and how long a \`fetch\` takes, beside ${
      result.functions.toLocaleString("en")
    } functions ` +
    `that are always ready and compute for two microseconds a step: 50th / 99th percentile of ${result.rounds} rounds, ` +
    `each in a new process, with the servers in another one.\n\n` +
    `${table(result, ["p50", "p99"])}\n\n` +
    `Beside \`await null\` everything waits until the load ends, after ${result.seconds} s here. Measured by ` +
    `\`deno task bench fairness\`: ${described(result.machine)}.`,
};
