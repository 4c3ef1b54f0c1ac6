/**
 * What all benchmarks share: interleaved repetitions, medians, and Markdown tables.
 *
 * The speed of a machine varies from second to second, so contenders take turns within every round, and a ratio is the
 * median of the ratios of rounds, not a ratio of medians.
 */

/** One side of a comparison: does the work once and returns nanoseconds per operation. */
export type Contender = () => number | Promise<number>;

/** The result of a comparison. */
export interface Comparison {
  /** Median nanoseconds per operation, by contender. */
  readonly medians: Readonly<Record<string, number>>;
  /** Median over the rounds of `a` divided by `b`. */
  ratio(a: string, b: string): number;
}

/** Runs the contenders in turn, after a round to warm up. */
export async function compare(rounds: number, contenders: Record<string, Contender>): Promise<Comparison> {
  const results: Record<string, number[]> = Object.fromEntries(Object.keys(contenders).map((name) => [name, []]));
  for (let round = -1; round < rounds; round++) {
    for (const [name, run] of Object.entries(contenders)) {
      const result = await run();
      if (round >= 0) results[name].push(result);
    }
  }
  return {
    medians: Object.fromEntries(Object.entries(results).map(([name, values]) => [name, median(values)])),
    ratio: (a, b) => median(results[a].map((value, round) => value / results[b][round])),
  };
}

/** The median. */
export function median(values: readonly number[]): number {
  return percentile(values, 50);
}

/** The value that `percent` per cent do not exceed. */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor((sorted.length * percent) / 100))];
}

/** Calls `make` so many times and returns the results. `Array.from` costs more than much of what is measured. */
export function many<T>(count: number, make: () => T): T[] {
  const all: T[] = [];
  for (let i = 0; i < count; i++) all.push(make());
  return all;
}

/** The nanoseconds per operation of work that does `operations` of them. */
export async function timed(operations: number, work: () => unknown): Promise<number> {
  const start = performance.now();
  await work();
  return ((performance.now() - start) * 1e6) / operations;
}

/** Prints a Markdown table. */
export function printTable(title: string, header: readonly string[], rows: readonly (readonly string[])[]): void {
  console.log(`\n### ${title}\n\n${markdownTable(header, rows)}`);
}

/** A table of Markdown, figures to the right. */
export function markdownTable(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const rule = header.map((_, column) => column === 0 ? "---" : "--:");
  return [header, rule, ...rows].map((row) => `| ${row.join(" | ")} |`).join("\n");
}

/** A number of nanoseconds, in three digits or so. */
export function ns(value: number): string {
  return value >= 100 ? Math.round(value).toLocaleString("en") : value.toFixed(1);
}

/** A ratio. */
export function times(value: number): string {
  return `${value.toFixed(2)} x`;
}

/** How long a benchmark may run: in full, or for a quick look. */
export interface Effort {
  /** Repetitions of each comparison. */
  readonly rounds: number;
  /** Multiplies the amount of work. */
  readonly scale: number;
  /** Whether a result that documents show is stored, and the documents updated. */
  readonly write: boolean;
}

/** Runs a script of this folder in a process of its own, and returns the JSON of its last line. */
export async function inOwnProcess<T>(script: string, ...args: string[]): Promise<T> {
  const url = new URL(script, import.meta.url);
  const command = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--v8-flags=--expose-gc", ...profiling(), url.pathname, ...args],
    stderr: "inherit",
  });
  const { stdout, success } = await command.output();
  if (!success) throw new Error(`${script} failed`);
  return JSON.parse(new TextDecoder().decode(stdout).trim().split("\n").at(-1)!);
}

/** Runs a script of this folder in a process of its own, which prints its own tables. */
export async function runScript(script: string, ...args: string[]): Promise<void> {
  const url = new URL(script, import.meta.url);
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", ...profiling(), url.pathname, ...args],
    stdout: "inherit",
  }).spawn();
  const { success } = await child.status;
  if (!success) throw new Error(`${script} failed`);
}

/** Arguments for profiling a process, if `deno task profile` asks for it. */
function profiling(): string[] {
  const folder = Deno.env.get("BENCH_PROFILES");
  return folder === undefined ? [] : ["--cpu-prof", `--cpu-prof-dir=${folder}`];
}
