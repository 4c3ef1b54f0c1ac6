/** Runs one stage: its output is passed through, or held back, and kept for the figures. */

import { type Counts, stageCounts } from "./counts.ts";
import type { Printed } from "./slow_files.ts";
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
  output: readonly Printed[];
}

/** Runs the stage under the Deno that runs the gate. Its output is passed through to `show` as it comes. */
export async function runStage(stage: Stage, show: (text: string) => void): Promise<Result> {
  const start = performance.now();
  const elapsed = (): number => (performance.now() - start) / 1000;
  const output: Printed[] = [];
  const ok = await runDeno(stage.args, (text) => {
    show(text);
    output.push({ text, seconds: elapsed() });
  });
  const counts = stageCounts(ok, output.map(({ text }) => text).join(""), stage.counts);
  return { name: stage.name, counts, seconds: elapsed(), output };
}

async function runDeno(args: string[], receive: (text: string) => void): Promise<boolean> {
  // Not "deno": under npx there may be none on the PATH, or another version.
  const child = new Deno.Command(Deno.execPath(), {
    args,
    cwd: ROOT,
    env: Deno.stdout.isTerminal() ? {} : { NO_COLOR: "1" },
    stdin: "null",
    stdout: "piped",
    signal: AbortSignal.timeout(LIMIT_MS),
  }).spawn();
  const ended = readOutput(child.stdout, receive);
  const { success } = await child.status;
  // A process that a test left behind keeps the pipe open.
  await Promise.race([
    ended,
    new Promise((done) => setTimeout(done, GRACE_MS)),
  ]);
  return success;
}

async function readOutput(
  from: ReadableStream<Uint8Array<ArrayBuffer>>,
  receive: (text: string) => void,
): Promise<void> {
  for await (const text of from.pipeThrough(new TextDecoderStream())) receive(text);
}
