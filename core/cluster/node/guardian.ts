/**
 * Ends the servers of a node that was killed.
 *
 * A server sees at its standard input that its node has ended, unless it computes: then it looks when it is done, which
 * may be never. So a node starts one more process, a shell that waits for the end of its own standard input and kills the
 * servers that the node has named. Where there is no `sh`, as in Windows, there is none.
 */
import type { StreamSink } from "../../io/stream/web_streams.ts";
import { StreamSink as Sink } from "../../io/stream/web_streams.ts";

/** Each line that it reads is the list of all servers. Signals to the terminal's whole group do not end it. */
const PROGRAM = `trap '' HUP INT TERM
pids=
while read -r line; do pids=$line; done
[ -z "$pids" ] || kill -9 $pids`;

/** See the head of this file. */
export class Guardian {
  readonly #child: Deno.ChildProcess | null;
  readonly #sink: StreamSink | null;
  readonly #pids: Set<number> = new Set();
  #writing: Promise<unknown> = Promise.resolve();

  private constructor(child: Deno.ChildProcess | null) {
    this.#child = child;
    this.#sink = child === null ? null : new Sink(child.stdin);
    child?.unref();
  }

  /** Starts it. */
  static start(): Guardian {
    const streams = { stdin: "piped", stdout: "null", stderr: "null" } as const;
    try {
      return new Guardian(new Deno.Command("sh", { args: ["-c", PROGRAM], ...streams }).spawn());
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return new Guardian(null);
      throw error;
    }
  }

  /** Adds a process that was started. */
  add(pid: number): void {
    this.#pids.add(pid);
    this.#tell();
  }

  /** Removes a process that has ended: another may get its number. */
  delete(pid: number): void {
    if (this.#pids.delete(pid)) this.#tell();
  }

  /** Ends it. Resolved when it has ended. */
  async close(): Promise<void> {
    if (this.#child === null) return;
    await this.#writing;
    this.#child.ref();
    await this.#sink!.closeWrite().catch(ignore);
    await this.#child.status;
  }

  #tell(): void {
    const line = new TextEncoder().encode(`${[...this.#pids].join(" ")}\n`);
    // If it was killed itself, the servers are not guarded, and nothing else is wrong.
    this.#writing = this.#writing.then(() => this.#sink?.write(line)).catch(ignore);
  }
}

function ignore(): void {}
