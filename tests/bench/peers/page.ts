/** The text for the results of a run: a table, a chart, and the machine. */
import { barPanels } from "../chart.ts";
import { markdownTable } from "../harness.ts";
import { described, type Page } from "../results.ts";
import type { Cell, Cells, Findings } from "./findings.ts";
import { type Peer, PEERS } from "./peers.ts";
import { type Row, WORKS } from "./works.ts";

/** A figure, in two or three digits. */
export function shown(value: number): string {
  if (value >= 100) return Number(value.toPrecision(3)).toLocaleString("en");
  return value >= 9.95 ? String(Math.round(value)) : value.toPrecision(2);
}

/** A ratio, in three digits at most. */
export function ratio(value: number): string {
  return `${value < 10 ? value.toFixed(value < 1 ? 2 : 1) : shown(value)} x`;
}

interface ContendedRow {
  readonly row: Row;
  readonly cells: Cells;
}

function rowsOf({ cells }: Findings): ContendedRow[] {
  return WORKS.flatMap(({ name, rows }) => rows.map((row) => ({ row, cells: cells[name]?.[row.figure] ?? {} })))
    .filter((contended) => Object.keys(contended.cells).length > 0);
}

function contenders({ versions }: Findings): Peer[] {
  return PEERS.filter(({ name }) => name in versions);
}

function table(findings: Findings): string {
  const all = contenders(findings);
  const rows = rowsOf(findings).map(({ row, cells }) => [
    `${row.title}, ${row.unit}`,
    ...all.map(({ name }) => name in cells ? text(name, cells[name]) : ""),
  ]);
  return markdownTable(["", ...all.map(({ title }) => title)], rows);
}

function text(name: string, cell: Cell): string {
  const { low, high } = cell;
  return `${medianOf(name, cell)}<br>${shown(low)}–${shown(high)}`;
}

function medianOf(name: string, { median, ratio: times }: Cell): string {
  if (name === "ours") return `**${shown(median)}**`;
  return times === 0 ? shown(median) : `${shown(median)} (${ratio(times)})`;
}

function chart(findings: Findings): string {
  const all = contenders(findings);
  const panels = rowsOf(findings).map(({ row, cells }) => ({
    title: row.title,
    unit: row.unit,
    bars: all.filter(({ name }) => name in cells).map(({ name, title }) => ({
      name: title,
      value: cells[name].median,
      text: shown(cells[name].median),
      ours: name === "ours",
    })),
  }));
  const title = "The same work on ours and on others (logarithmic; shorter is better, except for rates)";
  return barPanels({ title, note: described(findings.machine), panels });
}

function leftOut({ dropouts, missing }: Findings): string[] {
  const title = (peer: string) => PEERS.find(({ name }) => name === peer)?.title ?? peer;
  return [
    ...dropouts.map(({ peer, work, why }) => `${title(peer)} has no figure for \`${work}\`: ${why}.`),
    ...missing.length > 0 ? [`Not installed: ${missing.map(title).join(", ")}.`] : [],
  ];
}

// Their version is that of Deno, or of the package.
const WITHOUT_VERSION = ["ours", "floor", "native"];

function versionsOf({ versions }: Findings): string {
  return Object.entries(versions).filter(([name]) => !WITHOUT_VERSION.includes(name)).map(([, version]) => version)
    .join(", ");
}

const BETWEEN =
  "Messages to another process or thread are small objects, a hundred without a pause: ours go through networks of " +
  "`./distributed` (between processes over TCP, with a MAC), Erlang's between two nodes, those of the hosts through " +
  "`node:child_process` and `node:worker_threads`; the floor is a bare socket with our encoding.";

/** The same works on ours and on all peers. */
export const peersPage: Page<Findings> = {
  name: "peers",
  markdown(findings) {
    const { machine, quick, rounds, crowd, cells } = findings;
    return [
      "The same work, written for each library in its usual way, on one core where the number of cores can be set. " +
      `Medians of ${rounds} repetitions, taken in turns, with the quartiles below; in brackets, how many times better ` +
      "ours is (below 1: worse), the median of the ratios within a round. Every result was checked.",
      "![The same work on ours and on others](results/peers.svg)",
      table(findings),
      [
        `The ${crowd.toLocaleString("en")} sleepers run in a new process each time, with fewer repetitions.`,
        "The servers get 64 bytes at a time from one client process on another core, which limits the rate of the " +
        "fastest of them.",
        ..."processes" in cells ? [BETWEEN] : [],
        ...quick ? ["A quick run: its figures are rough."] : [],
        ...leftOut(findings),
      ].join(" "),
      `Measured by \`deno task bench:peers${quick ? " --quick" : ""}\`: ${described(machine)}; ${
        versionsOf(findings)
      }.`,
    ].join("\n\n");
  },
  svgs: (findings) => ({ "peers.svg": chart(findings) }),
};

// The rows and columns that stand for the rest in the README.
const FIGURES = [
  ["switch", "ns", "switch, ns"],
  ["ping-pong", "ns", "message, ns"],
  ["spawn", "ns", "spawn and join, ns"],
  ["echo", "rate", "echo server, requests/s"],
  ["sleepers", "memory", "a million sleepers, MB"],
];
const COLUMNS = ["ours", "native", "asyncio", "go"];

/** A few figures of the same findings, for the README. */
export const figuresPage: Page<Findings> = {
  name: "figures",
  result: "peers",
  document: "README.md",
  markdown(findings) {
    const { machine, cells, versions } = findings;
    const columns = contenders(findings).filter(({ name }) => COLUMNS.includes(name));
    const rows = FIGURES.map(([work, figure, title]) => {
      const row = cells[work]?.[figure] ?? {};
      return [title, ...columns.map(({ name }) => name in row ? medianOf(name, row[name]) : "")];
    });
    const others = columns.map(({ name }) => name).filter((name) => !WITHOUT_VERSION.includes(name));
    const conditions = [
      machine.date,
      machine.processor,
      `${machine.cores} cores`,
      `Deno ${machine.deno}`,
      ...others.map((name) => versions[name]),
    ];
    return [
      markdownTable(["", ...columns.map(({ title }) => title)], rows),
      "Medians; in brackets, how many times better ours is (below 1: worse), by the ratios within rounds. " +
      `\`deno task bench:peers\`, ${conditions.join(", ")}.`,
    ].join("\n\n");
  },
};
