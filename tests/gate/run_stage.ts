/** Runs one stage: its output is passed through and kept for the figures. */

import { type Counts, stageCounts } from "./counts.ts";
import type { Stage } from "./stages.ts";

const ROOT = new URL("../../", import.meta.url);
/** The limit after which a stage counts as hanging. */
const LIMIT_MS = 30 * 60_000;
/** How long to wait for output after the command itself has ended. */
const GRACE_MS = 5_000;

/** The result of a stage. */
export interface Result {
  name: string;
  counts: Counts;
  seconds: number;
}

/** Runs the stage under the Deno that runs the gate. */
export async function runStage(stage: Stage): Promise<Result> {
  const start = performance.now();
  const { ok, output } = await runDeno(stage.args);
  const counts = stageCounts(ok, output, stage.counts);
  const seconds = (performance.now() - start) / 1000;
  return { name: stage.name, counts, seconds };
}

async function runDeno(
  args: string[],
): Promise<{ ok: boolean; output: string }> {
  // Not "deno": under npx there may be none on the PATH, or another version.
  const child = new Deno.Command(Deno.execPath(), {
    args,
    cwd: ROOT,
    env: Deno.stdout.isTerminal() ? {} : { NO_COLOR: "1" },
    stdin: "null",
    stdout: "piped",
    signal: AbortSignal.timeout(LIMIT_MS),
  }).spawn();
  const kept: string[] = [];
  const ended = copyOutput(child.stdout, kept);
  const { success } = await child.status;
  // A process that a test left behind keeps the pipe open.
  await Promise.race([
    ended,
    new Promise((done) => setTimeout(done, GRACE_MS)),
  ]);
  return { ok: success, output: kept.join("") };
}

async function copyOutput(
  from: ReadableStream<Uint8Array>,
  kept: string[],
): Promise<void> {
  const decoder = new TextDecoder();
  for await (const bytes of from) {
    writeAll(bytes);
    kept.push(decoder.decode(bytes, { stream: true }));
  }
}

function writeAll(bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length;) {
    at += Deno.stdout.writeSync(bytes.subarray(at));
  }
}
