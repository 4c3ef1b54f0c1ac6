/** Messages from one thread to another: `AMOUNT BURST`. Prints a measurement of the process as JSON. */
import { Coro, main } from "@asyncoro/asyncoro";
import { Network } from "@asyncoro/asyncoro/distributed";
import { cpuSeconds, type Measurement } from "./message.ts";
import type { Work } from "./threads_module.ts";

const [amount, burst] = Deno.args.map(Number);

main(function* () {
  const network = yield* Network.join({ secret: null });
  const [near, far] = yield* network.startThreads(new URL("./threads_module.ts", import.meta.url), 2);
  const source = (yield* Coro.locate("source", 10, near))!;
  const to = (yield* Coro.locate("sink", 10, far))!;
  const run = function* (): Generator<unknown, Measurement, unknown> {
    const [start, cpu] = [performance.now(), cpuSeconds()];
    const count = yield* source.ask<number>({ to, amount, burst } satisfies Work, 300);
    if (count !== amount) throw new Error(`${count} of ${amount} messages arrived`);
    const seconds = (performance.now() - start) / 1000;
    return { amount, seconds, cpu: [(cpuSeconds() - cpu) / amount * 1e6, 0] };
  };
  // Once to warm up.
  yield* run();
  console.log(JSON.stringify(yield* run()));
});
