/**
 * The package's own tests, on the npm form of the package.
 *
 * Each test module is compiled with its imports. The package's names resolve to the installed package, and so do the
 * package's sources, so that there is one copy of each module. `Deno`, and the helpers that run programs and count
 * listeners of signals, are replaced by stand-ins, see `harness/`.
 */
import { compileModule, importsOf } from "./compile.ts";
import type { Report, TestModule } from "./harness/run.ts";
import { FILES_LEFT_OUT, type NodeLike, TESTS_LEFT_OUT } from "./left_out.ts";
import { installed, tryRun } from "./project.ts";

const ROOT = new URL("../../../", import.meta.url);
const TESTS = new URL("tests/", ROOT);
const HARNESS = new URL("harness/", import.meta.url);
const STAND_INS = new Map([
  [new URL("helpers/program.ts", TESTS).href, new URL("program.ts", HARNESS)],
  [new URL("helpers/signals.ts", TESTS).href, new URL("signals.ts", HARNESS)],
  ["node:vm", new URL("vm.ts", HARNESS)],
]);

// Files that tests read, by path from the root.
const DATA = ["tests/asyncio/cpython_programs.jsonl", "core/kernel/kernel.wasm"];

/** All files of tests, by path from `tests/`. */
export async function listTests(): Promise<string[]> {
  return (await Array.fromAsync(walk(""))).filter((path) => path.endsWith("_test.ts")).sort();
}

/** Why a file of tests is left out; `undefined` if it is not. */
export function whyLeftOut(path: string): string | undefined {
  const key = Object.keys(FILES_LEFT_OUT).find((each) => each.endsWith("/") ? path.startsWith(each) : path === each);
  return key && FILES_LEFT_OUT[key];
}

async function* walk(folder: string): AsyncGenerator<string> {
  for await (const entry of Deno.readDir(new URL(folder, TESTS))) {
    if (entry.isDirectory) yield* walk(`${folder}${entry.name}/`);
    else yield folder + entry.name;
  }
}

let compiled: Promise<readonly string[]> | null = null;

/**
 * Compiles the test files that run here, and all that they import, into a project, at the first call. Returns the paths
 * of the files.
 */
export function compileTests(project: URL): Promise<readonly string[]> {
  return compiled ??= compileInto(project);
}

async function compileInto(project: URL): Promise<readonly string[]> {
  const paths = (await listTests()).filter((path) => whyLeftOut(path) === undefined);
  const done = new Set<string>();
  const visit = async (source: URL): Promise<void> => {
    if (done.has(source.href)) return;
    done.add(source.href);
    const text = await Deno.readTextFile(source);
    await write(outputOf(source, project), compileFor(project, source, text));
    for (const specifier of importsOf(text)) {
      const target = targetOf(specifier, source);
      if (target !== null && !isPublished(target)) await visit(target);
    }
  };
  for (const name of ["run.ts", "deno.ts"]) await visit(new URL(name, HARNESS));
  for (const path of paths) await visit(new URL(path, TESTS));
  for (const path of DATA) await copy(new URL(path, ROOT), new URL(path, project));
  return paths;
}

function compileFor(project: URL, source: URL, text: string): string {
  const code = compileModule(text, (specifier) => {
    const target = targetOf(specifier, source);
    if (target !== null) return outputOf(target, project).href;
    return /^node:|^@asyncoro\//.test(specifier) ? specifier : import.meta.resolve(specifier);
  });
  if (source.href.startsWith(HARNESS.href)) return code;
  return `import { Deno } from "${outputOf(new URL("deno.ts", HARNESS), project).href}";\n${code}`;
}

/** The file that a specifier means; `null` for one that the runtime resolves. */
function targetOf(specifier: string, source: URL): URL | null {
  if (source.href.startsWith(HARNESS.href)) return specifier.startsWith(".") ? new URL(specifier, source) : null;
  const target = specifier.startsWith(".") ? new URL(specifier, source) : helperOf(specifier);
  return STAND_INS.get(target?.href ?? specifier) ?? target;
}

