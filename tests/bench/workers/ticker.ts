/** deno run -A ticker.ts [--quick]: how late a 5 ms ticker is, alone and beside a pool that computes on all cores. */
import { Scheduler } from "@asyncoro/asyncoro";
import { WorkerPool } from "../../../core/workers/mod.ts";

function compute(milliseconds: number): void {
  for (const end = performance.now() + milliseconds; performance.now() < end;);
}

/** Milliseconds by which the ticks came late until `work` is done. */
async function lateness(work: () => Promise<unknown>): Promise<number[]> {
  const late: number[] = [];
  const scheduler = new Scheduler();
  let working = true;
  scheduler.spawn(function* (coro) {
    while (working) {
      const due = performance.now() + 5;
      yield* coro.sleep(0.005);
      late.push(performance.now() - due);
    }
  });
  await work();
  working = false;
  await scheduler.terminate();
  return late;
}

const seconds = Deno.args.includes("--quick") ? 0.5 : 3;
const pool = new WorkerPool();
await Promise.all(Array.from({ length: pool.size }, () => pool.run(compute, 20)));
const idle = await lateness(() => new Promise((resolve) => setTimeout(resolve, seconds * 1000)));
const busy = await lateness(() => {
  const tasks = Math.round((pool.size * seconds * 1000) / 10);
  return Promise.all(Array.from({ length: tasks }, () => pool.run(compute, 10)));
});
await pool.terminate();
console.log(JSON.stringify({ idle, busy }));
