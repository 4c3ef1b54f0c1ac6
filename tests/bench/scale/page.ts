/** The text and the chart for the results of scaling. */
import { lineChart } from "../chart.ts";
import { markdownTable } from "../harness.ts";
import { described, type Machine, type Page } from "../results.ts";

/** The memory of one of a kind. */
export interface Bytes {
  /** In the heap of JavaScript. */
  readonly heap: number;
  /** Of the kernel's memory. */
  readonly kernel: number;
  /** Of the memory that the system reports as resident: these two, and what the engine and the host use besides. */
  readonly resident: number;
}

/** Nanoseconds per operation: the median of the repetitions, and their minimum and maximum. */
export interface Nanoseconds {
  readonly median: number;
  readonly least: number;
  readonly most: number;
}

/** What ended a program that went on creating coroutines. */
export interface Limit {
  /** The number of coroutines at that moment. */
  readonly coroutines: number;
  /** The heap's limit, in megabytes. */
  readonly heap: number;
  /** The output of the process at its end. */
  readonly said: string;
}

/** All results. */
export interface Scale {
  readonly machine: Machine;
  readonly repetitions: number;
  readonly counts: readonly number[];
  /** By work, for each of `counts`. */
  readonly costs: Readonly<Record<string, readonly Nanoseconds[]>>;
  /** How many of each kind there were when their memory was measured. */
  readonly crowd: number;
  readonly memory: Readonly<Record<string, Bytes>>;
  /** Resident bytes of the equivalents in other languages, where those are installed. */
  readonly others: Readonly<Record<string, number>>;
  /** With the engine's default limits; not measured in a quick run. */
  readonly limit: Limit | null;
}

/** Names of works: in the table, and shorter ones in the chart. */
const WORKS: Readonly<Record<string, readonly [string, string]>> = {
  floor: ["bare generators in a loop, the least that a switch can cost", "bare generators"],
  switches: ["switch", "switch"],
  messages: ["message, around a ring", "message"],
  timeouts: ["message, its receive with a timeout", "message, with timeout"],
  spawns: ["spawn and join, all at once", "spawn and join"],
  timers: ["sleep and wake up", "sleep"],
};

const whole = (value: number) => Math.round(value).toLocaleString("en");

function costs({ counts, costs }: Scale): string {
  const rows = Object.entries(WORKS).map(([work, [name]]) => [name, ...costs[work].map(({ median }) => whole(median))]);
  return markdownTable(["ns, by number of coroutines", ...counts.map(whole)], rows);
}

function memory({ memory, others }: Scale): string {
  const rows = Object.entries(memory).map(([kind, { heap, kernel, resident }]) => [
    kind,
    whole(heap),
    kernel === 0 ? "" : whole(kernel),
    whole(resident),
  ]);
  const foreign = Object.entries(others).map(([name, resident]) => [name, "", "", whole(resident)]);
  return markdownTable(["bytes each", "heap", "kernel", "resident"], [...rows, ...foreign]);
}

function firstLimit({ coroutines, heap, said }: Limit): string {
  const millions = (coroutines / 1e6).toFixed(1);
  return `The first limit is V8's heap: here ${whole(heap)} MB, which ${millions} million coroutines in \`receive\` ` +
    `fill; \`--v8-flags=--max-old-space-size=\` sets it. V8 then ends the process ("${said}"), which no code can catch.`;
}

/** Cost by number of coroutines, and memory by kind. */
export const scalePage: Page<Scale> = {
  name: "scale",
  markdown(result) {
    const { machine, repetitions, crowd, limit } = result;
    return [
      `\`deno task bench scale\`, medians of ${repetitions} processes each (${described(machine)}):`,
      costs(result),
      "![Cost per operation from a hundred to millions of coroutines](results/scale.svg)",
      `Memory of one, measured with ${whole(crowd)}:`,
      memory(result),
      ...(limit === null ? [] : [firstLimit(limit)]),
    ].join("\n\n");
  },
  svgs({ machine, counts, costs }) {
    const series = Object.entries(WORKS).map(([work, [, name]]) => ({
      name,
      points: counts.map((count, index) => [count, costs[work][index].median] as const),
    }));
    const note = described(machine);
    const title = "Cost per operation by number of coroutines";
    return { "scale.svg": lineChart({ title, note, x: "coroutines alive at once", y: "nanoseconds", series }) };
  },
};
