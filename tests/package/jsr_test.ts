/** The package as users import it: from JSR, type-checked, with an empty cache and no permissions beside their own. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import config from "../../deno.json" with { type: "json" };
import { publishedFiles, serveRegistry } from "./registry.ts";
import { type Outcome, User } from "./user.ts";

const ROOT = new URL("../../", import.meta.url);
const PACKAGE = `jsr:${config.name}`;

/** The program of a node: nothing is imported from it. */
const NODE = "./cluster/node";

/** Entry points with the file of each: `["./io", "core/io/mod.ts"]`. */
const ENTRIES = Object.entries(config.exports)
  .filter(([entry]) => entry !== NODE)
  .map(([entry, file]) => [entry, file.slice("./".length)] as const);

/** The exit code of Deno when a checksum does not match. */
const INTEGRITY = 10;

/** What the example in an entry point's documentation does beside computing. */
const NEEDS: Readonly<Record<string, readonly string[]>> = {
  "./cluster": ["--allow-net=127.0.0.1"],
  "./distributed": ["--allow-net=127.0.0.1"],
  "./io": ["--allow-net=127.0.0.1"],
};

/** The entry point's specifier under a name for the package. */
function specifier(name: string, entry: string): string {
  return name + entry.slice(".".length);
}

function succeeded({ code, stderr }: Outcome): void {
  assertEquals(code, 0, stderr);
}

const PROGRAM = `
  import { Channel, run, WorkerPool } from "${PACKAGE}";
  import { AsyncSocket } from "${PACKAGE}/io";
  import { runVirtual } from "${PACKAGE}/testing";
  import { AsyncThreadPool } from "${PACKAGE}/workers";

  using pool = new WorkerPool(1);
  const answer: number = await run(function* (coro) {
    yield* coro.sleep(0.001);
    return yield* pool.asyncTask((n: number) => n + 1, 41);
  });
  const late: string = await runVirtual(function* (coro) {
    yield* coro.sleep({ hours: 1 });
    return "an hour later";
  });
  console.log(answer, late, typeof Channel, typeof AsyncSocket, AsyncThreadPool === WorkerPool);
`;
const PRINTS = "42 an hour later function function true\n";

Deno.test("a program that imports the package from JSR is checked and runs without permissions", async () => {
  await using registry = await serveRegistry();
  await using user = await User.with({ JSR_URL: registry.url });
  await user.write("program.ts", PROGRAM);
  const outcome = await user.deno("run", "--check", "--no-prompt", "program.ts");
  assertEquals(outcome.stdout, PRINTS, outcome.stderr);
  succeeded(outcome);
});

Deno.test("a program with a type error in its use of JSR's package is rejected", async () => {
  await using registry = await serveRegistry();
  await using user = await User.with({ JSR_URL: registry.url });
  await user.write(
    "program.ts",
    `import { run } from "${PACKAGE}"; const n: number = await run(function* () { return ""; });`,
  );
  const { code, stderr } = await user.deno("check", "program.ts");
  assertEquals(code, 1);
  assertMatch(stderr, /Type 'string' is not assignable to type 'number'/);
});

Deno.test("every entry point exports the same names from JSR as here, without permissions", async () => {
  await using registry = await serveRegistry();
  await using user = await User.with({ JSR_URL: registry.url });
  const imports = ENTRIES.map(([entry], index) => `import * as m${index} from "${specifier(PACKAGE, entry)}";`);
  const list = ENTRIES.map((_, index) => `Object.keys(m${index}).sort()`);
  await user.write("program.ts", `${imports.join("\n")}\nconsole.log(JSON.stringify([${list.join()}]));\n`);
  const outcome = await user.deno("run", "--no-prompt", "program.ts");
  succeeded(outcome);
  const here = await Promise.all(ENTRIES.map(([, file]) => import(new URL(file, ROOT).href)));
  assertEquals(JSON.parse(outcome.stdout), here.map((names) => Object.keys(names).sort()));
});

