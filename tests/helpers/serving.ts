/** Runs examples to their end, or as servers while clients use them. */
import { assertEquals } from "@std/assert";
import { readExample } from "./examples.ts";
import { text } from "../io/helpers.ts";

/** Starts an example, such as `io/chat.ts`, with the permissions of its header. */
export function start(name: string, ...args: string[]): Deno.ChildProcess {
  const { flags, url } = readExample(name);
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-check", "--no-prompt", ...flags, url.pathname, ...args],
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

/**
 * Runs an example that is a server while `body` uses it; SIGTERM must then end it gracefully. Returns what it wrote to
 * stderr.
 */
export async function serving(name: string, args: string[], body: (port: string) => Promise<void>): Promise<string> {
  const child = start(name, ...args);
  const errors = new Response(child.stderr).text();
  const reader = child.stdout.getReader();
  let output = "";
  while (!output.includes("\n")) {
    const { value, done } = await reader.read();
    if (done) break;
    output += text(value);
  }
  try {
    await body(/port (\d+)/.exec(output)![1]);
  } finally {
    child.kill("SIGTERM");
    await reader.cancel();
    const { code } = await child.status;
    assertEquals(code, 143, await errors);
  }
  return await errors;
}

/** Runs a program to its end, with some input. */
export async function execute(program: string, args: string[], input: string | null = null): Promise<[string, number]> {
  const child = new Deno.Command(program, {
    args,
    stdin: input === null ? "null" : "piped",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  // Both at once: a program that prints while it reads its input would otherwise wait for a reader.
  const [{ stdout, code }] = await Promise.all([child.output(), input === null ? null : tell(child, input)]);
  return [text(stdout), code];
}

async function tell(child: Deno.ChildProcess, input: string): Promise<void> {
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(input));
  await writer.close();
}

/** A directory with a file, a file beside it, and a link that points outside. */
export async function siteDirectory(): Promise<string> {
  const dir = await Deno.makeTempDir();
  await Deno.mkdir(`${dir}/site`);
  await Deno.writeTextFile(`${dir}/site/ten.txt`, "0123456789");
  await Deno.writeTextFile(`${dir}/site/with space.txt`, "spaced");
  await Deno.writeTextFile(`${dir}/secret.txt`, "secret");
  await Deno.writeFile(`${dir}/site/big.bin`, new Uint8Array(3_000_000).fill(66));
  await Deno.symlink(`${dir}/secret.txt`, `${dir}/site/link.txt`);
  return dir;
}
