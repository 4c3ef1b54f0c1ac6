/**
 * Whole programs, run in a process of their own, to see exit codes, signals and standard error.
 */

/** How a program ended. */
export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const ROOT = new URL("../../", import.meta.url);

/** A running program. */
export class Program {
  readonly #child: Deno.ChildProcess;
  readonly #output: Promise<string>;
  readonly #errors: Promise<string>;
  #seen = "";
  #watchers: (() => void)[] = [];

  constructor(source: string, file: string, permissions: readonly string[]) {
    Deno.writeTextFileSync(file, source);
    const command = new Deno.Command(Deno.execPath(), {
      args: ["run", "--no-check", "--no-prompt", ...permissions, "--config", new URL("deno.json", ROOT).pathname, file],
      env: { NO_COLOR: "1" },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    });
    this.#child = command.spawn();
    this.#output = this.#collect();
    this.#errors = new Response(this.#child.stderr).text();
  }

  async #collect(): Promise<string> {
    for await (const chunk of this.#child.stdout.pipeThrough(new TextDecoderStream())) {
      this.#seen += chunk;
      for (const watcher of this.#watchers.splice(0)) watcher();
    }
    for (const watcher of this.#watchers.splice(0)) watcher();
    return this.#seen;
  }

  /** Waits until it has printed `text`. Returns all that it has printed. */
  async printed(text: string): Promise<string> {
    let ended = false;
    this.#output.then(() => ended = true);
    while (!this.#seen.includes(text)) {
      if (ended) throw new Error(`The program ended without printing ${text}: ${await this.#errors}`);
      await new Promise<void>((resolve) => this.#watchers.push(resolve));
    }
    return this.#seen;
  }

  /** Sends a signal. */
  kill(signal: Deno.Signal): void {
    this.#child.kill(signal);
  }

  /** Waits until it has ended. */
  async ended(): Promise<Outcome> {
    const kill = setTimeout(() => this.#child.kill("SIGKILL"), 20_000);
    const [stdout, stderr, { code }] = await Promise.all([this.#output, this.#errors, this.#child.status]);
    clearTimeout(kill);
    return { code, stdout, stderr };
  }
}

/** Starts a program with permissions such as `"--allow-net"`; with none by default. */
export type StartProgram = (source: string, permissions?: readonly string[]) => Program;

/** Calls `use` with a function that starts programs. Their files are removed afterwards. */
export async function withPrograms(use: (start: StartProgram) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir({ prefix: "asyncoro-" });
  let count = 0;
  try {
    await use((source, permissions = []) => new Program(source, `${directory}/program${++count}.ts`, permissions));
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

/** Runs one program to its end. */
export async function runProgram(source: string, permissions?: readonly string[]): Promise<Outcome> {
  let outcome: Outcome | undefined;
  await withPrograms(async (start) => {
    outcome = await start(source, permissions).ended();
  });
  return outcome!;
}
