/**
 * Messages and jobs over a nats-server on this machine, which it starts:
 *
 *     deno run -A tests/bench/distributed/nats.ts [rounds]
 *
 * - `send`, `deliver`: two networks over NATS, with a secret (each frame has a MAC), in a process each.
 * - `jobs`: one process submits small jobs and waits for their results, another one takes and does them; each has so many
 *   under way at once. `submit`: the first half alone.
 *
 * Prints medians: messages or jobs a second, and for what is measured singly the milliseconds of the fastest half and of all
 * but a hundredth.
 */
import { NatsServer } from "../../nats/nats_server.ts";
import { median, printTable } from "../harness.ts";
import type { Measurement } from "./message.ts";

const HERE = new URL(".", import.meta.url).pathname;
const ROUNDS = Number(Deno.args[0] ?? 5);
/** The program, what it does, and how often. */
const WORKS: readonly (readonly [program: string, work: string, amount: number])[] = [
  ["ours.ts", "send 1", 60_000],
  ["ours.ts", "send 10", 200_000],
  ["ours.ts", "send 100", 300_000],
  ["ours.ts", "deliver 1", 4_000],
  ["ours.ts", "deliver 100", 100_000],
  ["jobs.ts", "submit 1", 1_000],
  ["jobs.ts", "submit 100", 10_000],
  ["jobs.ts", "jobs 1", 1_000],
  ["jobs.ts", "jobs 100", 10_000],
];

/** Starts the second process of a work, and waits until it is ready: until it has printed a line. */
async function startServer(program: string, env: Record<string, string>): Promise<[string, () => Promise<void>]> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", "--quiet", HERE + program, "server"],
    env,
    stdin: "null",
    stdout: "piped",
  }).spawn();
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  const { value = "" } = await reader.read();
  return [value.trim(), async () => {
    child.kill("SIGKILL");
    await reader.cancel();
    await child.status;
  }];
}

async function measure(program: string, work: string, amount: number): Promise<Measurement> {
  const server = await NatsServer.start();
  const env = { NATS_SERVER: `127.0.0.1:${server.port}` };
  const [address, stop] = await startServer(program, env);
  try {
    const args = ["run", "-A", "--no-check", "--quiet", HERE + program, "client", address, work, `${amount}`];
    const { stdout, stderr, success } = await new Deno.Command(Deno.execPath(), { args, env, stdin: "null" }).output();
    if (!success) throw new Error(new TextDecoder().decode(stderr));
    return JSON.parse(new TextDecoder().decode(stdout));
  } finally {
    await stop();
    await server.stop();
  }
}

const rows: string[][] = [];
for (const [program, work, amount] of WORKS) {
  const all: Measurement[] = [];
  for (let round = 0; round < ROUNDS; round++) all.push(await measure(program, work, amount));
  const rates = all.map(({ amount, seconds }) => amount / seconds / 1000);
  const ofPercentile = (i: 0 | 1) => median(all.map(({ percentiles }) => percentiles?.[i] ?? NaN)).toFixed(2);
  rows.push([
    work,
    median(rates).toFixed(1),
    `${Math.min(...rates).toFixed(1)} to ${Math.max(...rates).toFixed(1)}`,
    all[0].percentiles === undefined ? "" : ofPercentile(0),
    all[0].percentiles === undefined ? "" : ofPercentile(1),
  ]);
}
printTable("NATS", ["work", "thousand a second", "range", "p50 ms", "p99 ms"], rows);
