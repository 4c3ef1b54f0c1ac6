/**
 * The package as users of npm get it: its files, its types, and that it passes its own tests under Node.js and Bun.
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { findRuntime } from "../runtimes/find.ts";
import { checkProgram, compileModule, findNewer } from "./npm/compile.ts";
import { FILES_LEFT_OUT, type NodeLike, TESTS_LEFT_OUT } from "./npm/left_out.ts";
import { ENTRIES, manifest } from "./npm/manifest.ts";
import { openProject, openWorkshop, run, tryRun } from "./npm/project.ts";
import { compileTests, listTests, runAllTests, whyLeftOut } from "./npm/suite.ts";

const PROGRAMS = new URL("npm/programs/", import.meta.url);
const NAMES: Readonly<Record<NodeLike, string>> = { node: "Node.js", bun: "Bun" };

// The package is packed and installed by npm, which comes with Node.js.
const node = await findRuntime("node");
const bun = node && await findRuntime("bun");
const runtimes: [NodeLike, string | null][] = [["node", node], ["bun", bun]];

Deno.test("tests that are left out exist, and a file that is not left out runs", async () => {
  const files = await listTests();
  for (const path of Object.keys(FILES_LEFT_OUT)) {
    assert(files.some((file) => file.startsWith(path)), `There is no ${path}: take it out of FILES_LEFT_OUT`);
  }
  for (const { file, name } of TESTS_LEFT_OUT) {
    const source = await Deno.readTextFile(new URL(`../${file}`, import.meta.url));
    // Some names are composed: the part after the colon is in the source.
    const part = name.slice(name.lastIndexOf(": ") + 1).trim();
    assert(source.includes(part), `There is no test "${name}" in ${file}: take it out of TESTS_LEFT_OUT`);
  }
  const running = files.filter((file) => whyLeftOut(file) === undefined);
  const some = ["coroutine/coro_test.ts", "coroutine/main_test.ts", "patterns/stream_test.ts", "sync/sync_test.ts"];
  for (const file of some) assert(running.includes(file), file);
});

Deno.test("the package uses nothing newer than Node.js 20 without checking for it", async () => {
  const newer = await findNewer(Object.values(ENTRIES));
  // Workers check for it before they are made.
  assertEquals(newer.filter((each) => !/^core\/workers\/.*'waitAsync'/.test(each)), []);
});

Deno.test({
  name: "the npm form has every entry point with its types, and only what users need",
  ignore: node === null,
  fn: async () => {
    const { files } = await openWorkshop();
    const kinds = /^(core\/.*\.(js|d\.ts)|core\/kernel\/kernel\.wasm|mod\.js|mod\.d\.ts|(deno|web)_types\.d\.ts)$/;
    const others = files.filter((path) => !kinds.test(path)).sort();
    assertEquals(others, ["CHANGELOG.md", "LICENSE", "README.md", "package.json"]);
    for (const source of Object.values(ENTRIES)) {
      const path = source.replace(/^\.\/|\.ts$/g, "");
      for (const type of ["js", "d.ts"]) assert(files.includes(`${path}.${type}`), `${path}.${type} is missing`);
    }
    assertEquals(Object.keys(manifest()).filter((key) => /dependencies/i.test(key)), []);
  },
});

// Members that the package marks as internal, and types that only they mention.
const INTERNAL =
  /\b(begin|detach|giveOutcome|kernel(?!\/)|makeReady|park|settle|stepBudget|takenOver|ReadyQueue|WaitQueue|WaitingFiber)\b/;
const COMMENT = /\/\*[^]*?\*\//g;

Deno.test({
  name: "the declarations of the npm form have no internal members, and no types that only these mention",
  ignore: node === null,
  fn: async () => {
    const { folder, files } = await openWorkshop();
    const found: string[] = [];
    for (const path of files.filter((file) => file.endsWith(".d.ts"))) {
      const text = await Deno.readTextFile(new URL(`package/${path}`, folder));
      const match = /@internal/.exec(text) ?? INTERNAL.exec(text.replaceAll(COMMENT, ""));
      if (match !== null) found.push(`${path}: ${match[0]}`);
    }
    assertEquals(found, []);
  },
});

// The libraries of a project for Node.js and of one for browsers.
const COMPILERS = [
  {
    module: "nodenext",
    moduleResolution: "nodenext",
    lib: ["es2022"],
    types: ["node"],
    typeRoots: [new URL("..", import.meta.resolve("@types/node/package.json")).pathname],
  },
  { module: "esnext", moduleResolution: "bundler", lib: ["es2022", "dom"], types: [] },
];

for (const options of COMPILERS) {
  const libraries = [...options.lib, ...options.types].join(" and ");
  Deno.test({
    name: `a user's program compiles with the types of ${libraries}, resolved as by "${options.moduleResolution}"`,
    ignore: node === null,
    fn: async () => {
      const program = new URL("types.ts", await openProject());
      await Deno.copyFile(new URL("types.ts", PROGRAMS), program);
      const strict = { strict: true, exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true };
      const errors = checkProgram(program, {
        ...options,
        ...strict,
        target: "es2022",
        skipLibCheck: false,
        noEmit: true,
      });
      assertEquals(errors, "");
    },
  });
}

Deno.test({
  name: "require() returns the same modules as import in a Node.js that supports it, and elsewhere says why not",
  ignore: node === null,
  fn: async () => {
    const project = await openProject();
    const file = new URL("require.cjs", project);
    await Deno.writeTextFile(
      file,
      `
      const { Coro, run } = require("@asyncoro/asyncoro");
      import("@asyncoro/asyncoro").then((module) => console.log(module.Coro === Coro));
      run(function* () { return "ran"; }).then(console.log);
      `,
    );
    const { code, stdout, stderr } = await tryRun(node!, [file.pathname], project);
    if (code === 0) assertEquals(stdout.split("\n").sort(), ["", "ran", "true"]);
    else assertMatch(stderr, /ERR_REQUIRE_ESM/);
  },
});

/** Compiles a program of `npm/programs/` into the project and runs it there. Returns its output. */
async function runUserProgram(name: string, command: string): Promise<string> {
  const project = await openProject();
  const source = await Deno.readTextFile(new URL(`${name}.ts`, PROGRAMS));
  const file = new URL(`${name}.js`, project);
  await Deno.writeTextFile(file, compileModule(source, (specifier) => specifier));
  return (await run(command, [file.pathname], project)).stdout;
}

