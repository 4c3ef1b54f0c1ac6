/**
 * Many coroutines that each sleep a while, as in asyncoro's tutorial.
 *
 * Shows how cheap coroutines are: a hundred thousand by default, or any number given as argument.
 *
 *     deno run examples/coros.ts [count]
 */
import { Coro, main, Scheduler } from "@asyncoro/asyncoro";

const NAPS = 5;

/** Sleeps a few times, for random fractions of a second, and reports that it is done. */
function* sleeper(coro: Coro, reporter: Coro): Generator<unknown, void, unknown> {
  for (let nap = 0; nap < NAPS; nap++) yield* coro.sleep(Math.random() * 0.4);
  reporter.send("done");
}

/** Counts the coroutines that are done, and shows the progress. */
function* report(coro: Coro, count: number): Generator<unknown, void, unknown> {
  const live = Deno.stdout.isTerminal();
  let shownAt = 0;
  for (let done = 1; done <= count; done++) {
    yield* coro.receive();
    if (live && (performance.now() - shownAt > 50 || done === count)) {
      shownAt = performance.now();
      showProgress(done, count);
    }
  }
  if (live) console.log();
}

function showProgress(done: number, count: number): void {
  const width = 40;
  const full = Math.floor((done / count) * width);
  const bar = "#".repeat(full).padEnd(width, ".");
  const line = `\r[${bar}] ${done.toLocaleString("en")} of ${count.toLocaleString("en")} done`;
  Deno.stdout.writeSync(new TextEncoder().encode(line));
}

function readCount(): number {
  const [argument = "100000"] = Deno.args;
  const count = Number(argument);
  if (Number.isInteger(count) && count > 0) return count;
  console.error(`Cannot run ${JSON.stringify(argument)} coroutines: give a whole number above 0, such as 100000`);
  Deno.exit(2);
}

const count = readCount();

main(function* (coro) {
  const before = Deno.memoryUsage().rss;
  const start = performance.now();
  const reporter = new Coro(report, count);
  const sleepers = Array.from({ length: count }, () => new Coro(sleeper, reporter));
  const created = performance.now();
  yield* coro.sleep(0.2);
  const bytes = (Deno.memoryUsage().rss - before) / sleepers.length;
  yield* reporter.finish();
  const seconds = (performance.now() - start) / 1000;
  const { switches } = Scheduler.instance().statistics();
  console.log(`coroutines             ${count.toLocaleString("en")}, each slept ${NAPS} times`);
  console.log(`created in             ${((created - start) / 1000).toFixed(2)} s`);
  console.log(`wall time              ${seconds.toFixed(2)} s`);
  console.log(`switches per second    ${Math.round(switches / seconds).toLocaleString("en")}`);
  console.log(`memory per coroutine   ${Math.max(0, Math.round(bytes)).toLocaleString("en")} bytes`);
});
