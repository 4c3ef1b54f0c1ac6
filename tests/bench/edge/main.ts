/**
 * deno run -A tests/bench/edge/main.ts [--quick]
 *
 * Requests a second of a worker in Cloudflare's runtime whose handlers are coroutines, compared with the same handlers
 * in plain async/await in the same worker. Contenders take turns in every round; a ratio is the median of the ratios of
 * rounds. The client is this process, so the server's CPU time is measured too.
 */
import { median, printTable, times } from "../harness.ts";
import { findRuntime } from "../../runtimes/find.ts";
import { type Server, withWorker } from "../../edge/workerd.ts";
import { load } from "./load.ts";

const quick = Deno.args.includes("--quick");
const ROUNDS = quick ? 5 : 40;
const COUNT = 1_000;
const CONNECTIONS = 16;
// Code that runs once a request is compiled late.
const WARM_UP = quick ? 2_000 : 60_000;

const HANDLERS: Readonly<Record<string, string>> = {
  one: "a coroutine that computes",
  digests: "two digests at once, with a limit of time",
  sleeps: "sleeps of 2, 3 and 5 ms at once, with a limit of time",
};

interface Cost {
  /** Seconds per request, by the clock and of the server's CPU time. */
  readonly wall: number;
  readonly processor: number;
}

async function measure(server: Server, path: string): Promise<Cost> {
  const before = server.processorSeconds();
  const seconds = await load(server.port, path, CONNECTIONS, COUNT);
  return { wall: seconds / COUNT, processor: (server.processorSeconds() - before) / COUNT };
}

async function compare(server: Server, name: string): Promise<string[]> {
  const kinds = ["plain", "coroutines"] as const;
  const costs: Record<typeof kinds[number], Cost[]> = { plain: [], coroutines: [] };
  for (const kind of kinds) await load(server.port, `/${kind}/${name}?n=21`, CONNECTIONS, WARM_UP);
  for (let round = 0; round < ROUNDS; round++) {
    for (const kind of round % 2 === 0 ? kinds : kinds.toReversed()) {
      costs[kind].push(await measure(server, `/${kind}/${name}?n=21`));
    }
  }
  const rate = (kind: typeof kinds[number]) =>
    Math.round(1 / median(costs[kind].map(({ wall }) => wall))).toLocaleString("en");
  const ratio = median(costs.plain.map(({ wall }, round) => wall / costs.coroutines[round].wall));
  // The system counts in 10 ms: only the sum is precise.
  const micros = (kind: typeof kinds[number]) =>
    ((1e6 * costs[kind].reduce((sum, { processor }) => sum + processor, 0)) / ROUNDS).toFixed(0);
  return [
    HANDLERS[name],
    rate("plain"),
    rate("coroutines"),
    times(ratio),
    `${micros("plain")} / ${micros("coroutines")}`,
  ];
}

if (await findRuntime("workerd") === null) {
  console.log("Skipped: workerd is not installed, deno task runtimes does it");
} else {
  await withWorker(new URL("worker.ts", import.meta.url), {}, async (server) => {
    const rows: string[][] = [];
    for (const name of Object.keys(HANDLERS)) rows.push(await compare(server, name));
    printTable("Requests a second in workerd", [
      "handler",
      "async/await",
      "coroutines",
      "ratio",
      "processor time a request, us",
    ], rows);
  });
}
