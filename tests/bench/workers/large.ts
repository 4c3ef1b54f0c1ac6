/**
 * deno run -A large.ts [--quick]: a large result, compared with the same from a plain web Worker, in turns.
 *
 * A typed array, an object with one, and items of a stream; and the longest pause of a ticker of 1 ms meanwhile.
 */
import { WorkerPool } from "../../../core/workers/mod.ts";

const BYTES = 10_000_000;
const rounds = Deno.args.includes("--quick") ? 5 : 41;

function view(bytes: number): Uint8Array {
  return new Uint8Array(bytes);
}

function nested(bytes: number): { readonly of: Uint8Array } {
  return { of: new Uint8Array(bytes) };
}

function* one(bytes: number): Generator<Uint8Array, void> {
  yield new Uint8Array(bytes);
}

async function first(stream: AsyncIterable<unknown>): Promise<unknown> {
  for await (const item of stream) return item;
}

const source = "onmessage = ({ data }) => postMessage(new Uint8Array(data))";
const worker = new Worker(`data:text/javascript,${encodeURIComponent(source)}`, { type: "module" });

function plain(): Promise<unknown> {
  return new Promise((resolve) => {
    worker.onmessage = ({ data }) => resolve(data);
    worker.postMessage(BYTES);
  });
}

const pool = new WorkerPool(1);
const ways: Record<string, () => Promise<unknown>> = {
  "plain Worker": plain,
  "result": () => pool.run(view, BYTES),
  "in an object": () => pool.run(nested, BYTES),
  "streamed": () => first(pool.stream(one, BYTES)),
  "argument": () => pool.run((bytes: Uint8Array) => bytes.length, argument),
};
const argument = new Uint8Array(BYTES);

/** How long a way takes, and the longest pause of the ticker meanwhile, in milliseconds. */
async function once(way: () => Promise<unknown>): Promise<{ took: number; still: number }> {
  let still = 0;
  let last = performance.now();
  const look = () => {
    const now = performance.now();
    still = Math.max(still, now - last);
    last = now;
  };
  const ticker = setInterval(look, 1);
  const start = performance.now();
  await way();
  const took = performance.now() - start;
  look();
  clearInterval(ticker);
  return { took, still };
}

const found: Record<string, { took: number[]; still: number[] }> = {};
for (let round = -3; round < rounds; round++) {
  for (const [name, way] of Object.entries(ways)) {
    const { took, still } = await once(way);
    const { took: all, still: stills } = found[name] ??= { took: [], still: [] };
    if (round < 0) continue;
    all.push(took);
    stills.push(still);
  }
}
worker.terminate();
await pool.terminate();
console.log(JSON.stringify(found));
