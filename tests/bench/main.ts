/**
 * deno task bench [name ...] [--quick] [--write]
 *
 * Runs the benchmarks (all, or those named) and prints Markdown tables. With --write, those whose results are shown in
 * documents store them and update the documents.
 */
import { benchCalls } from "./calls.ts";
import { benchCodec } from "./codec.ts";
import { benchFairness } from "./fairness.ts";
import { type Effort, runScript } from "./harness.ts";
import { benchReading } from "./io/reading.ts";
import { benchLocks } from "./locks.ts";
import { benchMemory, benchMessages } from "./messages.ts";
import { benchQueues } from "./queues.ts";
import { benchScale } from "./scale.ts";
import { benchScopes } from "./scopes.ts";
import { benchSignals } from "./signals.ts";
import { benchSize } from "./size.ts";
import { benchSleepers } from "./sleepers.ts";
import { benchSpawns } from "./spawns.ts";
import { benchStart } from "./start.ts";
import { benchSwitches } from "./switches.ts";

const BENCHMARKS: Readonly<Record<string, (effort: Effort) => Promise<void>>> = {
  switches: benchSwitches,
  spawns: benchSpawns,
  scopes: benchScopes,
  calls: benchCalls,
  messages: benchMessages,
  locks: benchLocks,
  queues: benchQueues,
  signals: benchSignals,
  memory: benchMemory,
  codec: benchCodec,
  sleepers: benchSleepers,
  fairness: benchFairness,
  reading: benchReading,
  size: benchSize,
  start: benchStart,
  scale: benchScale,
  timers: () => runScript("timers_bench.ts"),
};

const names = Deno.args.filter((argument) => !argument.startsWith("--"));
const unknown = names.filter((name) => !(name in BENCHMARKS));
if (unknown.length > 0) {
  console.error(`Unknown: ${unknown.join(", ")}. There are ${Object.keys(BENCHMARKS).join(", ")}`);
  Deno.exit(2);
}

/** Runs benchmarks in processes of their own, so that none affects the engine's optimizer for the next. */
async function runEach(chosen: readonly string[]): Promise<void> {
  console.log(`Deno ${Deno.version.deno}, V8 ${Deno.version.v8}, ${navigator.hardwareConcurrency} cores`);
  const flags = Deno.args.filter((argument) => argument.startsWith("--"));
  for (const name of chosen) await runScript("main.ts", name, ...flags);
}

const write = Deno.args.includes("--write");
const effort = Deno.args.includes("--quick") ? { rounds: 3, scale: 0.2, write } : { rounds: 7, scale: 1, write };
if (names.length === 1) await BENCHMARKS[names[0]](effort);
else await runEach(names.length > 0 ? names : Object.keys(BENCHMARKS));
