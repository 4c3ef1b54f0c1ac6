/** The examples in `examples/cluster/`, each played by one command, as its header says. */
import { assert, assertEquals } from "@std/assert";
import { examplesWithOutput, playExample, readExample } from "../helpers/examples.ts";
import { HAS_SERVER } from "../nats/nats_server.ts";

const play = (name: string, ...args: string[]) => playExample(name, args, ["--no-check"]);

for (const name of examplesWithOutput("cluster/")) {
  // The durable jobs are kept by a NATS server.
  const ignore = name === "cluster/durable.ts" && !HAS_SERVER;
  Deno.test({
    name: `examples/${name} prints what is expected`,
    ignore,
    async fn() {
      const { code, stdout, stderr } = await play(name);
      assertEquals(stdout, readExample(name).output, stderr);
      // The setup of servers prints to the standard error of their node, which is not shown.
      assertEquals([code, stderr], [0, ""]);
    },
  });
}

Deno.test("examples/cluster/checksums.ts prints the checksums of a directory, as sha256sum does", async () => {
  const directory = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${directory}/a`, "");
    await Deno.writeTextFile(`${directory}/b`, "abc");
    const { code, stdout, stderr } = await play("cluster/checksums.ts", "--directory", directory);
    assertEquals([code, stderr], [0, ""]);
    // The second is in FIPS 180-2, appendix B.1.
    assertEquals(stdout.split("\n"), [
      "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855  a",
      "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad  b",
      "",
    ]);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("examples/cluster/mandelbrot.ts writes a picture", async () => {
  const directory = await Deno.makeTempDir();
  try {
    const file = `${directory}/set.ppm`;
    const { code, stderr } = await play("cluster/mandelbrot.ts", "--width", "90", "--file", file);
    assertEquals([code, stderr], [0, ""]);
    const bytes = await Deno.readFile(file);
    const header = "P6\n90 60\n255\n";
    assertEquals(new TextDecoder().decode(bytes.subarray(0, header.length)), header);
    assertEquals(bytes.length, header.length + 3 * 90 * 60);
    assert(bytes.subarray(header.length).includes(255));
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});
