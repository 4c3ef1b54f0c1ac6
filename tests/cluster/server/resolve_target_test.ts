import { run } from "@asyncoro/asyncoro";
import { assertEquals, assertRejects } from "@std/assert";
import type { JobTarget } from "../../../core/cluster/protocol.ts";
import { resolveTarget } from "../../../core/cluster/server/resolve_target.ts";

const MODULE = `
  export function* twice(_coro, n) { return 2 * n; }
  export const nothing = 1;
`;

/** Runs a target with an argument, as a job in a folder with a module. */
async function resultOf(target: JobTarget, argument: unknown = 21): Promise<unknown> {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${folder}/a job%.js`, MODULE);
    return await run(function* (coro) {
      const url = `file://${folder}/`;
      const body = yield* resolveTarget(target, url);
      return yield* body(coro, argument);
    });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("an expression becomes a function", async () => {
  assertEquals(await resultOf({ source: "function* (_coro, n) { return 2 * n; }" }), 42);
  assertEquals(await resultOf({ source: "function* named(_coro, n) { return 2 * n; }" }), 42);
  assertEquals(await resultOf({ source: "Object.values({ *method(_coro, n) { return 2 * n; } })[0]" }), 42);
});

Deno.test("an export of a file is found by the base name, and one of any module by its URL", async () => {
  assertEquals(await resultOf({ module: "a job%.js", name: "twice" }), 42);
  const url = `data:text/javascript,${encodeURIComponent(MODULE)}`;
  assertEquals(await resultOf({ module: url, name: "twice" }), 42);
});

Deno.test("what is no generator function is refused", async () => {
  const refuse = (target: JobTarget, message: string) => assertRejects(() => resultOf(target), TypeError, message);
  await refuse({ source: "function () {}" }, "must be a generator function");
  await refuse({ source: "async function* () {}" }, "must be a generator function");
  await refuse(
    { module: "a job%.js", name: "nothing" },
    "export 'nothing' of a job%.js is another value: current value is 1",
  );
  await refuse({ module: "a job%.js", name: "other" }, "has no export 'other': its generator functions are twice");
  await refuse({ module: "a job%.js", name: "toString" }, "has no export 'toString'");
  await refuse({ module: "missing.js", name: "f" }, "not found");
  await refuse({ module: "../a job%.js", name: "f" }, "not found");
  await assertRejects(() => resultOf({ source: "function* (" }), SyntaxError);
});
