/** What the examples state in their source: how to run them, and what they print. */

const FOLDER = new URL("../../examples/", import.meta.url);

/** An example, by its path from `examples/`: `io/chat.ts`. */
export interface Example {
  readonly name: string;
  readonly url: URL;
  /** The flags in the command of its header, ` *     deno run [flags] examples/<name>`. */
  readonly flags: readonly string[];
  /** Other programs that it runs. */
  readonly programs: readonly string[];
  /** What it prints when it is run without arguments; `null` if its source does not contain that. */
  readonly output: string | null;
}

/**
 * Reads an example.
 *
 * @throws {Error} If its header does not say how to run it.
 */
export function readExample(name: string): Example {
  const url = new URL(name, FOLDER);
  const lines = Deno.readTextFileSync(url).split("\n");
  const line = lines.find((line) => line.includes("deno run ") && line.includes(`examples/${name}`));
  if (line === undefined) throw new Error(`${name}: its header must say how to run it`);
  const words = line.slice(line.indexOf("deno run ") + "deno run ".length).split(" ");
  const flags = words.slice(0, words.indexOf(`examples/${name}`));
  const programs = flags.flatMap((flag) => /^--allow-run=(.*)/.exec(flag)?.[1].split(",") ?? []);
  return { name, url, flags, programs, output: outputOf(url) };
}

function outputOf(url: URL): string | null {
  try {
    return Deno.readTextFileSync(new URL(url.href.replace(/\.ts$/, ".out")));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

/** The names of all examples that contain their output. */
export function examplesWithOutput(folder = ""): string[] {
  const names: string[] = [];
  for (const entry of Deno.readDirSync(new URL(folder, FOLDER))) {
    const name = folder + entry.name;
    if (entry.isDirectory) names.push(...examplesWithOutput(`${name}/`));
    else if (name.endsWith(".out")) names.push(name.replace(/\.out$/, ".ts"));
  }
  return names.sort();
}

/** Runs an example with exactly the permissions in its header, and flags of Deno's own. Returns what it has printed. */
export async function playExample(
  name: string,
  args: readonly string[] = [],
  denoFlags: readonly string[] = [],
): Promise<{ readonly code: number; readonly stdout: string; readonly stderr: string }> {
  const { flags, url } = readExample(name);
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", ...denoFlags, ...flags, url.pathname, ...args],
    env: { NO_COLOR: "1" },
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}
