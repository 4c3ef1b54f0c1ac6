/**
 * What the package adds to the start of a program, until its first coroutine has run: against an empty script, in
 * pairs, each in a process of its own, everything in the caches.
 */
import { bundle } from "../package/bundle.ts";
import { findRuntime } from "../runtimes/find.ts";
import { type Effort, median, percentile, printTable } from "./harness.ts";
import { coreAlone, FIRST_COROUTINE } from "./programs.ts";

const MOD = new URL("../../mod.ts", import.meta.url).href;
const PAIRS_PER_ROUND = 8;

/** Starts of Deno and Node.js. */
export async function benchStart(effort: Effort): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    const write = async (name: string, code: string | Uint8Array): Promise<string> => {
      await Deno.writeFile(`${folder}/${name}`, typeof code === "string" ? new TextEncoder().encode(code) : code);
      return `${folder}/${name}`;
    };
    const ROOT = new URL("../../", import.meta.url).href;
    const core = (await coreAlone()).replaceAll('"./core/', `"${ROOT}core/`);
    const whole = `${FIRST_COROUTINE} export * from "@asyncoro/asyncoro";`;
    await write("core_mod.ts", core);
    const deno = [Deno.execPath(), "run", "--no-config"];
    const node = await findRuntime("node");
    const empty = await write("empty.mjs", "");
    const files = {
      "`.`, from its files": await write("files.ts", FIRST_COROUTINE.replace("@asyncoro/asyncoro", MOD)),
      "`.` without `./io` and `./workers`, from its files": await write(
        "core.ts",
        FIRST_COROUTINE.replace("@asyncoro/asyncoro", "./core_mod.ts"),
      ),
    };
    const bundles = {
      "`.`, bundled": await write("whole.mjs", (await bundle(whole)).code),
      "what the program needs, bundled": await write("needed.mjs", (await bundle(FIRST_COROUTINE)).code),
    };
    const rows: string[][] = [];
    for (const [name, file] of Object.entries({ ...files, ...bundles })) {
      rows.push(["Deno", name, ...await pairs(deno, empty, file, effort)]);
    }
    for (const [name, file] of node === null ? [] : Object.entries(bundles)) {
      rows.push(["Node.js", name, ...await pairs([node!], empty, file, effort)]);
    }
    printTable(
      "Start of a program and its first coroutine",
      ["runtime", "what", "empty script", "added", "quartiles"],
      rows,
    );
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function pairs(command: string[], empty: string, program: string, { rounds }: Effort): Promise<string[]> {
  const start = async (file: string): Promise<number> => {
    const began = performance.now();
    const [name, ...args] = command;
    const { success } = await new Deno.Command(name, { args: [...args, file], stdin: "null" }).output();
    if (!success) throw new Error(`${file} failed`);
    return performance.now() - began;
  };
  // Fills the caches.
  for (let i = 0; i < 3; i++) await start(program);
  const emptyTimes: number[] = [];
  const added: number[] = [];
  for (let pair = 0; pair < rounds * PAIRS_PER_ROUND; pair++) {
    const without = await start(empty);
    emptyTimes.push(without);
    added.push(await start(program) - without);
  }
  const quartiles = [25, 75].map((percent) => percentile(added, percent).toFixed(1)).join(" to ");
  return [`${median(emptyTimes).toFixed(1)} ms`, `${median(added).toFixed(1)} ms`, `${quartiles} ms`];
}
