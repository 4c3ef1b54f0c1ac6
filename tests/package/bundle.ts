/** Bundles programs as their authors would, with the package resolved by its name. */
const ROOT = new URL("../../", import.meta.url);

/** The program to bundle: a file, or text. */
export type Program = URL | string;

/** A bundle. */
export interface Bundle {
  /** The minified code. */
  readonly code: Uint8Array<ArrayBuffer>;
  /** How many bytes of it come from each file, by path from the root. */
  readonly parts: Readonly<Record<string, number>>;
}

/**
 * Bundles a program that imports the package by its name, minified. `external` is what it imports at run time: nothing, as
 * in a browser, by default. `root` is the checkout whose package it is.
 */
export async function bundle(
  program: Program,
  format: "esm" | "iife" = "esm",
  external: string[] = [],
  root: URL = ROOT,
): Promise<Bundle> {
  const input = program instanceof URL
    ? { entryPoints: [program.pathname] }
    : { stdin: { contents: program, loader: "ts" as const, resolveDir: root.pathname } };
  // Without this esbuild leaves a thread or a process behind, for the next bundle. It reads this when it is loaded.
  Deno.env.set("ESBUILD_WORKER_THREADS", "0");
  const { buildSync } = await import("esbuild");
  const { outputFiles, metafile } = buildSync({
    ...input,
    absWorkingDir: root.pathname,
    alias: aliases(root),
    bundle: true,
    external,
    format,
    legalComments: "none",
    logLevel: "error",
    metafile: true,
    minify: true,
    outfile: "program.js",
    target: "esnext",
    write: false,
  });
  const [output] = Object.values(metafile.outputs);
  const parts = Object.entries(output.inputs).map(([path, { bytesInOutput }]) => [path, bytesInOutput]);
  return { code: new Uint8Array(outputFiles[0].contents), parts: Object.fromEntries(parts) };
}

/** Maps `@asyncoro/asyncoro` and its sub-paths to the files of a checkout. */
function aliases(root: URL): Record<string, string> {
  const { name, exports } = JSON.parse(Deno.readTextFileSync(new URL("deno.json", root)));
  const entries = Object.entries<string>(exports);
  return Object.fromEntries(entries.map(([path, file]) => [name + path.slice(1), new URL(file, root).pathname]));
}
