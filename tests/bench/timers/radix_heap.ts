/** The kernel with the timer structure that lost. */
import { compileKernel } from "../../../assembly/compile.ts";

const MEMORY = new URL("../../../assembly/memory.ts", import.meta.url);

/** Compiles it; its slots are numbered from 1,024, to leave room for the buckets. */
export async function compileRadixHeap(): Promise<Uint8Array<ArrayBuffer>> {
  const memory = await Deno.readTextFile(MEMORY);
  return compileKernel({
    "timers.ts": await Deno.readTextFile(new URL("radix_heap.as", import.meta.url)),
    "memory.ts": memory.replace("FIRST_SLOT: u32 = 8;", "FIRST_SLOT: u32 = 1024;"),
  });
}
