/** The modules that the edge entry point imports. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { deno } from "./workerd.ts";

const EDGE = new URL("../../core/edge/mod.ts", import.meta.url);

Deno.test("the edge entry point imports neither Deno's sockets nor workers", async () => {
  const info = JSON.parse(await deno("info", "--json", EDGE.pathname));
  const paths: string[] = info.modules.map(({ specifier }: { specifier: string }) => specifier);
  assert(paths.length > 20);
  assertEquals(paths.filter((path) => /\/core\/(io|workers|asyncio|testing)\//.test(path)), []);
  const bundle = await deno("bundle", "--quiet", "--minify", EDGE.pathname);
  assertStringIncludes(bundle, "init");
  assertEquals(/\bnew Worker\b|\bDeno\.\w+\(/.exec(bundle), null);
});
