/**
 * Lines from standard input, read by a worker that blocks, while coroutines run, as asyncoro's chat client does with a
 * thread. Ends with the input, or at the line `quit`.
 *
 *     deno run examples/workers/stdin_lines.ts
 */
import { Coro, main } from "@asyncoro/asyncoro";
import { WorkerPool } from "@asyncoro/asyncoro/workers";

/** Runs in a worker, whose thread blocks in the read. */
function* lines(): Generator<string, void, unknown> {
  const decoder = new TextDecoder();
  const buffer = new Uint8Array(1024);
  let rest = "";
  for (let n = Deno.stdin.readSync(buffer); n !== null; n = Deno.stdin.readSync(buffer)) {
    const parts = (rest + decoder.decode(buffer.subarray(0, n), { stream: true })).split("\n");
    rest = parts.pop()!;
    yield* parts;
  }
  if (rest !== "") yield rest;
}

main(function* () {
  using pool = new WorkerPool(1);
  let ticks = 0;
  const ticker = new Coro(function* (ticker) {
    ticker.setDaemon();
    for (;; ticks++) yield* ticker.sleep(0.05);
  });

  using input = pool.stream(lines);
  let count = 0;
  for (const next of input) {
    const { done, value: line } = yield* next;
    if (done || line === "quit") break;
    count++;
    console.log(`you wrote: ${line}`);
  }
  ticker.terminate();
  console.log(`${count} lines, and the ticker ${ticks > 0 ? "ticked on" : "stood still"}`);
});
