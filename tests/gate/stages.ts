/** The stages of the gate, in order. */

import config from "../../deno.json" with { type: "json" };
import { type CountParser, denoTestCounts, plainCounts } from "./counts.ts";

/** One command of the gate. It passes when Deno ends with 0. */
export interface Stage {
  /** Its name on the command line and in the summary. */
  name: string;
  /** Arguments to Deno. */
  args: string[];
  /** How to read its figures, for a stage that runs tests. */
  counts?: CountParser;
  /** Whether it runs at the same time as the stage before it. */
  beside?: boolean;
}

/** Documents whose examples run. */
const DOCUMENTS = ["README.md", "CHANGELOG.md", "examples/from_asyncoro.md", "examples/from_asyncio.md"];

/** The folders of `tests/` whose tests start programs. */
const WITH_PROGRAMS = ["cluster", "edge", "examples", "nats", "package", "soak"];

/** The sanitizers are switched on in deno.json. The stage "check" has checked the types. */
const TEST = ["test", "-A", "--no-check"];

/** All stages. The quick ones come first, so that a mistake shows early. */
export const STAGES: Stage[] = [
  { name: "fmt", args: ["fmt", "--check"] },
  { name: "lint", args: ["lint"] },
  {
    name: "check",
    // With the examples of the documentation. The rest of assembly/ is AssemblyScript: its compiler checks it.
    args: [
      ...["check", "--doc", "mod.ts", "core", "tests", "examples"],
      ...["assembly/build.ts", "assembly/spec.ts", ...DOCUMENTS],
    ],
  },
  { name: "doc", args: ["doc", "--lint", ...Object.values(config.exports)] },
  { name: "publish", args: ["publish", "--dry-run", "--allow-dirty"] },
  { name: "kernel", args: ["run", "-A", "assembly/build.ts", "--check"] },
  {
    name: "specs",
    args: ["run", "-A", "assembly/spec.ts"],
    counts: plainCounts,
  },
  {
    name: "tests",
    args: [...TEST, "--doc", "mod.ts", "core", ...tests((name) => !WITH_PROGRAMS.includes(name)), ...DOCUMENTS],
    counts: denoTestCounts,
  },
  {
    name: "programs",
    // These start programs and often wait: together with the others they use the machine better than one by one.
    args: [...TEST, ...tests((name) => WITH_PROGRAMS.includes(name))],
    counts: denoTestCounts,
    beside: true,
  },
];

/** What is in `tests/` and fulfils a condition: `--ignore` has no effect together with `--doc`. */
function tests(condition: (name: string) => boolean): string[] {
  const entries = [...Deno.readDirSync(new URL("../", import.meta.url))];
  const names = entries.filter(({ name, isDirectory }) => isDirectory || name.endsWith("_test.ts")).map((each) =>
    each.name
  );
  return names.filter(condition).sort().map((name) => `tests/${name}`);
}

/** The stages in groups that run at the same time. */
export function together(stages: readonly Stage[]): Stage[][] {
  const groups: Stage[][] = [];
  for (const stage of stages) {
    if (stage.beside && groups.length > 0) groups.at(-1)!.push(stage);
    else groups.push([stage]);
  }
  return groups;
}

/**
 * The stages with these names, in the gate's order; all of them for no name.
 *
 * @throws {RangeError} if a name is unknown
 */
export function selectStages(names: string[]): Stage[] {
  const known = STAGES.map((stage) => stage.name);
  for (const name of names) {
    if (!known.includes(name)) {
      throw new RangeError(
        `Cannot run stage "${name}": stages are ${known.join(", ")}`,
      );
    }
  }
  return STAGES.filter(({ name }) => !names.length || names.includes(name));
}
