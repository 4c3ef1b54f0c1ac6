/** What the benchmarks need and nothing else builds must not rot. */
import { assertEquals } from "@std/assert";
import { compileKernel } from "../assembly/compile.ts";

Deno.test("the kernel still builds with the timer structure it is measured against, and has the same functions", async () => {
  const radixHeap = new URL("bench/timers/radix_heap.as", import.meta.url);
  const kernels = await Promise.all([compileKernel(), compileKernel({ "timers.ts": radixHeap })]);
  const [ours, other] = kernels.map((bytes) =>
    WebAssembly.Module.exports(new WebAssembly.Module(bytes)).map(({ name }) => name)
  );
  assertEquals(other, ours);
});
