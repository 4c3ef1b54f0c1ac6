/** The text for sizes of bundles, and for starts. */
import { markdownTable } from "../harness.ts";
import { described, type Machine, type Page } from "../results.ts";

/** A program in a bundle. */
export interface Sized {
  readonly what: string;
  /** How many files of the package are in it. */
  readonly files: number;
  /** Bytes, minified. */
  readonly minified: number;
  /** Bytes, minified and gzipped. */
  readonly gzipped: number;
}

/** Sizes of bundles. */
export interface Sizes {
  readonly machine: Machine;
  readonly programs: readonly Sized[];
}

/** What the package adds to the start of a program, in milliseconds of CPU time. */
export interface Started {
  readonly runtime: string;
  readonly what: string;
  /** What the empty script takes. */
  readonly empty: number;
  readonly median: number;
  /** The lower quartile. */
  readonly low: number;
  /** The upper quartile. */
  readonly high: number;
}

/** Starts of programs. */
export interface Starts {
  readonly machine: Machine;
  /** How often each was started. */
  readonly pairs: number;
  readonly programs: readonly Started[];
}

function kibibytes(bytes: number): string {
  return `${(bytes / 1024).toFixed(1)} KiB`;
}

/** As a table of Markdown. */
export function sizeTable({ programs }: Sizes): string {
  return markdownTable(
    ["bundle", "files", "minified", "gzipped"],
    programs.map(({ what, files, minified, gzipped }) => [what, `${files}`, kibibytes(minified), kibibytes(gzipped)]),
  );
}

/** As a table of Markdown. */
export function startTable({ programs }: Starts): string {
  const ms = (value: number) => value.toFixed(1);
  return markdownTable(
    ["start, ms of CPU time", "on", "empty script", "added", "quartiles"],
    programs.map(({ runtime, what, empty, median, low, high }) => [
      what,
      runtime,
      ms(empty),
      ms(median),
      `${ms(low)} to ${ms(high)}`,
    ]),
  );
}

/** What bundles weigh. */
export const sizePage: Page<Sizes> = {
  name: "size",
  markdown: (sizes) =>
    `\`deno task bench size\`, a bundle by esbuild ` +
    `(${sizes.machine.date}). With \`export *\` a bundle has all of an entry point:\n\n${sizeTable(sizes)}`,
};

/** What starts cost. */
export const startPage: Page<Starts> = {
  name: "start",
  markdown: (starts) =>
    "`deno task bench start`: the CPU time, of all threads, that importing the package and running a first coroutine adds " +
    `to an empty script, medians of ${starts.pairs} pairs of processes with warm caches (${
      described(starts.machine)
    }):` +
    `\n\n${startTable(starts)}`,
};
