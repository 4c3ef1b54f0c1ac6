/**
 * The gate, `deno task test`: runs every stage, also after one that failed, and
 * ends with the figures of all tests, alone on the last line.
 *
 * `deno task test fmt lint` runs only the stages named.
 */

import { type Counts, formatCounts, sumCounts } from "./counts.ts";
import { type Result, runStage } from "./run_stage.ts";
import { selectStages, type Stage } from "./stages.ts";

async function runGate(stages: Stage[]): Promise<Counts> {
  const results: Result[] = [];
  for (const stage of stages) {
    console.log(`\n== ${stage.name}: deno ${stage.args.join(" ")}`);
    const result = await runStage(stage);
    console.log(describe(result));
    results.push(result);
  }
  console.log(`\n== summary\n${results.map(describe).join("\n")}\n`);
  const sum = sumCounts(results.map((result) => result.counts));
  console.log(formatCounts(sum));
  return sum;
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
