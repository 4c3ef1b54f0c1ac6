/**
 * All cores: a parallel word count with a counter in each thread. The threads are peers; lines go to them as messages, and
 * their counts come back the same way.
 *
 *     deno run --allow-net=127.0.0.1 --allow-read examples/distributed/word_count.ts [FILE]
 */
import { Coro, main } from "@asyncoro/asyncoro";
import { type Location, Network, tcp } from "@asyncoro/asyncoro/distributed";
import type { Batch, Counts } from "./word_counter.ts";

const LINES_IN_A_BATCH = 200;
const THREADS = 2;

function sample(): string {
  return Array.from({ length: 5000 }, (_, i) => `the fox ${i % 7} saw the other fox ${i % 3}`).join("\n");
}

main(function* (coro) {
  const network = yield* Network.join({ name: "main", secret: null, engines: [tcp()] });
  const threads: Location[] = yield* network.startThreads(new URL("./word_counter.ts", import.meta.url), THREADS);
  const counters: Coro[] = [];
  for (const thread of threads) counters.push((yield* Coro.locate("counter", 5, thread))!);

  const lines = (Deno.args.length > 0 ? Deno.readTextFileSync(Deno.args[0]) : sample()).split("\n");
  let sent = 0;
  for (let at = 0; at < lines.length; at += LINES_IN_A_BATCH) {
    const batch: Batch = { lines: lines.slice(at, at + LINES_IN_A_BATCH), to: coro };
    // It waits until the batch is there, so that no thread is given more than it can take.
    yield* counters[sent++ % counters.length].deliver(batch);
  }

  const total = new Map<string, number>();
  for (let i = 0; i < sent; i++) {
    const counts = yield* coro.receive<Counts>();
    for (const [word, count] of counts) total.set(word, (total.get(word) ?? 0) + count);
  }
  console.log(`${lines.length} lines in ${sent} batches, counted by ${threads.map(({ name }) => name).join(" and ")}`);
  const most = [...total].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1)).slice(0, 4);
  for (const [word, count] of most) console.log(`${word.padEnd(8)} ${count}`);
  yield* network.leave();
});
