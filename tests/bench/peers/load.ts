/** The load of `tests/bench/io/load.ts` on one server. */
import type { Figures } from "../io/load.ts";
import { Process } from "./process.ts";

/** What came of a load. */
export interface Loaded {
  /** Requests a second. */
  readonly rate: number;
  readonly total: number;
}

const CONNECTIONS = 50;
const LOAD = new URL("../io/load.ts", import.meta.url).pathname;

/** A load on the server at a port of this machine, by connections that stay. */
export class Load {
  readonly #process: Process;
  readonly #ready: Promise<string>;

  /** Prepares messages of so many bytes. */
  constructor(port: string, bytes: number) {
    const args = ["run", "-A", "--quiet", LOAD, "bytes", `${bytes}`, `${CONNECTIONS}`, port];
    this.#process = new Process({ command: Deno.execPath(), args });
    this.#ready = this.#process.line(30);
    this.#ready.catch(() => {}); // `echo` throws it
  }

  /** Has messages echoed for so many seconds. Throws if one comes back other than it was sent, or none. */
  async echo(seconds: number): Promise<Loaded> {
    await this.#ready;
    const { rate, total, wrong } = await this.#process.tell<Figures>(`echo 0 ${seconds}`, seconds + 30);
    if (wrong > 0 || total === 0) throw new Error(`wrong answers: ${wrong}, of ${total} in all`);
    return { rate, total };
  }

  /** Ends it. */
  stop(): Promise<void> {
    return this.#process.stop();
  }
}
