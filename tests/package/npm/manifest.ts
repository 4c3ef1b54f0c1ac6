import config from "../../../deno.json" with { type: "json" };

// The program of a node is for Deno.
const { "./cluster/node": _, ...entries } = config.exports;

/** The entry points: sub-path to source. */
export const ENTRIES: Readonly<Record<string, string>> = entries;

const KERNEL = "./core/kernel/kernel.wasm";

/** The package's `package.json`, derived from `deno.json`. */
export function manifest(): Record<string, unknown> {
  const { name, version, license } = config;
  const paths = Object.entries(ENTRIES).map(([subPath, source]) => {
    const path = source.replace(/\.ts$/, "");
    // "default", not "import", so that a Node.js that can require an ES module finds it too.
    return [subPath, { types: `${path}.d.ts`, default: `${path}.js` }];
  });
  return {
    name,
    version,
    description: "Asynchronous, concurrent programming with coroutines: Python's asyncoro and asyncio for TypeScript",
    keywords: ["coroutine", "concurrency", "scheduler", "channel", "asyncio", "actor", "timeout", "generator"],
    license,
    type: "module",
    sideEffects: false,
    // Older ones lack `Symbol.dispose` (20.4) or `process.getBuiltinModule` (20.16).
    engines: { node: ">=20.16" },
    exports: { ...Object.fromEntries(paths), "./kernel.wasm": KERNEL, "./package.json": "./package.json" },
  };
}
