/**
 * The stand-in for `tests/helpers/program.ts`: whole programs, run in a process of their own by the runtime that runs
 * the test.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { rmSync, writeFileSync } from "node:fs";
import { execPath, pid } from "node:process";
import { fileURLToPath } from "node:url";

/** How a program ended. */
export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

// By the convention of shells, and of Deno: 128 plus the number of the signal.
const KILLED: Readonly<Record<string, number>> = { SIGINT: 130, SIGKILL: 137, SIGTERM: 143 };

/** A running program. */
export class Program {
  readonly #child: ChildProcess;
  readonly #ended: Promise<number>;
  #stdout = "";
  #stderr = "";
  #watchers: (() => void)[] = [];

  constructor(source: string, file: string) {
    writeFileSync(file, source);
    this.#child = spawn(execPath, [file], {
      env: { ...process.env, NO_COLOR: "1" },
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#child.stdout!.setEncoding("utf8").on("data", (text) => {
      this.#stdout += text;
      this.#look();
    });
    this.#child.stderr!.setEncoding("utf8").on("data", (text) => this.#stderr += text);
    this.#ended = new Promise((resolve, reject) => {
      this.#child.on("error", reject);
      this.#child.on("close", (code, signal) => resolve(code ?? KILLED[signal!]));
    });
  }

  #look(): void {
    for (const watcher of this.#watchers.splice(0)) watcher();
  }

  /** Waits until it has printed `text`. */
  async printed(text: string): Promise<void> {
    let ended = false;
    this.#ended.then(() => {
      ended = true;
      this.#look();
    });
    while (!this.#stdout.includes(text)) {
      if (ended) throw new Error(`The program ended without printing ${text}: ${this.#stderr}`);
      await new Promise<void>((resolve) => this.#watchers.push(resolve));
    }
  }

  /** Sends a signal. */
  kill(signal: "SIGINT" | "SIGTERM"): void {
    this.#child.kill(signal);
  }

  /** Waits until it has ended. */
  async ended(): Promise<Outcome> {
    const kill = setTimeout(() => this.#child.kill("SIGKILL"), 20_000);
    const code = await this.#ended;
    clearTimeout(kill);
    return { code, stdout: this.#stdout, stderr: this.#stderr };
  }
}

let count = 0;

/** Calls `use` with a function that starts programs. Their files are removed afterwards. */
export async function withPrograms(use: (start: (source: string) => Program) => Promise<void>): Promise<void> {
  const files: string[] = [];
  try {
    await use((source) => {
      // Beside this module, so that the program finds the package.
      const file = fileURLToPath(new URL(`program_${pid}_${++count}.mjs`, import.meta.url));
      files.push(file);
      return new Program(source, file);
    });
  } finally {
    for (const file of files) rmSync(file);
  }
}

/** Runs one program to its end. */
export async function runProgram(source: string): Promise<Outcome> {
  let outcome: Outcome | undefined;
  await withPrograms(async (start) => {
    outcome = await start(source).ended();
  });
  return outcome!;
}
