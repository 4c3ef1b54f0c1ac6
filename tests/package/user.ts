/**
 * A user with a folder of their own and an empty cache, where Deno runs.
 *
 * Settings for the network, such as the address of a registry, are passed in the environment only.
 */

/** How a command ended. */
export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

// A command that takes longer counts as hanging.
const LIMIT_MS = 120_000;

/** See the head of this file. */
export class User implements AsyncDisposable {
  readonly #home: string;
  readonly #env: Readonly<Record<string, string>>;

  private constructor(home: string, env: Readonly<Record<string, string>>) {
    this.#home = home;
    this.#env = env;
  }

  /** Makes a user. */
  static async with(env: Readonly<Record<string, string>> = {}): Promise<User> {
    const home = await Deno.makeTempDir({ prefix: "asyncoro-user-" });
    await Deno.mkdir(`${home}/project`);
    return new User(home, env);
  }

  /** The folder in which commands run, without a slash at the end. */
  get folder(): string {
    return `${this.#home}/project`;
  }

  /** Writes a file, with the folders on the way to it. */
  async write(path: string, content: string | Uint8Array): Promise<void> {
    const file = `${this.folder}/${path}`;
    await Deno.mkdir(file.slice(0, file.lastIndexOf("/")), { recursive: true });
    await Deno.writeFile(file, typeof content === "string" ? new TextEncoder().encode(content) : content);
  }

  /** Reads a file. */
  read(path: string): Promise<string> {
    return Deno.readTextFile(`${this.folder}/${path}`);
  }

  /** Runs Deno with these arguments. */
  deno(...args: string[]): Promise<Outcome> {
    return this.run(Deno.execPath(), ...args);
  }

  /** Runs another program. */
  async run(program: string, ...args: string[]): Promise<Outcome> {
    const command = new Deno.Command(program, {
      args,
      cwd: this.folder,
      env: { DENO_DIR: `${this.#home}/cache`, NO_COLOR: "1", ...this.#env },
      stdin: "null",
      signal: AbortSignal.timeout(LIMIT_MS),
    });
    const { code, stdout, stderr } = await command.output();
    const decoder = new TextDecoder();
    return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
  }

  /** Empties the cache. */
  async clearCache(): Promise<void> {
    await Deno.remove(`${this.#home}/cache`, { recursive: true });
  }

  /** Removes the folder and the cache. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.#home, { recursive: true });
  }
}
