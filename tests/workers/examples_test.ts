/** The examples in examples/workers run with the permissions of their headers, and print what stands beside them. */
import { assertEquals, assertMatch } from "@std/assert";
import { readExample } from "../helpers/examples.ts";

/** What an example prints on standard output. */
async function outputOf(name: string, input: string | null, ...args: string[]): Promise<string> {
  const { flags, url } = readExample(`workers/${name}.ts`);
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-check", "--no-prompt", ...flags, url.pathname, ...args],
    env: { NO_COLOR: "1" },
    stdin: input === null ? "null" : "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const kill = setTimeout(() => child.kill("SIGKILL"), 20_000);
  if (input !== null) {
    const writer = child.stdin.getWriter();
    for (const line of input.split("\n")) {
      await new Promise((resolve) => setTimeout(resolve, 150));
      await writer.write(new TextEncoder().encode(`${line}\n`));
    }
    await writer.close();
  }
  const { code, stdout, stderr } = await child.output();
  clearTimeout(kill);
  assertEquals([code, new TextDecoder().decode(stderr)], [0, ""]);
  return new TextDecoder().decode(stdout);
}

Deno.test("the example mandelbrot prints its picture and writes a PPM file", async () => {
  const file = await Deno.makeTempFile();
  try {
    assertEquals(await outputOf("mandelbrot", null, file), readExample("workers/mandelbrot.ts").output);
    const picture = await Deno.readFile(file);
    assertEquals(new TextDecoder().decode(picture.subarray(0, 14)), "P6\n120 80\n255\n");
    assertEquals(picture.length, 14 + 3 * 120 * 80);
  } finally {
    await Deno.remove(file);
  }
});

Deno.test("the example sqlite prints what is beside it", async () => {
  assertEquals(await outputOf("sqlite", null), readExample("workers/sqlite.ts").output);
});

Deno.test("the example checksums prints what sha256sum does", async () => {
  const directory = await Deno.makeTempDir();
  try {
    await Deno.mkdir(`${directory}/sub`);
    await Deno.writeTextFile(`${directory}/abc`, "abc");
    await Deno.writeTextFile(`${directory}/sub/empty`, "");
    assertEquals(
      await outputOf("checksums", null, directory),
      "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad  abc\n" +
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855  sub/empty\n",
    );
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("the example stdin_lines reads lines while a ticker ticks on", async () => {
  const output = await outputOf("stdin_lines", "one\ntwo\nquit");
  assertMatch(output, /^you wrote: one\nyou wrote: two\n2 lines, and the ticker ticked on\n$/);
});
