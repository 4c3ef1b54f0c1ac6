/** The examples in `examples/distributed/`, played by one command each, with exactly the permissions of their headers. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { examplesWithOutput, readExample } from "../helpers/examples.ts";

async function play(name: string, ...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const { flags, url } = readExample(name);
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", "--no-check", ...flags, url.pathname, ...args],
    env: { NO_COLOR: "1" },
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

for (const name of examplesWithOutput("distributed/")) {
  Deno.test(`examples/${name} prints what is expected`, async () => {
    const { code, stdout, stderr } = await play(name);
    assertEquals(stdout, readExample(name).output, stderr);
    assertEquals([code, stderr], [0, ""]);
  });
}

Deno.test("examples/distributed/chat.ts: guests hear each other, and nobody shouts", async () => {
  const { code, stdout, stderr } = await play("distributed/chat.ts");
  assertEquals([code, stderr], [0, ""]);
  assertStringIncludes(stdout, "Alan: hello ada");
  assertStringIncludes(stdout, "Ada: hello");
  assertStringIncludes(stdout, "has gone");
});
