/** The program of a node as a shell sees it: help, exit codes, and what it says. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { type Program, startProgram } from "./nodes.ts";

/** Runs the program to its end. */
async function outcomeOf(program: Program): Promise<{ code: number; text: string }> {
  const { code } = await program.status;
  return { code, text: program.lines.join("\n") };
}

Deno.test("--help shows the flags, and needs no secret", async () => {
  const { code, text } = await outcomeOf(startProgram(["--help"], { secret: null }));
  assertEquals(code, 0);
  for (const part of ["Usage: deno run -A", "--secret-file FILE", "ASYNCORO_SECRET", "Exit code 2"]) {
    assertStringIncludes(text, part);
  }
});

Deno.test("a wrong flag ends it with exit code 2, and what cannot be opened with 1", async () => {
  const outcomes = await Promise.all([
    outcomeOf(startProgram(["--prot", "1"])),
    outcomeOf(startProgram([], { secret: null })),
    outcomeOf(startProgram(["--tls-key", "key.pem"])),
    outcomeOf(startProgram([], { secret: "short" })),
    outcomeOf(startProgram(["--host", "256.0.0.1"])),
  ]);
  assertEquals(outcomes.map(({ code }) => code), [2, 2, 2, 1, 1]);
  const texts = [
    "no flag --prot",
    "There is no secret",
    "needs both --tls-cert and --tls-key",
    "16 characters",
    "256.0.0.1",
  ];
  texts.forEach((text, i) => assertStringIncludes(outcomes[i].text, text));
  assert(!outcomes[3].text.includes("short"));
});

Deno.test("a file has the flags and the secret, and a signal ends an idle node with exit code 0", async () => {
  const directory = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${directory}/secret`, "the secret of the tests\n");
    await Deno.writeTextFile(
      `${directory}/config.json`,
      JSON.stringify({ "secret-file": `${directory}/secret`, name: "from-file", cpus: 1, peer: ["127.0.0.1:1"] }),
    );
    const node = startProgram(["--config", `${directory}/config.json`, "--name", "from-shell"], { secret: null });
    await node.printed("from-shell@tcp://127.0.0.1:");
    await node.printed("Idle");
    node.kill("SIGINT");
    assertEquals((await outcomeOf(node)).code, 0);
    assert(node.lines.at(-1)!.endsWith("has ended"), node.lines.join("\n"));
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});
