/** Runs sleepers with random deadlines within one second; prints seconds and megabytes as JSON. */
import { type Coro, Scheduler } from "@asyncoro/asyncoro";

const [kind, argument] = Deno.args;
const count = Number(argument);
let woken = 0;

function* sleeper(coro: Coro): Generator<unknown, void, unknown> {
  yield* coro.sleep(Math.random());
  woken++;
}

async function ours(): Promise<void> {
  const scheduler = new Scheduler();
  for (let i = 0; i < count; i++) scheduler.spawn(sleeper);
  await scheduler.join();
}

async function sleepNatively(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, Math.random() * 1000));
  woken++;
}

async function native(): Promise<void> {
  await Promise.all(Array.from({ length: count }, sleepNatively));
}

const start = performance.now();
await (kind === "ours" ? ours() : native());
const seconds = (performance.now() - start) / 1000;
if (woken !== count) throw new Error(`${woken} of ${count} woke`);
console.log(JSON.stringify({ seconds, megabytes: peakMegabytes() }));

/** The peak resident memory, where the system provides it; the current one elsewhere. */
function peakMegabytes(): number {
  try {
    const status = Deno.readTextFileSync("/proc/self/status");
    return Number(/VmHWM:\s*(\d+) kB/.exec(status)![1]) / 1000;
  } catch {
    return Deno.memoryUsage().rss / 1e6;
  }
}
