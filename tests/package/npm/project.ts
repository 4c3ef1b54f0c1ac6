/**
 * The project of a user: a folder in which the package is installed from its tarball, as a registry would give it.
 */
import { manifest } from "./manifest.ts";
import { writePackage } from "./package.ts";

/** A folder for this run of the tests, with the tarball in it. */
export interface Workshop {
  readonly folder: URL;
  readonly tarball: string;
  /** The paths of the files in it. */
  readonly files: readonly string[];
}

let workshop: Promise<Workshop> | null = null;

/** The workshop. It is made at the first call and removed when the tests of this file have ended. */
export function openWorkshop(): Promise<Workshop> {
  return workshop ??= makeWorkshop();
}

async function makeWorkshop(): Promise<Workshop> {
  const path = await Deno.realPath(await Deno.makeTempDir({ prefix: "asyncoro-npm-" }));
  addEventListener("unload", () => Deno.removeSync(path, { recursive: true }));
  const folder = new URL(`file://${path}/`);
  await writePackage(new URL("package/", folder));
  const { stdout } = await run("npm", ["pack", "--json", "--pack-destination", path], new URL("package/", folder));
  const [{ filename, files }] = JSON.parse(stdout);
  return { folder, tarball: `${path}/${filename}`, files: files.map((file: { path: string }) => file.path) };
}

let project: Promise<URL> | null = null;

/** The project. It is made at the first call; its programs lie beside each other. */
export function openProject(): Promise<URL> {
  return project ??= makeProject();
}

async function makeProject(): Promise<URL> {
  const { folder, tarball } = await openWorkshop();
  const project = new URL("project/", folder);
  await Deno.mkdir(project);
  await Deno.writeTextFile(new URL("package.json", project), JSON.stringify({ private: true, type: "module" }));
  await run("npm", ["install", "--offline", "--no-audit", "--no-fund", tarball], project);
  return project;
}

/** The place of a source of the package in a project. */
export function installed(project: URL, source: string): URL {
  return new URL(`node_modules/${manifest().name}/${source.replace(/\.ts$/, ".js")}`, project);
}

/** How a command ended. */
export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs a command to its end.
 *
 * @throws {Error} If it fails, with its output.
 */
export async function run(command: string, args: readonly string[], folder: URL): Promise<Ended> {
  const ended = await tryRun(command, args, folder);
  if (ended.code === 0) return ended;
  throw new Error(`${command} ${args.join(" ")} failed with ${ended.code}:\n${ended.stdout}${ended.stderr}`);
}

/**
 * The environment without npm's own variables, and without the commands of installed packages, such as an npm: `npx`
 * may have started this process, and the projects must not see that.
 */
function ownEnvironment(): Record<string, string> {
  const environment = Object.entries(Deno.env.toObject()).filter(([name]) => !/^npm_/i.test(name));
  const { PATH, ...others } = Object.fromEntries(environment);
  return { ...others, PATH: PATH.split(":").filter((folder) => !folder.includes("node_modules")).join(":") };
}

// A command that takes longer counts as hanging.
const LIMIT_MS = 180_000;

/** Runs a command to its end, which may be a failure. */
export async function tryRun(
  command: string,
  args: readonly string[],
  folder: URL,
  env: Readonly<Record<string, string>> = {},
): Promise<Ended> {
  const child = new Deno.Command(command, {
    args: [...args],
    cwd: folder,
    clearEnv: true,
    env: { ...ownEnvironment(), NO_COLOR: "1", ...env },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const limit = setTimeout(() => child.kill("SIGKILL"), LIMIT_MS);
  const { code, stdout, stderr } = await child.output();
  clearTimeout(limit);
  const [output, errors] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  return { code, stdout: output, stderr: errors };
}
