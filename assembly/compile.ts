// Runs the AssemblyScript compiler over this folder, in memory. `replaced` lets a benchmark build the same kernel with
// another text in the place of one of these files; `more` are flags to add, none of which may change the code for publishing.

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
): Promise<Uint8Array<ArrayBuffer>> {
  let binary: Uint8Array | undefined;
  const { error, stderr } = await asc.main([
    "index.ts",
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
