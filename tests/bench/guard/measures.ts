/** How the two sides are measured: CPU time of processes, or bytes. */
import { gzipSync } from "node:zlib";
import { bundle } from "../../package/bundle.ts";
import { median } from "../harness.ts";
import { Load } from "../peers/load.ts";
import { Process } from "../peers/process.ts";
import { DENO, firstCoroutine, spent, writeProgram } from "../starts.ts";

/** A checkout on the disk, and how much is done with it. */
export interface Side {
  /** Its folder, which ends in a slash. */
  readonly folder: string;
  readonly quick: boolean;
  /** Ends what runs. */
  readonly signal: AbortSignal;
}

/** Measures one side: less is better. */
export type Measure = (side: Side) => Promise<number>;

const HERE = new URL("./", import.meta.url).pathname;
const BENCH = new URL("../", import.meta.url).pathname;

/** Arguments to Deno: the package is that of the side; the program is the same for both. */
function onSide({ folder }: Side, program: string, ...args: string[]): string[] {
  return ["run", "-A", "--quiet", `--config=${folder}deno.json`, program, ...args];
}

async function output(args: string[], signal: AbortSignal): Promise<string> {
  const command = new Deno.Command(Deno.execPath(), { args, stdin: "null", signal });
  const { stdout, stderr, success } = await command.output();
  if (!success) throw new Error(firstLine(new TextDecoder().decode(stderr)));
  return new TextDecoder().decode(stdout);
}

/** Without the colours of a terminal. */
function firstLine(text: string): string {
  // deno-lint-ignore no-control-regex
  return text.replaceAll(/\x1b\[\d*m/g, "").split("\n").find((line) => line.trim() !== "")?.trim() ?? "it said nothing";
}

/** Nanoseconds of CPU time of an operation, in a process that has warmed up. */
export function inProcess(file: string, work: string): Measure {
  return async (side) => {
    const args = onSide(side, `${HERE}child.ts`, file, work, side.quick ? "3" : "5");
    return Number(await output(args, side.signal));
  };
}

/** Microseconds of CPU time that a server spends on an echo of so many bytes. */
export function echo(kind: "recv" | "recvInto", bytes: number): Measure {
  return async (side) => {
    const server = new Process({ command: Deno.execPath(), args: onSide(side, `${BENCH}io/server.ts`, kind) });
    let load: Load | null = null;
    try {
      load = new Load(await server.line(30), bytes);
      await load.echo(side.quick ? 0.2 : 0.3); // warms it up
      const before = server.threadSeconds();
      const { total } = await load.echo(side.quick ? 0.3 : 0.6);
      const after = server.threadSeconds();
      if (before === null || after === null) throw new Error("This system does not tell the CPU time of a process");
      return (after - before) / total * 1e6;
    } finally {
      await load?.stop();
      await server.stop();
    }
  };
}

/** Milliseconds of CPU time that the package adds to the start of an empty script, from its files. */
export async function start({ folder, quick, signal }: Side): Promise<number> {
  const temporary = await Deno.makeTempDir();
  try {
    const program = await writeProgram(`${temporary}/program.ts`, firstCoroutine(`file://${folder}mod.ts`));
    const empty = await writeProgram(`${temporary}/empty.ts`, "");
    const added: number[] = [];
    await spent(DENO, program, signal); // fills the caches
    for (let i = 0; i < (quick ? 3 : 5); i++) {
      const without = await spent(DENO, empty, signal);
      added.push(await spent(DENO, program, signal) - without);
    }
    return median(added);
  } finally {
    await Deno.remove(temporary, { recursive: true });
  }
}

/** Kibibytes of a program in a bundle, gzipped. */
export function bundled(program: string): Measure {
  return async ({ folder }) => {
    const { code } = await bundle(program, "esm", ["node:*"], new URL(`file://${folder}`));
    return gzipSync(code, { level: 9 }).length / 1024;
  };
}
