/** What runs in each thread of `word_count.ts`. The thread has joined the network before. */
import { Coro } from "@asyncoro/asyncoro";

/** Lines to count, and who gets the counts. */
export interface Batch {
  readonly lines: readonly string[];
  readonly to: Coro;
}

/** How often each word comes. */
export type Counts = Map<string, number>;

function count(lines: readonly string[]): Counts {
  const counts: Counts = new Map();
  for (const line of lines) {
    for (const [word] of line.toLowerCase().matchAll(/[\p{L}\p{N}]+/gu)) counts.set(word, (counts.get(word) ?? 0) + 1);
  }
  return counts;
}

new Coro(function* counter(coro) {
  coro.register();
  for (;;) {
    const { lines, to } = yield* coro.receive<Batch>();
    to.send(count(lines));
  }
});