/** The first example in a module's documentation. */
async function exampleOf(file: string): Promise<string> {
  const [, doc] = /^\/\*\*([\s\S]*?)\*\//.exec(await Deno.readTextFile(new URL(file, ROOT))) ?? [];
  assert(doc?.includes("@module"), `${file}: documentation of the module is missing`);
  const text = doc.replaceAll(/^ \* ?/gm, "");
  const [, example] = /@example\n```ts\n([\s\S]*?)```/.exec(text) ?? [];
  assert(example, `${file}: an example is missing`);
  return example;
}

/** The file of a user into which the example of an entry point is written. */
function exampleFile(entry: string): string {
  return `example_of_${entry.replace(/^\.\/?/, "") || "main"}.ts`;
}

Deno.test("the example of every entry point is checked and runs in a project to which the package was added", async () => {
  await using registry = await serveRegistry();
  await using user = await User.with({ JSR_URL: registry.url });
  succeeded(await user.deno("add", PACKAGE));
  const { imports } = JSON.parse(await user.read("deno.json"));
  assertEquals(imports, { [config.name]: `${PACKAGE}@^${config.version}` });
  // Nothing but the package is available here.
  await user.write("assert.ts", ASSERT);
  await user.write("deno.json", JSON.stringify({ imports: { ...imports, "@std/assert": "./assert.ts" } }));
  for (const [entry, file] of ENTRIES) {
    const example = await exampleOf(file);
    assertMatch(example, /\bassert/, `${file}: the example asserts nothing`);
    await user.write(exampleFile(entry), example);
  }
  // All at once, as each check takes seconds.
  succeeded(await user.deno("check", ...ENTRIES.map(([entry]) => exampleFile(entry))));
  for (const [entry] of ENTRIES) {
    const outcome = await user.deno("run", "--no-prompt", ...NEEDS[entry] ?? [], exampleFile(entry));
    assertEquals([outcome.stdout, outcome.code], ["", 0], `${entry}: ${outcome.stderr}`);
  }
});

Deno.test("two programs that import the package from JSR talk to each other over TCP", async () => {
  await using registry = await serveRegistry();
  await using user = await User.with({ JSR_URL: registry.url });
  await user.write(
    "talk.ts",
    `import { Coro, main, until } from "${PACKAGE}";
     import { Network } from "${PACKAGE}/distributed";
     const secret = "sixteen or more characters";
     const [address] = Deno.args;
     main(function* (coro) {
       const network = yield* Network.join({ secret });
       coro.register(address === undefined ? "server" : "client");
       if (address === undefined) {
         const client = new Deno.Command(Deno.execPath(), {
           args: ["run", "--no-prompt", "--allow-net=127.0.0.1", "talk.ts", network.location.address],
         }).spawn();
         const { from, text } = (yield* coro.receive<{ from: Coro; text: string }>(30))!;
         from.send(text.toUpperCase());
         yield* network.leave();
         Deno.exitCode = (yield* until(client.status)).code;
       } else {
         yield* network.peer(address);
         const server = (yield* Coro.locate("server", 10))!;
         server.send({ from: coro, text: "hello" });
         console.log(yield* coro.receive<string>(10));
         yield* network.leave();
       }
     });`,
  );
  const flags = ["--no-prompt", "--allow-net=127.0.0.1", "--allow-run", "--allow-read"];
  const outcome = await user.deno("run", ...flags, "talk.ts");
  assertEquals([outcome.stdout, outcome.code], ["HELLO\n", 0], outcome.stderr);
});

