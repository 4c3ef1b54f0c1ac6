/** Checks of what only the benchmarks build, so that it keeps working. */
import { assert, assertEquals, assertMatch, assertRejects, assertStringIncludes } from "@std/assert";
import config from "../../deno.json" with { type: "json" };
import { compileKernel } from "../../assembly/compile.ts";
import { barPanels, lineChart } from "./chart.ts";
import { PAGES } from "./pages.ts";
import { cpuSeconds, threadSeconds } from "./proc.ts";
import { outdated } from "./results.ts";
import { sizePage, startPage } from "./size/page.ts";
import { DENO, spent, writeProgram } from "./starts.ts";
import { compileRadixHeap } from "./timers/radix_heap.ts";

const ROOT = new URL("../../", import.meta.url);

Deno.test("the kernel still builds with the timer structure it is measured against, and has the same functions", async () => {
  const kernels = await Promise.all([compileKernel(), compileRadixHeap()]);
  const [ours, other] = kernels.map((bytes) =>
    WebAssembly.Module.exports(new WebAssembly.Module(bytes)).map(({ name }) => name)
  );
  assertEquals(other, ours);
});

Deno.test("the measurements in the documents match the stored results", async (t) => {
  for (const page of PAGES) {
    await t.step(page.name, async () => assertEquals(await outdated(page), []));
  }
});

Deno.test("every task that a document names exists, and every benchmark is described", async () => {
  const [contributing, readme, bench] = await Promise.all(
    ["CONTRIBUTING.md", "README.md", "tests/bench/README.md"].map((path) => Deno.readTextFile(new URL(path, ROOT))),
  );
  const named = [...(contributing + readme + bench).matchAll(/deno task ([a-z:]+)/g)].map(([, name]) => name);
  assertEquals(named.filter((name) => !(name in config.tasks)), []);
  const described = Object.keys(config.tasks).filter((name) => name.startsWith("bench") || name === "profile");
  assertEquals(described.filter((name) => !bench.includes(`deno task ${name}`)), []);
});

Deno.test("the text of sizes and starts has what was measured", () => {
  const machine = { date: "d", deno: "1", v8: "2", system: "s", processor: "p", cores: 2, gibibytes: 3 };
  const size = { what: "`.`", files: 3, minified: 2048, gzipped: 1536 };
  const start = { runtime: "Deno", what: "`.`", empty: 25, median: 12.34, low: 11, high: 13.06 };
  assertStringIncludes(sizePage.markdown({ machine, programs: [size] }), "| `.` | 3 | 2.0 KiB | 1.5 KiB |");
  const text = startPage.markdown({ machine, pairs: 7, programs: [start] });
  assertStringIncludes(text, "| `.` | Deno | 25.0 | 12.3 | 11.0 to 13.1 |");
  assertStringIncludes(text, "medians of 7 pairs");
});

Deno.test("a start that fails is an error, and one that works has taken time", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const empty = await writeProgram(`${folder}/empty.mjs`, "");
    assert(await spent(DENO, empty) > 1);
    const broken = await writeProgram(`${folder}/broken.mjs`, `throw new Error("it broke")`);
    await assertRejects(() => spent(DENO, broken), Error, "it broke");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test({
  name: "the CPU time of a process is the same by both measures, where the system provides it",
  ignore: Deno.build.os !== "linux",
  fn: () => {
    const seconds = cpuSeconds(Deno.pid)!;
    const threads = threadSeconds(Deno.pid)!;
    // Threads that have ended are in the first only, and its ticks are coarse.
    assert(threads > 0 && threads < seconds + 0.1, `${threads} and ${seconds}`);
    assertEquals([cpuSeconds(2 ** 30), threadSeconds(2 ** 30)], [null, null]);
  },
});

Deno.test("charts are well-formed, and escape their text", () => {
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
