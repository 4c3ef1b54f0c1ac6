/**
 * Messages between two processes on this machine, by rounds that alternate:
 *
 *     deno run -A tests/bench/distributed/main.ts [rounds]
 *
 * - `ours`: two joined networks over TCP, with a secret (each frame has a MAC), without TLS.
 * - `raw`: a bare TCP connection with the same encoding, in batches of the same size.
 * - `erlang`: two nodes of Erlang distribution, if `erl` is there; small tuples with the same contents.
 *
 * Prints medians: messages a second, microseconds of CPU a message of sender and receiver, the ratio to the others within a
 * round, and for `deliver` the milliseconds of the fastest half and of all but a hundredth.
 */
import type { Measurement } from "./message.ts";

const HERE = new URL(".", import.meta.url).pathname;
const ROUNDS = Number(Deno.args[0] ?? 7);
const WORKS: readonly (readonly [name: string, amount: number, contenders: readonly string[]])[] = [
  ["send 1", 60_000, ["ours", "raw"]],
  ["send 10", 200_000, ["ours", "raw"]],
  ["send 100", 300_000, ["ours", "raw", "erlang"]],
  ["deliver 1", 4_000, ["ours"]],
  ["deliver 100", 100_000, ["ours"]],
];

interface Server {
  readonly address: string;
  stop(): Promise<void>;
}

async function start(command: string, args: readonly string[]): Promise<Server> {
  const child = new Deno.Command(command, { args: [...args], stdin: "null", stdout: "piped" }).spawn();
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  while (!text.includes("\n")) {
    const { value, done } = await reader.read();
    if (done) throw new Error(`${command} has ended`);
    text += value;
  }
  const stop = async () => {
    child.kill("SIGKILL");
    await reader.cancel();
    await child.status;
  };
  return { address: text.trim(), stop };
}

async function output(command: string, args: readonly string[]): Promise<string> {
  const { stdout, stderr, code } = await new Deno.Command(command, { args: [...args], stdin: "null" }).output();
  if (code !== 0) throw new Error(new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout);
}

const deno = (
  program: string,
  ...args: string[]
) => ["run", "-A", "--no-check", "--quiet", `${HERE}${program}`, ...args];

const beam = await Deno.makeTempDir();
const hasErlang = await output("erlc", ["-o", beam, `${HERE}sink.erl`]).then(() => true, () => false);
const erl = (name: string, ...more: string[]) => {
  const common = ["-noshell", "-pa", beam, "-sname", `${name}@localhost`, "-setcookie", "bench", "-kernel"];
  return [...common, "inet_dist_use_interface", "{127,0,0,1}", ...more];
};

const SERVERS: Record<string, () => Promise<Server>> = {
  ours: () => start(Deno.execPath(), deno("ours.ts", "server")),
  raw: () => start(Deno.execPath(), deno("raw.ts", "server")),
  erlang: () => start("erl", erl("server", "-s", "sink", "server")),
};

async function measure(contender: string, { address }: Server, work: string, amount: number): Promise<Measurement> {
  if (contender === "erlang") {
    const seconds = Number(await output("erl", erl("client", "-run", "sink", "client", address, String(amount))));
    return { amount, seconds, cpu: [NaN, NaN] };
  }
  return JSON.parse(await output(Deno.execPath(), deno(`${contender}.ts`, "client", address, work, String(amount))));
}

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
  const servers = new Map<string, Server>();
  for (const name of contenders) servers.set(name, await SERVERS[name]());
  const rounds: Record<string, Measurement>[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const results: Record<string, Measurement> = {};
    const order = round % 2 === 0 ? contenders : contenders.toReversed();
    for (const name of order) results[name] = await measure(name, servers.get(name)!, work, amount);
    rounds.push(results);
  }
  console.log(work);
  for (const name of contenders) {
    const of = (value: (each: Measurement) => number) => rounds.map((results) => value(results[name]));
    const line = [`  ${name.padEnd(7)}`, `${spread(of(({ amount, seconds }) => amount / seconds / 1000), 0)} k/s`];
    if (name !== "erlang") {
      line.push(`CPU ${median(of(({ cpu }) => cpu[0])).toFixed(2)} + ${median(of(({ cpu }) => cpu[1])).toFixed(2)} us`);
    }
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
  for (const server of servers.values()) await server.stop();
}
await Deno.remove(beam, { recursive: true });
