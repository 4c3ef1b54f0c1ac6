/** The size of the package in a bundle, minified and compressed. */
import { gzipSync } from "node:zlib";
import { type Bundle, bundle } from "../package/bundle.ts";
import { type Effort, printTable } from "./harness.ts";
import { sizedPrograms } from "./programs.ts";
import { machine, publish } from "./results.ts";
import { sizePage, sizeTable } from "./size/page.ts";

/** Sizes of bundles, and the largest files in the one without sockets, files and workers. */
export async function benchSize({ write }: Effort): Promise<void> {
  const bundles: [string, Bundle][] = [];
  for (const [name, program] of Object.entries(await sizedPrograms())) {
    bundles.push([name, await bundle(program, "esm", ["node:*"])]);
  }
  const programs = bundles.map(([what, { code, parts }]) => ({
    what,
    files: Object.keys(parts).length,
    minified: code.length,
    gzipped: gzipSync(code, { level: 9 }).length,
  }));
  const sizes = { machine: machine(), programs };
  console.log(`\n### Size in a bundle\n\n${sizeTable(sizes)}`);
  const [[first, { parts }]] = bundles;
  const largest = Object.entries(parts).sort(([, a], [, b]) => b - a).slice(0, 12);
  printTable(
    `The largest files of ${first}`,
    ["file", "minified"],
    largest.map(([path, size]) => [path, `${(size / 1024).toFixed(1)} KiB`]),
  );
  if (write) await publish(sizePage, sizes);
}
