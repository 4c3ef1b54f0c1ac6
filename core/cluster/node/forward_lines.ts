/** The standard error of servers, line by line, with the name of the server before each. */

/** Takes a line, without its end. The next one waits for the promise. */
export type LineSink = (line: string) => Promise<void>;

/** A line is cut after so many characters. */
const LONGEST_LINE = 16_384;

/** Passes on the lines of a stream. */
export class ForwardedLines {
  /** Fulfilled when the stream has ended and all was passed on. Never rejected. */
  readonly ended: Promise<void>;
  /** The first line that was not empty. */
  first = "";
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;

  /** Begins. `name` is written before each line. */
  constructor(stream: ReadableStream<Uint8Array>, name: string, sink: LineSink) {
    this.#reader = stream.getReader();
    this.ended = this.#forward(name, sink).catch(() => {});
  }

  /** Reads no more. */
  end(): void {
    this.#reader.cancel().catch(() => {});
  }

  async #forward(name: string, sink: LineSink): Promise<void> {
    for await (const line of this.#lines()) {
      if (this.first === "") this.first = line;
      // If nobody reads what this process writes, the server goes on and writes.
      await sink(`[${name}] ${line}`).catch(() => {});
    }
  }

  async *#lines(): AsyncGenerator<string> {
    const decoder = new TextDecoder();
    let rest = "";
    for (let read = await this.#reader.read(); !read.done; read = await this.#reader.read()) {
      const lines = (rest + decoder.decode(read.value, { stream: true })).split("\n");
      rest = lines.pop()!;
      for (const line of lines) yield line.endsWith("\r") ? line.slice(0, -1) : line;
      while (rest.length >= LONGEST_LINE) {
        yield rest.slice(0, LONGEST_LINE);
        rest = rest.slice(LONGEST_LINE);
      }
    }
    rest += decoder.decode();
    if (rest !== "") yield rest;
  }
}

const encoder = new TextEncoder();
let turn: Promise<unknown> = Promise.resolve();

/** Writes text to the standard error of this process, after what was written before. */
export function writeToStderr(text: string): Promise<void> {
  const written = turn.then(() => writeAll(encoder.encode(text)));
  // The next text does not fail with this one.
  turn = written.catch(() => {});
  return written;
}

/** Writes a line. */
export const stderrSink: LineSink = (line) => writeToStderr(`${line}\n`);

async function writeAll(bytes: Uint8Array): Promise<void> {
  for (let rest = bytes; rest.length > 0;) rest = rest.subarray(await Deno.stderr.write(rest));
}