Deno.test("a node that runs from JSR serves a client, and its servers load the package from the cache", async () => {
  await using registry = await serveRegistry();
  await using user = await User.with({ JSR_URL: registry.url, ASYNCORO_SECRET: "sixteen or more characters" });
  await user.write(
    "job.ts",
    `import { Coro, sleep } from "${PACKAGE}";
     export function* work(coro: Coro, n: number): Generator<unknown, unknown, unknown> {
       yield* sleep(0.001);
       return [2 * n, coro instanceof Coro];
     }`,
  );
  await user.write(
    "client.ts",
    `import { main, until } from "${PACKAGE}";
     import { Computation } from "${PACKAGE}/cluster";
     import { Network } from "${PACKAGE}/distributed";
     main(function* () {
       const network = yield* Network.join({ secret: Deno.env.get("ASYNCORO_SECRET") });
       const peer = network.location.address.slice("tcp://".length);
       const node = new Deno.Command(Deno.execPath(), {
         args: ["run", "-A", "${specifier(PACKAGE, NODE)}", "--peer", peer, "--cpus", "1", "--serve", "1"],
         stderr: "inherit",
       }).spawn();
       const jobs = new Computation({ network, files: ["job.ts"] });
       yield* jobs.schedule(30);
       console.log(yield* jobs.runResult({ module: "job.ts", name: "work" }, 21));
       yield* jobs.close();
       Deno.exitCode = (yield* until(node.status)).code;
       yield* network.leave();
     });`,
  );
  const outcome = await user.deno("run", "-A", "client.ts");
  assertEquals([outcome.stdout, outcome.code], ["[ 42, true ]\n", 0], outcome.stderr);
});

const ASSERT = `
  export function assert(value: unknown): asserts value {
    if (!value) throw new Error("not so");
  }
  export function assertEquals<T>(actual: T, expected: T): void {
    const [one, other] = [actual, expected].map((value) => Deno.inspect(value, { depth: 9 }));
    if (one !== other) throw new Error(one + " is not " + other);
  }
`;

Deno.test("a worker pool from JSR runs a module of the user's with permission to read that file only", async () => {
  await using registry = await serveRegistry();
  await using user = await User.with({ JSR_URL: registry.url });
  await user.write("work.ts", `export function square(n: number): number { return n * n; }`);
  await user.write(
    "program.ts",
    `import { run } from "${PACKAGE}";
     import { WorkerPool } from "${PACKAGE}/workers";
     using pool = new WorkerPool(2);
     const target = { module: new URL("./work.ts", import.meta.url), name: "square" };
     console.log(await run(function* () { return yield* pool.map<number>([1, 2, 3], target); }));`,
  );
  const outcome = await user.deno("run", "--no-prompt", "--allow-read=work.ts", "program.ts");
  assertEquals(outcome.stdout, "[ 1, 4, 9 ]\n", outcome.stderr);
});

const THREAD = `
  import { type Ask, Coro } from "${PACKAGE}";
  new Coro(function* (coro: Coro) {
    coro.register("server");
    const ask = yield* coro.receive<Ask<number, number>>();
    ask.reply(ask.message + 1);
  });
`;
const STARTS_THREAD = `
  import { Coro, main, until } from "${PACKAGE}";
  import { Network } from "${PACKAGE}/distributed";
  main(function* () {
    const network = yield* Network.join({ secret: null });
    const [thread] = yield* network.startThreads(new URL("./thread.ts", import.meta.url), 1);
    const server = yield* Coro.locate("server", 10, thread);
    console.log(yield* server!.ask(41));
  });
`;

Deno.test("a thread runs a module of the user's with the package from JSR, with permission to read that file only", async () => {
  await using registry = await serveRegistry();
  await using user = await User.with({ JSR_URL: registry.url });
  await user.write("thread.ts", THREAD);
  await user.write("program.ts", STARTS_THREAD);
  const flags = ["--no-prompt", "--allow-net=127.0.0.1", "--allow-read=thread.ts"];
  const outcome = await user.deno("run", ...flags, "program.ts");
  assertEquals(outcome.stdout, "42\n", outcome.stderr);
  succeeded(outcome);
});

