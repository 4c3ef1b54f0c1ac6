/** The first run of `deno task demo`: in a new copy of the tree, with an empty cache and no registry. */
import { assertEquals, assertMatch } from "@std/assert";
import { User } from "./user.ts";

const ROOT = new URL("../../", import.meta.url);
const PARTS = ["deno.json", "deno.lock", "mod.ts", "core", "examples"];

// Every request for a package there gets an error.
const NO_REGISTRY = "http://127.0.0.1:1/";

async function copy(path: string, user: User): Promise<void> {
  const source = new URL(path, ROOT);
  if (!(await Deno.stat(source)).isDirectory) return await user.write(path, await Deno.readFile(source));
  for await (const { name } of Deno.readDir(source)) await copy(`${path}/${name}`, user);
}

async function names(folder: string): Promise<string[]> {
  return (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name).sort();
}

Deno.test("the demo of a fresh clone prints the tour and nothing else, and installs nothing", async () => {
  await using user = await User.with({ NPM_CONFIG_REGISTRY: NO_REGISTRY, JSR_URL: NO_REGISTRY });
  for (const part of PARTS) await copy(part, user);
  const { code, stdout, stderr } = await user.deno("task", "demo");
  assertEquals([code, stderr], [0, "Task demo deno run --allow-net=127.0.0.1 examples/tour.ts\n"]);
  assertMatch(stdout, /^(?:\d\. [^\n]+\n(?: {3}[^\n]+\n)+\n){8}The examples beside this one [^\n]+\n$/);
  assertEquals(await names(user.folder), [...PARTS].sort());
  assertEquals(await user.read("deno.lock"), await Deno.readTextFile(new URL("deno.lock", ROOT)));
  assertEquals(await names(`${user.folder}/../cache/npm`), []);
});
