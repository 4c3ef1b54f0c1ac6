/**
 * The gate, `deno task test`: runs every stage, also after one that failed, and
 * ends with the figures of all tests, alone on the last line.
 *
 * `deno task test fmt lint` runs only the stages named.
 */

import { type Counts, formatCounts, sumCounts } from "./counts.ts";
import { type Result, runStage } from "./run_stage.ts";
import { slowestFiles } from "./slow_files.ts";
import { selectStages, type Stage, together } from "./stages.ts";

/** How many of the files of tests that took the longest are named after their stage. */
const SLOWEST = 10;

async function runGate(stages: Stage[]): Promise<Counts> {
  const results: Result[] = [];
  for (const group of together(stages)) results.push(...await runTogether(group));
  console.log(`\n== summary\n${results.map(describe).join("\n")}\n`);
  const sum = sumCounts(results.map((result) => result.counts));
  console.log(formatCounts(sum));
  return sum;
}

/** Runs stages at the same time. The output of the first is shown as it comes, that of the others after it. */
async function runTogether([first, ...others]: Stage[]): Promise<Result[]> {
  const held = others.map((stage) => ({ stage, running: runStage(stage, () => {}) }));
  begin(first);
  const results = [end(await runStage(first, write))];
  for (const { stage, running } of held) {
    const result = await running;
    begin(stage);
    for (const { text } of result.output) write(text);
    results.push(end(result));
  }
  return results;
}

function begin(stage: Stage): void {
  console.log(`\n== ${stage.name}: deno ${stage.args.join(" ")}`);
}

function end(result: Result): Result {
  for (const { file, seconds } of slowestFiles(result.output, result.seconds, SLOWEST)) {
    console.log(`${seconds.toFixed(1).padStart(8)} s  ${file}`);
  }
  console.log(describe(result));
  return result;
}

function write(text: string): void {
  const bytes = new TextEncoder().encode(text);
  for (let at = 0; at < bytes.length;) {
    at += Deno.stdout.writeSync(bytes.subarray(at));
  }
}

function describe({ name, counts, seconds }: Result): string {
  const verdict = counts.failed ? "FAILED" : "ok";
  const time = `${seconds.toFixed(1)} s`;
  const figures = counts.passed ? `  ${formatCounts(counts)}` : "";
  return `${verdict.padEnd(6)} ${name.padEnd(8)} ${time.padStart(8)}${figures}`;
}

if (import.meta.main) {
  let stages: Stage[];
  try {
    stages = selectStages(Deno.args);
  } catch (error) {
    console.error((error as Error).message);
    Deno.exit(2);
  }
  const { failed } = await runGate(stages);
  Deno.exit(failed ? 1 : 0);
}
