/** Makes so many of one kind, in a process of its own; prints what each takes, in bytes, as JSON. */
import { type Crowd, KINDS } from "./kinds.ts";
import type { Bytes } from "./page.ts";

const [kind, argument] = Deno.args;
const count = Number(argument);

function inUse(crowd?: Crowd): Bytes {
  const collect = (globalThis as unknown as { gc(): void }).gc;
  // Twice, as objects that the first collection finalizes are freed by the second.
  collect();
  collect();
  const { heapUsed, rss } = Deno.memoryUsage();
  return { heap: heapUsed, kernel: crowd?.kernelBytes() ?? 0, resident: rss };
}

// So that what is needed once has been allocated.
const first = KINDS[kind](100);
await first.settled;
await first.end();
const before = inUse();
const crowd = KINDS[kind](count);
await crowd.settled;
const after = inUse(crowd);
const each = (part: keyof Bytes) => Math.round((after[part] - before[part]) / count);
console.log(JSON.stringify({ heap: each("heap"), kernel: each("kernel"), resident: each("resident") }));
// Ending the rest would take longer than all of this.
Deno.exit(0);
