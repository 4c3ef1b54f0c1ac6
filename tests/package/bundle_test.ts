/**
 * The output of `deno bundle` for the examples runs alone, in another folder, with the permissions of their headers.
 */
import { assertEquals } from "@std/assert";
import { examplesWithOutput, readExample } from "../helpers/examples.ts";
import { testWith } from "../io/helpers.ts";
import { User } from "./user.ts";

/** Examples that print names of coroutines, which are those of functions. */
const KEEPING_NAMES = ["--minify", "--keep-names"];

/** What they start are threads and nodes that import the package, which is no file any more after a bundle. */
const OF_FILES = /^(distributed\/word_count\.ts$|cluster\/)/;

for (const name of examplesWithOutput()) if (!OF_FILES.test(name)) testBundle(name, KEEPING_NAMES);

for (const name of ["workers/mandelbrot.ts", "workers/sqlite.ts", "io/udp_ping.ts"]) {
  for (const flags of [[], ["--minify"], ["--keep-names"], ["--platform=deno"]]) testBundle(name, flags);
}

function testBundle(name: string, bundleFlags: readonly string[]): void {
  const { url, flags, programs, output } = readExample(name);
  const how = bundleFlags.length === 0 ? "" : ` ${bundleFlags.join(" ")}`;
  testWith(programs, `examples/${name} runs after deno bundle${how}`, async () => {
    await using user = await User.with();
    await bundle(url, `${user.folder}/bundle.js`, bundleFlags);
    const { code, stdout, stderr } = await user.deno("run", "--no-prompt", ...flags, "bundle.js");
    assertEquals([stdout, code], [output, 0], stderr);
  });
}

const ASYNCIO = `
  import { gather, openConnection, run, startServer, toThread } from "@asyncoro/asyncoro/asyncio";

  function* shout(port: number, text: string) {
    const [reader, writer] = yield* openConnection("127.0.0.1", port);
    writer.write(text + "\\n");
    const answer = yield* reader.readline();
    writer.close();
    return new TextDecoder().decode(answer).trim();
  }

  await run(function* () {
    const server = yield* startServer(function* (reader, writer) {
      writer.write(new TextDecoder().decode(yield* reader.readline()).toUpperCase());
      writer.close();
    }, "127.0.0.1", 0);
    const { port } = server.addr as Deno.NetAddr;
    console.log(yield* gather(shout(port, "one"), shout(port, "two"), toThread((n: number) => n + 1, 41)));
    server.close();
    yield* server.waitClosed();
  });
`;

for (const flags of [[], ["--minify"], KEEPING_NAMES]) {
  Deno.test(`a program of asyncio with sockets and a worker runs after deno bundle ${flags.join(" ")}`, async () => {
    await using user = await User.with();
    await user.write("program.ts", ASYNCIO);
    const config = `--config=${new URL("../../deno.json", import.meta.url).pathname}`;
    await bundle(new URL(`file://${user.folder}/program.ts`), `${user.folder}/bundle.js`, [config, ...flags]);
    await Deno.remove(`${user.folder}/program.ts`);
    const { code, stdout, stderr } = await user.deno("run", "--no-prompt", "--allow-net=127.0.0.1", "bundle.js");
    assertEquals([stdout, code], ['[ "ONE", "TWO", 42 ]\n', 0], stderr);
  });
}

/** In the user's cache Deno would not find its bundler where there is no network. */
async function bundle(entry: URL, file: string, flags: readonly string[]): Promise<void> {
  const command = new Deno.Command(Deno.execPath(), { args: ["bundle", ...flags, "--output", file, entry.pathname] });
  const { success, stderr } = await command.output();
  assertEquals(success, true, new TextDecoder().decode(stderr));
}

const THREADS = `
  import { run } from "@asyncoro/asyncoro";
  import { Network } from "@asyncoro/asyncoro/distributed";

  await run(function* () {
    const network = yield* Network.join({ secret: null });
    try {
      yield* network.startThreads(new URL("./thread.js", import.meta.url), 1);
    } catch (error) {
      console.log(String(error));
    }
    yield* network.leave();
  });
`;

Deno.test("a thread cannot import the package from a bundle, and startThreads() says so", async () => {
  await using user = await User.with();
  await user.write("program.ts", THREADS);
  const config = `--config=${new URL("../../deno.json", import.meta.url).pathname}`;
  await bundle(new URL(`file://${user.folder}/program.ts`), `${user.folder}/bundle.js`, [config]);
  const { stdout, stderr } = await user.deno("run", "--no-prompt", "--allow-net=127.0.0.1", "bundle.js");
  const message = "Cannot start threads as the package is part of a bundle: leave it out of that";
  assertEquals(stdout, `UnsupportedError: ${message}\n`, stderr);
});
