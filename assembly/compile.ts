// Runs the AssemblyScript compiler on this folder, in memory. A benchmark may replace the text of some files with
// `replaced`, and add flags with `more`; tests compile every.ts. The published kernel is built without any of these.

import asc from "assemblyscript/asc";

const FLAGS = [
  "-O3",
  "--converge",
  "--noAssert",
  "--runtime",
  "stub",
  "--use",
  "abort=",
  "--initialMemory",
  "2",
  "--zeroFilledMemory",
];

export async function compileKernel(
  replaced: Readonly<Record<string, string>> = {},
  more: readonly string[] = [],
  entry: "index.ts" | "every.ts" = "index.ts",
): Promise<Uint8Array<ArrayBuffer>> {
  let binary: Uint8Array | undefined;
  const { error, stderr } = await asc.main([
    entry,
    "--outFile",
    "kernel.wasm",
    ...FLAGS,
    ...more,
  ], {
    readFile: (name) => replaced[name] ?? Deno.readTextFile(new URL(name, import.meta.url)).catch(() => null),
    writeFile: (name, contents) => {
      if (name === "kernel.wasm") binary = contents as Uint8Array;
    },
    listFiles: () => [],
  });
  if (error !== null || binary === undefined) {
    throw new Error(`Cannot compile the kernel\n${stderr}`, { cause: error });
  }
  return new Uint8Array(binary);
}
