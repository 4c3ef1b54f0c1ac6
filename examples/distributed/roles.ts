/**
 * Lets one command play all the parts of an example: without arguments, an example starts itself once for each role, each
 * in a process of its own, and prints what they have printed. To play the parts by hand, give a role in each terminal.
 */

/** What all peers of an example know. Real networks have a secret that is random, and not in the source. */
export const SECRET: string = Deno.env.get("NETWORK_SECRET") ?? "for examples on this machine";

/** A part in an example. */
export interface Role {
  /** Its name, the first argument. */
  readonly name: string;
  /** More arguments. `ADDRESS` stands for the first line that the first role prints. */
  readonly args?: readonly string[];
}

/**
 * Starts the roles one after the other, each once the one before has printed its first line, and prints what they have
 * printed when all have ended.
 *
 * @param example The URL of the example.
 * @param flags Its permissions.
 */
export async function playAll(example: string, flags: readonly string[], roles: readonly Role[]): Promise<void> {
  const players: Player[] = [];
  for (const { name, args = [] } of roles) {
    const address = players.length === 0 ? "" : await players[0].firstLine;
    await players.at(-1)?.firstLine;
    const given = args.map((arg) => arg.replace("ADDRESS", address));
    players.push(new Player(name, ["run", ...flags, example, name, ...given]));
  }
  for (const player of players) await player.print();
}

class Player {
  readonly firstLine: Promise<string>;
  readonly #name: string;
  readonly #status: Promise<Deno.CommandStatus>;
  readonly #lines: Promise<string[]>;

  constructor(name: string, args: string[]) {
    this.#name = name;
    const child = new Deno.Command(Deno.execPath(), { args, stdin: "null", stdout: "piped" }).spawn();
    const { promise, resolve } = Promise.withResolvers<string>();
    this.firstLine = promise;
    this.#status = child.status;
    this.#lines = readLines(child.stdout, resolve);
  }

  async print(): Promise<void> {
    console.log(`== ${this.#name}`);
    // The address, in the first line, is another one each time.
    for (const line of (await this.#lines).slice(1)) console.log(line);
    const { code } = await this.#status;
    if (code !== 0) Deno.exitCode = code;
  }
}

async function readLines(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
  first: (line: string) => void,
): Promise<string[]> {
  let text = "";
  for await (const part of stream.pipeThrough(new TextDecoderStream())) {
    text += part;
    if (text.includes("\n")) first(text.slice(0, text.indexOf("\n")));
  }
  first(text);
  return text.trimEnd().split("\n");
}
