/**
 * The house stands on its floors: imports in core/ point one way, only the
 * kernel's room knows WebAssembly, and a `mod.ts` only passes names on.
 *
 * Type imports are gone at run time and may point anywhere.
 */

import { assert, assertEquals } from "@std/assert";

/**
 * The floors, top first, as path prefixes; of several that fit, the lowest
 * counts. A file imports from its own floor and from those below.
 */
const FLOORS = [
  ["core/asyncio/", "core/edge/", "core/io/", "core/workers/", "core/testing/"],
  ["core/message/", "core/mod.ts", "core/sync/", "core/supervise.ts"],
  [
    "core/claims.ts",
    "core/combine.ts",
    "core/coro.ts",
    "core/deadlock.ts",
    "core/dump.ts",
    "core/helpers.ts",
    "core/main.ts",
    "core/scheduler.ts",
  ],
  ["core/operations/", "core/message/mailbox.ts", "core/message/registry.ts"],
  [
    "core/fiber/",
    "core/joiner.ts",
    "core/operation.ts",
    "core/operations/given.ts",
    "core/operations/until.ts",
    "core/placement.ts",
    "core/reaction.ts",
    "core/run_loop.ts",
    "core/schedulable.ts",
    "core/strand.ts",
    "core/sync/wait_queue.ts",
    "core/watch.ts",
  ],
  [
    "core/clock.ts",
    "core/context.ts",
    "core/depth_first.ts",
    "core/describe.ts",
    "core/driver.ts",
    "core/errors.ts",
    "core/fifo.ts",
    "core/host.ts",
    "core/host_context.ts",
    "core/host_driver.ts",
    "core/kernel/",
    "core/place.ts",
    "core/report.ts",
    "core/shuffle.ts",
    "core/time.ts",
    "core/unsupported.ts",
  ],
];

const ROOT = new URL("../", import.meta.url);
const COMMENT = /\/\*[\s\S]*?\*\/|(?<=^|\s)\/\/.*/g;
const STATIC = /\b(?:import|export)\s+(?!type\b)([\w\s{},*$]*?)\s*from\s*"([^"]+)"/g;
const BARE = /\bimport\s*\(?\s*"([^"]+)"/g;
const LAYOUT = /\bWebAssembly\b|\bmemory\.(?:buffer|grow)\b/;

/** Every module of the package, by path from the root, without comments. */
const SOURCES = await readSources();

/** What each module imports from the package, by path from the root. */
const IMPORTS = new Map(
  [...SOURCES].map(([path, code]) => [path, importedPaths(path, code)]),
);

Deno.test("core/ imports itself and what Deno has built in, nothing else", () => {
  const strangers = violations((path) => specifiers(SOURCES.get(path)!).filter((name) => !/^(\.|node:)/.test(name)));
  assertEquals(strangers, []);
});

Deno.test("core/ imports downwards only", () => {
  const upwards = violations((path) => IMPORTS.get(path)!.filter((target) => floorOf(target) < floorOf(path)));
  assertEquals(upwards, []);
});

Deno.test("core/ has a floor for every file", () => {
  const homeless = [...SOURCES.keys()].filter((path) => floorOf(path) < 0);
  assertEquals(homeless, ["mod.ts"], "Give the file a place in FLOORS");
});

Deno.test("core/ imports form no cycle", () => {
  assertEquals(findCycle(IMPORTS), []);
});

Deno.test("core/kernel/ alone knows WebAssembly and its memory", () => {
  const knowing = [...SOURCES].filter(([path, code]) => !path.startsWith("core/kernel/") && LAYOUT.test(code));
  assertEquals(knowing.map(([path]) => path), []);
});

Deno.test("mod.ts holds re-exports only", () => {
  const reExport = /\bexport\s+[\w\s{},*$]*?\s*from\s*"[^"]+";?/g;
  const others = violations((path) => {
    if (!isEntry(path)) return [];
    const rest = SOURCES.get(path)!.replaceAll(reExport, "").trim();
    return rest ? [rest] : [];
  });
  assertEquals(others, []);
});

