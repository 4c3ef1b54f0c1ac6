/** The examples in `examples/distributed/`, played by one command each, with exactly the permissions of their headers. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { examplesWithOutput, playExample, readExample } from "../helpers/examples.ts";

const play = (name: string, ...args: string[]) => playExample(name, args, ["--no-check"]);

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
