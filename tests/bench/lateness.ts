/**
 * deno run -A tests/bench/lateness.ts [seconds]
 *
 * How late sleepers wake up, and what waiting costs: ten of them on a scheduler, on a precise one, and ten loops of
 * `setTimeout`, in turns and each in a process of its own. Prints medians over all rounds.
 */
import { type Coro, Scheduler } from "@asyncoro/asyncoro";
import { markdownTable, median } from "./harness.ts";
import process from "node:process";

const LOOPS = 10;
const ROUNDS = 5;
const KINDS = ["setTimeout", "sleep", "precise"];
/** Seconds a loop sleeps: all alike, and each its own. */
const DELAYS: Readonly<Record<string, (loop: number) => number>> = {
  "10 ms": () => 0.01,
  "5 to 23 ms": (loop) => 0.005 + 0.002 * loop,
};

interface Figures {
  /** Milliseconds. */
  readonly late: number;
  readonly latest: number;
  /** Of a core. */
  readonly cpu: number;
}

async function sleepLoops(kind: string, delay: (loop: number) => number, seconds: number): Promise<number[]> {
  const late: number[] = [];
  const end = performance.now() + seconds * 1000;
  if (kind === "setTimeout") {
    await Promise.all(Array.from({ length: LOOPS }, async (_, loop) => {
      while (performance.now() < end) {
        const due = performance.now() + delay(loop) * 1000;
        await new Promise((resolve) => setTimeout(resolve, delay(loop) * 1000));
        late.push(performance.now() - due);
      }
    }));
    return late;
  }
  const scheduler = new Scheduler({ precise: kind === "precise" });
  for (let loop = 0; loop < LOOPS; loop++) {
    scheduler.spawn(function* (coro: Coro) {
      while (performance.now() < end) {
        const due = performance.now() + delay(loop) * 1000;
        yield* coro.sleep(delay(loop));
        late.push(performance.now() - due);
      }
    });
  }
  await scheduler.join();
  return late;
}

async function child(kind: string, delay: string, seconds: number): Promise<void> {
  await sleepLoops(kind, DELAYS[delay], 0.3);
  const before = process.cpuUsage();
  const late = (await sleepLoops(kind, DELAYS[delay], seconds)).sort((a, b) => a - b);
  const { user, system } = process.cpuUsage(before);
  const cpu = (user + system) / 1e6 / seconds;
  console.log(JSON.stringify({ late: median(late), latest: late[Math.floor(late.length * 0.99)], cpu }));
}

async function measure(kind: string, delay: string, seconds: number): Promise<Figures> {
  const args = ["run", "-A", "--quiet", import.meta.filename!, "child", kind, delay, String(seconds)];
  const { stdout } = await new Deno.Command(Deno.execPath(), { args, stderr: "inherit" }).output();
  return JSON.parse(new TextDecoder().decode(stdout));
}

async function main(seconds: number): Promise<void> {
  const rows: string[][] = [];
  for (const delay of Object.keys(DELAYS)) {
    const figures: Record<string, Figures[]> = Object.fromEntries(KINDS.map((kind) => [kind, []]));
    for (let round = 0; round < ROUNDS; round++) {
      for (const kind of KINDS) figures[kind].push(await measure(kind, delay, seconds));
    }
    for (const kind of KINDS) {
      const of = (what: keyof Figures) => median(figures[kind].map((each) => each[what]));
      rows.push([delay, kind, of("late").toFixed(3), of("latest").toFixed(2), `${(100 * of("cpu")).toFixed(1)} %`]);
    }
  }
  console.log(markdownTable(["every", "", "late, ms: median", "99 %", "of a core"], rows));
}

if (Deno.args[0] === "child") await child(Deno.args[1], Deno.args[2], Number(Deno.args[3]));
else await main(Number(Deno.args[0] ?? 5));
