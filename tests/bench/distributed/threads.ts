/**
 * Messages from one thread of a process to another, by rounds that alternate:
 *
 *     deno run -A tests/bench/distributed/threads.ts [rounds]
 *
 * - `ours`: two threads of a network.
 * - `single`, `batch`: `node:worker_threads` alone, which posts each message, or an array for each burst; in Deno, and in
 *   Node.js if it is there.
 *
 * Prints medians: messages a second, and microseconds of CPU that both threads took for a message. A number of messages is
 * sent in a burst, that is without a turn of the event loop.
 */
import { median, printTable } from "../harness.ts";
import { findRuntime } from "../../runtimes/find.ts";
import type { Measurement } from "./message.ts";

const HERE = new URL(".", import.meta.url).pathname;
const ROUNDS = Number(Deno.args[0] ?? 7);
const WORKS = [{ burst: 1, amount: 50_000 }, { burst: 10, amount: 200_000 }, { burst: 100, amount: 500_000 }];

const node = await findRuntime("node");
const deno = (program: string, ...args: string[]) => [
  Deno.execPath(),
  "run",
  "-A",
  "--no-check",
  "--quiet",
  `${HERE}${program}`,
  ...args,
];

const CONTENDERS: Record<string, (amount: string, burst: string) => string[]> = {
  ours: (...work) => deno("threads_ours.ts", ...work),
  "Deno single": (...work) => deno("threads_raw.mjs", ...work, "single"),
  "Deno batch": (...work) => deno("threads_raw.mjs", ...work, "batch"),
};
if (node !== null) {
  for (const mode of ["single", "batch"]) {
    CONTENDERS[`Node.js ${mode}`] = (...work) => [node, `${HERE}threads_raw.mjs`, ...work, mode];
  }
}

async function measure([command, ...args]: string[]): Promise<Measurement> {
  const { stdout, stderr, success } = await new Deno.Command(command, { args, stdin: "null" }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  return JSON.parse(new TextDecoder().decode(stdout));
}

for (const { burst, amount } of WORKS) {
  const results: Record<string, Measurement[]> = {};
  for (let round = 0; round < ROUNDS; round++) {
    const names = Object.keys(CONTENDERS);
    for (const name of round % 2 === 0 ? names : names.toReversed()) {
      (results[name] ??= []).push(await measure(CONTENDERS[name](String(amount), String(burst))));
    }
  }
  const rows = Object.entries(results).map(([name, all]) => [
    name,
    (median(all.map(({ amount, seconds }) => amount / seconds)) / 1000).toFixed(0),
    median(all.map(({ cpu }) => cpu[0] + cpu[1])).toFixed(2),
  ]);
  printTable(`Between threads, ${burst} in a burst`, ["", "1000 messages/s", "CPU us a message"], rows);
}
