/** The package as users import it: from JSR, type-checked, with an empty cache and no permissions. */
import { assert, assertEquals } from "@std/assert";
import { serveRegistry } from "./registry.ts";

const PROGRAM = `
  import { Channel, run, WorkerPool } from "jsr:@asyncoro/asyncoro";
  import { AsyncSocket } from "jsr:@asyncoro/asyncoro/io";
  import { runVirtual } from "jsr:@asyncoro/asyncoro/testing";
  import { AsyncThreadPool } from "jsr:@asyncoro/asyncoro/workers";

  using pool = new WorkerPool(1);
  const answer: number = await run(function* (coro) {
    yield* coro.sleep(0.001);
    return yield* pool.asyncTask((n: number) => n + 1, 41);
  });
  const late: string = await runVirtual(function* (coro) {
    yield* coro.sleep({ hours: 1 });
    return "an hour later";
  });
  console.log(answer, late, typeof Channel, typeof AsyncSocket, AsyncThreadPool === WorkerPool);
`;

Deno.test("a program that imports the package from JSR is checked and runs without permissions", async () => {
  const registry = await serveRegistry();
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${folder}/program.ts`, PROGRAM);
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "--check", "--no-prompt", "--no-lock", "program.ts"],
      cwd: folder,
      env: { JSR_URL: registry.url, DENO_DIR: `${folder}/cache`, NO_COLOR: "1" },
    }).output();
    const [output, errors] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
    assertEquals(output, "42 an hour later function function true\n", errors);
    assertEquals(code, 0, errors);
  } finally {
    await registry.stop();
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("only what users need is published", async () => {
  const registry = await serveRegistry();
  await registry.stop();
  const others = registry.paths.filter((path) => !/^\/(core\/.*|mod\.ts)$/.test(path)).sort();
  assertEquals(others, ["/CHANGELOG.md", "/LICENSE", "/README.md", "/deno.json"]);
  assert(registry.paths.includes("/core/kernel/kernel.wasm"));
});
