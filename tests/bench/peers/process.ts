/** A contender's process, as seen by the measuring process. */
import { cpuSeconds, peakBytes, threadSeconds } from "../proc.ts";

/** How a process is started. */
export interface Command {
  readonly command: string;
  readonly args: readonly string[];
  /** What is added to the environment. */
  readonly env?: Readonly<Record<string, string>>;
}

/** A process that replies with a line of JSON to each line. */
export class Process {
  readonly #child: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array<ArrayBuffer>>;
  readonly #output: ReadableStreamDefaultReader<string>;
  /** All of standard error, which is read meanwhile: a full pipe would stop the process. */
  readonly #complaint: Promise<string>;
  #rest = "";

  /** Starts it. */
  constructor({ command, args, env }: Command) {
    const piped = { stdin: "piped", stdout: "piped", stderr: "piped" } as const;
    this.#child = new Deno.Command(command, { args: [...args], env, ...piped }).spawn();
    this.#input = this.#child.stdin.getWriter();
    this.#output = this.#child.stdout.pipeThrough(new TextDecoderStream()).getReader();
    this.#complaint = new Response(this.#child.stderr).text();
  }

  /** Has it do so much work. Throws if it ends, or takes more seconds than `limit`. */
  async ask<T>(amount: number, limit: number): Promise<T> {
    return await this.tell<T>(`${amount}`, limit);
  }

  /** Gives it a line, and returns its reply. */
  async tell<T>(line: string, limit: number): Promise<T> {
    await this.#input.write(new TextEncoder().encode(`${line}\n`)).catch(() => {}); // `hear` tells why it ended
    return await this.hear<T>(limit);
  }

  /** The next line of its output, which is JSON. */
  async hear<T>(limit: number): Promise<T> {
    return JSON.parse(await this.line(limit));
  }

  /** The next line of its output. */
  async line(limit: number): Promise<string> {
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      this.#kill();
    }, limit * 1000);
    try {
      return await this.#line();
    } catch (error) {
      throw late ? new Error(`no answer within ${limit} s`) : error;
    } finally {
      clearTimeout(timer);
    }
  }

  async #line(): Promise<string> {
    while (!this.#rest.includes("\n")) {
      const { done, value } = await this.#output.read();
      if (done) throw new Error(`ended early: ${firstLine(await this.#complaint)}`);
      this.#rest += value;
    }
    const end = this.#rest.indexOf("\n");
    const line = this.#rest.slice(0, end);
    this.#rest = this.#rest.slice(end + 1);
    return line;
  }

  /** Its peak memory so far, in bytes, if the system provides it. */
  peakBytes(): number | null {
    return peakBytes(this.#child.pid);
  }

  /** Its CPU time so far, in seconds, if the system provides it. */
  cpuSeconds(): number | null {
    return cpuSeconds(this.#child.pid);
  }

  /** The same, without threads that have ended, but not in ticks of 10 ms. */
  threadSeconds(): number | null {
    return threadSeconds(this.#child.pid);
  }

  /** Kills it. */
  async stop(): Promise<void> {
    this.#kill();
    await this.#input.abort().catch(() => {});
    await this.#output.cancel();
    await this.#complaint;
    await this.#child.status;
  }

  #kill(): void {
    try {
      this.#child.kill("SIGKILL");
    } catch (error) {
      if (!(error instanceof TypeError)) throw error; // it has ended by itself
    }
  }
}

function firstLine(text: string): string {
  return text.split("\n").find((line) => line.trim() !== "")?.trim() ?? "it said nothing";
}
