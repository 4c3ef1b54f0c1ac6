/**
 * What the package adds to the start of a program, until its first coroutine has run: compared with an empty script, in
 * pairs, each in a process of its own, with warm caches.
 */
import { bundle } from "../package/bundle.ts";
import { findRuntime } from "../runtimes/find.ts";
import { type Effort, median, percentile } from "./harness.ts";
import { coreAlone } from "./programs.ts";
import { machine, publish } from "./results.ts";
import { type Started, startPage, startTable } from "./size/page.ts";
import { DENO, firstCoroutine, spent, writeProgram } from "./starts.ts";

const ROOT = new URL("../../", import.meta.url);
const PAIRS_PER_ROUND = 6;

/** Starts of Deno, from files and from bundles, and of Node.js, which needs bundles. */
export async function benchStart({ rounds, write }: Effort): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    const empty = await writeProgram(`${folder}/empty.mjs`, "");
    const [files, bundles] = [await filePrograms(folder), await bundledPrograms(folder)];
    const node = await findRuntime("node");
    const cases = [
      ...[...files, ...bundles].map(([what, file]) => ["Deno", what, DENO, file] as const),
      ...(node === null ? [] : bundles).map(([what, file]) => ["Node.js", what, [node!], file] as const),
    ];
    const pairs = rounds * PAIRS_PER_ROUND;
    const programs: Started[] = [];
    for (const [runtime, what, command, file] of cases) {
      programs.push({ runtime, what, ...await startInPairs(command, empty, file, pairs) });
    }
    const starts = { machine: machine(), pairs, programs };
    console.log(`\n### Start, until the first coroutine has run\n\n${startTable(starts)}`);
    if (write) await publish(startPage, starts);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function filePrograms(folder: string): Promise<[string, string][]> {
  const core = `${folder}/core_mod.ts`;
  await Deno.writeTextFile(core, (await coreAlone()).replaceAll('"./core/', `"${ROOT.href}core/`));
  return [
    ["`.`, from its files", await writeProgram(`${folder}/files.ts`, firstCoroutine(`${ROOT.href}mod.ts`))],
    [
      "`.` without `./io` and `./workers`, from its files",
      await writeProgram(`${folder}/core.ts`, firstCoroutine(core)),
    ],
  ];
}

async function bundledPrograms(folder: string): Promise<[string, string][]> {
  const program = firstCoroutine("@asyncoro/asyncoro");
  const bundled = async (name: string, text: string) => {
    const { code } = await bundle(text, "esm", ["node:*"]);
    return await writeProgram(`${folder}/${name}.mjs`, new TextDecoder().decode(code));
  };
  return [
    ["`.`, bundled whole", await bundled("whole", `export * from "@asyncoro/asyncoro"; ${program}`)],
    ["what the program needs, bundled", await bundled("needed", program)],
  ];
}

/** Milliseconds of the empty script, and what the program adds. */
async function startInPairs(
  command: readonly string[],
  empty: string,
  program: string,
  pairs: number,
): Promise<Omit<Started, "runtime" | "what">> {
  // Fills the caches.
  for (let i = 0; i < 3; i++) await spent(command, program);
  const without: number[] = [];
  const added: number[] = [];
  for (let pair = 0; pair < pairs; pair++) {
    without.push(await spent(command, empty));
    added.push(await spent(command, program) - without[pair]);
  }
  const [low, high] = [percentile(added, 25), percentile(added, 75)].map(digits);
  return { empty: digits(median(without)), median: digits(median(added)), low, high };
}

function digits(value: number): number {
  return Number(value.toFixed(2));
}
