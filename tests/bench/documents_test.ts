/** What the benchmarks need and nothing else builds must not rot. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { compileKernel } from "../../assembly/compile.ts";
import { barPanels, lineChart } from "./chart.ts";
import { PAGES } from "./pages.ts";
import { outdated } from "./results.ts";
import { compileRadixHeap } from "./timers/radix_heap.ts";

Deno.test("the kernel still builds with the timer structure it is measured against, and has the same functions", async () => {
  const kernels = await Promise.all([compileKernel(), compileRadixHeap()]);
  const [ours, other] = kernels.map((bytes) =>
    WebAssembly.Module.exports(new WebAssembly.Module(bytes)).map(({ name }) => name)
  );
  assertEquals(other, ours);
});

Deno.test("what the documents show of measurements is what the kept results give", async (t) => {
  for (const page of PAGES) {
    await t.step(page.name, async () => assertEquals(await outdated(page), []));
  }
});

Deno.test("charts are well-formed, and escape what they are given", () => {
  const bars = [{ name: "a<b", value: 1, text: "1", ours: true }, { name: "c&d", value: 100, text: "100" }];
  const chart = barPanels({ title: "t", note: "n", panels: [{ title: "p", unit: "ns", bars }] });
  const lines = lineChart({
    title: "t",
    note: "n",
    x: "count",
    y: "ns",
    series: [{ name: "one", points: [[100, 5], [1000, 50]] }, { name: "two", points: [[100, 5], [1000, 49]] }],
  });
  assertMatch(chart, /a&lt;b.*c&amp;d/s);
  const widths = [...chart.matchAll(/width="([\d.]+)" height="13"/g)].map((match) => Number(match[1]));
  assertEquals(widths.length, 2);
  assert(widths[0] < widths[1]);
  assertEquals(lines.match(/<polyline/g)?.length, 2);
  assert(!/NaN|undefined|Infinity/.test(chart + lines));
});
