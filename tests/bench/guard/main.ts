/**
 * deno task bench:guard [--against commit] [--works switch,spawn] [--pairs 12] [--quick]
 *
 * Compares this checkout, as it is on the disk, with a commit: where the branch has left `main`, or on `main` the commit
 * before. Both do the same works in processes of their own, in turns, and CPU time is compared, so that a busy machine has
 * little effect. Prints the median of the ratios of this checkout to the other with its 95 % interval.
 *
 * A work whose interval is wholly above 1.03 is slower; then it ends with 1. A work that the commit cannot do, as it lacks
 * what is needed, is left out and named.
 */
import { parsedOrExit } from "../arguments.ts";
import { compareAll } from "./compare.ts";
import { parseOptions } from "./options.ts";
import { report, slowerOnes } from "./report.ts";
import { WORKS } from "./works.ts";
import { CommitError, findCommit, Worktree } from "./worktree.ts";

const ROOT = new URL("../../../", import.meta.url).pathname;
const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** Returns the exit code. Whatever ends it, the folder of the commit is removed. */
async function guard(signal: AbortSignal): Promise<number> {
  const options = parsedOrExit(parseOptions);
  const commit = await findCommit(ROOT, options.against);
  await using worktree = await Worktree.add(ROOT, commit);
  const works = WORKS.filter(({ name }) => options.works.includes(name));
  const sides = { here: ROOT, other: `${worktree.folder}/` };
  console.log(
    `Compares ${ROOT} with ${commit.slice(0, 12)} in ${worktree.folder}: ${options.pairs} pairs of each work`,
  );
  const comparison = await compareAll(sides, works, options, signal, progress);
  console.log(report(comparison));
  const slower = slowerOnes(comparison);
  if (slower.length > 0) console.error(`Slower than ${commit.slice(0, 12)}: ${slower.join(", ")}`);
  return slower.length > 0 ? 1 : 0;
}

/** A run takes minutes. */
function progress(rounds: number): void {
  if (Deno.stderr.isTerminal()) Deno.stderr.writeSync(new TextEncoder().encode(`\r${rounds} of them done\r`));
}

const stop = new AbortController();
for (const name of SIGNALS) Deno.addSignalListener(name, () => stop.abort(new Error(`Ended by ${name}`)));
try {
  Deno.exitCode = await guard(stop.signal);
} catch (error) {
  if (!stop.signal.aborted && !(error instanceof CommitError)) throw error;
  console.error(stop.signal.aborted ? stop.signal.reason.message : (error as Error).message);
  Deno.exitCode = stop.signal.aborted ? 130 : 2;
}
Deno.exit();
