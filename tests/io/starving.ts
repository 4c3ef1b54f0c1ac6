/** Programs that run out of descriptors. */
import { Coro } from "@asyncoro/asyncoro";
import { AsyncSocket } from "@asyncoro/asyncoro/io";
import { assertEquals } from "@std/assert";
import { bytes, drive, eventually, testCertificate } from "./helpers.ts";

const CONFIG = new URL("../../deno.json", import.meta.url).pathname;

/** Code with `hoard()`, which opens all descriptors and prints that it has, and `free()`, which closes them at a line of input. */
export const HOARD = `
// Deno begins to listen to signals half a second after its start, and panics if it gets no descriptor for that.
Deno.addSignalListener("SIGUSR2", () => {});
const held = [];
const hoard = () => {
  try {
    for (;;) held.push(Deno.openSync("/dev/null"));
  } catch {
    console.log("hoarded");
  }
};
const free = async () => {
  await Deno.stdin.read(new Uint8Array(1));
  for (const file of held) file.close();
};
`;

/**
 * Runs a server that has no descriptors when the first client comes, and gets them back. It prints its address, and sends
 * a line that it receives back. Returns what it has printed on stderr.
 */
export async function starve(source: string): Promise<string> {
  const dir = await Deno.makeTempDir();
  const file = `${dir}/server.ts`;
  await Deno.writeTextFile(file, source);
  const { ca, cert, key } = testCertificate();
  const child = new Deno.Command("sh", {
    args: ["-c", `ulimit -n 100; exec "$@"`, "sh", Deno.execPath(), "run", "-A", "--no-check", "--config", CONFIG, file]
      .concat(cert, key, `${dir}/socket`),
    // The search for a newer Deno opens descriptors, and panics without them.
    env: { NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1" },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const lines = child.stdout.pipeThrough(new TextDecoderStream());
  const errors = child.stderr.pipeThrough(new TextDecoderStream());
  let seen = "";
  let output = "";
  const reading = (async () => {
    for await (const piece of lines) seen += piece;
  })();
  const hearing = (async () => {
    for await (const piece of errors) output += piece;
  })();
  await eventually(() => seen.includes("hoarded"), "the server lacks descriptors");
  const where = JSON.parse(seen.split("\n")[0]);
  const target = where.path !== undefined
    ? { path: where.path }
    : { hostname: "localhost", port: where.port, tls: source.includes("tls") ? { caCerts: [ca] } : undefined };
  await drive(function* () {
    const client = new Coro(function* () {
      using socket = yield* AsyncSocket.connect(target, 15);
      yield* socket.sendall("hello\n");
      assertEquals(yield* socket.readline(15), "hello");
    });
    yield eventually(
      () => /at the moment: Too many|out of system resource/.test(output),
      `the shortage is reported, not ${output}`,
    );
    const stdin = child.stdin.getWriter();
    yield stdin.write(bytes("\n"));
    yield stdin.close();
    yield* client.finish();
  });
  child.kill("SIGKILL");
  await Promise.all([child.status, reading, hearing]);
  await Deno.remove(dir, { recursive: true });
  return output;
}
