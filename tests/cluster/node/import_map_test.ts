import { assert, assertEquals } from "@std/assert";
import { importMap, readPackageConfig } from "../../../core/cluster/node/import_map.ts";

const ROOT = new URL("../../../", import.meta.url);

Deno.test("jobs import the files that the node runs, by every name that the package has", async () => {
  const config = await readPackageConfig();
  const { default: own } = await import("../../../deno.json", { with: { type: "json" } });
  assertEquals(config as unknown, own);
  const { imports } = await (await fetch(importMap({ ...config, version: "1.2.3" }))).json();
  const distributed = new URL("core/distributed/mod.ts", ROOT).href;
  for (const version of ["", "@1", "@^1", "@1.2", "@~1.2", "@1.2.3", "@^1.2.3"]) {
    assertEquals(imports[`jsr:@asyncoro/asyncoro${version}/distributed`], distributed);
    assertEquals(imports[`jsr:@asyncoro/asyncoro${version}`], new URL("mod.ts", ROOT).href);
  }
  assertEquals(imports["@asyncoro/asyncoro/distributed"], distributed);
  assertEquals(imports["jsr:@asyncoro/asyncoro@2"], undefined);
});

Deno.test("a server loads every entry of the package", async () => {
  const { exports } = await readPackageConfig();
  const source = await Deno.readTextFile(new URL("core/cluster/server/entries.ts", ROOT));
  const loaded = [...source.matchAll(/import\("(.*)"\)/g)].map(([, path]) =>
    `./${new URL(path, new URL("core/cluster/server/", ROOT)).href.slice(ROOT.href.length)}`
  );
  // The program of a node is not for jobs, which may start no process.
  const { "./cluster/node": _, ...others } = exports;
  assertEquals(loaded.sort(), Object.values(others).sort());
  assert(loaded.length > 5);
});
