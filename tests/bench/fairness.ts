/**
 * The lateness of waits in a process beside a load that is always ready, in percentiles: our coroutines against native
 * async functions, such as yield to the host and such as only await `null`, and how much the load is slowed.
 */
import type { Run } from "./fairness/contender.ts";
import { FUNCTIONS } from "./fairness/load.ts";
import {
  type Contended,
  type Fairness,
  fairnessPage,
  type Kind,
  KINDS,
  type Lateness,
  table,
  WAITS,
} from "./fairness/page.ts";
import { type Effort, inOwnProcess, median, percentile } from "./harness.ts";
import { machine, publish } from "./results.ts";

interface Servers {
  readonly ports: { readonly tcp: number; readonly http: number };
  stop(): Promise<void>;
}

async function startServers(): Promise<Servers> {
  const url = new URL("fairness/server.ts", import.meta.url);
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", url.pathname],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const reader = child.stdout.getReader();
  const { value } = await reader.read();
  return {
    ports: JSON.parse(new TextDecoder().decode(value)),
    stop: async () => {
      await child.stdin.close();
      await reader.cancel();
      await child.status;
    },
  };
}

/** Runs all contenders in turn, in every round. */
async function contend(rounds: number, seconds: number): Promise<Map<Kind, Run[]>> {
  const kinds = Object.keys(KINDS) as Kind[];
  const runs = new Map<Kind, Run[]>(kinds.map((kind) => [kind, []]));
  const { ports, stop } = await startServers();
  try {
    for (let round = 0; round < rounds; round++) {
      for (const [kind, of] of runs) {
        const args = [kind, String(seconds), String(ports.tcp), String(ports.http)];
        of.push(await inOwnProcess<Run>("fairness/contender.ts", ...args));
      }
    }
  } finally {
    await stop();
  }
  return runs;
}

function lateness(values: readonly number[]): Lateness {
  const at = (percent: number) => rounded(percentile(values, percent));
  return { count: values.length, p50: at(50), p90: at(90), p99: at(99), max: at(100) };
}

function rounded(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}

function summed(runs: readonly Run[]): Contended {
  const late = WAITS.map((wait) => [wait, lateness(runs.flatMap((run) => run.late[wait]))]);
  return {
    alone: Math.round(median(runs.map((run) => run.alone))),
    beside: Math.round(median(runs.map((run) => run.beside))),
    late: Object.fromEntries(late),
  };
}

/** Lateness beside a load that is always ready. */
export async function benchFairness({ rounds, scale, write }: Effort): Promise<void> {
  const seconds = 2 * Math.max(scale, 0.4);
  const runs = await contend(rounds, seconds);
  const contenders = Object.fromEntries([...runs].map(([kind, all]) => [kind, summed(all)])) as Record<Kind, Contended>;
  const result: Fairness = { machine: machine(), rounds, seconds, functions: FUNCTIONS, contenders };
  console.log(`\n### Lateness beside a load of ${FUNCTIONS} functions that are always ready\n`);
  console.log(table(result, ["p50", "p90", "p99", "max"]));
  if (write) await publish(fairnessPage, result);
}
