/**
 * A process of one side: `child.ts FILE WORK REPEATS` does a work of that file with the checkout that its configuration
 * names, and prints the least nanoseconds of CPU time that an operation took.
 */
import process from "node:process";
import type { Work, Works } from "./works/work.ts";

const [file, name, repeats] = Deno.args;
// A file that needs what an older checkout lacks must not keep the others from running.
const { works } = await import(`./works/${file}.ts`) as { works: Works };

function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

async function once({ operations, run }: Work): Promise<number> {
  const start = cpuSeconds();
  await run();
  return (cpuSeconds() - start) / operations * 1e9;
}

let best = Infinity;
for (let i = 0; i < Number(repeats); i++) best = Math.min(best, await once(works[name]));
console.log(best);
