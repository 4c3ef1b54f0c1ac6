/** Files that run often keep constants of other files once more, as enumerations: `core/fiber/operation_state.ts` says why. */
import { assert, assertEquals } from "@std/assert";
import * as states from "../../core/fiber/operation_state.ts";
import { NONE } from "../../core/kernel/ready_queue.ts";

const CORE = new URL("../../core/", import.meta.url);

/** The values of the enumeration of this name in a source, by name. */
function enumeration(source: string, name: string): Record<string, number> | null {
  const text = new RegExp(`const enum ${name} \\{([^}]*)\\}`).exec(source)?.[1];
  if (text === undefined) return null;
  const values: Record<string, number> = {};
  let next = 0;
  for (const [, member, value] of text.replaceAll(/\/\/.*$/gm, "").matchAll(/(\w+)(?: = (-?\d+))?,/g)) {
    values[member] = value === undefined ? next : Number(value);
    next = values[member] + 1;
  }
  return values;
}

async function* sources(folder: URL): AsyncGenerator<[path: string, source: string]> {
  for await (const entry of Deno.readDir(folder)) {
    const path = new URL(entry.name, folder);
    if (entry.isDirectory) yield* sources(new URL(`${path}/`));
    else if (entry.name.endsWith(".ts")) yield [path.pathname, await Deno.readTextFile(path)];
  }
}

Deno.test("every copy of the states of an operation has their values", async () => {
  const copies = new Set<string>();
  const originals = new Map<string, unknown>(Object.entries(states));
  for await (const [path, source] of sources(CORE)) {
    const copy = enumeration(source, "State");
    if (copy === null) continue;
    copies.add(path.slice(CORE.pathname.length));
    for (const [name, value] of Object.entries(copy)) assertEquals(value, originals.get(name), `${name} in ${path}`);
  }
  assert(copies.isSupersetOf(new Set(["fiber/fiber.ts", "fiber/operation.ts", "fiber/frequent_operation.ts"])));
});

Deno.test("the run loop and fibers know the slot that is none and the budget of a step", async () => {
  const [runLoop, fiber] = await Promise.all(
    ["run_loop", "fiber"].map((name) => Deno.readTextFile(new URL(`fiber/${name}.ts`, CORE))),
  );
  assertEquals([enumeration(runLoop, "No")?.SLOT, enumeration(fiber, "Steps")?.BUDGET], [NONE, states.STEP_BUDGET]);
});
