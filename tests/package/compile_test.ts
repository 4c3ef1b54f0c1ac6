/**
 * The output of `deno compile` for programs with sockets and workers.
 *
 * It puts the program into `denort`, a Deno without tools, which it downloads from Deno's own host and which is on no
 * package registry. If it cannot be downloaded, the tests that run the result are skipped. What is embedded can be
 * checked in any case, with Deno itself in place of `denort`: the result does not run the program, but contains it.
 */
import { assert, assertEquals } from "@std/assert";
import { readExample } from "../helpers/examples.ts";
import { User } from "./user.ts";

const ROOT = new URL("../../", import.meta.url);
const NAMES = ["philosophers.ts", "io/udp_ping.ts", "workers/mandelbrot.ts", "workers/sqlite.ts"];

// A download that takes longer is not worth waiting for.
const LIMIT_MS = 120_000;

interface Compiled {
  readonly success: boolean;
  readonly stderr: string;
}

/** Compiles a program into `file`. The cache is the usual one, so that `denort` is downloaded once. */
async function compile(entry: string, file: string, flags: readonly string[], env = {}): Promise<Compiled> {
  const command = new Deno.Command(Deno.execPath(), {
    // The packages of the tests are in a folder that would be embedded whole.
    args: ["compile", "--no-check", "--node-modules-dir=none", ...flags, "--output", file, entry],
    env: { NO_COLOR: "1", ...env },
    stdin: "null",
    signal: AbortSignal.timeout(LIMIT_MS),
  });
  const { success, stderr } = await command.output();
  return { success, stderr: new TextDecoder().decode(stderr) };
}

/** Why `denort` is not available, or `null` if it is. */
async function whyNoDenort(): Promise<string | null> {
  await using user = await User.with();
  await user.write("empty.ts", "");
  const { success, stderr } = await compile(`${user.folder}/empty.ts`, `${user.folder}/empty`, []);
  if (success) return null;
  const address = /https:\S*denort\S*?(?=[\s)]|$)/m.exec(stderr)?.[0];
  if (address === undefined) throw new Error(`deno compile failed:\n${stderr}`);
  return `cannot download ${address}`;
}

const noDenort = await whyNoDenort();
const suffix = noDenort === null ? "" : ` (skipped: ${noDenort})`;

for (const name of NAMES) {
  const fn = async () => {
    const { url, flags, output } = readExample(name);
    await using user = await User.with();
    const { success, stderr } = await compile(url.pathname, `${user.folder}/program`, flags);
    assert(success, stderr);
    const outcome = await user.run(`${user.folder}/program`);
    assertEquals([outcome.stdout, outcome.code], [output, 0], outcome.stderr);
  };
  Deno.test({ name: `examples/${name} runs as a compiled program${suffix}`, ignore: noDenort !== null, fn });
}

const POOLS = `
  import { WorkerPool } from "${new URL("mod.ts", ROOT).href}";
  const target = { module: new URL("./work.ts", import.meta.url), name: "square" };
  for (const options of [{}, { permissions: { read: true } }] as const) {
    await using pool = new WorkerPool(1, options);
    console.log(await pool.run((n: number) => n + 1, 41), await pool.run<number>(target, 3));
  }
`;

Deno.test({
  name: `pools of a compiled program have workers of both kinds, and modules that were included${suffix}`,
  ignore: noDenort !== null,
  fn: async () => {
    await using user = await User.with();
    await user.write("work.ts", "export function square(n: number): number { return n * n; }");
    await user.write("program.ts", POOLS);
    const flags = ["--allow-read", "--unstable-worker-options", `--include=${user.folder}/work.ts`];
    const { success, stderr } = await compile(`${user.folder}/program.ts`, `${user.folder}/program`, flags);
    assert(success, stderr);
    await Deno.remove(`${user.folder}/work.ts`);
    const outcome = await user.run(`${user.folder}/program`);
    assertEquals([outcome.stdout, outcome.code], ["42 9\n42 9\n", 0], outcome.stderr);
  },
});

interface InfoModule {
  readonly specifier: string;
  readonly dependencies?: readonly { readonly code?: { readonly specifier: string } }[];
}

/** The modules that exist when a program runs, without those that contain types only. */
async function modulesOf(entry: URL): Promise<URL[]> {
  const args = ["info", "--json", entry.pathname];
  const { stdout } = await new Deno.Command(Deno.execPath(), { args, cwd: ROOT }).output();
  const { modules } = JSON.parse(new TextDecoder().decode(stdout)) as { modules: InfoModule[] };
  const found = new Set([entry.href]);
  for (const url of found) {
    const { dependencies = [] } = modules.find(({ specifier }) => specifier === url)!;
    for (const { code } of dependencies) if (code !== undefined) found.add(code.specifier);
  }
  return [...found].map((url) => new URL(url));
}

Deno.test("deno compile embeds all modules of a program with a worker pool", async () => {
  const { url, flags } = readExample("workers/mandelbrot.ts");
  await using user = await User.with();
  const file = `${user.folder}/program`;
  const { success, stderr } = await compile(url.pathname, file, flags, { DENORT_BIN: Deno.execPath() });
  assert(success, stderr);
  const decoder = new TextDecoder("latin1");
  const embedded = decoder.decode(await Deno.readFile(file));
  for (const module of await modulesOf(url)) {
    assert(embedded.includes(decoder.decode(await Deno.readFile(module))), `${module} is missing`);
  }
});

for (const name of NAMES) {
  Deno.test(`examples/${name} runs from its modules alone, in another folder`, async () => {
    const { url, flags, output } = readExample(name);
    await using user = await User.with();
    await user.write("deno.json", await Deno.readTextFile(new URL("deno.json", ROOT)));
    for (const module of await modulesOf(url)) {
      assert(module.href.startsWith(ROOT.href), `${module} is none of ours`);
      await user.write(module.href.slice(ROOT.href.length), await Deno.readFile(module));
    }
    const outcome = await user.deno(
      ...["run", "--no-prompt", "--no-config", "--import-map=deno.json", ...flags, `examples/${name}`],
    );
    assertEquals([outcome.stdout, outcome.code], [output, 0], outcome.stderr);
  });
}
