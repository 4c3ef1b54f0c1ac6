/** Importing an entry point of the package has no observable side effects. */
import { assertEquals } from "@std/assert";
import config from "../../deno.json" with { type: "json" };

const PROBE = new URL("import_probe.ts", import.meta.url).href;
const ROOT = new URL("../../", import.meta.url);

interface Seen {
  readonly seen: string[];
  /** The output on stderr. */
  readonly errors: string;
}

/** The probe's record of a module, in a process without permissions that ends by itself. */
async function seenOf(module: string): Promise<Seen> {
  const program = `import { report } from ${JSON.stringify(PROBE)}; import ${JSON.stringify(module)};
    globalThis.process.stdout.write(JSON.stringify(report()));`;
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", "--no-config", "--ext=ts", "-"],
    env: { NO_COLOR: "1" },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(program));
  await writer.close();
  const { stdout, stderr } = await child.output();
  const [output, errors] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  return { seen: JSON.parse(output || "null"), errors };
}

for (const [entry, file] of Object.entries(config.exports)) {
  Deno.test(`importing '${entry}' has no side effects`, async () => {
    assertEquals(await seenOf(new URL(file, ROOT).href), { seen: [], errors: "" });
  });
}

Deno.test("the probe of imports records what a module does", async () => {
  const module = `
    setTimeout(() => {}); queueMicrotask(() => {}); new MessageChannel(); performance.now();
    crypto.getRandomValues(new Uint8Array(1)); console.error("loud");
    new WebAssembly.Memory({ initial: 1 }); globalThis.mine = 1; Array.prototype.mine = 1;
    new TypeError("made");`;
  const { seen, errors } = await seenOf(`data:text/javascript,${encodeURIComponent(module)}`);
  assertEquals(seen, [
    "setTimeout",
    "queueMicrotask",
    "new MessageChannel",
    "performance.now",
    "crypto.getRandomValues",
    "console.error",
    "new WebAssembly.Memory",
    "new TypeError",
    "+ globalThis.mine",
    "+ Array.prototype.mine",
  ]);
  assertEquals(errors, "loud\n");
});
