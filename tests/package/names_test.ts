/** The tables that map names of asyncoro, pycos and asyncio to ours: the names in their last column exist. */
import * as main from "@asyncoro/asyncoro";
import * as asyncio from "@asyncoro/asyncoro/asyncio";
import * as cluster from "@asyncoro/asyncoro/cluster";
import * as distributed from "@asyncoro/asyncoro/distributed";
import { assert, assertEquals } from "@std/assert";

type Module = Readonly<Record<string, unknown>>;

const BUILT_IN = ["Error", "TypeError", "RangeError", "AggregateError", "Deno", "Infinity"];

/** The exports of a module, and the members of its classes. */
function namesOf(module: Module): Set<string> {
  const names = new Set(Object.keys(module));
  for (const value of Object.values(module).filter((value) => typeof value === "function")) {
    for (let each = value; typeof each === "function"; each = Object.getPrototypeOf(each)) {
      for (const name of Object.getOwnPropertyNames(each)) names.add(name);
      for (const name of Object.getOwnPropertyNames(each.prototype ?? {})) names.add(name);
    }
  }
  return names;
}

// The tables below this heading are about the main entry point.
const ANY_COROUTINE = "## In any coroutine";

/** The code in the last column of all tables of a document, in the part above or below a heading. */
async function codeOf(document: string, part: "above" | "below" = "above"): Promise<string[]> {
  const text = await Deno.readTextFile(new URL(`../../examples/${document}`, import.meta.url));
  const [above, below = ""] = text.split(ANY_COROUTINE);
  const lines = (part === "above" ? above : below).split("\n");
  const cells = lines.filter((line) => line.startsWith("|")).map((line) => line.split("|").at(-2)!);
  return cells.flatMap((cell) => [...cell.matchAll(/`([^`]+)`/g)].map(([, code]) => code));
}

/** Names that are called, and names of classes and constants. Those of one letter are placeholders. */
function used(code: string): string[] {
  const called = [...code.matchAll(/(\w{2,})\(/g)].map(([, name]) => name);
  const classes = [...code.matchAll(/(?<![\w.])[A-Z]\w+/g)].map(([name]) => name);
  return [...called, ...classes];
}

const TABLES: readonly [string, "above" | "below", Module, number][] = [
  ["from_asyncoro.md", "above", { ...main, ...distributed, ...cluster }, 50],
  ["from_asyncio.md", "above", asyncio, 50],
  ["from_asyncio.md", "below", main, 15],
];

for (const [document, part, module, least] of TABLES) {
  const where = part === "above" ? "" : `, below "${ANY_COROUTINE}",`;
  Deno.test(`the names in the tables of examples/${document}${where} exist`, async () => {
    const known = namesOf(module).union(namesOf({ Coro: main.Coro })).union(new Set(BUILT_IN));
    const code = await codeOf(document, part);
    assert(code.length > least, "the tables are read");
    assertEquals(code.flatMap(used).filter((name) => !known.has(name)), []);
    const errors = code.flatMap((each) => [...each.matchAll(/Deno\.errors\.(\w+)/g)].map(([, name]) => name));
    assertEquals(errors.filter((name) => !(name in Deno.errors)), []);
  });
}

Deno.test("everything that ./asyncio exports is in its tables", async () => {
  const words = new Set((await codeOf("from_asyncio.md")).flatMap((code) => code.match(/\w+/g) ?? []));
  assertEquals(Object.keys(asyncio).filter((name) => !words.has(name)), []);
});