Deno.test("the npm form exports what JSR's does, and the kernel's file", () => {
  const exported = Object.keys(manifest().exports as Record<string, unknown>);
  assertEquals(exported.sort(), [
    ".",
    "./asyncio",
    "./cluster",
    "./distributed",
    "./edge",
    "./io",
    "./kernel.wasm",
    "./nats",
    "./package.json",
    "./testing",
    "./workers",
  ]);
});

for (const [runtime, command] of runtimes) {
  Deno.test({
    name: `a project of ${NAMES[runtime]} runs coroutines on the kernel from the package's file`,
    ignore: command === null,
    fn: async () => assertEquals(await runUserProgram("kernel_file", command!), "ran\n"),
  });

  Deno.test({
    name: `threads of ${NAMES[runtime]} are peers, and end with the program`,
    ignore: command === null,
    fn: async () => {
      const printed = await runUserProgram("threads", command!);
      assertEquals(printed, "thread-1 thread-1,thread-2\nPeerLostError\n1\nended\n");
    },
  });

  Deno.test({
    name: `using what ${NAMES[runtime]} lacks gives an UnsupportedError that names it`,
    ignore: command === null,
    fn: async () => {
      const printed = await runUserProgram("unsupported", command!);
      const { "query a database": database, ...answers } = JSON.parse(printed);
      const lacks = (action: string, what: string) =>
        `Cannot ${action} as ${NAMES[runtime]} has no ${what}: run it with Deno`;
      assertEquals(answers, {
        connect: lacks("connect", "Deno.connect"),
        "connect to a path": lacks("connect", "Deno.connect"),
        "connect by TLS": lacks("connect", "Deno.connect"),
        listen: lacks("listen", "Deno.listen"),
        "open a file": lacks("open a file", "Deno.open"),
        "start a process": lacks("start a process", "Deno.Command"),
        "read standard input": lacks("read standard input", "Deno.stdin"),
        "bind a datagram socket": "works",
        "run a task in a worker": "works",
        "give workers permissions": lacks("make a pool of workers", "permissions of workers"),
      });
      assert(["works", lacks("open a database", "node:sqlite")].includes(database), database);
    },
  });

  Deno.test({
    name: `the package passes its own tests under ${NAMES[runtime]}`,
    ignore: command === null,
    fn: async () => {
      const project = await openProject();
      const files = await compileTests(project);
      const { passed, failed, leftOut } = await runAllTests(files, project, runtime, command!);
      console.log(`${NAMES[runtime]}: ${passed} passed, ${failed.length} failed, ${leftOut.length} left out`);
      const list = failed.map(({ file, name, error }) => `${file}: ${name}\n${error}`);
      assertEquals(failed.length, 0, list.join("\n\n"));
      assert(passed > 500, `Only ${passed} tests ran`);
    },
  });
}
