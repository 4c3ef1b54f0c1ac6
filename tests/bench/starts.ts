/** Starts of programs, by the CPU time that they have taken when they end. */

/** How Deno starts a program that knows the package by its files. */
export const DENO: readonly string[] = [Deno.execPath(), "run", "--no-config", "--quiet"];

/** A program that runs one coroutine, with the package from `from`. */
export function firstCoroutine(from: string): string {
  return `
    import { run } from ${JSON.stringify(from)};
    await run(function* () {
      yield;
    });
  `;
}

/** Writes a program for {@linkcode spent}, and returns its path. */
export async function writeProgram(path: string, code: string): Promise<string> {
  await Deno.writeTextFile(path, `${code}\nconsole.log(JSON.stringify(process.cpuUsage()));\n`);
  return path;
}

/** Milliseconds of CPU time, of all threads, of a program in a process of its own. */
export async function spent([name, ...args]: readonly string[], file: string, signal?: AbortSignal): Promise<number> {
  const command = new Deno.Command(name, { args: [...args, file], stdin: "null", signal });
  const { stdout, stderr, success } = await command.output();
  if (!success) throw new Error(`${file} failed: ${new TextDecoder().decode(stderr)}`);
  const { user, system } = JSON.parse(new TextDecoder().decode(stdout));
  return (user + system) / 1000;
}
