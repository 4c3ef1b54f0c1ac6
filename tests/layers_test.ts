/**
 * The layers of core/: imports point downwards, those of types included; only core/kernel/ knows WebAssembly; and a
 * `mod.ts` only re-exports names.
 */

import { assert, assertEquals } from "@std/assert";

/**
 * The folders of core/, called rooms, top first. A file imports from its own room and from those below; rooms of one
 * floor do not import each other.
 */
const FLOORS = [
  ["testing", "nats"],
  ["cluster"],
  ["distributed"],
  ["asyncio", "edge"],
  ["workers"],
  ["io"],
  ["patterns"],
  ["supervision"],
  ["messages", "sync"],
  ["coroutine"],
  ["operations"],
  ["fiber"],
  ["host", "kernel"],
  ["base"],
];

/**
 * Public types of one room that name each other, in imports of types only. Nothing else in core/ imports in a circle.
 */
const CIRCLES: readonly string[][] = [
  [
    "core/asyncio/loop/ensure_future.ts",
    "core/asyncio/loop/event_loop.ts",
    "core/asyncio/loop/future.ts",
    "core/asyncio/loop/running.ts",
    "core/asyncio/loop/task.ts",
    "core/asyncio/loop/tasks.ts",
  ],
  [
    "core/coroutine/ask.ts",
    "core/coroutine/ask_operation.ts",
    "core/coroutine/callback_loop.ts",
    "core/coroutine/completion.ts",
    "core/coroutine/coro.ts",
    "core/coroutine/coro_loop.ts",
    "core/coroutine/coro_of.ts",
    "core/coroutine/deadlock.ts",
    "core/coroutine/dump.ts",
    "core/coroutine/errors.ts",
    "core/coroutine/hot_swap.ts",
    "core/coroutine/report_error.ts",
    "core/coroutine/scheduler.ts",
    "core/coroutine/shutdown.ts",
    "core/coroutine/spawn_options.ts",
    "core/coroutine/spawn_site.ts",
    "core/coroutine/unhandled_failures.ts",
  ],
  [
    "core/io/net/listener.ts",
    "core/io/net/socket.ts",
  ],
];

/** Its imports are never made: it has Deno load the entries of the package together with the program of a server. */
const ENTRIES_FOR_JOBS = "core/cluster/server/entries.ts";

