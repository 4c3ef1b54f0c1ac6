/**
 * Messages between two processes on this machine, by rounds that alternate:
 *
 *     deno run -A tests/bench/distributed/main.ts [rounds]
 *
 * - `ours`: two joined networks over TCP, with a secret (each frame has a MAC), without TLS.
 * - `raw`: a bare TCP connection with the same encoding, in batches of the same size.
 * - `children`: `node:child_process` alone, over its channel between parent and child, with structured clones.
 * - `erlang`: two nodes of Erlang distribution, if `erl` is there; small tuples with the same contents.
 *
 * Prints medians: messages a second, microseconds of CPU a message of sender and receiver, the ratio to the others within a
 * round, and for `deliver` the milliseconds of the fastest half and of all but a hundredth.
 */
import { alone, erlang, type Sender, type Senders, serverAndClient, SINK, startSender } from "./contenders.ts";
import type { Measurement } from "./message.ts";

const LIMIT = 120;
const ROUNDS = Number(Deno.args[0] ?? 7);
const WORKS: readonly (readonly [name: string, amount: number, contenders: readonly string[]])[] = [
  ["send 1", 60_000, ["ours", "raw", "children"]],
  ["send 10", 200_000, ["ours", "raw", "children"]],
  ["send 100", 300_000, ["ours", "raw", "children", "erlang"]],
  ["deliver 1", 4_000, ["ours"]],
  ["deliver 100", 100_000, ["ours"]],
];

const beam = await Deno.makeTempDir();
const hasErlang = await new Deno.Command("erlc", { args: ["-o", beam, SINK] }).output()
  .then(({ success }) => success, () => false);

const CONTENDERS: Record<string, (work: string) => Senders> = {
  ours: (work) => serverAndClient("ours.ts", work),
  raw: (work) => serverAndClient("raw.ts", work),
  children: (work) => alone("processes_raw.mjs", Number(work.split(" ")[1])),
  erlang: () => erlang(beam),
};

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2;
}

function spread(values: readonly number[], digits: number): string {
  return `${median(values).toFixed(digits)} (${Math.min(...values).toFixed(digits)} to ${
    Math.max(...values).toFixed(digits)
  })`;
}

for (const [work, amount, all] of WORKS) {
  const contenders = all.filter((name) => name !== "erlang" || hasErlang);
  const senders = new Map<string, Sender>();
  for (const name of contenders) senders.set(name, await startSender(CONTENDERS[name](work), LIMIT));
  const rounds: Record<string, Measurement>[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const results: Record<string, Measurement> = {};
    const order = round % 2 === 0 ? contenders : contenders.toReversed();
    for (const name of order) results[name] = await senders.get(name)!.measure(amount);
    rounds.push(results);
  }
  console.log(work);
  for (const name of contenders) {
    const of = (value: (each: Measurement) => number) => rounds.map((results) => value(results[name]));
    const line = [`  ${name.padEnd(8)}`, `${spread(of(({ amount, seconds }) => amount / seconds / 1000), 0)} k/s`];
    line.push(`CPU ${median(of(({ cpu }) => cpu[0])).toFixed(2)} + ${median(of(({ cpu }) => cpu[1])).toFixed(2)} us`);
    if (rounds[0][name].percentiles !== undefined) {
      line.push(`p50 ${median(of(({ percentiles }) => percentiles![0])).toFixed(3)} ms`);
      line.push(`p99 ${median(of(({ percentiles }) => percentiles![1])).toFixed(3)} ms`);
    }
    if (name !== "ours") {
      const ratios = rounds.map((results) => results[name].seconds / results.ours.seconds);
      line.push(`ours ${spread(ratios, 2)} x`);
    }
    console.log(line.join(", "));
  }
  for (const sender of senders.values()) await sender.stop();
}
await Deno.remove(beam, { recursive: true });
