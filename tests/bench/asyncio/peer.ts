/** CPython's asyncio, in a process that stays alive and runs a work on request. */
export class Peer {
  readonly #child: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array<ArrayBuffer>>;
  readonly #lines: ReadableStreamDefaultReader<string>;
  #rest = "";

  private constructor(command: string) {
    const script = new URL("peer.py", import.meta.url).pathname;
    this.#child = new Deno.Command(command, { args: [script], stdin: "piped", stdout: "piped" }).spawn();
    this.#input = this.#child.stdin.getWriter();
    this.#lines = this.#child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  }

  /** The newest interpreter that is installed, by its command and version; `null` if there is none. */
  static async #find(): Promise<[command: string, version: string] | null> {
    for (const command of ["python3.13", "python3.12", "python3"]) {
      try {
        const { success, stdout } = await new Deno.Command(command, { args: ["--version"], stderr: "null" }).output();
        if (success) return [command, new TextDecoder().decode(stdout).trim()];
      } catch (error) {
        if (!(error instanceof Deno.errors.NotFound)) throw error;
      }
    }
    return null;
  }

  /** The version that would be started; `null` if there is none. */
  static async version(): Promise<string | null> {
    return (await Peer.#find())?.[1] ?? null;
  }

  /** Starts it; `null` if there is none. */
  static async start(): Promise<Peer | null> {
    const found = await Peer.#find();
    return found && new Peer(found[0]);
  }

  /** Runs a work and returns nanoseconds per operation. */
  async run(name: string, count: number): Promise<number> {
    await this.#input.write(new TextEncoder().encode(`${name} ${count}\n`));
    while (!this.#rest.includes("\n")) {
      const { done, value } = await this.#lines.read();
      if (done) throw new Error(`Python ended while it ran ${name}`);
      this.#rest += value;
    }
    const [line, ...rest] = this.#rest.split("\n");
    this.#rest = rest.join("\n");
    return Number(line);
  }

  /** Ends the process. */
  async stop(): Promise<void> {
    await this.#input.close();
    await this.#lines.cancel();
    await this.#child.status;
  }
}