const ROOT = new URL("../", import.meta.url);
const COMMENT = /\/\*[\s\S]*?\*\/|(?<=^|\s)\/\/.*/g;
const STATIC = /\b(?:import|export)\s+(?!type\b)([\w\s{},*$]*?)\s*from\s*"([^"]+)"/g;
const STATIC_OR_TYPE = /\b(?:import|export)\s+([\w\s{},*$]*?)\s*from\s*"([^"]+)"/g;
const BARE = /(?<!["-])\bimport\s*\(?\s*"([^"]+)"/g;
const LAYOUT = /\bWebAssembly\b|\bmemory\.(?:buffer|grow)\b/;

/** Every module of the package, by path from the root, without comments. */
const SOURCES = await readSources();

/** What each module imports from the package at run time, by path from the root. */
const IMPORTS = new Map(
  [...SOURCES].map(([path, code]) => [path, importedPaths(path, specifiers(code))]),
);

/** The same with the imports of types. */
const IMPORTS_AND_TYPES = new Map(
  [...SOURCES].map(([path, code]) => [path, importedPaths(path, specifiersWithTypes(code))]),
);

Deno.test("core/ imports itself and what Deno has built in, nothing else", () => {
  // A `data:` URL is code of the importing file itself.
  const others = violations((path) => specifiers(SOURCES.get(path)!).filter((name) => !/^(\.|node:|data:)/.test(name)));
  assertEquals(others, []);
});

Deno.test("rooms import downwards only, types included", () => {
  const upwards = violations((path) =>
    passesRoomsOn(path) ? [] : IMPORTS_AND_TYPES.get(path)!.filter((target) => isAbove(target, path))
  );
  assertEquals(upwards, []);
});

Deno.test("./testing imports types of ./distributed, and none of its code", () => {
  const code = violations((path) =>
    path.startsWith("core/testing/")
      ? IMPORTS.get(path)!.filter((target) => target.startsWith("core/distributed/"))
      : []
  );
  assertEquals(code, []);
});

Deno.test("every file of core/ is in a room", () => {
  const outside = [...SOURCES.keys()].filter((path) => floorOf(path) < 0);
  assertEquals(outside.filter((path) => !passesRoomsOn(path)), []);
});

Deno.test("core/ imports form no cycle", () => {
  assertEquals(findCycle(IMPORTS), []);
});

Deno.test("core/ imports of types form no circles but those of public types of one room", () => {
  assertEquals(circles(IMPORTS_AND_TYPES), CIRCLES);
  for (const circle of CIRCLES) assertEquals(new Set(circle.map(roomOf)).size, 1, `${circle}`);
});

Deno.test("core/kernel/ alone knows WebAssembly and its memory", () => {
  const knowing = [...SOURCES].filter(([path, code]) => !path.startsWith("core/kernel/") && LAYOUT.test(code));
  assertEquals(knowing.map(([path]) => path), []);
});

Deno.test("no more than four classes are frequent operations", () => {
  const classes = [...SOURCES.values()].flatMap((
    code,
  ) => [...code.matchAll(/(\babstract )?\bclass (\w+)(?:<[^{]*?>)? extends (\w+)/g)]);
  const frequent = new Set(["FrequentOperation"]);
  // A set grows while it is walked, so this finds subclasses of subclasses.
  for (const parent of frequent) for (const [, , name, base] of classes) if (base === parent) frequent.add(name);
  // An abstract class has no objects of its own.
  for (const [, abstract, name] of classes) if (abstract !== undefined) frequent.delete(name);
  assertEquals([...frequent].sort(), ["Get", "GetNext", "Put", "Receive"]);
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
  assertEquals(new Set(specifiersWithTypes(code)), new Set([...names, "./no.ts"]));
});

Deno.test("circles() names the files of each circle", () => {
  const graph = new Map([
    ["a", ["b", "c"]],
    ["b", ["a", "d"]],
    ["c", ["d"]],
    ["d", ["e"]],
    ["e", ["f"]],
    ["f", ["d"]],
  ]);
  assertEquals(circles(graph), [["a", "b"], ["d", "e", "f"]]);
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

/** The entry points that pass on the names of several rooms. */
function passesRoomsOn(path: string): boolean {
  return path === "mod.ts" || path === "core/mod.ts";
}

/** Whether a file is above another, or beside it in a room of the same floor. */
function isAbove(target: string, path: string): boolean {
  if (passesRoomsOn(target)) return !isEntry(path);
  const [above, own] = [floorOf(target), floorOf(path)];
  return above < own || (above === own && roomOf(target) !== roomOf(path));
}

function roomOf(path: string): string {
  return path.split("/")[1];
}

function isEntry(path: string): boolean {
  return path === "mod.ts" || path.endsWith("/mod.ts");
}

/** 0 is the top; -1 is for a file that is in no room. */
function floorOf(path: string): number {
  return FLOORS.findIndex((rooms) => rooms.some((room) => path.startsWith(`core/${room}/`)));
}

function specifiers(code: string): string[] {
  const named = [...code.matchAll(STATIC)]
    .filter(([, names]) => !isTypesOnly(names))
    .map(([, , specifier]) => specifier);
  const bare = [...code.matchAll(BARE)].map(([, specifier]) => specifier);
  return [...named, ...bare];
}

function specifiersWithTypes(code: string): string[] {
  const named = [...code.matchAll(STATIC_OR_TYPE)].map(([, , specifier]) => specifier);
  const bare = [...code.matchAll(BARE)].map(([, specifier]) => specifier);
  return [...named, ...bare];
}

/** Is it `{ type A, type B }`? */
function isTypesOnly(names: string): boolean {
  const inner = /^\{([\s\S]*)\}$/.exec(names.trim())?.[1];
  const each = inner?.split(",").filter((name) => name.trim());
  return each?.every((name) => /^\s*type\s/.test(name)) ?? false;
}

function importedPaths(path: string, names: string[]): string[] {
  return names
    .filter((name) => name.startsWith("."))
    .map((name) => new URL(name, new URL(path, ROOT)).href.slice(ROOT.href.length));
}

/** The sets of files that import each other, directly or by way of others, sorted. */
function circles(graph: Map<string, string[]>): string[][] {
  const reached = new Map([...graph.keys()].map((path) => [path, reachable(graph, path)]));
  const found = new Map<string, string[]>();
  for (const [path, targets] of reached) {
    const circle = [...targets].filter((target) => reached.get(target)?.has(path)).sort();
    if (circle.length > 0) found.set(circle.join(), circle);
  }
  return [...found.values()].sort();
}

function reachable(graph: Map<string, string[]>, from: string): Set<string> {
  const found = new Set<string>();
  const pending = [from];
  for (let path = pending.pop(); path !== undefined; path = pending.pop()) {
    for (const target of graph.get(path) ?? []) {
      if (found.has(target)) continue;
      found.add(target);
      pending.push(target);
    }
  }
  return found;
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
    sources.set(path, path === ENTRIES_FOR_JOBS ? "" : code.replaceAll(COMMENT, ""));
  }
  return sources;
}

async function* listModules(folder: string): AsyncGenerator<string> {
  for await (const entry of Deno.readDir(new URL(folder, ROOT))) {
    if (entry.isDirectory) yield* listModules(`${folder}${entry.name}/`);
    else if (entry.name.endsWith(".ts")) yield folder + entry.name;
  }
}
