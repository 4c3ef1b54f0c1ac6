/**
 * deno run -A tests/bench/workers/main.ts [--quick]
 *
 * The cost of a task in our pool, compared with npm's pools on the same Deno and raw `postMessage` as the floor, and
 * how late a ticker is beside a pool that computes on all cores. Every measurement has a process of its own; contenders
 * take turns in every round, and figures are medians. A pool that cannot be downloaded is left out, visibly.
 */
import { median, percentile, printTable } from "../harness.ts";
import type { Findings } from "./contender.ts";
import { PEERS } from "./peers.ts";

const quick = Deno.args.includes("--quick");
const rounds = quick ? 1 : 5;
const script = (name: string) => new URL(name, import.meta.url).pathname;

/** Runs a script and returns the JSON of its last line. */
async function inProcess<T>(flags: readonly string[], ...args: string[]): Promise<T> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-lock", "--no-check", ...flags, ...args, ...(quick ? ["--quick"] : [])],
    env: { NO_COLOR: "1" },
    signal: AbortSignal.timeout(60_000),
  }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr).trim().split("\n")[0]);
  return JSON.parse(new TextDecoder().decode(stdout).trim().split("\n").at(-1)!);
}

const config = ["--config", new URL("../../../deno.json", import.meta.url).pathname];
const all: Record<string, Findings[]> = {};
const skipped: Record<string, string> = {};
for (let round = 0; round < rounds; round++) {
  const ours = async () => await inProcess<Findings>(config, script("ours.ts"));
  (all["**WorkerPool**"] ??= []).push(await ours());
  for (const name of PEERS) {
    if (name in skipped) continue;
    try {
      (all[name] ??= []).push(await inProcess<Findings>(["--no-config"], script("peers.ts"), name));
    } catch (error) {
      skipped[name] = (error as Error).message;
      delete all[name];
    }
  }
}

const whole = (value: number) => Math.round(value).toLocaleString("en");
printTable(
  "Pools of two workers",
  [
    "",
    "start, ms",
    "round trip, us",
    "100 in flight, /s",
    "1,000 at once, /s",
    "1 ms tasks, of two cores",
    "1 MiB, us",
  ],
  Object.entries(all).map(([name, findings]) => {
    const of = (key: keyof Findings) => median(findings.map((each) => each[key]));
    const row = [name, of("start").toFixed(0), of("one").toFixed(1), whole(of("hundred")), whole(of("thousand"))];
    return [...row, `${(100 * of("efficiency")).toFixed(1)} %`, of("bounce").toFixed(0)];
  }),
);
for (const [name, reason] of Object.entries(skipped)) console.log(`\nSkipped: ${name} (${reason})`);

const ours = all["**WorkerPool**"];
const others = Object.entries(all).filter(([name]) => name !== "**WorkerPool**" && name !== "raw postMessage");
const floor = all["raw postMessage"];
if (others.length > 0 && floor !== undefined) {
  const ratio = (round: number) =>
    ours[round].hundred / Math.max(...others.map(([, findings]) => findings[round].hundred));
  const perRound = ours.map((_, round) => round);
  printTable("Against them, medians of the ratios of rounds", ["what", "reached", "at least", "aim"], [
    ["empty tasks, 100 in flight, to the best npm pool", `${median(perRound.map(ratio)).toFixed(1)} x`, "5 x", "10 x"],
    [
      "empty round trip, to raw postMessage",
      `${median(perRound.map((round) => ours[round].one / floor[round].one)).toFixed(2)} x`,
      "1.3 x",
      "1.0 x",
    ],
    ["1 ms tasks on two cores", `${(100 * median(ours.map((each) => each.efficiency))).toFixed(1)} %`, "90 %", "97 %"],
  ]);
}

const late = await inProcess<{ busy: number[]; idle: number[] }>(config, script("ticker.ts"));
printTable(
  "A 5 ms ticker, late by (ms)",
  ["", "median", "99th percentile", "worst"],
  (["idle", "busy"] as const).map((key) => [
    key === "busy" ? "while a pool computes on all cores" : "with nothing else",
    ...[50, 99, 100].map((percent) => percentile(late[key], percent).toFixed(2)),
  ]),
);

const large = await inProcess<Record<string, { took: number[]; still: number[] }>>(config, script("large.ts"));
const floorOfLarge = median(large["plain Worker"].took);
printTable(
  "10 MB in a typed array, medians",
  ["", "ms", "to a plain Worker", "a ticker stood still, ms"],
  Object.entries(large).map(([name, { took, still }]) => [
    name,
    median(took).toFixed(1),
    `${(median(took) / floorOfLarge).toFixed(2)} x`,
    median(still).toFixed(1),
  ]),
);
