/** Standard input, in a process of its own. */
import { assertEquals } from "@std/assert";
import { eventually, text } from "./helpers.ts";

const ROOT = new URL("../../", import.meta.url);

/** Runs a program with `io`, `coros` in scope and lets `feed` write to its standard input. */
async function program(
  body: string,
  feed: (write: (data: string) => Promise<void>, close: () => Promise<void>) => Promise<void>,
): Promise<[string, number]> {
  const file = await Deno.makeTempFile({ suffix: ".ts" });
  await Deno.writeTextFile(
    file,
    `import { main, run, race, sleep, Coro } from "${ROOT}mod.ts";
     import { stdin } from "${ROOT}core/io/mod.ts";
     ${body}`,
  );
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-lock", "--no-check", "--no-config", file],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  const encoder = new TextEncoder();
  let ended = false;
  const [output] = await Promise.all([
    child.output().then((result) => {
      ended = true;
      return result;
    }),
    feed((data) => writer.write(encoder.encode(data)), () => writer.close()),
  ]);
  // The input was held open until now, unless the test has closed it.
  await eventually(() => ended, "the program ends");
  await writer.close().catch(() => {});
  await Deno.remove(file);
  return [text(output.stdout), output.code];
}

Deno.test("stdin.readline() returns lines, and null at the end", async () => {
  const result = await program(
    `main(function* () {
       yield* stdin.lines().forEach((line) => console.log("[" + line + "]"));
       console.log(yield* stdin.readline());
     });`,
    async (write, close) => {
      await write("one\r\ntwo");
      await write("\nlast");
      await close();
    },
  );
  assertEquals(result, ["[one]\n[two]\n[last]\nnull\n", 0]);
});

Deno.test("a stdin.readline() that times out loses nothing, and an open input does not keep the process alive", async () => {
  const result = await program(
    `main(function* () {
       try { yield* stdin.readline(0.05); } catch (error) { console.log(error.name); }
       console.log(yield* stdin.readline(10));
       console.log(yield* race(stdin.readline(), sleep(0.05)));
     });`,
    async (write) => {
      await write("par");
      await new Promise((resolve) => setTimeout(resolve, 600));
      await write("tial\nrest");
    },
  );
  assertEquals(result, ["TimeoutError\npartial\nundefined\n", 0]);
});

Deno.test("stdin.read() returns bytes, some or all", async () => {
  const result = await program(
    `main(function* () {
       console.log((yield* stdin.read(3)).length, (yield* stdin.read()).length, (yield* stdin.read(1)).length);
     });`,
    async (write, close) => {
      await write("x".repeat(10_000));
      await close();
    },
  );
  assertEquals(result, ["3 9997 0\n", 0]);
});
