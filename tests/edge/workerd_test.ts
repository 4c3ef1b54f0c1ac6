/** The library on Cloudflare's runtime, in a worker made for that, also with older compatibility dates. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { type Server, testWorkerd, withWorker } from "./workerd.ts";

const PROBES = new URL("probe_worker.ts", import.meta.url);

/** The macrotasks that a worker can have: an immediate; a port of a channel, which cannot be used; only a timer. */
const AGES = {
  "of today": { date: "2026-11-01" },
  "without setImmediate": { date: "2025-09-01" },
  "without MessageChannel": { date: "2024-01-01" },
};

async function ask(server: Server, path: string): Promise<unknown> {
  const response = await fetch(`${server.url}/${path}`, { signal: AbortSignal.timeout(30_000) });
  const text = await response.text();
  if (response.status !== 200) throw new Error(`${path}: ${text}\n${server.output()}`);
  return JSON.parse(text);
}

testWorkerd(
  "importing the package in a Cloudflare worker has no side effects, and without init() the error names it",
  () =>
    withWorker(PROBES, {}, async (server) => {
      const response = await fetch(`${server.url}/race`);
      assertEquals(response.status, 500);
      assertStringIncludes(
        await response.text(),
        "UnsupportedError: Cannot run coroutines as this runtime forbids compiling WebAssembly: give the module kernel.wasm " +
          "to init() of './edge' first",
      );
      // It is never too late.
      assertEquals(await ask(server, "init"), true);
      assertEquals(await ask(server, "init"), true);
      assertEquals(await ask(server, "race"), "quicker");
      assertEquals(await ask(server, "init"), true);
      assertEquals(await ask(server, "race"), "quicker");
    }),
);

for (const [age, options] of Object.entries(AGES)) {
  testWorkerd(
    `coroutines wait, take turns and leave the host its turns in a Cloudflare worker ${age}`,
    () =>
      withWorker(PROBES, options, async (server) => {
        await ask(server, "init");
        assertEquals(await ask(server, "late"), "TimeoutError");
        assertEquals(await ask(server, "sleepers"), [true, true, true, true, true, true]);
        assertEquals(await ask(server, "ring"), 400);
        assertEquals(await ask(server, "beside"), 10);
        // Far more than fits in a slice: the driver goes on by itself.
        assertEquals(await ask(server, "busy?turns=200000"), 200_000);
      }),
  );

  testWorkerd(
    `requests at once do not disturb each other in a Cloudflare worker ${age}`,
    () =>
      withWorker(PROBES, options, async (server) => {
        await ask(server, "init");
        const paths = ["sleepers", "ring", "late", "busy?turns=3000", "abandon", "beside", "race"];
        const wanted: Record<string, unknown> = { ring: 400, late: "TimeoutError", beside: 10, race: "quicker" };
        wanted.sleepers = [true, true, true, true, true, true];
        wanted["busy?turns=3000"] = 3000;
        await Promise.all(Array.from({ length: 70 }, async (_, index) => {
          const path = paths[index % paths.length];
          const answer = await ask(server, path);
          if (path in wanted) assertEquals(answer, wanted[path], path);
        }));
        assert(!/hung|different request|uncaught/i.test(server.output()), server.output());
      }),
  );
}

testWorkerd(
  "coroutines go on after the response as long as waitUntil() holds the request",
  () =>
    withWorker(PROBES, {}, async (server) => {
      await ask(server, "init");
      assertEquals(await ask(server, "after"), "answered");
      const until = Date.now() + 20_000;
      while (!server.output().includes("after the answer")) {
        assert(Date.now() < until, server.output());
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    }),
);

const CONTEXTS = new URL("context_worker.ts", import.meta.url);
const REQUESTS = ["/a", "/b", "/c", "/d"];

/** Requests that are served side by side; each returns the value stored where it was created. */
async function askTogether(server: Server): Promise<unknown[]> {
  return await Promise.all(REQUESTS.map((path) => ask(server, path.slice(1))));
}

testWorkerd(
  "coroutines of requests that are served side by side have each their own context",
  () =>
    withWorker(CONTEXTS, { flags: ["nodejs_compat"] }, async (server) => {
      const expected = REQUESTS.map((path) => ({ step: path, promise: path, raced: path, child: "child" }));
      assertEquals(await askTogether(server), expected);
    }),
);

testWorkerd(
  "they have so in an older worker that has AsyncLocalStorage alone, and their children share it",
  () =>
    withWorker(CONTEXTS, { date: "2024-01-01", flags: ["nodejs_als"] }, async (server) => {
      const expected = REQUESTS.map((path) => ({ step: path, promise: path, raced: path, child: path }));
      assertEquals(await askTogether(server), expected);
    }),
);
