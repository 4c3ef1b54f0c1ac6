/** Bundles programs as their authors would, with the package resolved by its name. */
import config from "../../deno.json" with { type: "json" };

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
 * in a browser, by default.
 */
export async function bundle(
  program: Program,
  format: "esm" | "iife" = "esm",
  external: string[] = [],
): Promise<Bundle> {
  const input = program instanceof URL
    ? { entryPoints: [program.pathname] }
    : { stdin: { contents: program, loader: "ts" as const, resolveDir: ROOT.pathname } };
  // Without this esbuild leaves a thread or a process behind, for the next bundle. It reads this when it is loaded.
  Deno.env.set("ESBUILD_WORKER_THREADS", "0");
  const { buildSync } = await import("esbuild");
  const { outputFiles, metafile } = buildSync({
    ...input,
    absWorkingDir: ROOT.pathname,
    alias: aliases(),
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

/** Maps `@asyncoro/asyncoro` and its sub-paths to the files. */
function aliases(): Record<string, string> {
  const entries = Object.entries(config.exports);
  return Object.fromEntries(entries.map(([path, file]) => [config.name + path.slice(1), new URL(file, ROOT).pathname]));
}
