/**
 * What the package adds to the start of a program, until its first coroutine has run: compared with an empty script, in
 * pairs, each in a process of its own, with warm caches.
 */
import { bundle } from "../package/bundle.ts";
import { findRuntime } from "../runtimes/find.ts";
import { type Effort, median, percentile, printTable } from "./harness.ts";
import { coreAlone } from "./programs.ts";

const ROOT = new URL("../../", import.meta.url);
const PAIRS_PER_ROUND = 8;

/** A program that runs one coroutine, with the package from `from`. */
function firstCoroutine(from: string): string {
  return `
    import { run } from ${JSON.stringify(from)};
    await run(function* () {
      yield;
    });
  `;
}

/** Starts of Deno, from files and from bundles, and of Node.js, which needs bundles. */
export async function benchStart(effort: Effort): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    const empty = await write(`${folder}/empty.mjs`, "");
    const [files, bundles] = [await filePrograms(folder), await bundledPrograms(folder)];
    const deno = [Deno.execPath(), "run", "--no-config"];
    const node = await findRuntime("node");
    const cases = [
      ...[...files, ...bundles].map(([what, file]) => ["Deno", what, deno, file] as const),
      ...(node === null ? [] : bundles).map(([what, file]) => ["Node.js", what, [node!], file] as const),
    ];
    const rows: string[][] = [];
    for (const [runtime, what, command, file] of cases) {
      rows.push([runtime, what, ...await startInPairs(command, empty, file, effort)]);
    }
    const columns = ["", "what", "empty script", "added", "quartiles", "added, quickest of each"];
    printTable("Start, until the first coroutine has run", columns, rows);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function write(path: string, code: string | Uint8Array): Promise<string> {
  await Deno.writeFile(path, typeof code === "string" ? new TextEncoder().encode(code) : code);
  return path;
}

async function filePrograms(folder: string): Promise<[string, string][]> {
  const core = await write(`${folder}/core_mod.ts`, (await coreAlone()).replaceAll('"./core/', `"${ROOT.href}core/`));
  return [
    ["`.`, from its files", await write(`${folder}/files.ts`, firstCoroutine(`${ROOT.href}mod.ts`))],
    ["`.` without `./io` and `./workers`, from its files", await write(`${folder}/core.ts`, firstCoroutine(core))],
  ];
}

async function bundledPrograms(folder: string): Promise<[string, string][]> {
  const program = firstCoroutine("@asyncoro/asyncoro");
  const whole = await bundle(`export * from "@asyncoro/asyncoro"; ${program}`);
  const needed = await bundle(program);
  return [
    ["`.`, bundled whole", await write(`${folder}/whole.mjs`, whole.code)],
    ["what the program needs, bundled", await write(`${folder}/needed.mjs`, needed.code)],
  ];
}

/**
 * Milliseconds of the empty script, and what the program adds: median, quartiles, and the difference of the quickest
 * starts of both, which a busy machine affects least.
 */
async function startInPairs(
  command: readonly string[],
  empty: string,
  program: string,
  effort: Effort,
): Promise<string[]> {
  // Fills the caches.
  for (let i = 0; i < 3; i++) await start(command, program);
  const without: number[] = [];
  const withIt: number[] = [];
  for (let pair = 0; pair < effort.rounds * PAIRS_PER_ROUND; pair++) {
    without.push(await start(command, empty));
    withIt.push(await start(command, program));
  }
  const added = withIt.map((time, pair) => time - without[pair]);
  const quartiles = [25, 75].map((percent) => percentile(added, percent).toFixed(1));
  const quickest = Math.min(...withIt) - Math.min(...without);
  return [ms(median(without)), ms(median(added)), `${quartiles.join(" to ")} ms`, ms(quickest)];
}

async function start([name, ...args]: readonly string[], file: string): Promise<number> {
  const began = performance.now();
  const { success } = await new Deno.Command(name, { args: [...args, file], stdin: "null" }).output();
  if (!success) throw new Error(`${file} failed`);
  return performance.now() - began;
}

function ms(value: number): string {
  return `${value.toFixed(1)} ms`;
}
