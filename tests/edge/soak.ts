/**
 * deno run --v8-flags=--expose-gc tests/edge/soak.ts
 *
 * Serves 30,000 requests by the handler of the example for Deno, some of which time out or fail, and prints how much
 * memory has grown since the first few thousand.
 */
import { handler } from "../../examples/edge/deno/app.ts";

const { gc } = globalThis as unknown as { gc(): void };
const WARM_UP = 5_000;
const TOTAL = 30_000;
const AT_ONCE = 50;
const QUERIES = [
  "text=one&text=two",
  "text=one",
  "text=one&seconds=0.001",
  "text=x&seconds=9&limit=0.001",
  "limit=oops",
];

let answered = 0;

async function answer(count: number): Promise<void> {
  let left = count;
  const client = async () => {
    while (left-- > 0) {
      const response = await handler(new Request(`http://localhost/digest?${QUERIES[left % QUERIES.length]}`));
      await response.text();
      answered++;
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, client));
}

async function used(): Promise<number> {
  // What finalizers release is collected by the second collection.
  for (let round = 0; round < 3; round++) {
    gc();
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  const { heapUsed, external } = Deno.memoryUsage();
  return heapUsed + external;
}

await answer(WARM_UP);
const before = await used();
await answer(TOTAL - WARM_UP);
const after = await used();
console.log(JSON.stringify({ answered, grown: after - before, rss: Deno.memoryUsage().rss }));
