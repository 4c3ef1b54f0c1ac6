/** The load of `tests/bench/io/load.ts` on one server. */
import { Process } from "./process.ts";

/** What came of a load. */
export interface Loaded {
  /** Requests a second. */
  readonly rate: number;
  readonly total: number;
}

const CONNECTIONS = 50;
const LOAD = new URL("../io/load.ts", import.meta.url).pathname;

/** A load on the server at a port of this machine. */
export class Load {
  readonly #port: string;
  readonly #bytes: number;

  /** Prepares messages of so many bytes. */
  constructor(port: string, bytes: number) {
    this.#port = port;
    this.#bytes = bytes;
  }

  /** Has messages echoed for so many seconds. Throws if one comes back other than it was sent, or none. */
  async echo(seconds: number): Promise<Loaded> {
    const numbers = [this.#port, CONNECTIONS, this.#bytes, seconds].map(String);
    const args = ["run", "-A", "--quiet", LOAD, "echo", ...numbers];
    const process = new Process({ command: Deno.execPath(), args });
    try {
      const { rate, total, wrong } = await process.hear<Loaded & { wrong: number }>(seconds + 30);
      if (wrong > 0 || total === 0) throw new Error(`wrong answers: ${wrong}, of ${total} in all`);
      return { rate, total };
    } finally {
      await process.stop();
    }
  }

  /** Ends it. */
  stop(): Promise<void> {
    return Promise.resolve();
  }
}