Deno.test("mod.ts is for users: core/ imports the files themselves", () => {
  const detours = violations((path) => isEntry(path) ? [] : IMPORTS.get(path)!.filter(isEntry));
  assertEquals(detours, []);
});

Deno.test("specifiers() sees every import that is there at run time", () => {
  const code = `
    import a, { b } from "./1.ts";
    import {
      c,
      type D,
    } from "./2.ts";
    export * from "./3.ts";
    export * as e from "./4.ts";
    import "./5.ts";
    await import("./6.ts");
    import type { F } from "./no.ts";
    export type { F } from "./no.ts";
    import { type G, type H as I } from "./no.ts";
    export const from = "./no.ts";`;
  const names = [1, 2, 3, 4, 5, 6].map((n) => `./${n}.ts`);
  assertEquals(specifiers(code).sort(), names);
});

Deno.test("findCycle() names the files of a cycle", () => {
  const cyclic = new Map([["a", ["b"]], ["b", ["c"]], ["c", ["b"]]]);
  assertEquals(findCycle(cyclic), ["b", "c", "b"]);
  const shared = new Map([["a", ["b", "c"]], ["b", ["c"]], ["c", []]]);
  assertEquals(findCycle(shared), []);
});

/** The modules that `find` has something against, with what it found. */
function violations(find: (path: string) => string[]): [string, string[]][] {
  return [...SOURCES.keys()]
    .map((path): [string, string[]] => [path, find(path)])
    .filter(([, found]) => found.length);
}

function isEntry(path: string): boolean {
  return path === "mod.ts" || path.endsWith("/mod.ts");
}

/** 0 is the top; -1 is for a file that has no floor. */
function floorOf(path: string): number {
  return FLOORS.findLastIndex((rooms) => rooms.some((room) => path.startsWith(room)));
}

function specifiers(code: string): string[] {
  const named = [...code.matchAll(STATIC)]
    .filter(([, names]) => !isTypesOnly(names))
    .map(([, , specifier]) => specifier);
  const bare = [...code.matchAll(BARE)].map(([, specifier]) => specifier);
  return [...named, ...bare];
}

/** Is it `{ type A, type B }`? */
function isTypesOnly(names: string): boolean {
  const inner = /^\{([\s\S]*)\}$/.exec(names.trim())?.[1];
  const each = inner?.split(",").filter((name) => name.trim());
  return each?.every((name) => /^\s*type\s/.test(name)) ?? false;
}

function importedPaths(path: string, code: string): string[] {
  return specifiers(code)
    .filter((name) => name.startsWith("."))
    .map((name) => new URL(name, new URL(path, ROOT)).href.slice(ROOT.href.length));
}

/** The paths around the first cycle, beginning and ending with the same one. */
function findCycle(graph: Map<string, string[]>): string[] {
  const done = new Set<string>();
  const visit = (path: string, trail: string[]): string[] => {
    const seen = trail.indexOf(path);
    if (seen >= 0) return [...trail.slice(seen), path];
    if (done.has(path)) return [];
    done.add(path);
    for (const next of graph.get(path) ?? []) {
      const cycle = visit(next, [...trail, path]);
      if (cycle.length) return cycle;
    }
    return [];
  };
  for (const path of graph.keys()) {
    const cycle = visit(path, []);
    if (cycle.length) return cycle;
  }
  return [];
}

async function readSources(): Promise<Map<string, string>> {
  const paths = ["mod.ts", ...await Array.fromAsync(listModules("core/"))];
  assert(paths.length > 1, "Expected modules in core/");
  const sources = new Map<string, string>();
  for (const path of paths.sort()) {
    const code = await Deno.readTextFile(new URL(path, ROOT));
    sources.set(path, code.replaceAll(COMMENT, ""));
  }
  return sources;
}

async function* listModules(folder: string): AsyncGenerator<string> {
  for await (const entry of Deno.readDir(new URL(folder, ROOT))) {
    if (entry.isDirectory) yield* listModules(`${folder}${entry.name}/`);
    else if (entry.name.endsWith(".ts")) yield folder + entry.name;
  }
}
