/** The example for Deno Deploy and Supabase, served as its header says, and its handler by itself. */
import { assert, assertEquals, assertLess, assertStringIncludes } from "@std/assert";

const FOLDER = new URL("../../examples/edge/deno/", import.meta.url);

/** Serves the example with the permissions given, while `use` runs. */
async function serving(
  args: readonly string[],
  use: (url: string) => Promise<void>,
  env: Record<string, string> = {},
): Promise<void> {
  const child = new Deno.Command(Deno.execPath(), {
    args: [...args],
    env: { NO_COLOR: "1", ...env },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  let output = "";
  const started = Promise.withResolvers<void>();
  const collect = async (stream: ReadableStream<Uint8Array<ArrayBuffer>>) => {
    for await (const chunk of stream.pipeThrough(new TextDecoderStream())) {
      output += chunk;
      if (/:(\d+)\/?\s/.test(output)) started.resolve();
    }
    started.resolve();
  };
  const collected = Promise.all([collect(child.stdout), collect(child.stderr)]);
  try {
    await started.promise;
    const port = /:(\d+)\/?\s/.exec(output)?.[1];
    assert(port !== undefined, output);
    await use(`http://127.0.0.1:${port}`);
    assert(!/legacy/.test(output), output);
    assert(!/error/i.test(output.replaceAll("a countdown ended early", "")), output);
  } finally {
    child.kill("SIGTERM");
    await child.status;
    await collected;
  }
}

const flags = ["--unstable-no-legacy-abort", "--no-prompt", "--host=127.0.0.1", "--port=0"];
const serve = ["serve", ...flags, new URL("app.ts", FOLDER).pathname];

async function get(url: string): Promise<[number, string]> {
  const response = await fetch(url);
  return [response.status, await response.text()];
}

async function hexOf(text: string): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text))).toHex();
}

Deno.test("the Deno example answers without any permissions", () =>
  serving(serve, async (url) => {
    const wanted = JSON.stringify([await hexOf("one"), await hexOf("two"), await hexOf("three")]);
    assertEquals(await get(`${url}/digest?text=one&text=two&text=three`), [200, wanted]);
    assertEquals(await get(`${url}/digest?text=one&text=two&seconds=9&limit=0.05`), [504, "too late\n"]);
    assertEquals(await get(`${url}/countdown?from=3`), [200, "3\n2\n1\n"]);
    assertEquals(await get(`${url}/nowhere`), [404, "not found\n"]);
    const [status, text] = await get(`${url}/digest?text=one&seconds=1&limit=oops`);
    assertEquals(status, 500);
    assertStringIncludes(text, "TypeError: Cannot");
  }));

Deno.test("concurrent requests to the Deno example do not affect each other", () =>
  serving(serve, async (url) => {
    const paths = ["digest?text=one&seconds=0.02", "digest?text=one&seconds=9&limit=0.02", "countdown?from=4"];
    paths.push("digest?text=one&seconds=1&limit=oops");
    const statuses = [200, 504, 200, 500];
    const answers = await Promise.all(Array.from({ length: 80 }, (_, index) => get(`${url}/${paths[index % 4]}`)));
    assertEquals(answers.map(([status]) => status), answers.map((_, index) => statuses[index % 4]));
    assertEquals(answers[0][1], JSON.stringify([await hexOf("one")]));
  }));

Deno.test("the Deno example cleans up when the reader of a stream disconnects", () =>
  serving(serve, async (url) => {
    for (let wanted = 1; wanted <= 5; wanted++) {
      const controller = new AbortController();
      const response = await fetch(`${url}/countdown?from=100000`, { signal: controller.signal });
      const reader = response.body!.getReader();
      await reader.read();
      controller.abort();
      await reader.closed.catch(() => {});
      const until = Date.now() + 20_000;
      while (JSON.parse((await get(`${url}/counts`))[1]).cleanedUp < wanted) {
        assert(Date.now() < until, "it never cleaned up");
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    }
  }));

Deno.test("the Deno example starts as on Supabase, with permission to listen and no other", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr as Deno.NetAddr;
  listener.close();
  const args = ["run", "--no-prompt", `--allow-net=127.0.0.1:${port}`, new URL("index.ts", FOLDER).pathname];
  await serving(args, async (url) => {
    assertEquals(await get(`${url}/digest?text=one`), [200, JSON.stringify([await hexOf("one")])]);
  }, { DENO_SERVE_ADDRESS: `tcp:127.0.0.1:${port}` });
});

Deno.test("the Deno example serves thousands of requests over HTTP", () =>
  serving(serve, async (url) => {
    let left = 3_000;
    const wanted = JSON.stringify([await hexOf("one"), await hexOf("two")]);
    const client = async () => {
      while (left-- > 0) assertEquals(await get(`${url}/digest?text=one&text=two`), [200, wanted]);
    };
    await Promise.all(Array.from({ length: 20 }, client));
  }));

Deno.test("the memory of the Deno example's handler stays constant over 30,000 requests", async () => {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-check", "--no-prompt", "--v8-flags=--expose-gc", new URL("soak.ts", import.meta.url).pathname],
    env: { NO_COLOR: "1" },
  }).output();
  assert(success, new TextDecoder().decode(stderr));
  const { answered, grown } = JSON.parse(new TextDecoder().decode(stdout));
  assertEquals(answered, 30_000);
  assertLess(grown, 2 ** 20);
});
