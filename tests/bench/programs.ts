/** The programs whose size is measured: users of the package, of all of it or of parts. */
import config from "../../deno.json" with { type: "json" };

const ROOT = new URL("../../", import.meta.url);

/** The text of `mod.ts` without its lines that re-export `./io` and `./workers`. */
export async function coreAlone(): Promise<string> {
  const lines = (await Deno.readTextFile(new URL("mod.ts", ROOT))).split("\n");
  return lines.filter((line) => !/^export \* from "\.\/core\/(io|workers)\/mod\.ts";$/.test(line)).join("\n");
}

/** Programs by description: each entry point as a whole, `.` without what it re-exports, and one that uses little. */
export async function sizedPrograms(): Promise<Record<string, string>> {
  const entries = Object.keys(config.exports).map((path) =>
    [`\`${path}\``, `export * from "${config.name}${path.slice(1)}";`] as const
  );
  return {
    "`.` without `./io` and `./workers`": await coreAlone(),
    ...Object.fromEntries(entries),
    "a program of `run` and `sleep`": `
      import { run, sleep } from "@asyncoro/asyncoro";
      await run(function* () {
        yield* sleep(1);
      });`,
  };
}