Deno.test("deno info shows that the package depends on nothing", async () => {
  await using registry = await serveRegistry();
  await using user = await User.with({ JSR_URL: registry.url });
  for (const [entry] of ENTRIES) {
    const outcome = await user.deno("info", "--json", specifier(PACKAGE, entry));
    succeeded(outcome);
    const { modules, npmPackages } = JSON.parse(outcome.stdout);
    const home = `${registry.url}${config.name}/${config.version}/`;
    const strangers = (modules as { specifier: string }[])
      .map(({ specifier }) => specifier)
      .filter((url) => !url.startsWith(home) && !url.startsWith("node:"));
    assertEquals([strangers, npmPackages ?? {}], [[], {}], entry);
  }
});

Deno.test("deno doc describes every entry point", async () => {
  await using registry = await serveRegistry();
  await using user = await User.with({ JSR_URL: registry.url });
  for (const [entry, file] of ENTRIES) {
    const outcome = await user.deno("doc", specifier(PACKAGE, entry));
    succeeded(outcome);
    const names = Object.keys(await import(new URL(file, ROOT).href));
    const missing = names.filter((name) => !outcome.stdout.includes(name));
    assertEquals(missing, [], entry);
    assertMatch(outcome.stdout, /@example/, entry);
  }
});

Deno.test("a file that does not match the registry's checksum is rejected", async () => {
  await using registry = await serveRegistry();
  await using user = await User.with({ JSR_URL: registry.url });
  await user.write("program.ts", PROGRAM);
  changeFile(registry.files);
  const { code, stdout, stderr } = await user.deno("run", "--no-prompt", "program.ts");
  assertEquals([code, stdout], [INTEGRITY, ""]);
  assertMatch(stderr, /Integrity check failed/);
});

Deno.test("a version that does not match the user's lock file is rejected", async () => {
  await using registry = await serveRegistry();
  const env = { JSR_URL: registry.url };
  await using user = await User.with(env);
  await user.write("deno.json", "{}");
  await user.write("program.ts", PROGRAM);
  succeeded(await user.deno("run", "--no-prompt", "program.ts"));
  const lock = await user.read("deno.lock");
  assert(lock.includes(`${config.name}@${config.version}`), lock);
  changeFile(registry.files);
  await registry.sign();
  await using other = await User.with(env);
  await other.write("deno.json", "{}");
  await other.write("deno.lock", lock);
  await other.write("program.ts", PROGRAM);
  const { code, stdout, stderr } = await other.deno("run", "--no-prompt", "program.ts");
  assertEquals([code, stdout], [INTEGRITY, ""]);
  assertMatch(stderr, /Integrity check failed/);
});

function changeFile(files: Map<string, Uint8Array<ArrayBuffer>>): void {
  const changed = new TextDecoder().decode(files.get("/mod.ts")) + "console.log('taken over');\n";
  files.set("/mod.ts", new TextEncoder().encode(changed));
}

for (const vendor of [false, true]) {
  const where = vendor ? "a vendored copy" : "the cache";
  Deno.test(`a second run works offline, from ${where}`, async () => {
    const registry = await serveRegistry();
    await using user = await User.with({ JSR_URL: registry.url });
    await user.write("deno.json", JSON.stringify({ vendor }));
    await user.write("program.ts", PROGRAM);
    {
      await using _online = registry;
      // Without a check, Deno does not fetch modules that contain types only.
      const first = await user.deno("run", "--check", "--no-prompt", "program.ts");
      assertEquals(first.stdout, PRINTS, first.stderr);
    }
    if (vendor) await user.clearCache();
    const second = await user.deno("run", "--check", "--cached-only", "--no-prompt", "program.ts");
    assertEquals(second.stdout, PRINTS, second.stderr);
  });
}

Deno.test("only what users need is published", async () => {
  const paths = [...(await publishedFiles()).keys()];
  const others = paths.filter((path) => !/^\/(core\/.*|mod\.ts)$/.test(path)).sort();
  assertEquals(others, ["/CHANGELOG.md", "/LICENSE", "/README.md", "/deno.json"]);
  assert(paths.includes("/core/kernel/kernel.wasm"));
  assertEquals(paths.filter((path) => /_test\.ts$|\.as$/.test(path)), []);
});
