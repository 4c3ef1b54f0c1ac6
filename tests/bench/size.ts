/** The size of the package in a bundle, minified and compressed. */
import { gzipSync } from "node:zlib";
import { type Bundle, bundle } from "../package/bundle.ts";
import { printTable } from "./harness.ts";
import { sizedPrograms } from "./programs.ts";

/** Sizes of bundles, and the largest files in the one without sockets, files and workers. */
export async function benchSize(): Promise<void> {
  const bundles: [string, Bundle][] = [];
  for (const [name, program] of Object.entries(await sizedPrograms())) {
    bundles.push([name, await bundle(program, "esm", ["node:*"])]);
  }
  printTable(
    "Size in a bundle",
    ["what", "files", "minified", "minified and gzipped"],
    bundles.map(([name, { code, parts }]) => [
      name,
      `${Object.keys(parts).length}`,
      kibibytes(code.length),
      kibibytes(gzipSync(code, { level: 9 }).length),
    ]),
  );
  const [[first, { parts }]] = bundles;
  const largest = Object.entries(parts).sort(([, a], [, b]) => b - a).slice(0, 12);
  printTable(
    `The largest files of ${first}`,
    ["file", "minified"],
    largest.map(([path, size]) => [path, kibibytes(size)]),
  );
}

function kibibytes(bytes: number): string {
  return `${(bytes / 1024).toFixed(1)} KiB`;
}
