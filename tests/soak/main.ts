/**
 * deno task soak [minutes] [--seed N] [--epochs N] [--virtual | --real] [--only society,...]
 *
 * Random programs of everything the library has run for a long time, in real time and at a multiple of its speed, with
 * checks of invariants: messages and permits are conserved, order is kept, no wake-up is lost, every operation settles
 * once, and neither memory nor anything else grows. A failure prints how to reproduce it.
 */
import { LEAST_SAMPLES } from "./growth.ts";
import { readOptions } from "./options.ts";
import { clock, tallyTable } from "./report.ts";
import { soak } from "./soak.ts";
import { SOCIETIES } from "./societies.ts";

// How many seconds of virtual time have to pass in one of CPU time. How many pass in one of real time depends on what else
// the machine does.
const LEAST_RATIO = 100;
if (import.meta.main) {
  const options = readOptions(Deno.args, SOCIETIES.map(({ name }) => name));
  console.log(`soaking for ${options.minutes} minutes with seed ${options.seed}`);
  addEventListener("unhandledrejection", (event) => {
    console.error("FAILED\n  No error goes unseen\n   ", event.reason, `\nseed of the run: ${options.seed}`);
    Deno.exit(1);
  });
  const { ok, epochs, tally, samples, ratio, seconds } = await soak(options, { print: (line) => console.log(line) });
  console.log(`\n${tallyTable(tally)}\n`);
  console.log(`${tally.total.toLocaleString("en")} events in ${epochs} epochs, ${clock(seconds)} minutes`);
  if (samples.length < LEAST_SAMPLES) console.log("growth: too short a run to tell");
  if (ratio !== null) console.log(`virtual time: ${Math.round(ratio)} seconds in one of CPU time`);
  const slow = ratio !== null && ratio < LEAST_RATIO;
  if (slow) console.log(`FAILED\n  At least ${LEAST_RATIO} seconds of virtual time are to pass in one of CPU time`);
  console.log(`${ok && !slow ? "ok" : "FAILED"}, seed ${options.seed}`);
  Deno.exit(ok && !slow ? 0 : 1);
}
