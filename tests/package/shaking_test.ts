/** Bundlers keep only what a program uses of the package, in any format. */
import { assert, assertEquals } from "@std/assert";
import { bundle } from "./bundle.ts";

const PROGRAM = `
  import { run, sleep } from "@asyncoro/asyncoro";
  globalThis.answer = run(function* () {
    yield* sleep(0.001);
    return 42;
  });
`;

Deno.test("a program that only runs and sleeps is bundled without what it does not use", async () => {
  const { parts } = await bundle(PROGRAM);
  const unused =
    /^core\/((io|workers|asyncio|testing|sync|messages|patterns|supervision)\/|coroutine\/(all|branches|items|local|main|origin|race|run_with|select|waitable)\.|operations\/(call|ticker|until|with_timeout)\.)/;
  // A constant or two stay, as no bundler can tell that they have no side effects.
  assertEquals(Object.entries(parts).filter(([path, bytes]) => unused.test(path) && bytes > 50), []);
  assert(parts["core/coroutine/coro.ts"] > 0);
});

Deno.test("a bundle may be a classic script, which has no address of its own", async () => {
  const { code } = await bundle(PROGRAM, "iife");
  new Function(new TextDecoder().decode(code))();
  const answering = globalThis as unknown as { answer?: Promise<number> };
  assertEquals(await answering.answer, 42);
  delete answering.answer;
});
