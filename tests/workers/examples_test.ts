/** The examples in examples/workers run with the permissions of their headers, and print the expected output. */
import { assertEquals, assertMatch } from "@std/assert";
import { readExample } from "../helpers/examples.ts";

function start(name: string, stdin: "null" | "piped", args: readonly string[]): Deno.ChildProcess {
  const { flags, url } = readExample(`workers/${name}.ts`);
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-check", "--no-prompt", ...flags, url.pathname, ...args],
    env: { NO_COLOR: "1" },
    stdin,
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

/** The standard output of an example. */
async function outputOf(name: string, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await start(name, "null", args).output();
  assertEquals([code, new TextDecoder().decode(stderr)], [0, ""]);
  return new TextDecoder().decode(stdout);
}

Deno.test("the example mandelbrot prints its picture and writes a PPM file", async () => {
  const file = await Deno.makeTempFile();
  try {
    assertEquals(await outputOf("mandelbrot", file), readExample("workers/mandelbrot.ts").output);
    const picture = await Deno.readFile(file);
    assertEquals(new TextDecoder().decode(picture.subarray(0, 14)), "P6\n120 80\n255\n");
    assertEquals(picture.length, 14 + 3 * 120 * 80);
  } finally {
    await Deno.remove(file);
  }
});

Deno.test("the example sqlite prints its expected output", async () => {
  assertEquals(await outputOf("sqlite"), readExample("workers/sqlite.ts").output);
});

Deno.test("the example checksums prints the same as sha256sum", async () => {
  const directory = await Deno.makeTempDir();
  try {
    await Deno.mkdir(`${directory}/sub`);
    await Deno.writeTextFile(`${directory}/abc`, "abc");
    await Deno.writeTextFile(`${directory}/sub/empty`, "");
    assertEquals(
      await outputOf("checksums", directory),
      "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad  abc\n" +
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855  sub/empty\n",
    );
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("the example stdin_lines reads lines while a ticker runs", async () => {
  const child = start("stdin_lines", "piped", []);
  const errors = new Response(child.stderr).text();
  const writer = child.stdin.getWriter();
  const write = (line: string) => writer.write(new TextEncoder().encode(`${line}\n`));
  let output = "";
  await write("one");
  for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
    output += text;
    if (!output.includes("one") || output.includes("two")) continue;
    // By now the worker has started: the ticker ticks while it waits for the next line.
    await new Promise((resolve) => setTimeout(resolve, 300));
    await write("two");
    await write("quit");
  }
  await writer.close().catch(() => {});
  assertEquals([(await child.status).code, await errors], [0, ""]);
  assertMatch(output, /^you wrote: one\nyou wrote: two\n2 lines, and the ticker ticked on\n$/);
});
