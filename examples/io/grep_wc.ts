/**
 * `grep | wc` as a pipeline of processes, which gets its input from this program.
 *
 *     deno run --allow-run=grep,wc examples/io/grep_wc.ts
 */
import { main } from "@asyncoro/asyncoro";
import { AsyncPipe } from "@asyncoro/asyncoro/io";

main(function* () {
  using pipe = AsyncPipe.pipeline(["grep", "7"], ["wc", "-l"]);
  const numbers = Array.from({ length: 100_000 }, (_, i) => `${i}\n`).join("");
  const { stdout } = yield* pipe.communicate(numbers, 30);
  console.log(`Numbers below 100000 with a 7: ${new TextDecoder().decode(stdout).trim()}`);
  console.log(`Exit codes: ${pipe.statuses!.map(({ code }) => code).join(", ")}`);
});