/** The helper of tests for which `deno.json` has a name. */
function helperOf(specifier: string): URL | null {
  const resolved = import.meta.resolve(specifier);
  return resolved.startsWith(TESTS.href) ? new URL(resolved) : null;
}

function isPublished(source: URL): boolean {
  const path = source.href.slice(ROOT.href.length);
  return path === "mod.ts" || path.startsWith("core/");
}

function outputOf(source: URL, project: URL): URL {
  const path = source.href.slice(ROOT.href.length);
  return isPublished(source) ? installed(project, path) : new URL(path.replace(/\.ts$/, ".js"), project);
}

async function write(file: URL, text: string): Promise<void> {
  await Deno.mkdir(new URL("./", file), { recursive: true });
  await Deno.writeTextFile(file, text);
}

async function copy(source: URL, file: URL): Promise<void> {
  await Deno.mkdir(new URL("./", file), { recursive: true });
  await Deno.copyFile(source, file);
}

/** The results of all tests. */
export interface Summary {
  readonly passed: number;
  readonly failed: readonly { readonly file: string; readonly name: string; readonly error: string }[];
  readonly leftOut: readonly string[];
}

/** Runs test files that were compiled into a project, some at the same time. */
export async function runAllTests(
  paths: readonly string[],
  project: URL,
  runtime: NodeLike,
  command: string,
): Promise<Summary> {
  const summary = { passed: 0, failed: [] as Summary["failed"][number][], leftOut: [] as string[] };
  const waiting = groupsOf(paths);
  const work = async (): Promise<void> => {
    for (let group = waiting.shift(); group !== undefined; group = waiting.shift()) {
      const reports = await runTests(group, project, runtime, command);
      for (const [index, { passed, failed, leftOut }] of reports.entries()) {
        summary.passed += passed;
        summary.failed.push(...failed.map((each) => ({ file: group[index], ...each })));
        summary.leftOut.push(...leftOut);
      }
    }
  };
  // One more than there are processors, as many tests wait for timers.
  await Promise.all(Array.from({ length: navigator.hardwareConcurrency + 1 }, work));
  return summary;
}

// To load the package takes longer than most files of tests do.
const FILES_PER_PROCESS = 6;

/** Files of one room, a few at a time, to run in one process. */
function groupsOf(paths: readonly string[]): string[][] {
  const rooms = Object.groupBy(paths, (path) => path.slice(0, path.indexOf("/") + 1));
  const groups: string[][] = [];
  for (const room of Object.values(rooms)) {
    for (let at = 0; at < room!.length; at += FILES_PER_PROCESS) groups.push(room!.slice(at, at + FILES_PER_PROCESS));
  }
  return groups;
}

// Tests of random programs make this many trials here: only the engine and the host are new.
const RUNS = "300";

async function runTests(
  paths: readonly string[],
  project: URL,
  runtime: NodeLike,
  command: string,
): Promise<readonly Report[]> {
  const pathOf = (source: URL): string => outputOf(source, project).pathname;
  const modules = paths.map((path): TestModule => ({
    path: pathOf(new URL(path, TESTS)),
    leftOut: TESTS_LEFT_OUT.filter((each) => each.file === path && each.runtimes.includes(runtime))
      .map(({ name }) => name),
  }));
  const args = [pathOf(new URL("run.ts", HARNESS)), JSON.stringify(modules)];
  const { code, stdout, stderr } = await tryRun(command, args, project, { RUNS });
  const reports = parseReports(stdout);
  if (reports !== null && (code === 0) === reports.every(({ failed }) => failed.length === 0)) return reports;
  const error = `${paths.join(", ")} ended with ${code}:\n${stdout}${stderr}`;
  return [{ passed: 0, failed: [{ name: "(the files)", error }], leftOut: [] }];
}

function parseReports(output: string): Report[] | null {
  try {
    return JSON.parse(output.trimEnd().split("\n").at(-1)!);
  } catch {
    return null;
  }
}
